"""Documents: what is refused, with which of Twilio's codes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voipcrm.sandbox.twiml.documents import DocumentError, flag, parse, text_of, whole, words

URL = "https://app.example/voice?a=1"


def test_verbs_keep_their_order_and_relative_addresses_are_made_whole():
    document = parse("<?xml version='1.0'?><Response><Say>Hi</Say><Redirect>../x</Redirect></Response>", URL)
    assert [verb.tag for verb in document.verbs] == ["Say", "Redirect"]
    assert document.absolute("next?b=2") == "https://app.example/next?b=2"
    assert document.absolute("") == URL
    assert document.absolute("http://other/#rc=2") == "http://other/#rc=2"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("<Response><Say>", 12100),
        ("<html><body>500</body></html>", 12100),
        ("<Response><Say>\x0b</Say></Response>", 12100),
        ("plain text", 12100),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><Response>&b;</Response>", 12100),
        ("<Response>" + "<Say>x</Say>" * 8000 + "</Response>", 11750),
    ],
)
def test_what_is_not_twiml_is_refused(body, code):
    with pytest.raises(DocumentError) as caught:
        parse(body, URL)
    assert caught.value.code == code


def test_an_empty_answer_is_an_empty_program():
    assert parse(b"  \n", URL).verbs == ()


def test_attributes_are_read_within_their_bounds():
    (verb,) = parse(
        '<Response><Dial timeout="9999" record="TRUE" hangupOnStar="yes" e="a, b c"/></Response>', URL
    ).verbs
    assert whole(verb, "timeout", 30, 1, 600) == 600
    assert whole(verb, "missing", 30) == 30
    assert whole(verb, "record", 7) == 7
    assert flag(verb, "record") is True
    assert flag(verb, "hangupOnStar") is False
    assert words(verb, "e") == ("a", "b", "c")


def test_text_includes_ssml_and_squeezes_white_space():
    (verb,) = parse("<Response><Say> Hello\n <break/> <emphasis>dear</emphasis> world </Say></Response>", URL).verbs
    assert text_of(verb) == "Hello dear world"


@given(st.binary(max_size=300))
def test_no_bytes_break_the_parser_otherwise(body):
    code = 0
    try:
        parse(body, URL)
    except DocumentError as error:
        code = error.code
    assert code in (0, 12100)
