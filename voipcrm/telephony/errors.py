"""What can go wrong with a phone network, named so that a caller can tell what to do next.

`str(error)` is a sentence for the person at the phone; it holds no secret and no raw text of the provider's API.
"""


class TelephonyError(Exception):
    """Any of the errors below."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class NumberInvalid(TelephonyError):
    """This text is no phone number; the sentence says what is wrong with it."""


class NotAllowed(TelephonyError):
    """This number may not be dialled. `code` is one of the codes of `guard`, for logs and tests."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class FactMissing(TelephonyError):
    """A webhook lacks the field without which it says nothing (its SID), or gives that field twice, differently."""

    def __init__(self, field: str) -> None:
        super().__init__(f"The provider's message has no usable {field}.")
        self.field = field


class ProviderUnreachable(TelephonyError):
    """Network failure, time-out, 429 or 5xx: the same request may succeed later.

    retry_after: seconds the provider asked us to wait, or None. status: HTTP status, or None if there was no answer.
    """

    def __init__(self, sentence: str, *, retry_after: float | None = None, status: int | None = None) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after
        self.status = status


class ProviderRefused(TelephonyError):
    """The provider understood and said no (4xx): trying again changes nothing.

    code: the provider's error number (20003 wrong key, 21211 bad number...), or the HTTP status where it gave none.
    """

    def __init__(self, code: int, sentence: str, *, status: int | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.status = status


class LegGone(TelephonyError):
    """The leg is over or unknown (404, or 21220 "call is not in-progress"); nothing can be done to it any more."""


class RecordingGone(TelephonyError):
    """The provider has no such recording (any more)."""


class MediaNotReady(TelephonyError):
    """The recording's audio is not there yet (404): usual in the first seconds after hang-up. Try again later."""
