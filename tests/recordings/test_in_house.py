"""The whole way of a recording in a running house: the sandbox makes it, a webhook tells, the worker copies, a browser
plays. Root looks on, since these calls are placed over REST by nobody in particular."""

from __future__ import annotations

import os
import signal

import pytest
import requests
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
    expect(row).to_have_attribute("data-state", "archived", timeout=20_000)  # by itself, without a reload
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
        expect(row).to_have_attribute("data-state", "archived", timeout=30_000)
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
def test_the_worker_is_killed_in_the_middle_of_a_copy_and_the_recording_is_whole(live, recorded, page):
    live.control("faults", {"media_bytes_per_second": 16_000})
    row = row_of(page, recorded())
    expect(row).to_have_attribute("data-state", "pending", timeout=20_000)
    drafts = live.folder / "recordings" / "incoming"
    for _ in range(100):
        if drafts.is_dir() and any(drafts.iterdir()):
            break
        page.wait_for_timeout(50)
    page.wait_for_timeout(500)
    assert any(drafts.iterdir()), "the copy never began"
    os.kill(live.pid("worker"), signal.SIGKILL)
    live.control("faults", {"media_bytes_per_second": 0})
    expect(row).to_have_attribute("data-state", "archived", timeout=120_000)
    row.get_by_role("button", name="Play recording").click()
    until(page, "document.querySelector('.player__time')?.textContent > '0:01'")
