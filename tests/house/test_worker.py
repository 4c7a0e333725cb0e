"""The worker outlives a Redis that goes away, and its jobs do not outlive the worker."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer
from services import wait_until

from voipcrm.cli.run.folder import started_at
from voipcrm.cli.scheduler import SWEEPS, Sweep
from voipcrm.core.queue import QUEUES


@pytest.fixture
def redis(redis_server):
    return Redis.from_url(redis_server.url)


@pytest.fixture
def queue(redis):
    """Jobs are named by their dotted name, so the standard library will do."""
    return Queue("default", connection=redis, serializer=JSONSerializer)


def finished(job) -> bool:
    return job.get_status(refresh=True) == "finished"


def horse_of(worker) -> int | None:
    """The process in which the worker does its present job."""
    children = Path(f"/proc/{worker.popen.pid}/task/{worker.popen.pid}/children").read_text().split()
    return int(children[0]) if children else None


def test_jobs_of_every_queue_are_done(worker, redis):
    jobs = [
        Queue(name, connection=redis, serializer=JSONSerializer).enqueue("operator.add", 1, 2, result_ttl=60)
        for name in QUEUES
    ]
    wait_until(lambda: all(map(finished, jobs)), 20, worker)
    assert [job.return_value() for job in jobs] == [3, 3]


def test_redis_may_go_away_and_come_back(worker, queue, redis_server):
    job = queue.enqueue("operator.add", 1, 1, result_ttl=60)
    wait_until(lambda: finished(job), 20, worker)
    redis_server.stop()
    time.sleep(3)
    redis_server.start()
    job = queue.enqueue("operator.add", 2, 2, result_ttl=60)
    wait_until(lambda: finished(job), 15, worker)
    assert worker.popen.poll() is None


def test_term_is_heard_while_redis_is_away(worker, queue, redis_server):
    job = queue.enqueue("operator.add", 1, 1, result_ttl=60)
    wait_until(lambda: finished(job), 20, worker)
    redis_server.stop()
    try:
        os.kill(worker.popen.pid, signal.SIGTERM)
        worker.popen.wait(10)
    finally:
        redis_server.start()


def test_a_job_dies_with_a_killed_worker(worker, queue):
    queue.enqueue("time.sleep", 60)
    horse = wait_until(lambda: horse_of(worker), 20, worker)
    worker.kill()
    wait_until(lambda: not started_at(horse), 2)


def test_a_second_term_ends_a_long_job(worker, queue):
    queue.enqueue("time.sleep", 60)
    horse = wait_until(lambda: horse_of(worker), 20, worker)
    os.kill(worker.popen.pid, signal.SIGTERM)
    time.sleep(1.2)  # the first lets it finish its job
    assert worker.popen.poll() is None
    os.kill(worker.popen.pid, signal.SIGTERM)
    assert worker.popen.wait(20) is not None  # long before the job would be done
    assert not started_at(horse)


def test_a_sweep_that_still_waits_is_not_rung_again(app, redis):
    function, seconds = SWEEPS[0]
    sweep, waiting = Sweep(function, seconds), Queue(function.queue, connection=redis, serializer=JSONSerializer)
    sweep.ring(redis)
    sweep.ring(redis)
    assert waiting.count == 1
    waiting.empty()
    sweep.ring(redis)
    assert waiting.count == 1
