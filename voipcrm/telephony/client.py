"""The provider's REST interface: what we ask Twilio, or the sandbox in its place, to do.

Every method makes one request (lists: one per page), waits at most 10 s for each answer, and raises only the errors
of `voipcrm.telephony.errors`; ValueError means that our own argument is wrong.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import islice
from json import JSONDecodeError
from typing import Any

import requests
from twilio.base.exceptions import TwilioRestException, TwilioServiceException
from twilio.rest import Client

from voipcrm.telephony.errors import LegGone, ProviderRefused, ProviderUnreachable, RecordingGone, TelephonyError
from voipcrm.telephony.media import open_media
from voipcrm.telephony.numbers import E164_PATTERN
from voipcrm.telephony.provider_facts import ApplicationFacts, CallFacts, NumberFacts, RecordingFacts
from voipcrm.telephony.twiml import RECORDING_EVENTS
from voipcrm.telephony.wire import TIMEOUT_SECONDS, Wire

PAGE_SIZE = 200
MAX_LISTED = 10_000  # a bound for the sweeps; they take up the rest the next time
CURRENT_RECORDING = "Twilio.CURRENT"

_NOT_FOR_SALE_HERE = 21422  # the provider's own code for a number that can't be had
_NOT_IN_PROGRESS = 21220
_SID = re.compile(r"[A-Z]{2}[0-9a-f]{32}")

_REFUSALS = {
    20003: "The phone provider doesn’t accept our keys.",
    21211: "The phone provider says that this number can’t be called.",
    21215: "The phone provider’s account may not call this country.",
    21219: "The phone provider’s trial account may only call verified numbers.",
    21422: "This number is no longer for sale.",
}


class Provider:
    """One account at the provider. Safe to keep for the life of a process; make it after a fork, not before."""

    def __init__(
        self,
        *,
        account_sid: str,
        key_sid: str,
        key_secret: str,
        base_url: str | None = None,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        """base_url: the sandbox's address, or None for Twilio itself. timeout: seconds for each answer."""
        if not (account_sid and key_sid and key_secret):
            raise ValueError("account_sid, key_sid and key_secret are all needed")  # the library would look around
        self.account_sid = account_sid
        self.base_url = base_url or None
        self._key = (key_sid, key_secret)
        self._timeout = timeout
        self._client = Client(key_sid, key_secret, account_sid, http_client=Wire(self.base_url, timeout=timeout))
        # The library takes these from TWILIO_EDGE and TWILIO_REGION of the environment, silently.
        self._client.edge = self._client.region = None

    def __repr__(self) -> str:
        return f"<Provider {self.account_sid} at {self.base_url or 'Twilio'}>"

    # Legs

    def redirect_call(self, sid: str, *, twiml: str) -> None:
        """Make a live leg do what this TwiML says, at once.

        The other leg of its Dial goes on to that Dial's action. Raises LegGone if the leg is over.
        """
        with _translated(gone=LegGone):
            self._client.calls(_sid(sid, "CA")).update(twiml=twiml)

    def end_call(self, sid: str) -> None:
        """Hang up, in whatever state it is. Raises LegGone if it is over already."""
        with _translated(gone=LegGone):
            self._client.calls(_sid(sid, "CA")).update(status="completed")

    def fetch_call(self, sid: str) -> CallFacts:
        with _translated(gone=LegGone):
            return CallFacts.of(self._client.calls(_sid(sid, "CA")).fetch())

    # Conferences

    def find_conference(self, name: str) -> str | None:
        """The SID of the conference of this name that is not over, or None (it exists once somebody is in it)."""
        with _translated(gone=LegGone):
            for conference in self._client.conferences.stream(friendly_name=name, page_size=20, limit=20):
                if str(conference.status) != "completed":
                    return conference.sid
        return None

    def participants(self, conference_sid: str) -> set[str]:
        """CallSids of the legs in it. Raises LegGone if the conference is unknown."""
        with _translated(gone=LegGone):
            found = self._client.conferences(_sid(conference_sid, "CF")).participants.stream(page_size=PAGE_SIZE)
            return {str(participant.call_sid) for participant in islice(found, PAGE_SIZE)}

    def set_hold(self, conference_sid: str, call_sid: str, held: bool, hold_url: str | None = None) -> None:
        """Put one participant on hold, who then hears the TwiML or audio at `hold_url`, or take them back."""
        change = {"hold_url": hold_url, "hold_method": "POST"} if held and hold_url else {}
        with _translated(gone=LegGone):
            conference = self._client.conferences(_sid(conference_sid, "CF"))
            conference.participants(_sid(call_sid, "CA")).update(hold=held, **change)

    # Recordings

    def fetch_recording(self, sid: str) -> RecordingFacts:
        with _translated(gone=RecordingGone):
            return RecordingFacts.of(self._client.recordings(_sid(sid, "RE")).fetch())

    def delete_recording(self, sid: str) -> bool:
        """True if it was deleted now, False if it was gone already: either way it is not there any more."""
        try:
            with _translated(gone=RecordingGone):
                self._client.recordings(_sid(sid, "RE")).delete()
        except RecordingGone:
            return False
        return True

    def open_recording_media(self, sid: str) -> requests.Response:
        """The audio as a streaming response, to be closed by the caller. Errors: see `media.open_media`."""
        key_sid, key_secret = self._key
        return open_media(
            account_sid=self.account_sid,
            key_sid=key_sid,
            key_secret=key_secret,
            recording_sid=sid,
            base_url=self.base_url,
            timeout=self._timeout,
        )

    def list_recordings(self, since: datetime) -> Iterator[RecordingFacts]:
        """Recordings made at or after `since`, newest first; pages are fetched as they are needed."""
        earliest = _moment(since)
        with _translated(gone=RecordingGone):
            found = self._client.recordings.stream(date_created_after=earliest, page_size=PAGE_SIZE, limit=MAX_LISTED)
            yield from (RecordingFacts.of(recording) for recording in found)

    def start_recording(self, call_sid: str, *, status_url: str) -> str:
        """Record a leg that talks, from now to its end, both sides in one channel; the recording's SID. It follows
        the leg into a conference. Raises LegGone if the leg is over or was not answered."""
        with _translated(gone=LegGone):
            recording = self._client.calls(_sid(call_sid, "CA")).recordings.create(
                recording_channels="mono",
                recording_status_callback=status_url,
                recording_status_callback_method="POST",
                recording_status_callback_event=RECORDING_EVENTS.split(),
            )
        return str(recording.sid)

    def set_recording_paused(self, sid: str, paused: bool) -> None:
        """Pause the recording of a live leg (CA…) or conference (CF…), as for card numbers, or go on with it.

        The pause stays in the file as silence, so that its times match the call's.
        Raises RecordingGone if nothing is being recorded.
        """
        change: dict[str, Any] = {"status": "in-progress"}
        if paused:
            change = {"status": "paused", "pause_behavior": "silence"}
        with _translated(gone=RecordingGone):
            owner = self._client.conferences if sid.startswith("CF") else self._client.calls
            owner(_sid(sid, sid[:2])).recordings(CURRENT_RECORDING).update(**change)

    # Application and numbers

    def fetch_application(self, sid: str) -> ApplicationFacts:
        """Raises ProviderRefused (code 20404) if the account has no such application."""
        with _translated():
            return ApplicationFacts.of(self._client.applications(_sid(sid, "AP")).fetch())

    def wire_application(self, sid: str, *, voice_url: str, status_url: str) -> ApplicationFacts:
        """Make one application ask us what to do with a call, and report on it."""
        with _translated():
            changed = self._client.applications(_sid(sid, "AP")).update(
                voice_url=voice_url,
                voice_method="POST",
                status_callback=status_url,
                status_callback_method="POST",
            )
            return ApplicationFacts.of(changed)

    def list_numbers(self) -> list[NumberFacts]:
        """Every number of the account, up to 1,000."""
        with _translated():
            found = self._client.incoming_phone_numbers.list(page_size=PAGE_SIZE, limit=1000)
            return [NumberFacts.of(number) for number in found]

    def own_number(self, e164: str) -> NumberFacts:
        """Add a number to the account. In the sandbox only: at Twilio this would buy it."""
        if self.base_url is None:
            raise ProviderRefused(_NOT_FOR_SALE_HERE, "Numbers are bought at the phone provider, not from here.")
        if not E164_PATTERN.fullmatch(e164):
            raise ValueError("e164 is not E.164")
        with _translated():
            return NumberFacts.of(self._client.incoming_phone_numbers.create(phone_number=e164))

    def wire_number(self, sid: str, *, application_sid: str, label: str) -> NumberFacts:
        """Send the calls of one number to an application. A trunk, if any, still comes before it. In the sandbox the
        number is named as its line, so that its page says which is which; at Twilio it keeps the name it has."""
        naming = {} if self.base_url is None else {"friendly_name": label}
        with _translated():
            number = self._client.incoming_phone_numbers(_sid(sid, "PN"))
            return NumberFacts.of(number.update(voice_application_sid=_sid(application_sid, "AP"), **naming))


@contextmanager
def _translated(*, gone: type[LegGone | RecordingGone] | None = None) -> Iterator[None]:
    """Our errors for the library's. 429, 5xx and network failures are dealt with in `wire` already.

    gone: what a 404 means here; without it a 404 is a refusal like others.
    """
    try:
        yield
    except (TwilioRestException, TwilioServiceException) as refusal:
        raise _ours(refusal.status, refusal.code or refusal.status, gone) from refusal
    except JSONDecodeError as garbage:  # a proxy's error page with status 200
        raise ProviderUnreachable("The phone provider answers with something else than usual.") from garbage


def _ours(status: int, code: int, gone: type[LegGone | RecordingGone] | None) -> TelephonyError:
    is_over = gone is LegGone and code == _NOT_IN_PROGRESS
    if gone and (is_over or status == HTTPStatus.NOT_FOUND):
        return gone("This call is over." if gone is LegGone else "This recording is gone.")
    sentence = _REFUSALS.get(code, f"The phone provider refused (error {code}).")
    return ProviderRefused(code, sentence, status=status)


def _sid(value: str, prefix: str) -> str:
    """SIDs become part of URLs, and some of them come from webhooks."""
    if not isinstance(value, str) or not _SID.fullmatch(value) or not value.startswith(prefix):
        raise ValueError(f"this is no {prefix} SID")
    return value


def _moment(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("give a datetime with a time zone")
    return value.astimezone(UTC)  # the library writes the clock's digits and a Z, whatever the zone
