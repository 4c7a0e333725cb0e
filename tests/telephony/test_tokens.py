from datetime import UTC, datetime, timedelta

import jwt
import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from voipcrm.telephony.tokens import access_token, identity, user_id_from

ACCOUNT, KEY, APPLICATION = "AC" + "0" * 32, "SK" + "1" * 32, "AP" + "2" * 32
SECRET = "a secret that is at least thirty-two bytes long"


def make(**changes):
    given = {
        "account_sid": ACCOUNT,
        "api_key_sid": KEY,
        "api_key_secret": SECRET,
        "identity": "u_12",
        "ttl_seconds": 900,
        "outgoing_application_sid": APPLICATION,
        "incoming_allow": True,
    }
    return access_token(**(given | changes))


def claims(token):
    return jwt.decode(token, SECRET, algorithms=["HS256"])


def test_a_token_has_the_claims_the_voice_sdk_needs():
    token = make()
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT", "cty": "twilio-fpa;v=1"}
    found = claims(token)
    assert (found["iss"], found["sub"]) == (KEY, ACCOUNT)
    assert found["jti"].startswith(KEY + "-")
    assert found["grants"] == {
        "identity": "u_12",
        "voice": {"incoming": {"allow": True}, "outgoing": {"application_sid": APPLICATION}},
    }


def test_a_token_lives_as_long_as_asked():
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    with time_machine.travel(now, tick=False):
        assert claims(make(ttl_seconds=600))["exp"] == int((now + timedelta(minutes=10)).timestamp())


def test_a_clock_five_minutes_fast_still_makes_usable_tokens():
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    with time_machine.travel(now + timedelta(minutes=5), tick=False):
        token = make(ttl_seconds=900)
    with time_machine.travel(now, tick=False):
        assert "nbf" not in claims(token)


def test_who_may_not_call_gets_no_outgoing_grant():
    assert claims(make(outgoing_application_sid=None))["grants"]["voice"] == {"incoming": {"allow": True}}


def test_who_may_not_be_rung_gets_no_incoming_grant():
    voice = claims(make(incoming_allow=False))["grants"]["voice"]
    assert voice == {"outgoing": {"application_sid": APPLICATION}}


@pytest.mark.parametrize("value", ["true", 1, None, "yes"])
def test_only_a_real_bool_allows_incoming_calls(value):
    with pytest.raises(TypeError):
        make(incoming_allow=value)


@pytest.mark.parametrize(
    "changes",
    [
        {"identity": "ada@example.com"},
        {"identity": "client:u_12"},
        {"identity": ""},
        {"ttl_seconds": 0},
        {"ttl_seconds": -5},
        {"ttl_seconds": 86_401},
        {"ttl_seconds": True},
        {"api_key_secret": ""},
        {"account_sid": KEY},
        {"api_key_sid": ACCOUNT},
        {"outgoing_application_sid": ACCOUNT},
    ],
)
def test_a_token_that_could_only_fail_in_the_browser_is_not_made(changes):
    with pytest.raises(ValueError):
        make(**changes)


def test_a_complaint_about_settings_does_not_show_them():
    with pytest.raises(ValueError) as refusal:
        make(api_key_sid="the-secret-by-mistake")
    assert "the-secret-by-mistake" not in str(refusal.value)


@given(st.integers(1, 10**18 - 1))
def test_identities_and_user_ids_convert_both_ways(user_id):
    assert user_id_from(identity(user_id)) == user_id
    assert user_id_from("client:" + identity(user_id)) == user_id


@pytest.mark.parametrize("user_id", [0, -1, True, "12", 1.5, None])
def test_only_a_positive_number_is_a_user_id(user_id):
    with pytest.raises(ValueError):
        identity(user_id)


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "u_",
        "u_0",
        "u_-1",
        "u_01",
        "u_1 ",
        " u_1",
        "u_1\n",
        "U_1",
        "client:",
        "client:Anonymous",
        "CLIENT:u_1",
        "client:client:u_1",
        "sip:u_1",
        "u_１",
        "u_1;u_2",
        "+14155550100",
        "u_" + "9" * 19,
        b"u_1",
        12,
    ],
)
def test_anything_else_is_nobody(address):
    assert user_id_from(address) is None
