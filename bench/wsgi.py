"""The app as gunicorn serves it, with a bare Flask view beside it under /bare: the yardstick of every ratio."""

from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from voipcrm import create_app

bare = Flask("bare")


@bare.route("/", methods=["GET", "POST"])
def nothing() -> str:
    return "ok"


application = DispatcherMiddleware(create_app(), {"/bare": bare})
