"""Webhooks: signature, connection overrides, retries, order, and disorder on request."""

import asyncio
import contextlib

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator
from world import application, eventually, free_port, world

from voipcrm.sandbox.disorder import Disorder, Plan
from voipcrm.sandbox.notifications import Notifications
from voipcrm.sandbox.overrides import split
from voipcrm.sandbox.signature import sign
from voipcrm.sandbox.tasks import Tasks
from voipcrm.sandbox.webhooks import Webhooks

TOKEN = "primary-token"


@contextlib.asynccontextmanager
async def network(**answers):
    """Webhooks and an application of its own: (webhooks, app)."""
    async with application({f"/{name}": answer for name, answer in answers.items()}) as app:
        tasks = Tasks()
        webhooks = Webhooks(TOKEN, Notifications(), Disorder(tasks), tasks)
        await webhooks.open()
        try:
            yield webhooks, app
        finally:
            await tasks.stop()
            await webhooks.close()


@given(
    st.dictionaries(st.text(max_size=8), st.text(max_size=12), max_size=6),
    st.sampled_from(["", "?a=1", "?a=%2Fb%7E&c", "?x=1&x=2"]),
)
def test_signatures_are_those_of_twilios_library(params, query):
    url = f"https://app.example/voip/hook{query}"
    assert sign(TOKEN, url, params.items()) == RequestValidator(TOKEN).compute_signature(url, params)
    assert sign(TOKEN, url + "#rc=2", params.items()) == sign(TOKEN, url, params.items())


def test_overrides_are_read_from_the_fragment_and_kept_within_bounds():
    url, wishes = split("https://app.example/voice?a=1#ct=2000&rt=4000&rc=2&rp=4xx,ct")
    assert url == "https://app.example/voice?a=1"
    assert (wishes.ct, wishes.rt, wishes.tt, wishes.rc) == (2000, 4000, 15000, 2)
    assert [wishes.retries_after(what) for what in ("ct", "4xx", "5xx", "rt")] == [True, True, False, False]
    _, wild = split("https://app.example/#ct=1&rt=99999&rc=9&rp=never")
    assert (wild.ct, wild.rt, wild.rc, wild.rp) == (5000, 15000, 1, {"ct"})
    assert split("https://app.example/#rp=all")[1].retries_after("5xx")


async def test_the_raw_address_and_form_arrive_exactly_as_signed():
    async with network() as (webhooks, app):
        params = {"CallerName": "Zoë & <Söhne> +1", "Empty": "", "Missing": None, "Number": 7}
        reply = await webhooks.request(f"{app.base}/a%2Fb//c/?q=%7E&blank=#rc=3", params)
        assert reply.status == 204
        (hook,) = app.hooks
        assert hook.signed
        assert hook.params == {"CallerName": "Zoë & <Söhne> +1", "Empty": "", "Number": "7"}
        assert hook.headers["User-Agent"] == "TwilioProxy/1.1"
        assert hook.headers["Connection"] == "close"  # never one that the application may be closing just now
        assert len(hook.headers["I-Twilio-Idempotency-Token"]) == 36


async def test_a_get_carries_the_fields_in_a_signed_query():
    async with network() as (webhooks, app):
        await webhooks.request(f"{app.base}/x?a=1", {"To": "+1555"}, method="GET")
        (hook,) = app.hooks
        assert (hook.method, hook.query, hook.signed) == ("GET", {"a": "1", "To": "+1555"}, True)


@pytest.mark.parametrize(
    ("fragment", "tries"), [("", 1), ("#rc=2&rp=5xx", 3), ("#rc=5&rp=4xx", 1), ("#rc=4&rp=all", 5)]
)
async def test_an_error_is_tried_again_only_as_often_as_the_address_asks(fragment, tries):
    async with network(hook=lambda _: web.Response(status=500)) as (webhooks, app):
        reply = await webhooks.request(f"{app.base}/hook{fragment}", {"CallSid": "CA1"})
        assert (reply.error, reply.status) == (11200, 500)
        assert len(app.hooks) == tries
        assert len({hook.headers["I-Twilio-Idempotency-Token"] for hook in app.hooks}) == 1
        assert [item.code for item in webhooks.notifications.recent] == [11200]
        assert (webhooks.recent[-1].state, len(webhooks.recent[-1].tries)) == ("failed", tries)


async def test_nobody_listening_is_tried_twice_and_a_slow_answer_once():
    async def slow(_):
        await asyncio.sleep(1)

    async with network(slow=slow) as (webhooks, app):
        reply = await webhooks.request(f"http://127.0.0.1:{free_port()}/", {})
        assert reply.error == 11205
        assert len(webhooks.recent[-1].tries) == 2
        reply = await webhooks.request(f"{app.base}/slow#rt=200", {})
        assert (reply.error, reply.failure) == (11200, "rt")
        assert len(app.hooks) == 1


async def test_a_redirect_is_followed_by_get_without_the_form():
    def moved(_):
        return web.Response(status=302, headers={"Location": "/there?x=1"})

    async with network(here=moved, there="<Say/>") as (webhooks, app):
        reply = await webhooks.request(f"{app.base}/here", {"CallSid": "CA1"})
        assert reply.status == 200
        assert (app.hooks[1].method, app.hooks[1].params, app.hooks[1].signed) == ("GET", {"x": "1"}, True)


async def test_callbacks_of_one_call_arrive_in_order_though_the_first_is_slow():
    async def slow_first(hook):
        await asyncio.sleep(0.3 if hook["n"] == "0" else 0)

    async with network(hook=slow_first) as (webhooks, app):
        for number in range(5):
            webhooks.notify(f"{app.base}/hook", {"n": number}, purpose="status", order_key="CA1")
        webhooks.notify(f"{app.base}/other", {"n": 9}, purpose="status", order_key="CA2")
        await eventually(lambda: len(app.hooks) == 6)
        assert [hook["n"] for hook in app.at("/hook")] == list("01234")
        assert app.hooks.index(app.at("/other")[0]) < 3


async def notified(plan: dict, count: int = 30):
    async with network() as (webhooks, app):
        webhooks.disorder.follow(Plan.from_json(plan))
        for number in range(count):
            webhooks.notify(f"{app.base}/hook", {"n": number}, purpose="status", order_key="CA1")
        await eventually(lambda: not len(webhooks.tasks))
        return [int(hook["n"]) for hook in app.hooks]


async def test_disorder_loses_doubles_and_shuffles_by_its_seed():
    lost = await notified({"drop": 0.3, "seed": 7})
    assert 10 < len(set(lost)) < 30
    assert sorted(await notified({"drop": 0.3, "seed": 7})) == sorted(lost)
    doubled = await notified({"duplicate": 1.0})
    assert sorted(doubled) == sorted([*range(30), *range(30)])
    shuffled = await notified({"shuffle_ms": 50, "seed": 3})
    assert sorted(shuffled) == list(range(30))
    assert shuffled != list(range(30))
    assert await notified({"shuffle_ms": 50, "seed": 3}) == shuffled
    late = await notified({"delay_ms": 200})
    assert sorted(late) == list(range(30))


async def test_held_callbacks_leave_in_the_order_asked_for():
    async with network() as (webhooks, app):
        webhooks.disorder.follow(Plan(hold=4, match="/hook"))
        for number in range(5):
            webhooks.notify(f"{app.base}/hook", {"n": number, "CallStatus": f"s{number}"}, purpose="x", order_key="CA1")
        webhooks.notify(f"{app.base}/else", {"n": 9}, purpose="x", order_key="CA2")
        await eventually(lambda: len(app.hooks) == 2)
        assert sorted(hook["n"] for hook in app.hooks) == ["4", "9"]
        assert [item.summary["status"] for item in webhooks.disorder.held] == ["s0", "s1", "s2", "s3"]
        with pytest.raises(ValueError, match="positions"):
            await webhooks.disorder.release([4])
        assert await webhooks.disorder.release([3, 0, 2, 1, 3]) == 5
        assert [hook["n"] for hook in app.hooks[2:]] == list("30213")


@pytest.mark.parametrize("plan", [{"drop": 2}, {"delay_ms": -1}, {"hold": "x"}, {"colour": "red"}])
def test_a_plan_that_makes_no_sense_is_refused(plan):
    with pytest.raises(ValueError):
        Plan.from_json(plan)


async def test_a_cookie_is_not_sent_back(tmp_path):
    def bake(_):
        response = web.Response(text="<Response><Redirect>next</Redirect></Response>", content_type="text/xml")
        response.set_cookie("session", "1")
        return response

    async with world(tmp_path, voice=bake, next="<Hangup/>") as place:
        await place.ring()
        (hook,) = await eventually(lambda: place.app.at("/voip/webhook/twilio/next"))
        assert "Cookie" not in hook.headers
