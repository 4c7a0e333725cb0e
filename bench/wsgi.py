"""The app as gunicorn serves it, and beside it the yardsticks of every ratio: an empty Flask view under /bare, and the
big lists written by hand under /by-hand."""

from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from bench import handwritten
from voipcrm import create_app

bare = Flask("bare")


@bare.route("/", methods=["GET", "POST"])
def nothing() -> str:
    return "ok"


application = DispatcherMiddleware(create_app(), {"/bare": bare, "/by-hand": handwritten.app})
