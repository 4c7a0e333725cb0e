"""Second half of bin/screens: starts a house, gives it a past, makes calls in it and takes pictures."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import past
from browser.exchange import Exchange
from browser.handset import Handset
from browser.people import PRIYA, SUPPORT, People, Windows
from PIL import Image
from playwright.sync_api import expect, sync_playwright
from services import House

from voipcrm import create_app
from voipcrm.cli.run.environment import of_house
from voipcrm.config import Settings

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "screens"
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
LOOKS = {"light": ("light", WIDE), "dark": ("dark", WIDE), "390": ("light", NARROW)}
TOMAS = "+15055550100"


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="voipcrm-screens-") as name:
        house = House(Path(name) / "data", None, None)
        try:
            _give_past(house)
            with sync_playwright() as playwright:
                windows = Windows(playwright, house, Path(name))
                people = People(windows)
                _take(people.bo(viewport=WIDE, reduced_motion="reduce").start(), Exchange(house))
                _take_set_up(people.root(viewport=WIDE, reduced_motion="reduce"))
                people.close()
                windows.close()
        finally:
            house.stop()
    return 0


def _give_past(house: House) -> None:
    redis_url = json.loads((house.folder / "run.json").read_text())["environment"]["REDIS_URL"]
    ports = {"PORT": house.url.rpartition(":")[2], "SANDBOX_PORT": house.sandbox_url.rpartition(":")[2]}
    os.environ.update(of_house({"DATA_DIR": str(house.folder), **ports}, redis_url))
    with create_app(Settings.from_environ()).app_context():
        past.write(house.folder / "recordings")


def _take(bo: Handset, exchange: Exchange) -> None:
    page = bo.page
    bo.go("Calls")
    bo.go("Home")  # as it is with the past that it was given meanwhile
    _shoot(bo, "phone-idle")

    exchange.ring(SUPPORT, from_=TOMAS, behaviour="talk")
    bo.is_("incoming")
    bo.go("Calls")  # not before, so that the list has it
    _shoot(bo, "phone-ringing")
    bo.card("Tomás Herrera").get_by_role("button", name="Reject").click()
    bo.is_("ended", "ready")

    bo.go("Contacts")
    page.get_by_role("link", name="Priya Raman", exact=True).first.click()
    expect(page.locator("#main h1")).to_have_text("Priya Raman")
    page.locator(f"#main a[href='tel:{PRIYA}']").first.click()
    bo.is_("active")
    call_id = bo.call["id"]
    expect(bo.dock.locator("[data-part=call-timer]")).to_have_text("00:42", timeout=60_000)
    _shoot(bo, "phone-on-call")

    bo.go("Recordings")
    bo.hold()
    _shoot(bo, "phone-on-hold")
    bo.resume()
    bo.end()
    wrap_up = bo.dock.locator(".wrap-up")
    wrap_up.get_by_label("Call back later").check(force=True)  # the words before it are what one presses
    wrap_up.get_by_label("Note").fill("Wants a quote for two more chairs.")
    wrap_up.get_by_label("Follow up").fill("Send the quote")
    _shoot(bo, "wrap-up")
    wrap_up.get_by_role("button", name="Skip").click()
    bo.says("Call ended")
    bo.dock.get_by_role("button", name="Close", exact=True).click()

    bo.go("Calls")
    _shoot(bo, "history")
    page.locator(f"#call-{call_id} .calls__when").click()
    expect(page.get_by_role("button", name="Play recording").first).to_be_visible(timeout=30_000)
    _shoot(bo, "call")
    bo.go("Recordings")
    page.get_by_role("button", name="Play recording, Priya Raman").last.click()
    seek = page.locator(".player__seek")
    seek.evaluate("(range) => { range.value = 129; range.dispatchEvent(new Event('change')); }")
    expect(page.locator(".player__time")).to_contain_text("2:1")
    page.locator("[data-toggle]").click()
    _shoot(bo, "recordings")
    bo.go("Contacts")
    _shoot(bo, "contacts")
    page.goto("/calls/missed")  # its link also says how many
    _shoot(bo, "missed")


def _take_set_up(root: Handset) -> None:
    for link, name in (("Inbound routes", "routes"), ("Trunks", "trunks"), ("Numbers", "numbers")):
        root.go(link)
        _shoot(root, name)


def _shoot(bo: Handset, name: str) -> None:
    """The page as it is, in each look."""
    page = bo.page
    for look, (scheme, size) in LOOKS.items():
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size(size)
        page.mouse.move(0, 0)
        page.evaluate("() => { scrollTo(0, 0); document.activeElement?.blur(); }")
        for loading in (".htmx-request", "text=Loading…"):
            expect(page.locator(loading)).to_have_count(0)
        page.wait_for_timeout(300)
        path = FOLDER / f"{name}-{look}.png"
        page.screenshot(path=path)
        # A page has few colours: a palette of them looks the same, in less than half the bytes.
        Image.open(path).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.set_viewport_size(WIDE)


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    sys.exit(main())
