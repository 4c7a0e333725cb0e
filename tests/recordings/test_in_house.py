"""The whole way of a recording in a running house: the sandbox makes it, a webhook tells, the worker copies, a browser
plays. Root looks on, since these calls are placed over REST by nobody in particular."""

from __future__ import annotations

import wave
import zipfile

import pytest
import requests
from browser.test_accessibility import AXE, LOOKS, Judge
from browsers import until
from dotenv import dotenv_values
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
SECONDS = 4


@pytest.fixture
def recorded(live):
    """Record a call to somebody who talks, and wait for its end; returns the page's id of the recording."""

    def make() -> str:
        keys = dotenv_values(live.folder / "settings.env")
        account = f"{live.sandbox_url}/2010-04-01/Accounts/{keys['TWILIO_SID']}"
        session = requests.Session()
        session.auth = (keys["TWILIO_SID"], keys["TWILIO_TOKEN"])
        call = session.post(
            f"{account}/Calls.json",
            data={
                "To": "+13125550100",
                "From": "+12025550140",
                "Twiml": f'<Response><Pause length="{SECONDS}"/></Response>',
                "Record": "true",
                "RecordingChannels": "dual",
                "RecordingStatusCallback": f"{live.url}/voip/webhook/twilio/recording",
                "RecordingStatusCallbackEvent": "in-progress completed absent",
            },
            timeout=10,
        ).json()
        query = {"CallSid": call["sid"]}
        found = []
        while not found:
            found = session.get(f"{account}/Recordings.json", params=query, timeout=10).json()["recordings"]
        return f"recording-{found[0]['sid']}"

    yield make
    live.control("reset", {})


def at_provider(live) -> list[dict]:
    """The recordings that the sandbox has."""
    keys = dotenv_values(live.folder / "settings.env")
    account = f"{live.sandbox_url}/2010-04-01/Accounts/{keys['TWILIO_SID']}"
    asked = requests.get(f"{account}/Recordings.json", auth=(keys["TWILIO_SID"], keys["TWILIO_TOKEN"]), timeout=10)
    return asked.json()["recordings"]


@pytest.fixture
def page(browsers):
    return browsers.open("root", path="/admin/voip/recordings")


def row_of(page, row_id):
    """The row, once the list has it."""
    for _ in range(40):
        if page.locator(f"#{row_id}").count():
            return page.locator(f"#{row_id}")
        page.wait_for_timeout(500)
        page.reload()
    raise AssertionError(f"{row_id} never came")


def test_a_call_is_seen_while_it_is_recorded_and_played_seconds_after_its_end(live, recorded, page):
    row = page.locator(f"#{recorded()}")
    page.evaluate("document.body.dispatchEvent(new CustomEvent('voipcrm:call-ended'))")  # as the phone does
    expect(row).to_contain_text("Recording")
    expect(row).to_have_attribute("data-state", "archived", timeout=60_000)  # by itself, without a reload
    row.get_by_role("button", name="Play recording").click()
    until(page, "document.querySelector('.player__time')?.textContent > '0:01'")
    expect(row.get_by_role("button", name="Pause recording")).to_be_focused()
    assert page.evaluate("document.querySelector('.player__wave path').getAttribute('d').match(/M/g).length") == 150
    heights = "new Set(document.querySelector('.player__wave path').getAttribute('d').match(/v[0-9.]+/g)).size"
    assert page.evaluate(heights) > 5  # somebody talks

    page.evaluate("document.dispatchEvent(new CustomEvent('voipcrm:ringing'))")
    expect(row.get_by_role("button", name="Play recording")).to_be_visible()


def test_keyboard_and_speed_steer_the_player_and_a_second_one_silences_the_first(live, recorded, page):
    first, second = (row_of(page, row_id) for row_id in (recorded(), recorded()))
    for row in (first, second):
        expect(row).to_have_attribute("data-state", "archived", timeout=60_000)
    first.get_by_role("button", name="Play recording").click()
    expect(first.get_by_role("button", name="Pause recording")).to_be_visible()
    seek = first.get_by_role("slider")
    seek.press(" ")
    expect(first.get_by_role("button", name="Play recording")).to_be_visible()
    seek.press("ArrowLeft")
    expect(seek).to_have_attribute("aria-valuetext", f"0:00 of 0:0{SECONDS}")
    seek.press("ArrowRight")  # five seconds: beyond the end of this one
    expect(seek).to_have_attribute("aria-valuetext", f"0:0{SECONDS} of 0:0{SECONDS}")
    first.get_by_role("button", name="Playback speed").click()
    expect(first.get_by_role("button", name="Playback speed, 1.25 times")).to_be_visible()
    seek.press("ArrowLeft")
    seek.press(" ")
    expect(first.get_by_role("button", name="Pause recording")).to_be_visible()
    second.get_by_role("button", name="Play recording").click()
    expect(second.get_by_role("button", name="Playback speed, 1.25 times")).to_be_visible()
    expect(first.get_by_role("button", name="Play recording")).to_be_visible()


def test_a_provider_that_stumbles_costs_seconds_not_the_recording(live, recorded, page):
    live.control("faults", {"media_404": 1, "media_503": 1, "media_truncate": 1})
    row = row_of(page, recorded())
    expect(row).to_have_attribute("data-state", "archived", timeout=90_000)


@pytest.mark.timeout(240)
def test_a_recording_is_taken_home_alone_and_in_a_zip_held_and_deleted(live, recorded, page, tmp_path):
    row = row_of(page, recorded())
    expect(row).to_have_attribute("data-state", "archived", timeout=60_000)
    sid = row.get_attribute("id").removeprefix("recording-")
    with page.expect_download() as alone:
        row.get_by_role("link", name="Download recording").click()
    assert alone.value.suggested_filename.endswith(".wav")
    with wave.open(str(alone.value.path())) as sound:
        assert sound.getnchannels() == 2

    row.locator("input[name=sid]").check()
    page.get_by_role("button", name="Make a ZIP").click()
    with page.expect_download(timeout=60_000) as together:
        page.get_by_role("link", name="Download ZIP").click(timeout=60_000)
    with zipfile.ZipFile(together.value.path()) as archive:
        assert archive.namelist() == [alone.value.suggested_filename]
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_role("main")).to_contain_text("Discarded.")

    page.goto(f"/admin/voip/recordings/{sid}")
    expect(page.get_by_role("main")).to_contain_text("Put into a ZIP by")
    page.get_by_role("link", name="Put on hold").click()
    page.get_by_label("Reason").fill("Case 12")
    page.get_by_role("button", name="Put on hold").click()
    expect(page.get_by_role("link", name="Delete")).to_have_count(0)
    page.get_by_role("button", name="Release the hold: Case 12").click()
    page.get_by_role("link", name="Delete").click()
    page.get_by_label("Reason").fill("Asked for by the customer")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # the keyboard is enough for it
    expect(page.get_by_role("main")).to_contain_text("Asked for by the customer")
    for _ in range(60):
        if page.get_by_text("Removed here and at the phone provider").count():
            break
        page.wait_for_timeout(500)
        page.reload()
    assert not any(one["sid"] == sid for one in at_provider(live))
    assert not list((live.folder / "recordings").rglob(f"{sid}.wav"))


@pytest.mark.looks
@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_on_the_pages_of_keeping(live, recorded, browsers, look):
    page = browsers.open("root", path="/admin/voip/recordings", **LOOKS[look])
    page.context.add_init_script(AXE)
    row = row_of(page, recorded())
    expect(row).to_have_attribute("data-state", "archived", timeout=60_000)
    one = f"/admin/voip/recordings/{row.get_attribute('id').removeprefix('recording-')}"
    judge = Judge(page)
    for path in (one, f"{one}/delete", f"{one}/hold", "/admin/voip/recordings/accesses", "/admin/voip/recordings/zips"):
        page.goto(path)
        judge.look(path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    page.goto(f"{one}/delete")
    page.get_by_label("Reason").fill(" ")
    page.get_by_role("button", name="Delete recording").click()
    expect(page.locator("[aria-invalid=true]")).to_be_visible()
    judge.look("a reason that is missing")
    assert judge.found == []
