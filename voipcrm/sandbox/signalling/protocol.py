"""Frames of the Voice SDK's signalling socket.

A frame is the JSON text {"type", "payload", "version": "1.6"}; the heartbeat is a bare newline either way. The client
drops the socket after 15 s without any frame from us.
"""

import asyncio
import contextlib
import json
import logging
from typing import Any

from aiohttp import ClientWebSocketResponse, WSMsgType, web

log = logging.getLogger(__name__)

VERSION = "1.6"
HEARTBEAT = "\n"
HEARTBEAT_SECONDS = 10.0
LARGEST_FRAME = 64 * 1024
"""Bytes; an SDP of one audio stream is below 8 kB."""

Payload = dict[str, Any]


class BadFrame(ValueError):
    """A frame that is not JSON or not of the shape above."""


class Code:
    """Error codes the SDK understands. Source: the generated errors of voice-sdk 2.18.5."""

    CONNECTION = 31005
    PARAMETERS_TOO_LONG = 31103
    AUTHENTICATION = 31201
    TOKEN_INVALID = 31204  # the SDK shows it as 20101
    TOKEN_EXPIRED = 31205  # the SDK shows it as 20104
    TOKEN_TOO_LONG = 31207
    NO_MEDIA = 53405


def encode(kind: str, payload: Payload) -> str:
    return json.dumps({"type": kind, "payload": payload, "version": VERSION})


def decode(text: str) -> tuple[str, Payload]:
    """Type and payload (an object; absent counts as empty). Raises BadFrame."""
    try:
        frame = json.loads(text)
    except ValueError as exc:
        raise BadFrame(f"not JSON: {exc}") from exc
    if not isinstance(frame, dict) or not isinstance(frame.get("type"), str):
        raise BadFrame("no type")
    payload = frame.get("payload") or {}
    if not isinstance(payload, dict):
        raise BadFrame("the payload is no object")
    return frame["type"], payload


def text_of(payload: Payload, name: str) -> str:
    """A required text of a payload. Raises BadFrame."""
    value = payload.get(name)
    if not isinstance(value, str) or not value:
        raise BadFrame(f"{name} is missing")
    return value


class Channel:
    """One socket: sends frames in order, keeps the heartbeat, never raises when the other side is gone."""

    def __init__(self, socket: web.WebSocketResponse | ClientWebSocketResponse) -> None:
        self._socket = socket

    @property
    def is_open(self) -> bool:
        return not self._socket.closed

    async def send(self, kind: str, **payload: Any) -> None:
        log.debug("to client: %s %s", kind, payload.get("callsid", ""))
        await self._send_text(encode(kind, payload))

    async def _send_text(self, text: str) -> None:
        if self.is_open:
            with contextlib.suppress(ConnectionError, RuntimeError):
                await self._socket.send_str(text)

    async def beat(self) -> None:
        """Until cancelled."""
        while self.is_open:
            await self._send_text(HEARTBEAT)
            await asyncio.sleep(HEARTBEAT_SECONDS)

    async def frames(self):
        """(type, payload) of each frame until the socket closes; heartbeats and malformed frames are left out."""
        async for message in self._socket:
            if message.type is not WSMsgType.TEXT:
                return
            if message.data == HEARTBEAT:
                continue
            try:
                yield decode(message.data)
            except BadFrame as exc:
                log.warning("frame ignored: %s", exc)

    def abort(self) -> None:
        """Cut the connection without a goodbye, as a lost network does."""
        writer = getattr(self._socket, "_writer", None)
        if writer is not None and writer.transport is not None:
            writer.transport.abort()

    async def close(self) -> None:
        with contextlib.suppress(ConnectionError, RuntimeError):
            await self._socket.close()
