"""A house with a provider of recordings whose every answer the test chooses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from voipcrm.calls.models import Call, Leg
from voipcrm.core.db import db
from voipcrm.core.storage import Storage
from voipcrm.recordings.models import Recording
from voipcrm.recordings.noting import note
from voipcrm.telephony.client import Provider

from .facts import NOON, fact, sid
from .media_server import Answer, MediaServer, serving
from .sounds import wav


@pytest.fixture
def media() -> Iterator[MediaServer]:
    with serving() as server:
        yield server


@pytest.fixture
def provided(app: Flask, media: MediaServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The app with an empty storage, and with the media server as its provider. No app context is open."""
    monkeypatch.setitem(app.extensions, "storage", Storage(tmp_path / "recordings"))
    settings = app.extensions["settings"]
    provider = Provider(
        account_sid=settings.twilio_sid,
        key_sid=settings.twilio_api_key_sid,
        key_secret=settings.twilio_api_key_secret,
        base_url=media.url,
        timeout=2.0,
    )
    monkeypatch.setitem(app.extensions, "provider", provider)
    return app


@pytest.fixture
def house(provided: Flask) -> Iterator[Flask]:
    """The same with an app context, for tests without requests."""
    with provided.app_context():
        yield provided


@pytest.fixture
def folder(provided: Flask) -> Path:
    return provided.extensions["storage"].folder


@pytest.fixture
def call_of(house: Flask) -> Callable[..., Call]:
    """Make an answered call whose first leg is the one that recording `number` is of."""

    def make(number: int = 1, **more: Any) -> Call:
        values = {"direction": "outbound", "state": "ended", "outcome": "answered", "started_at": NOON} | more
        call = Call(root_sid=sid(number, "CA"), recording="on", **values)
        call.legs.append(Leg(sid=sid(number, "CA"), status="completed"))
        db.session.add(call)
        db.session.commit()
        return call

    return make


@pytest.fixture
def owed(house: Flask, media: MediaServer) -> Callable[..., Recording]:
    """A finished recording whose copy is owed; the provider answers as given, with a good file if nothing is given."""

    def make(number: int = 1, *answers: Answer, **more: Any) -> Recording:
        media.answers[sid(number)] = list(answers) or [Answer(wav())]
        recording = note(fact(number, **more))
        db.session.commit()
        return recording

    return make
