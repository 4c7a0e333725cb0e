"""Jobs. A row in the database says that work is owed; the queue only rings the bell, and a sweep catches what nobody
rang for. So Redis may be away for a while and nothing is lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

import structlog
from flask import Flask, current_app
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer

from voipcrm.core.db import db

log = structlog.get_logger(__name__)
QUEUES = ("recordings", "default")
SCHEDULER_HERE = "voipcrm:scheduler"  # key in Redis, which ends when the scheduler has been silent for this long:
SCHEDULER_SILENT_SECONDS = 60
QUIET_SECONDS = 3.0  # after a failed ring, do not make each request wait for a dead Redis again


class Bell:
    """Rings for a worker; fails quickly and quietly."""

    def __init__(self, url: str) -> None:
        # Short limits: this runs inside webhooks, and the row already says that work is owed.
        self.redis = Redis.from_url(url, socket_connect_timeout=0.5, socket_timeout=1.0, retry=Retry(NoBackoff(), 0))
        self._silent_until = 0.0

    def ring(self, queue: str, name: str, args: tuple[Any, ...], timeout_seconds: int) -> bool:
        if time.monotonic() < self._silent_until:
            return False
        try:
            Queue(queue, connection=self.redis, serializer=JSONSerializer).enqueue(
                name, *args, job_timeout=timeout_seconds, result_ttl=0, failure_ttl=7 * 86_400
            )
        except RedisError as error:
            self._silent_until = time.monotonic() + QUIET_SECONDS
            log.warning("queue_away", job=name, reason=type(error).__name__)
            return False
        return True


def job(*, queue: str = "default", timeout_seconds: int = 180) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Marks a function as a job. It takes plain ids, commits itself through its model, and may run twice."""

    def mark(function: Callable[..., None]) -> Callable[..., None]:
        @wraps(function)
        def run(*args: Any) -> None:
            try:
                function(*args)
            finally:
                db.session.remove()

        run.queue, run.timeout_seconds = queue, timeout_seconds  # type: ignore[attr-defined]
        return run

    return mark


def later(function: Callable[..., None], *args: int | str) -> bool:
    """Ask a worker to run the job soon; call it after the commit. False: nobody heard, the sweep will."""
    bell: Bell = current_app.extensions["bell"]
    name = f"{function.__module__}.{function.__name__}"
    return bell.ring(function.queue, name, args, function.timeout_seconds)  # type: ignore[attr-defined]


def init_app(app: Flask, url: str) -> None:
    app.extensions["bell"] = Bell(url)
