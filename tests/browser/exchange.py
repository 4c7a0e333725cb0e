"""The phone network as a test sees it: simulated telephones that call, and what the telephones called by us hear."""

from __future__ import annotations

from typing import Any

from services import House

from browser.waiting import eventually

NEAR_HZ = 8.0
SILENT_RMS = 10 ** (-50 / 20)  # -50 dB of full scale


class Telephone:
    """A simulated far end in one call; `sid` is that of its leg."""

    def __init__(self, house: House, sid: str) -> None:
        self._house, self.sid = house, sid

    def report(self) -> dict[str, Any]:
        """Its leg and what it hears (voipcrm.sandbox.control.show)."""
        return self._house.control(f"calls/{self.sid}")

    @property
    def is_live(self) -> bool:
        return self.report()["live"]

    @property
    def keys(self) -> str:
        """Those that it has heard."""
        return self.report()["far_end"]["hears"]["keys"]

    def hang_up(self) -> None:
        self._house.control(f"calls/{self.sid}/hangup", {})

    def press(self, keys: str) -> None:
        """Keys of this telephone."""
        self._house.control(f"calls/{self.sid}/digits", {"digits": keys})

    def hears(self, hz: float, *, seconds: float = 30.0) -> None:
        """Wait until its loudest frequency is that one, or until it hears nothing (0), for a whole second."""
        eventually(lambda: self._hears_now(hz), seconds=seconds, told=lambda: f"{self.sid} hears {self._history()}")

    def over(self, *, seconds: float = 30.0) -> None:
        """Wait until its call has ended."""
        eventually(lambda: not self.is_live, seconds=seconds, told=self.report)

    def _hears_now(self, hz: float) -> bool:
        last = self._history()[-2:]
        if len(last) < 2:
            return False
        if not hz:
            return all(one["rms"] < SILENT_RMS for one in last)
        return all(abs(one["hz"] - hz) < NEAR_HZ and one["rms"] > SILENT_RMS for one in last)

    def _history(self) -> list[dict[str, float]]:
        """The last measurements of half a second each, oldest first."""
        return self.report()["far_end"]["hears"]["history"][-6:]


class Exchange:
    """The sandbox of a house, through its control API."""

    def __init__(self, house: House) -> None:
        self._house = house

    def state(self) -> dict[str, Any]:
        return self._house.control("state")

    def ring(self, to: str, *, from_: str, behaviour: str = "tone:600", **script: Any) -> Telephone:
        """A telephone calls one of our numbers; `script` is that of POST /control/ring."""
        asked = {"to": to, "from": from_, "behaviour": behaviour, **script}
        return Telephone(self._house, self._house.control("ring", asked)["call_sid"])

    def called(self, number: str) -> Telephone:
        """The telephone at that number, as soon as it is in a call."""

        def newest() -> str | None:
            live = (call for call in self.state()["calls"] if call["to"] == number and call["live"] and call["far_end"])
            return next((call["sid"] for call in live), None)

        return Telephone(self._house, eventually(newest, told=lambda: f"nobody calls {number}"))

    def devices(self, identity: str) -> list[dict[str, Any]]:
        """The browsers of that person which may be rung now."""
        return [one for one in self.state()["devices"] if one["identity"] == identity and one["listening"]]

    def drop_signalling(self, identity: str) -> int:
        """Cut that person's socket as a lost network does; how many there were."""
        return self._house.control("drop-signalling", {"identity": identity})["dropped"]

    def faults(self, **wanted: Any) -> None:
        """As POST /control/faults, until the next reset."""
        self._house.control("faults", wanted)

    def reset(self) -> None:
        """End every call and forget faults."""
        self._house.control("reset", {})
