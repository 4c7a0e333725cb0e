"""What every room may ask of the running app."""

from typing import cast

from flask import current_app
from werkzeug.local import LocalProxy

from voipcrm.config import Settings

settings = cast(Settings, LocalProxy(lambda: current_app.extensions["settings"]))
