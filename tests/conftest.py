"""Fixtures that everybody uses; those of servers and browsers are in the two modules named below."""

from __future__ import annotations

import os

import pytest
import services
from cast import Browser, Cast, enter
from flask import Flask
from flask_migrate import upgrade
from hypothesis import settings

from voipcrm import create_app
from voipcrm.config import Settings
from voipcrm.core.db import db
from voipcrm.core.house import house
from voipcrm.telephony import signature

# A machine that is busy with other tests is no fault of the code.
settings.register_profile("house", parent=settings.default, deadline=None)
settings.load_profile("house")
pytest_plugins = ["servers", "s3_server", "browsers"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """In CI nothing may be left out: a skipped test is a missing part of the machine, and so a failure."""
    report = yield
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome, report.longrepr = "failed", f"skipped in CI: {report.longrepr}"
    return report


def pytest_collection_modifyitems(items):
    """Browsers and the sandbox speak in real time on cores that they share with everything else, so they run by
    themselves, and get a second try; what fails twice is a fault."""
    for item in items:
        has_browser = item.get_closest_marker("browser") or {"browsers", "people", "playwright"} & set(
            item.fixturenames
        )
        if has_browser or "tests/sandbox/" in item.nodeid:
            item.add_marker(pytest.mark.flaky(reruns=1))
            item.add_marker(pytest.mark.alone)
        elif "live" in item.fixturenames or "test_run.py" in item.nodeid:
            item.add_marker(pytest.mark.alone)
        if "tests/whole/" in item.nodeid:  # each of them goes through every page of the product
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(scope="session")
def migrated_app(environment) -> Flask:
    """One app for all tests, on a database made by the real migrations."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        app = create_app(Settings.from_environ())
    app.test_client_class = Browser
    with app.app_context():
        upgrade()
    return app


@pytest.fixture
def app(migrated_app) -> Flask:
    """The app with empty tables. No app context is open: requests shall have their own, as in life."""
    migrated_app.extensions["bell"].redis.flushdb()
    with migrated_app.app_context(), db.engine.begin() as connection:
        for table in reversed(db.metadata.sorted_tables):
            connection.execute(table.delete())
        house.forget()
    return migrated_app


@pytest.fixture
def cast(app) -> Cast:
    """The people, lines and routes of tests/cast.py."""
    with app.app_context():
        return enter()


@pytest.fixture
def context(app, cast):
    """An open app context, for tests of models without requests."""
    with app.app_context():
        yield


@pytest.fixture
def client(app, cast) -> Browser:
    """Nobody: not signed in."""
    return app.test_client()


@pytest.fixture
def as_ada(app, cast) -> Browser:
    return app.test_client().sign_in(cast.ada)


@pytest.fixture
def as_bo(app, cast) -> Browser:
    return app.test_client().sign_in(cast.bo)


@pytest.fixture
def as_root(app, cast) -> Browser:
    return app.test_client().sign_in(cast.root)


@pytest.fixture
def as_mallory(app, cast) -> Browser:
    return app.test_client().sign_in(cast.mallory)


@pytest.fixture
def signed_post(app, cast):
    """post(path, form, token=…, **headers): posts as Twilio does, signed over PUBLIC_BASE_URL, path and query."""

    def post(path: str, form: dict[str, str], *, token: str = services.TOKEN, **headers: str):
        signed = signature.compute(services.PUBLIC_BASE_URL + path, list(form.items()), token)
        sent = {"X-Twilio-Signature": signed, "User-Agent": "TwilioProxy/1.1", **headers}
        return app.test_client().post(path, data=form, headers=sent)

    return post
