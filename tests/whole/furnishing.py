"""Something to see on every page."""

from __future__ import annotations

from cast import Cast
from flask import Flask

from voipcrm.accounts.models import User
from voipcrm.core.db import db
from whole.doors import doors, keys_of
from whole.rows import make, models, variants


def furnish(app: Flask, cast: Cast) -> None:
    """Rows of Ada's, one in each state, of every model that has an address or a scope."""
    with app.app_context():
        named = set()
        for door in doors(app):
            if door.method == "GET" and not door.is_open:
                browser, ada = app.test_client().sign_in(cast.root), db.session.get_one(User, cast.ada.id)
                named |= {key.model for key in keys_of(app, door, browser, ada).values() if key.model}
        ada = db.session.get_one(User, cast.ada.id)
        scoped = {model for model in models().values() if hasattr(model, "visible_to")}
        for model in sorted(named | scoped, key=lambda model: model.__name__):
            for given in variants(model):
                make(model, ada, **given)
        db.session.commit()
