"""Real Chromium windows with signed-in people and fake microphones of known tones."""

from __future__ import annotations

import itertools
import math
import secrets
import shutil
import struct
import time
import wave
from pathlib import Path
from typing import Any

import pytest
from playwright import async_api, sync_api
from services import House

from voipcrm.cli.demo.cast import PASSWORD

# How long a page may take on a machine that is busy with other tests; what comes in time is not waited for.
for api in (async_api, sync_api):
    api.expect.set_options(timeout=30_000)
RATE = 48_000
ENDINGS = (f"01{two}" for two in itertools.count(50))
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",
)
ALLOWED = "--use-fake-ui-for-media-stream"  # whoever asks for the microphone gets it


class Browsers:
    """Opens windows on a house. Each has a browser process of its own: the microphone's tone belongs to the process."""

    def __init__(self, playwright: Any, house: House, folder: Path) -> None:
        self._playwright, self._house, self._folder = playwright, house, folder
        self._open: list[Any] = []

    def open(self, who: str = "ada", *, hz: int = 440, path: str = "/", **context: Any) -> Any:
        """A Playwright page, signed in as that demo person and showing `path`; its microphone hears `hz`.

        hz: whole number, 0 is silence. context: options of a browser context, such as viewport or color_scheme.
        `page.context.new_page()` is a second tab."""
        tone = f"--use-file-for-fake-audio-capture={tone_file(self._folder, hz)}"
        browser = self._playwright.chromium.launch(executable_path=chromium(), args=[*ARGUMENTS, ALLOWED, tone])
        self._open.append(browser)
        page = browser.new_context(base_url=self._house.url, **context).new_page()
        page.goto("/sign-in")
        page.fill("input[name=email]", f"{who}@example.com")
        page.fill("input[name=password]", PASSWORD)
        page.click("main button[type=submit], form button[type=submit]")
        page.wait_for_url(lambda url: "sign-in" not in url)
        if path != "/":
            page.goto(path)
        return page

    def close(self) -> None:
        for browser in self._open:
            browser.close()


def tone_file(folder: Path, hz: int) -> Path:
    """A WAV file for a fake microphone: ten seconds of that tone, which Chromium repeats."""
    path = folder / f"{hz}.wav"
    if not path.exists():
        second = [round(12_000 * math.sin(2 * math.pi * hz * at / RATE)) for at in range(RATE)]
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(struct.pack(f"<{RATE}h", *second) * 10)  # whole periods: no click where it repeats
    return path


def until(page: Any, expression: str, seconds: float = 30.0) -> Any:
    """The JavaScript expression's value once it is true. Playwright's own wait_for_function needs eval, which our
    Content-Security-Policy refuses. AssertionError with the state of the phone when it never is."""
    end = time.monotonic() + seconds
    while not (value := page.evaluate(expression)):
        if time.monotonic() > end:
            phone = page.evaluate("JSON.stringify(window.voipcrmPhone ?? null)")
            raise AssertionError(f"never true: {expression}; the phone: {phone}; at {page.url}")
        page.wait_for_timeout(50)
    return value


def chromium(*, asks: bool = False) -> str:
    """Chromium without the window around the page, which costs more than the page does; whole where it `asks` before it
    lets a page hear the microphone. Chrome does for both. Raises RuntimeError saying what to install."""
    shell, *whole = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, whole if asks else (shell, *whole))), None)
    if found is None:
        raise RuntimeError(f"Chromium is missing: apt-get install {shell} chromium")
    return found


@pytest.fixture
def word() -> str:
    """Part of a name that nothing in the house has yet. A test in a browser may get a second try, and what the first
    one left must not stand in its way."""
    return "".join(secrets.choice("bdfgklmnprstvz") + secrets.choice("aeiou") for _ in range(4)).capitalize()


@pytest.fixture
def ending() -> str:
    """The last four digits of phone numbers that nobody in the house has yet, for the same reason."""
    return next(ENDINGS)


@pytest.fixture
def browsers(live, tmp_path):
    """Playwright lives only as long as the test: its event loop would stand in the way of coroutine tests."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = Browsers(playwright, live, tmp_path)
        yield opened
        opened.close()
