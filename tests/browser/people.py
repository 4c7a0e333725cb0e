"""Ada and Bo of the demo, each with a browser whose microphone hears a tone of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from browsers import ALLOWED, ARGUMENTS, chromium, tone_file
from playwright.sync_api import Browser, BrowserContext, Page, Playwright
from services import House

from browser.handset import Handset
from voipcrm.cli.demo.cast import PASSWORD

ADA_HZ, BO_HZ = 440, 880
ROOT_HZ = ADA_HZ  # he has no calls here, and each tone is a browser process of its own
STEADY, STEADY_HZ = "+12125550108", 1000  # a far end that answers with a tone
HOLD_HZ = 262  # always the strongest tone of the hold music (bin/make-sounds)
SALES, SUPPORT = "+12025550140", "+12025550141"  # lines that ring Ada, and Ada and Bo
PRIYA = "+13125550100"  # a contact, Priya Raman of Lakeside Dental


class Windows:
    """Browser processes, which are slow to start, and sign-ins, which are slow too: both are kept for all tests."""

    def __init__(self, playwright: Playwright, house: House, folder: Path) -> None:
        self.house = house
        self._playwright, self._folder = playwright, folder
        self._browsers: dict[tuple[int, bool], Browser] = {}
        self._sessions: dict[str, Any] = {}

    def context(self, who: str, hz: int, **options: Any) -> BrowserContext:
        """A fresh context in which that person is signed in; `options` as Playwright's Browser.new_context."""
        options = {"permissions": ["microphone", "notifications"], **options}
        context = self._browser(hz, asks="microphone" not in options["permissions"]).new_context(
            base_url=self.house.url, storage_state=self._session(who, hz), service_workers="block", **options
        )
        context.set_default_timeout(30_000)
        return context

    def stranger(self, **options: Any) -> BrowserContext:
        """A fresh context of somebody who has not signed in."""
        return self._browser(ADA_HZ).new_context(base_url=self.house.url, **options)

    def close(self) -> None:
        for browser in self._browsers.values():
            browser.close()

    def _browser(self, hz: int, *, asks: bool = False) -> Browser:
        if (hz, asks) not in self._browsers:
            tone = f"--use-file-for-fake-audio-capture={tone_file(self._folder, hz)}"
            arguments = [*ARGUMENTS, tone] if asks else [*ARGUMENTS, tone, ALLOWED]
            launch = self._playwright.chromium.launch
            self._browsers[hz, asks] = launch(executable_path=chromium(asks=asks), args=arguments)
        return self._browsers[hz, asks]

    def _session(self, who: str, hz: int) -> Any:
        if who not in self._sessions:
            context = self._browser(hz).new_context(base_url=self.house.url)
            sign_in(context.new_page(), who)
            self._sessions[who] = context.storage_state()
            context.close()
        return self._sessions[who]


class People:
    """Who is there in one test."""

    def __init__(self, windows: Windows) -> None:
        self._windows = windows
        self._contexts: list[BrowserContext] = []
        self._wrong: list[str] = []

    def ada(self, path: str = "/", **options: Any) -> Handset:
        """Agent; her phone is off. `options` as Playwright's Browser.new_context."""
        return self._open("ada", ADA_HZ, path, options)

    def bo(self, path: str = "/", **options: Any) -> Handset:
        """Agent and supervisor of Ada's team; his phone is off."""
        return self._open("bo", BO_HZ, path, options)

    def root(self, path: str = "/", **options: Any) -> Handset:
        """Admin; his phone is off."""
        return self._open("root", ROOT_HZ, path, options)

    def close(self) -> None:
        """Everybody leaves. AssertionError if a page did what none may: ask another server, break its own policy, or
        stumble over an error."""
        for context in self._contexts:
            context.close()
        assert self._wrong == []

    def _open(self, who: str, hz: int, path: str, options: dict[str, Any]) -> Handset:
        context = self._windows.context(who, hz, **options)
        self._contexts.append(context)
        context.on("page", self._watch)
        page = context.new_page()
        page.goto(path)
        identity = f"u_{page.locator('#phone').get_attribute('data-owner')}"
        return Handset(page, identity)

    def _watch(self, page: Page) -> None:
        page.on("pageerror", lambda error: self._wrong.append(f"error in {page.url}: {error}"))
        page.on("console", lambda said: "Content Security Policy" in said.text and self._wrong.append(said.text))
        page.on("request", lambda asked: "//127.0.0.1:" in asked.url or self._outside(asked.url))

    def _outside(self, url: str) -> None:
        if not url.startswith(("data:", "blob:")):
            self._wrong.append(f"asked {url}")


def sign_in(page: Page, who: str) -> None:
    """Through the form."""
    page.goto("/sign-in")
    page.get_by_label("E-mail").fill(f"{who}@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "sign-in" not in url)
