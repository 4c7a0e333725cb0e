"""The app as gunicorn serves it, with bare Flask views beside it under /bare: the yardsticks of every ratio."""

from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from bench import handwritten
from voipcrm import create_app

bare = Flask("bare")
bare.register_blueprint(handwritten.bp)


@bare.route("/", methods=["GET", "POST"])
def nothing() -> str:
    return "ok"


application = DispatcherMiddleware(create_app(), {"/bare": bare})
