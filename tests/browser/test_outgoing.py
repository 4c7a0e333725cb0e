"""Calls that a person places."""

import re

import pytest
from playwright.sync_api import expect

from browser.people import ADA_HZ, STEADY, STEADY_HZ
from browser.sounds import RATE, channels_of, loudest_hz

pytestmark = pytest.mark.browser


def test_a_call_is_heard_at_both_ends_remembered_with_its_contact_and_recorded_in_two_channels(ada, people, exchange):
    ada.dial("1-800-FLOWERS")
    expect(ada.dock.get_by_label("Number to call")).to_have_js_property(
        "validationMessage", "Type a number, such as +1 415 555 0142."
    )
    assert ada.call is None
    ada.talk_to(STEADY)
    far_end = exchange.called(STEADY)
    far_end.hears(ADA_HZ)
    ada.hears(STEADY_HZ)
    expect(ada.dock.get_by_label("Active call")).to_contain_text("Steady tone")
    expect(ada.dock.get_by_label("Active call")).to_contain_text("Recording")
    call_id = ada.call["id"]
    ada.page.wait_for_timeout(2000)  # so that there is something to listen to
    ada.end()
    ada.says("Call ended 0:0", "Steady tone")
    far_end.over()
    ada.dock.locator("[data-part=keypad] [data-key='5']").click()  # the next number takes the place of the last
    expect(ada.dock.get_by_label("Number to call")).to_have_value("5")

    ada.go("Calls")
    row = ada.page.locator(f"#call-{call_id}")
    expect(row.get_by_role("link", name="Steady tone", exact=True)).to_have_attribute(
        "href", re.compile(r"/contacts/persons/\d+$")
    )
    expect(row).to_contain_text("Ada Ortiz")
    expect(row).to_contain_text(re.compile(r"0:0\d"))

    supervisor = people.bo(f"/calls/{call_id}").page
    download = supervisor.get_by_role("link", name=re.compile("Download recording"))
    expect(download).to_be_visible(timeout=60_000)  # by itself, without a reload
    answer = supervisor.context.request.get(download.get_attribute("href"))
    assert answer.headers["content-type"].startswith("audio/")
    agent, other = channels_of(answer.body())
    assert loudest_hz(agent) == pytest.approx(ADA_HZ, abs=5)
    assert loudest_hz(other) == pytest.approx(STEADY_HZ, abs=5)
    assert len(agent) > 2 * RATE
