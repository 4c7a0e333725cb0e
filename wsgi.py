"""What gunicorn and flask load."""

from voipcrm import create_app

app = create_app()
