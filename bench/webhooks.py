"""Status and voice webhooks, signed and committed, against the bare view: ratios of answers per second."""

from __future__ import annotations

import itertools
import secrets
import statistics
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import urlencode

from bench import house, replay
from voipcrm.telephony import signature

ROUNDS = 11  # and one before them, so that caches are warm and statements parsed, as in a server that has been up
BARE = 600  # of each kind, a round; few enough that a busy neighbour hits all alike
CALLS = 75  # each call brings four status webhooks
VOICES = 200
GOALS = {"sqlite": {"status": 0.30, "voice": 0.20}, "postgresql": {"status": 0.25, "voice": 0.20}}
AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def main(database: str) -> bool:
    """Print the figures on one kind of database; False when a goal is missed."""
    good = True
    with house.serving(database) as served:
        for clients in (1, 8):
            rounds = [_round(served, clients) for _ in range(ROUNDS + 1)][1:]
            for what in ("status", "voice"):
                good &= _print(database, what, clients, rounds)
    return good


def _round(served: house.Served, clients: int) -> dict[str, replay.Figures]:
    """All three over the same connections; each round has new ones, so that no chance of theirs lasts."""
    made = {"bare": [_bare(served.port)] * BARE, "status": statuses(served), "voice": _voices(served)}
    with replay.Crew(served.port, clients) as crew:
        figures = {what: crew.run(requests) for what, requests in made.items()}
    if refused := {what: one.refused for what, one in figures.items() if one.refused}:
        raise SystemExit(f"refused: {refused}")
    return figures


def _print(database: str, what: str, clients: int, rounds: list[dict[str, replay.Figures]]) -> bool:
    """The median of the rounds' ratios, and of what they consist of."""
    ratios = sorted(one[what].per_second / one["bare"].per_second for one in rounds)
    ratio, goal = statistics.median(ratios), GOALS[database][what]
    good = ratio >= goal
    print(
        f"{database:10} {what:6} webhook, {clients} at once: {ratio:.3f} of bare (goal {goal:.2f}) "
        f"{'ok' if good else 'MISSED'}, {ratios[0]:.2f} to {ratios[-1]:.2f}; "
        f"{statistics.median(one[what].per_second for one in rounds):.0f}/s "
        f"p50 {statistics.median(one[what].p50_ms for one in rounds):.2f} ms "
        f"p99 {statistics.median(one[what].p99_ms for one in rounds):.1f} ms, "
        f"bare {statistics.median(one['bare'].per_second for one in rounds):.0f}/s"
    )
    return good


def _bare(port: int) -> bytes:
    return replay.post("/bare/", "", {}, port)


def _signed(served: house.Served, path: str, fields: dict[str, str]) -> bytes:
    sign = signature.compute(served.base_url + path, list(fields.items()), served.token)
    headers = {"X-Twilio-Signature": sign, "I-Twilio-Idempotency-Token": secrets.token_hex(16)}
    return replay.post(path, urlencode(fields), headers, served.port)


def statuses(served: house.Served) -> list[bytes]:
    """Four status callbacks for one child leg of each of so many fresh calls."""
    requests = []
    for public_id, root_sid in served.open_calls(CALLS):
        child = "CA" + secrets.token_hex(16)
        for sequence, word in enumerate(("initiated", "ringing", "in-progress", "completed")):
            fields = {
                "AccountSid": served.account,
                "ApiVersion": "2010-04-01",
                "CallSid": child,
                "ParentCallSid": root_sid,
                "CallStatus": word,
                "Direction": "outbound-dial",
                "From": served.line,
                "To": "+12125550108",
                "Caller": served.line,
                "Called": "+12125550108",
                "FromCountry": "US",
                "ToCountry": "US",
                "CallbackSource": "call-progress-events",
                "SequenceNumber": str(sequence),
                "Timestamp": format_datetime(AT + timedelta(seconds=sequence * 5)),
                **({"CallDuration": "42", "Duration": "1", "SipResponseCode": "200"} if word == "completed" else {}),
            }
            requests.append(_signed(served, f"/voip/webhook/twilio/status?call={public_id}", fields))
    return requests


def _voices(served: house.Served) -> list[bytes]:
    """So many first requests of calls from known contacts to one of our lines."""
    return [
        _signed(
            served,
            "/voip/webhook/twilio/voice",
            {
                "AccountSid": served.account,
                "ApiVersion": "2010-04-01",
                "CallSid": "CA" + secrets.token_hex(16),
                "CallStatus": "ringing",
                "Direction": "inbound",
                "From": caller,
                "To": served.line,
                "Caller": caller,
                "Called": served.line,
                "FromCountry": "US",
                "ToCountry": "US",
                "CallerName": "",
            },
        )
        for caller in itertools.islice(itertools.cycle(house.CONTACTS), VOICES)
    ]
