"""Fixtures for people at their phones: real Chromium, the real SDK, a whole house behind it, nothing faked between."""

from __future__ import annotations

import pytest

from browser.exchange import Exchange
from browser.people import People, Windows


@pytest.fixture(scope="package")
def windows(live, tmp_path_factory):
    """The browsers, one for each tone of a microphone. Not for the whole run: Playwright's event loop would stand
    in the way of coroutine tests elsewhere."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = Windows(playwright, live, tmp_path_factory.mktemp("tones"))
        yield opened
        opened.close()


@pytest.fixture
def exchange(live):
    """The simulated phone network; every call is over and every fault forgotten before the next test."""
    network = Exchange(live)
    network.reset()
    yield network
    network.reset()


@pytest.fixture
def people(windows, exchange):
    """Opens windows for people: `people.ada()`. What a page must never do fails the test at its end."""
    opened = People(windows)
    yield opened
    opened.close()


@pytest.fixture
def ada(people):
    """Ada's phone, ready for calls; her microphone hears 440 Hz."""
    return people.ada().start()


@pytest.fixture
def bo(people):
    """Bo's phone, ready for calls; his microphone hears 880 Hz."""
    return people.bo().start()
