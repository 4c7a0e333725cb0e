"""What gunicorn and flask load."""

import os

from voipcrm import create_app
from voipcrm.cli.run.environment import fill_in

fill_in(os.environ)  # where bin/run made a house, `flask` finds it; elsewhere the environment alone decides
app = create_app()
