"""One person's phone in one tab, used as a person uses it: by its buttons, its words and its sound."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, Response, expect

from browser.waiting import eventually

EAR = (Path(__file__).parent / "ear.js").read_text()
NEAR_HZ = 8.0
SILENT_DB = -60.0
ANSWER_SECONDS = 30.0  # for anything that needs the network and a busy machine


class Handset:
    """`page` shows the app, signed in; `identity` is the person's at the phone network."""

    def __init__(self, page: Page, identity: str) -> None:
        self.page, self.identity = page, identity
        self.dock = page.locator("#phone")

    # What it is

    @property
    def state(self) -> str:
        """As in static/js/phone/state.js."""
        return self._ask("() => voipcrmPhone.state")

    @property
    def call(self) -> dict[str, Any] | None:
        """The call in front."""
        return self._ask("() => voipcrmPhone.call")

    @property
    def tab(self) -> str:
        """idle, owner or follower."""
        return self._ask("() => voipcrmPhone.tab")

    def is_(self, *states: str, seconds: float = ANSWER_SECONDS) -> None:
        """Wait until the phone is in one of these states."""
        self.eventually(lambda: self.state in states, seconds=seconds, told=lambda: f"wanted {states}, {self._told()}")

    def eventually(self, ask, *, seconds: float = ANSWER_SECONDS, told=None):
        """waiting.eventually, while the page's events and routes are served."""
        return eventually(
            ask, seconds=seconds, pause=lambda s: self.page.wait_for_timeout(1000 * s), told=told or self._told
        )

    # What it is used for

    def start(self) -> Handset:
        """Take calls, and wait until routing knows of it."""
        if self.dock.get_attribute("data-open") == "false":
            self.dock.get_by_role("button", name=re.compile("^Phone: ")).click()  # a narrow screen shows the pill only
        with self.becomes_available():
            self.dock.get_by_role("button", name="Start taking calls").click()
        self.is_("ready")
        return self

    def becomes_available(self):
        """A context that ends once the server has heard from this tab that the person can be rung."""
        return self.page.expect_response(_is_available)

    def dial(self, number: str) -> None:
        """On the keypad, with the keyboard."""
        self.dock.get_by_role("tab", name="Keypad").click()
        field = self.dock.get_by_label("Number to call")
        field.fill(number)
        field.press("Enter")

    def talk_to(self, number: str) -> None:
        """Dial, and wait for the answer."""
        self.dial(number)
        self.is_("active")

    def press(self, name: str) -> None:
        """The button of the dock that has this name."""
        self.button(name).click()

    def button(self, name: str) -> Locator:
        return self.dock.get_by_role("button", name=name, exact=True)

    def card(self, name: str) -> Locator:
        """Of the call that rings from there."""
        return self.dock.get_by_role("region", name=f"Incoming call from {name}")

    def says(self, *words: str) -> None:
        """Wait for the card of the last call with these words."""
        for each in words:
            expect(self.dock.get_by_label("Last call")).to_contain_text(each, timeout=1000 * ANSWER_SECONDS)

    def hold(self) -> None:
        """Put the call on hold and wait until the server says that it is."""
        self.press("Hold")
        expect(self.button("Hold")).to_have_attribute("aria-pressed", "true", timeout=1000 * ANSWER_SECONDS)

    def resume(self) -> None:
        self.press("Hold")
        expect(self.button("Hold")).to_have_attribute("aria-pressed", "false", timeout=1000 * ANSWER_SECONDS)

    def end(self) -> None:
        """End the call and wait until the phone says so."""
        self.button("End call").first.click()
        self.eventually(lambda: self.call is None)

    def hears(self, hz: float, *, seconds: float = ANSWER_SECONDS) -> None:
        """Wait until the loudest frequency in this person's ear is that one, or until there is silence (0)."""
        heard: list[tuple[int, int]] = []

        def now() -> bool:
            sound = self.page.evaluate(EAR)
            heard.append((round(sound["hz"]), round(sound["db"])))
            if not hz:
                return sound["db"] < SILENT_DB
            return sound["db"] > SILENT_DB and abs(sound["hz"] - hz) < NEAR_HZ

        self.eventually(now, seconds=seconds, told=lambda: f"wanted {hz} Hz, heard (Hz, dB) {heard[-12:]}")

    # Where it is

    def go(self, name: str) -> None:
        """To a page of the main navigation, as a person goes there."""
        self.page.locator("#nav").get_by_role("link", name=name, exact=True).click()
        expect(self.page.locator("#nav [aria-current=page]")).to_have_text(re.compile(name))

    def mark_document(self) -> None:
        """So that `same_document` can tell whether the page was loaded anew since."""
        self.page.evaluate("() => { globalThis.testMark = true; }")

    @property
    def same_document(self) -> bool:
        return self._ask("() => globalThis.testMark === true")

    def _ask(self, question: str) -> Any:
        return self.page.evaluate(question)

    def _told(self) -> str:
        phone = self._ask("() => JSON.stringify(globalThis.voipcrmPhone ?? null)")
        return f"the phone of {self.identity}: {phone}; at {self.page.url}"


def _is_available(answer: Response) -> bool:
    asked = answer.request
    return asked.url.endswith("/api/voip/presence") and (asked.post_data_json or {}).get("state") == "available"
