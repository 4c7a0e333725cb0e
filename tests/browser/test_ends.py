"""How calls end, in the words that the person reads."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

HANGS_UP, BUSY, NEVER_ANSWERS, DECLINES, NOT_IN_SERVICE = (
    f"+1212555{ending}" for ending in ("0107", "0102", "0103", "0104", "0109")
)


def test_the_far_end_hangs_up(ada):
    ada.talk_to(HANGS_UP)
    ada.says("Call ended 0:0", "Hangs up")
    assert ada.call is None
    expect(ada.button("Call again")).to_be_visible()


@pytest.mark.parametrize(
    ("number", "words", "badge"),
    [
        (BUSY, "Busy.", "Busy"),
        (DECLINES, "Busy.", "Busy"),
        (NOT_IN_SERVICE, re.compile("not in service|not a working number|could not be reached", re.I), "Failed"),
    ],
    ids=["busy", "declined", "not in service"],
)
def test_why_a_call_was_not_answered_is_said_in_words(ada, number, words, badge):
    ada.dial(number)
    ada.says(words)
    ada.go("Calls")
    expect(ada.page.locator("#calls tbody tr").first).to_contain_text(badge)


def test_a_call_that_nobody_answers_is_given_up_and_called_again(ada, exchange):
    ada.dial(NEVER_ANSWERS)
    ada.is_("ringing")
    far_end = exchange.called(NEVER_ANSWERS)
    ada.end()
    ada.says("You canceled the call.")
    far_end.over()
    ada.press("Call again")
    ada.is_("ringing")
    exchange.called(NEVER_ANSWERS)
    ada.end()
