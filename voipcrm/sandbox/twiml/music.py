"""What someone on hold hears: a TwiML document of the application, turned into an endless source of frames."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from voipcrm.sandbox.calls import Call
from voipcrm.sandbox.media.frames import SILENCE, Frame
from voipcrm.sandbox.twiml.documents import Goto
from voipcrm.sandbox.twiml.program import Program

if TYPE_CHECKING:
    from voipcrm.sandbox.exchange import Exchange

VERBS = frozenset({"Say", "Play", "Pause", "Redirect"})


class Music:
    """
    An iterator that never ends: frames of the document, silence while it is fetched and after its last verb (hold
    and wait documents are not repeated; `<Play loop="0">` and <Redirect> are how they go on).
    """

    def __init__(self) -> None:
        self._source: Iterator[Frame] | None = None
        self._played = asyncio.Event()
        self._feeding: asyncio.Task[None] | None = None

    @classmethod
    def from_document(cls, exchange: Exchange, call: Call, goto: Goto) -> Music:
        """Begins to fetch it at once, with the call's fields."""
        music = cls()
        program = _MusicProgram(exchange, call, music)
        music._feeding = exchange.tasks.start(program.run_once(goto), name=f"hold music of {call.sid}")
        return music

    def __iter__(self) -> Music:
        return self

    def __next__(self) -> Frame:
        frame = next(self._source, None) if self._source is not None else None
        if frame is None:
            self._source = None
            self._played.set()
            return SILENCE
        return frame

    async def play(self, frames: Iterable[Frame]) -> None:
        """Returns when they are played out."""
        self._played.clear()
        self._source = iter(frames)
        await self._played.wait()

    def stop(self) -> None:
        """Falls silent for good."""
        self._source = None
        if self._feeding:
            self._feeding.cancel()


class _MusicProgram(Program):
    """Verbs that play into the music instead of onto the call's line, which belongs to the conference."""

    def __init__(self, exchange: Exchange, call: Call, music: Music) -> None:
        super().__init__(exchange, call, verbs=VERBS)
        self._music = music

    async def answered(self) -> None:
        """It is: only an answered call can be on hold."""

    async def play(self, frames: Iterable[Frame]) -> None:
        """Into the music."""
        await self._music.play(frames)

    async def pause(self, seconds: float) -> None:
        """Silence in the music."""
        await asyncio.sleep(seconds)
