"""What a person does while on a call: mute, hold, keys."""

import pytest
from playwright.sync_api import expect

from browser.people import ADA_HZ, HOLD_HZ, PRIYA, SALES, STEADY, STEADY_HZ

pytestmark = pytest.mark.browser

MENU, MENU_HZ = "+12125550106", 1500  # a far end that answers the keys 1 2 # with a tone


def test_mute_silences_and_unmute_restores(ada, exchange):
    ada.talk_to(STEADY)
    far_end = exchange.called(STEADY)
    far_end.hears(ADA_HZ)
    ada.press("Mute")
    expect(ada.button("Mute")).to_have_attribute("aria-pressed", "true")
    far_end.hears(0)
    ada.hears(STEADY_HZ)  # one's own ears stay open
    ada.press("Mute")
    expect(ada.button("Mute")).to_have_attribute("aria-pressed", "false")
    far_end.hears(ADA_HZ)


def test_hold_plays_music_there_and_silence_here_and_resume_restores_both(ada, exchange):
    ada.talk_to(STEADY)
    far_end = exchange.called(STEADY)
    far_end.hears(ADA_HZ)
    for _ in range(2):  # the first hold makes a conference of the call, later ones find it
        ada.hold()
        far_end.hears(HOLD_HZ)
        ada.hears(0)
        expect(ada.dock.get_by_label("Active call")).to_contain_text("On hold")
        ada.resume()
        far_end.hears(ADA_HZ)
        ada.hears(STEADY_HZ)
    far_end.hang_up()
    ada.says("Call ended")


def test_a_caller_is_held_and_resumed_too_and_may_hang_up_while_held(ada, exchange):
    caller = exchange.ring(SALES, from_=PRIYA, behaviour="tone:600")
    ada.is_("incoming")
    ada.card("Priya Raman").get_by_role("button", name="Accept").click()
    ada.is_("active")
    ada.hears(600)
    ada.hold()
    caller.hears(HOLD_HZ)
    ada.hears(0)
    ada.resume()
    caller.hears(ADA_HZ)
    ada.hears(600)
    ada.hold()
    caller.hang_up()
    ada.says("Call ended", "Priya Raman")


@pytest.mark.parametrize("way", ["buttons", "keyboard"])
def test_keys_reach_a_menu(ada, exchange, way):
    ada.talk_to(MENU)
    far_end = exchange.called(MENU)
    if way == "buttons":
        ada.press("Keypad")
        keys = ada.dock.get_by_role("group", name="Keypad of the call")
        for key in "12#":
            keys.locator(f'[data-key="{key}"]').click()
    else:
        ada.page.keyboard.press("Alt+Shift+KeyK")
        ada.page.keyboard.type("12#", delay=150)
    ada.hears(MENU_HZ)
    assert far_end.keys == "12#"
    expect(ada.dock.locator('[data-part="tones-sent"]')).to_have_text("12#")


def test_chords_work_while_typing_and_leave_the_focus_where_it_is(ada, exchange):
    ada.go("Calls")
    field = ada.page.locator("#calls-q")
    field.press_sequentially("pri")
    exchange.ring(SALES, from_=PRIYA, behaviour="tone:600")
    ada.is_("incoming")
    expect(field).to_be_focused()
    ada.page.keyboard.press("Alt+Shift+KeyA")
    ada.is_("active")
    expect(field).to_be_focused()
    expect(field).to_have_value("pri")
    ada.page.keyboard.press("Alt+Shift+KeyM")
    expect(ada.button("Mute")).to_have_attribute("aria-pressed", "true")
    ada.page.keyboard.press("Alt+Shift+KeyH")
    expect(ada.button("Hold")).to_have_attribute("aria-pressed", "true", timeout=30_000)
    ada.page.keyboard.press("Alt+Shift+KeyP")
    expect(ada.dock).to_be_focused()
    ada.page.keyboard.press("Alt+Shift+KeyE")
    ada.says("Call ended")


def test_a_chord_rejects(ada, exchange):
    exchange.ring(SALES, from_=PRIYA, behaviour="silent")
    ada.is_("incoming")
    ada.page.keyboard.press("Alt+Shift+KeyR")
    ada.says("You rejected the call.")
