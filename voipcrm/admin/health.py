"""/healthz: may this process take requests?"""

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, current_app, jsonify
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from voipcrm.core.db import db
from voipcrm.core.gates import open_to_anyone

bp = Blueprint("health", __name__)


@bp.get("/healthz")
@open_to_anyone("load balancers ask without credentials, and it tells nothing but up or down")
def healthz() -> Any:
    """200 when the database answers, else 503. Redis is reported, but calls go on without it."""
    try:
        db.session.execute(sa.text("SELECT 1"))
        database = "ok"
    except SQLAlchemyError:
        database = "down"
    try:
        current_app.extensions["bell"].redis.ping()
        queue = "ok"
    except RedisError:
        queue = "down"
    status = 200 if database == "ok" else 503
    return jsonify(status="ok" if status == 200 else "down", database=database, queue=queue), status
