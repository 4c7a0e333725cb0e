"""What was said is kept, whatever dies meanwhile."""

import hashlib
import os
import signal

import pytest
import requests
from dotenv import dotenv_values
from playwright.sync_api import expect

from browser.people import ADA_HZ, HOLD_HZ, STEADY, STEADY_HZ

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

AWAY_SECONDS = float(os.environ.get("REDIS_AWAY_SECONDS", "15"))  # bin/soak: a minute
CLAIM_SECONDS = 90.0  # a dead worker's claim runs out after 45 s, and a sweep comes by every 20 s


def talk(ada, exchange, seconds):
    """A call of about that length with the steady tone; its id. Ada is still on it."""
    ada.talk_to(STEADY)
    exchange.called(STEADY).hears(ADA_HZ)
    ada.hears(STEADY_HZ)
    ada.page.wait_for_timeout(1000 * seconds)
    return ada.call["id"]


def recordings(exchange, before=frozenset()):
    """Number of channels by SID, of the recordings made since `before`, oldest first."""
    return {row["sid"]: row["channels"] for row in exchange.state()["recordings"] if row["sid"] not in before}


def sha256_at_the_provider(live, sid, channels):
    made = dotenv_values(live.folder / "settings.env")
    account, token = made["TWILIO_SID"], made["TWILIO_TOKEN"]
    url = f"{live.sandbox_url}/2010-04-01/Accounts/{account}/Recordings/{sid}.wav?RequestedChannels={channels}"
    answer = requests.get(url, auth=(account, token), timeout=30)
    answer.raise_for_status()
    return hashlib.sha256(answer.content).hexdigest()


def kept(live, sid):
    """The archived file, or None while there is none."""
    return next((live.folder / "recordings").glob(f"20*/*/{sid}.wav"), None)


def is_whole(live, sid, channels):
    return hashlib.sha256(kept(live, sid).read_bytes()).hexdigest() == sha256_at_the_provider(live, sid, channels)


def test_a_worker_killed_in_the_middle_of_a_copy_costs_nothing(ada, exchange, live):
    before = recordings(exchange)
    call_id = talk(ada, exchange, 4)
    exchange.faults(media_bytes_per_second=15_000)
    worker = live.pid("worker")
    ada.end()
    ada.eventually(lambda: list((live.folder / "recordings" / "incoming").glob("RE*")), seconds=30)
    ada.page.wait_for_timeout(1500)  # some of some ten seconds of copying
    os.kill(worker, signal.SIGKILL)
    exchange.faults(media_bytes_per_second=0)
    ((sid, channels),) = recordings(exchange, before).items()
    assert kept(live, sid) is None
    ada.eventually(lambda: live.pid("worker") != worker)  # bin/run starts another
    ada.page.goto(f"/calls/{call_id}")
    row = ada.page.locator(f"#recording-{sid}")
    expect(row).to_contain_text("Processing")
    expect(row.get_by_role("button", name="Play recording")).to_be_visible(timeout=1000 * CLAIM_SECONDS)
    assert is_whole(live, sid, channels)


def test_a_queue_that_is_away_during_a_call_costs_nothing(ada, exchange, live):
    before = recordings(exchange)
    call_id = talk(ada, exchange, 1)
    far_end = exchange.called(STEADY)
    live.redis.stop()
    try:
        ada.hold()  # promotes the call, so that there is all a call can have: callbacks, REST, a second recording
        far_end.hears(HOLD_HZ)
        ada.resume()
        far_end.hears(ADA_HZ)
        ada.page.wait_for_timeout(1000 * AWAY_SECONDS)
        ada.hears(STEADY_HZ)
        far_end.hears(ADA_HZ)
        ada.end()
        ada.says("Call ended")
        far_end.over()
        ada.go("Calls")
        row = ada.page.locator(f"#call-{call_id}")
        expect(row.get_by_role("link", name="Steady tone", exact=True)).to_be_visible()
        expect(row).not_to_contain_text("On call")
        made = recordings(exchange, before)
        assert [kept(live, sid) for sid in made] == [None, None]
    finally:
        live.redis.start()
    deliveries = exchange.state()["webhooks"]["recent"]
    refused = [one for one in deliveries if one["url"].startswith(live.url) and one["state"] != "delivered"]
    assert refused == []
    ada.eventually(lambda: all(kept(live, sid) for sid in made), seconds=60)
    assert all(is_whole(live, sid, channels) for sid, channels in made.items())
    ada.page.goto(f"/calls/{call_id}")
    expect(ada.page.get_by_role("button", name="Play recording")).to_have_count(2)
