"""Fixtures of real servers. TEST_DATABASE=sqlite (the default) or postgres chooses the engine for the whole run."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
import services

DATABASE = os.environ.get("TEST_DATABASE", "sqlite")


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory):
    """services.Valkey; `stop()` and `start()` it if need be, its address stays."""
    server = services.Valkey(tmp_path_factory.mktemp("valkey"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def new_database(tmp_path_factory):
    """A function that makes an empty database and returns its URL."""
    if DATABASE == "postgres":
        # Not below pytest's folder, which is closed to the user that PostgreSQL runs as.
        folder = Path(tempfile.mkdtemp(prefix="voipcrm-postgres-"))
        server = services.Postgres(folder)
        yield server.create
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    else:
        yield lambda name: f"sqlite:///{tmp_path_factory.mktemp('sqlite')}/{name}.db"


@pytest.fixture(scope="session")
def environment(tmp_path_factory, redis_server, new_database) -> dict[str, str]:
    """Settings of the app under test, also for processes beside it."""
    folder = tmp_path_factory.mktemp("house")
    return services.environment(folder, database_url=new_database("app"), redis_url=redis_server.url)


@pytest.fixture
def worker(app, environment, tmp_path):
    """A real worker process on the app's database and Redis (services.Worker)."""
    process = services.Worker(environment, tmp_path)
    yield process
    process.stop(seconds=3)


@pytest.fixture(scope="session")
def live(tmp_path_factory, new_database):
    """A whole house as bin/run starts it: sandbox, web, worker, scheduler, with the demo's people (services.House)."""
    redis = services.Valkey(tmp_path_factory.mktemp("live-valkey"))
    house = services.House(tmp_path_factory.mktemp("live") / "data", redis, new_database("live"))
    yield house
    house.stop()
    redis.stop()
