"""The far network as far as recordings of live calls are steered: which legs and conferences are being recorded."""

from __future__ import annotations

from voipcrm.core.db import db
from voipcrm.telephony.errors import ProviderUnreachable, RecordingGone


class Network:
    """recorded: SIDs of the legs and conferences whose recording runs; paused: those of them that are paused. No
    transaction may be open while it is asked."""

    def __init__(self) -> None:
        self.recorded: list[str] = []
        self.paused: set[str] = set()
        self.started: list[str] = []
        self.conferences: dict[str, str] = {}
        self.is_away = False

    def find_conference(self, name: str) -> str | None:
        self._asked()
        return self.conferences.get(name)

    def start_recording(self, call_sid: str, *, status_url: str) -> str:
        self._asked()
        assert "/voip/webhook/twilio/recording?call=" in status_url
        self.started.append(call_sid)
        self.recorded.append(call_sid)
        return "RE" + "e" * 32

    def set_recording_paused(self, sid: str, paused: bool) -> None:
        self._asked()
        if sid not in self.recorded:
            raise RecordingGone("This recording is gone.")
        (self.paused.add if paused else self.paused.discard)(sid)

    def _asked(self) -> None:
        assert not db.session().in_transaction(), "a transaction is open while the network is asked"
        if self.is_away:
            raise ProviderUnreachable("The phone provider does not answer.")
