"""Status and voice webhooks, signed and committed, against the bare view: ratios of answers per second."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import urlencode

from bench import house, replay
from voipcrm.telephony import signature

ROUNDS = 3
CALLS = 250  # a round: each call brings four status webhooks
VOICES = 500
STATUS_GOAL = {"sqlite": 0.30, "postgresql": 0.25}
VOICE_GOAL = 0.20
AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def main(database: str) -> bool:
    """Print the figures on one kind of database; False when a goal is missed."""
    good = True
    with house.serving(database) as served:
        for clients in (1, 8):
            status, voice = [], []
            for _ in range(ROUNDS):  # interleaved, so that a busy neighbour hits all alike
                bare = replay.run([_bare(served.port)] * 2000, served.port, clients=clients)
                told = replay.run(statuses(served), served.port, clients=clients)
                asked = replay.run(_voices(served), served.port, clients=clients)
                if told.refused or asked.refused:
                    raise SystemExit(f"refused: {told.refused} status, {asked.refused} voice webhooks")
                status.append((told.per_second / bare.per_second, told, bare))
                voice.append((asked.per_second / bare.per_second, asked, bare))
            good &= _print(database, "status", clients, sorted(status, key=_ratio)[ROUNDS // 2], STATUS_GOAL[database])
            good &= _print(database, "voice", clients, sorted(voice, key=_ratio)[ROUNDS // 2], VOICE_GOAL)
    return good


def _ratio(run: tuple[float, replay.Figures, replay.Figures]) -> float:
    return run[0]


def _print(
    database: str, what: str, clients: int, run: tuple[float, replay.Figures, replay.Figures], goal: float
) -> bool:
    ratio, ours, bare = run
    good = ratio >= goal
    print(
        f"{database:10} {what:6} webhook, {clients} at once: {ratio:.2f} of bare (goal {goal:.2f}) "
        f"{'ok' if good else 'MISSED'}; {ours.per_second:.0f}/s p50 {ours.p50_ms:.2f} ms p99 {ours.p99_ms:.1f} ms, "
        f"bare {bare.per_second:.0f}/s"
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
    """So many first requests of calls from a known contact to one of our lines."""
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
                "From": served.contact,
                "To": served.line,
                "Caller": served.contact,
                "Called": served.line,
                "FromCountry": "US",
                "ToCountry": "US",
                "CallerName": "",
            },
        )
        for _ in range(VOICES)
    ]
