"""flask worker: does the jobs of all queues, and waits out a Redis that is away."""

from __future__ import annotations

import ctypes
import signal
import sys
import time
from typing import Any

import click
import structlog
from flask.cli import with_appcontext
from redis import Redis
from redis.exceptions import RedisError
from rq import Worker
from rq.serializers import JSONSerializer

from voipcrm.core.app import settings
from voipcrm.core.queue import QUEUES

log = structlog.get_logger(__name__)
AWAY_SECONDS = 1.0  # between two looks at a Redis that is away
PR_SET_PDEATHSIG = 1  # Linux, prctl(2)


class HouseWorker(Worker):
    """RQ's forking worker, whose jobs die with it. They inherit the command's app context by the fork."""

    is_stopping = False
    max_connection_wait_time = 2.0  # RQ's minute is long when a call has just ended

    def request_stop(self, signum: Any, frame: Any) -> None:
        self.is_stopping = True
        super().request_stop(signum, frame)

    def setup_work_horse_signals(self) -> None:
        super().setup_work_horse_signals()
        if sys.platform.startswith("linux"):
            # Killed with -9, the worker could not end its job: two workers would then copy one recording.
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))


@click.command("worker")
@with_appcontext
def cli() -> None:
    """Do jobs until stopped: TERM finishes the present one, a second TERM ends it."""
    redis = Redis.from_url(settings.redis_url, health_check_interval=30)
    while True:
        worker = None
        try:
            redis.ping()
            worker = HouseWorker(QUEUES, connection=redis, serializer=JSONSerializer)
            worker.work(logging_level=settings.log_level.upper())
        except RedisError as away:
            log.warning("redis_away", reason=type(away).__name__)
        if worker and worker.is_stopping:
            return
        # The handlers of the worker that just ended must not swallow a TERM while we wait.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        time.sleep(AWAY_SECONDS)
