"""Which calls of a line are recorded, and what the other party hears about it before a recording begins. A line has one
policy for calls that come in and one for those that go out."""

from __future__ import annotations

POLICIES = ("off", "on", "announce", "consent")
NOTICE = "This call is recorded."
QUESTION = "We would like to record this call. Press 1 if you agree, or wait to go on without a recording."
CONSENT_KEY = "1"


def sentence(policy: str, *, notice: str, question: str) -> str:
    """What the other party hears first under this policy; empty: nothing. `notice` and `question` are the line's own
    sentences; empty: ours."""
    if policy == "announce":
        return notice or NOTICE
    return question or QUESTION if policy == "consent" else ""


def is_recorded(policy: str, consented: bool | None) -> bool:
    """consented: the other party's answer to the question; None: not asked, or not answered yet."""
    return policy in {"on", "announce"} or (policy == "consent" and consented is True)
