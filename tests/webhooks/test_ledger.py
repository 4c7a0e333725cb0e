"""The ledger over HTTP: any order, any repetition, many at once; the same final rows."""

from concurrent.futures import ThreadPoolExecutor
from itertools import permutations

import pytest
import services
from cast import SALES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voipcrm.calls import jobs
from voipcrm.calls.models import Call, CallEvent, Leg
from voipcrm.core.db import db

ROOT, CHILD = "CA" + "a" * 32, "CA" + "b" * 32


@pytest.fixture
def call(app, cast) -> str:
    """Public id of an outgoing call of Ada's."""
    with app.app_context():
        call = Call(direction="outbound", user_id=cast.ada.id, root_sid=ROOT, peer_number="+12125550108")
        db.session.add(call)
        db.session.commit()
        return call.public_id


def four(provider) -> list[dict[str, str]]:
    provider.sequences.clear()
    length = {"CallDuration": "42", "Duration": "1", "SipResponseCode": "200"}
    words = [("initiated", 0), ("ringing", 1), ("in-progress", 5), ("completed", 47)]
    return [
        provider.status(CHILD, word, second, ParentCallSid=ROOT, **(length if word == "completed" else {}))
        for word, second in words
    ]


def final_rows() -> tuple:
    """The call and its legs without ids and the moments at which we heard."""
    call, legs = db.session.query(Call).one(), db.session.query(Leg).order_by(Leg.sid).all()
    return (
        (call.state, call.outcome, call.answered_at, call.talk_seconds, call.user_id),
        [(leg.sid, leg.parent_sid, leg.status, leg.ringing_at, leg.answered_at, leg.ended_at, leg.to) for leg in legs],
    )


def forget(app) -> None:
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(Leg.__table__.delete())
        connection.execute(CallEvent.__table__.delete())
        connection.execute(
            Call.__table__.update().values(
                state="created", outcome=None, answered_at=None, ended_at=None, talk_seconds=0
            )
        )


def test_all_24_orders_end_in_the_same_rows(provider, app, call):
    events, seen = four(provider), []
    for order in permutations(range(4)):
        forget(app)
        for i in order:
            provider.tell(events[i], call)
        with app.app_context():
            seen.append(final_rows())
    assert all(one == seen[0] for one in seen)
    assert seen[0][1][0][2] == "completed"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(5)), again=st.lists(st.integers(0, 4), max_size=4))
def test_repeats_and_orders_with_the_root_leg_end_in_the_same_call(provider, app, call, order, again):
    provider.sequences.clear()
    events = [*four(provider), provider.status(ROOT, "completed", 48, CallDuration="48")]
    forget(app)
    for i in (*order, *again):
        provider.tell(events[i], call)
    with app.app_context():
        call_row = db.session.query(Call).one()
        assert (call_row.state, call_row.outcome, call_row.talk_seconds) == ("ended", "answered", 42)
        assert db.session.query(CallEvent).count() == 5


def test_twenty_identical_callbacks_at_once_leave_what_one_leaves(app, provider, call):
    events = four(provider)
    for event in events[:3]:
        provider.tell(event, call)
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: provider.tell(events[3], call), range(20)))
    with app.app_context():
        assert db.session.query(CallEvent).count() == 4
        assert db.session.query(Leg).one().status == "completed"


def test_different_callbacks_at_once_all_count(app, provider, call):
    events = [*four(provider), provider.status(ROOT, "completed", 48)]
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda event: provider.tell(event, call), events))
    with app.app_context():
        row = db.session.query(Call).one()
        assert (row.outcome, row.talk_seconds) == ("answered", 42)


def test_what_comes_before_its_call_is_kept_and_linked(provider, app, cast):
    caller = "+14155550108"
    early = provider.status(ROOT, "completed", 60, from_=caller, to=SALES, CallDuration="3")
    provider.tell(early)
    with app.app_context():
        assert db.session.query(CallEvent).one().call_id is None
    provider.ask(ROOT, from_=caller)
    with app.app_context():
        assert db.session.query(Call).one().state == "ended"


def test_a_recording_before_its_call_is_kept_and_linked(signed_post, provider, app, cast):
    form = {"AccountSid": services.ACCOUNT, "CallSid": ROOT, "RecordingSid": "RE" + "c" * 32}
    form |= {"RecordingStatus": "completed", "RecordingDuration": "5", "RecordingChannels": "2"}
    assert signed_post("/voip/webhook/twilio/recording", form).status_code == 204
    provider.ask(ROOT, from_="+14155550108")
    from voipcrm.recordings.models import Recording
    from voipcrm.recordings.noting import adopt_orphans

    with app.app_context():
        adopt_orphans()
        db.session.commit()
        assert db.session.query(Recording).one().call_id == db.session.query(Call).one().id


def test_losers_of_a_ring_group_do_not_overwrite(provider, app, cast):
    from voipcrm.accounts.models import Presence

    with app.app_context():
        Presence.report(cast.ada.id, "available")
        Presence.report(cast.bo.id, "available")
        db.session.commit()
    provider.ask(ROOT, from_="+14155550108", to="+12025550141")
    with app.app_context():
        call = db.session.query(Call).one().public_id
    ada, bo = "CA" + "1" * 32, "CA" + "2" * 32
    to_ada, to_bo = f"client:{cast.ada.identity}", f"client:{cast.bo.identity}"
    for sid, word, second, to in (
        (ada, "ringing", 1, to_ada),
        (bo, "ringing", 1, to_bo),
        (bo, "in-progress", 4, to_bo),
        (ada, "no-answer", 4, to_ada),
    ):
        provider.tell(provider.status(sid, word, second, ParentCallSid=ROOT, to=to), call)
    with app.app_context():
        row = db.session.query(Call).one()
        assert (row.state, row.user_id) == ("in-progress", cast.bo.id)
    provider.tell(provider.status(bo, "completed", 34, ParentCallSid=ROOT, to=to_bo, CallDuration="30"), call)
    provider.tell(provider.status(ROOT, "completed", 35), call)
    with app.app_context():
        row = db.session.query(Call).one()
        assert (row.outcome, row.user_id, row.talk_seconds) == ("answered", cast.bo.id, 30)


def test_a_call_whose_browser_never_connected_ends_by_itself(app, cast, monkeypatch):
    from voipcrm.core import clock

    with app.app_context():
        db.session.add(Call(direction="outbound", user_id=cast.ada.id, peer_number="+12125550108"))
        db.session.commit()
        later = clock.now() + jobs.NEVER_CONNECTED * 2
        monkeypatch.setattr(clock, "now", lambda: later)
        jobs.never_connected()
        row = db.session.query(Call).one()
        assert (row.state, row.outcome, row.reason) == ("ended", "canceled", "The phone did not connect.")


def test_a_useless_but_signed_message_is_taken_quietly(signed_post, app, cast):
    assert signed_post("/voip/webhook/twilio/status", {"AccountSid": services.ACCOUNT}).status_code == 204


def test_another_account_is_refused_even_with_a_good_signature(signed_post, app, cast):
    form = {"AccountSid": "AC" + "f" * 32, "CallSid": ROOT, "CallStatus": "completed"}
    assert signed_post("/voip/webhook/twilio/status", form).status_code == 403


def test_a_body_of_ten_megabytes_is_refused(app, cast):
    answer = app.test_client().post("/voip/webhook/twilio/status", data={"x": "y" * 10_000_000})
    assert answer.status_code in {403, 413}
