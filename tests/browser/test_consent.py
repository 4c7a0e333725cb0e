"""Nobody is recorded who was not asked: the question, the key, and what is in the file, by ear."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from browser.people import ADA_HZ, PRIYA, SALES, STEADY, STEADY_HZ
from browser.sounds import channels_of
from browser.test_card_data import archived, recorded, tones

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

NEAR_HZ = 8


@pytest.fixture
def policy(people):
    """policy("consent"): of the sales line in both directions; every call is recorded again after the test."""
    page = people.root().page

    def choose(value: str) -> None:
        page.goto("/admin/voip/numbers/")
        page.get_by_role("link", name="Edit Sales line").click()
        for direction in ("incoming", "outgoing"):
            page.get_by_label(f"Recording of {direction} calls").select_option(value)
        page.get_by_role("button", name="Save").click()
        expect(page.locator("#main")).to_contain_text("Saved.")

    yield choose
    choose("on")


def known(exchange) -> set[str]:
    return {row["sid"] for row in exchange.state()["recordings"]}


def says_recording(ada) -> bool:
    return ada.dock.locator('[data-part="call-recording"]').is_visible()


def test_whom_we_call_is_recorded_from_the_key_on_and_through_a_hold(ada, exchange, live, policy):
    policy("consent")
    before = known(exchange)
    ada.dial(STEADY)
    far_end = exchange.called(STEADY)
    while ada.state != "active":  # the question plays; a key before it counts for nothing
        far_end.press("1")
        ada.page.wait_for_timeout(700)
    ada.hears(STEADY_HZ)
    ada.eventually(lambda: says_recording(ada))
    ada.hold()
    ada.resume()
    ada.hears(STEADY_HZ)
    ada.page.wait_for_timeout(1500)
    ada.end()
    (sid,) = recorded(exchange, before)
    (both,) = channels_of(archived(ada, live, sid))  # one channel
    heard = tones(both)
    assert any(abs(hz - STEADY_HZ) < NEAR_HZ or abs(hz - ADA_HZ) < NEAR_HZ for hz in heard), heard


def test_whom_we_call_goes_unrecorded_without_the_key(ada, exchange, policy):
    policy("consent")
    before = known(exchange)
    ada.dial(STEADY)
    ada.is_("active", seconds=40)
    ada.hears(STEADY_HZ)
    call_id = ada.call["id"]
    assert not says_recording(ada)
    assert ada.button("Pause recording").count() == 0
    ada.end()
    assert recorded(exchange, before) == []
    ada.page.goto(f"/calls/{call_id}")
    expect(ada.page.locator("#main")).to_contain_text("Not recorded: no consent.")


@pytest.mark.parametrize("keys", ["1", "2"])
def test_a_caller_is_asked_before_anybody_is_rung(ada, exchange, live, policy, keys):
    policy("consent")
    before = known(exchange)
    caller = exchange.ring(SALES, from_=PRIYA, behaviour="tone:600", keys=keys)
    ada.is_("incoming")
    ada.card("Priya Raman").get_by_role("button", name="Accept").click()
    ada.hears(600)
    ada.eventually(lambda: says_recording(ada) == (keys == "1"))
    ada.page.wait_for_timeout(2000)
    caller.hang_up()
    ada.says("Call ended")
    made = recorded(exchange, before)
    assert len(made) == (keys == "1")
    for sid in made:
        assert all(any(tones(channel)) for channel in channels_of(archived(ada, live, sid)))


def test_an_announcement_is_over_before_the_recording_begins(ada, exchange, live, policy):
    policy("announce")
    before = known(exchange)
    caller = exchange.ring(SALES, from_=PRIYA, behaviour="tone:600")
    assert recorded(exchange, before) == []
    ada.is_("incoming")
    assert recorded(exchange, before) == []  # it was said, and nothing is recorded yet
    ada.card("Priya Raman").get_by_role("button", name="Accept").click()
    caller.hears(ADA_HZ)
    ada.page.wait_for_timeout(1500)
    caller.hang_up()
    ada.says("Call ended")
    (sid,) = recorded(exchange, before)
    assert len(channels_of(archived(ada, live, sid))) == 2
