"""flask scheduler: rings for the sweeps, which find the work that nobody rang for."""

from __future__ import annotations

import signal
import threading
import time
from dataclasses import dataclass
from typing import Any

import click
import structlog
from flask import current_app
from flask.cli import with_appcontext
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.exceptions import NoSuchJobError
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from voipcrm.accounts import jobs as accounts
from voipcrm.calls import jobs as calls
from voipcrm.contacts import jobs as contacts
from voipcrm.core.queue import SCHEDULER_HERE, SCHEDULER_SILENT_SECONDS
from voipcrm.recordings import jobs as recordings
from voipcrm.trunks import jobs as trunks

log = structlog.get_logger(__name__)
AGAIN_SECONDS = 2.0  # after Redis was away


@dataclass
class Sweep:
    """A job without arguments that is due every so many seconds, and at once when we start."""

    job: Any
    every_seconds: float
    due_at: float = 0.0  # monotonic
    _last: str = ""  # id of the job we enqueued last

    def ring(self, redis: Redis) -> None:
        """Enqueue it, unless the last one still waits: a worker that is away for an hour shall not find hundreds."""
        if not self._waits(redis):
            job = self.job
            name = f"{job.__module__}.{job.__name__}"
            queue = Queue(job.queue, connection=redis, serializer=JSONSerializer)
            enqueued = queue.enqueue(name, job_timeout=job.timeout_seconds, result_ttl=0, failure_ttl=86_400)
            self._last = enqueued.id
        self.due_at = time.monotonic() + self.every_seconds

    def _waits(self, redis: Redis) -> bool:
        try:
            last = Job.fetch(self._last, connection=redis, serializer=JSONSerializer) if self._last else None
        except NoSuchJobError:
            return False
        return last is not None and last.get_status() == JobStatus.QUEUED


SWEEPS = (  # seconds
    (accounts.sweep, 60.0),
    (calls.sweep, 60.0),
    (contacts.sweep, 60.0),
    (recordings.sweep, 20.0),
    (trunks.sweep, 60.0),
    (recordings.reconcile, 300.0),
    (recordings.sweep_bundles, 60.0),
    (recordings.expire_old, 3600.0),
)


@click.command("scheduler")
@with_appcontext
def cli() -> None:
    """Ring for every sweep when it is due, until stopped. Two schedulers do no harm: sweeps may run twice."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    redis = current_app.extensions["bell"].redis
    sweeps = [Sweep(job, every) for job, every in SWEEPS]
    while not stop.is_set():
        for sweep in sweeps:
            if sweep.due_at <= time.monotonic():
                try:
                    sweep.ring(redis)
                    redis.set(SCHEDULER_HERE, "here", ex=SCHEDULER_SILENT_SECONDS)
                except RedisError as away:
                    log.warning("redis_away", reason=type(away).__name__)
                    sweep.due_at = time.monotonic() + AGAIN_SECONDS
        stop.wait(max(0.05, min(sweep.due_at for sweep in sweeps) - time.monotonic()))
