"""WebRTC audio of a browser leg. The only module that knows aiortc and aioice.

Both are pinned because three things here lean on their inside: loopback candidates (`get_host_addresses`), the RTP
packets taken before aiortc's own jitter buffer (`_handle_rtp_packet`), and the receiver statistics behind RTCP reports.
"""

import asyncio
import fractions
import logging
from typing import Any

import aioice.ice
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcrtpreceiver import StreamStatistics
from av import Packet

from voipcrm.sandbox.media import ulaw
from voipcrm.sandbox.media.frames import FRAME, RATE, Frame
from voipcrm.sandbox.media.jitter import JitterBuffer
from voipcrm.sandbox.media.leg import MediaLeg

log = logging.getLogger(__name__)

PCMU = [codec for codec in RTCRtpSender.getCapabilities("audio").codecs if codec.mimeType == "audio/PCMU"]
PCMU_PAYLOAD_TYPE = 0
"""Static payload type of mu-law. Source: RFC 3551."""
WAITING_FRAMES = 10
"""Frames that may wait for the network before newer ones are dropped: 200 ms."""

_host_addresses = aioice.ice.get_host_addresses


def _with_loopback(use_ipv4: bool, use_ipv6: bool) -> list[str]:
    """aioice never offers 127.0.0.1, but a laptop in an aeroplane has nothing else."""
    return ["127.0.0.1", *_host_addresses(use_ipv4=use_ipv4, use_ipv6=False)]


aioice.ice.get_host_addresses = _with_loopback


class BadDescription(ValueError):
    """An SDP that cannot be used: malformed, or without mu-law audio."""


class _Outgoing(MediaStreamTrack):
    """Frames to the browser as ready mu-law packets: aiortc then needs no encoder and no thread per frame."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._frames: asyncio.Queue[Frame] = asyncio.Queue()
        self._sent_samples = 0

    def push(self, frame: Frame) -> None:
        if self._frames.qsize() < WAITING_FRAMES:
            self._frames.put_nowait(frame)

    async def recv(self) -> "Packet[Any]":  # generic in the stubs only
        if self.readyState != "live":
            raise MediaStreamError
        packet = Packet(ulaw.encode(await self._frames.get()))
        packet.pts = self._sent_samples
        packet.time_base = fractions.Fraction(1, RATE)
        self._sent_samples += FRAME
        return packet


class WebRtcLeg(MediaLeg):
    """Audio of one browser: mu-law at 8 kHz over one peer connection, a new one after an ICE restart."""

    def __init__(self, name: str = "") -> None:
        super().__init__(name)
        self.jitter = JitterBuffer()
        self.connections = 0
        """Peer connections so far: one, and one more for every ICE restart."""
        self._peer: RTCPeerConnection | None = None
        self._outgoing: _Outgoing | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._closed = False

    async def answer(self, offer: str) -> str:
        """SDP offer of the browser to our SDP answer, candidates included. Called again: an ICE restart.
        Raises BadDescription."""
        old = self._peer
        peer = self._new_peer()
        try:
            await peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
            await peer.setLocalDescription(await peer.createAnswer())
        except Exception as exc:  # aiortc raises half a dozen kinds, AttributeError among them, on a bad SDP
            self._dispose(peer)
            self._peer = old
            raise BadDescription(str(exc)) from exc
        if self._closed:
            self._dispose(peer)
        if old is not None:
            self._dispose(old)
        return peer.localDescription.sdp

    async def offer(self) -> str:
        """Our SDP offer, candidates included."""
        peer = self._new_peer()
        await peer.setLocalDescription(await peer.createOffer())
        return peer.localDescription.sdp

    async def accept(self, answer: str) -> None:
        """The browser's SDP answer to our offer. Raises BadDescription."""
        if self._peer is None:
            raise BadDescription("there is no offer to answer")
        try:
            await self._peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        except Exception as exc:
            raise BadDescription(str(exc)) from exc

    def close(self) -> None:
        """Ends the media; the sockets are closed in the background."""
        self._closed = True
        self.connected.clear()
        if self._peer is not None:
            self._dispose(self._peer)
            self._peer = None

    async def closed(self) -> None:
        """Until everything behind `close` is really gone."""
        while self._closing:
            await asyncio.wait(self._closing)

    def figures(self) -> dict[str, int | bool]:
        """Packets received, late, concealed, skipped; whether media is connected."""
        jitter = self.jitter
        return {
            "connected": self.connected.is_set(),
            "received": jitter.received,
            "late": jitter.late,
            "concealed": jitter.concealed,
            "skipped": jitter.skipped,
        }

    def _next(self) -> Frame:
        return self.jitter.pop()

    def _deliver(self, frame: Frame) -> None:
        if self._outgoing is not None and self.connected.is_set():
            self._outgoing.push(frame)

    def _new_peer(self) -> RTCPeerConnection:
        # no STUN server: gathering would wait for it for seconds, and for ever without a network
        peer = self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.connections += 1
        self._outgoing = _Outgoing()
        transceiver = peer.addTransceiver(self._outgoing, direction="sendrecv")
        transceiver.setCodecPreferences(PCMU)  # before any remote description: aiortc chooses codecs in there
        self._listen_to(transceiver.receiver)

        @peer.on("connectionstatechange")
        def _changed() -> None:
            self._connection_changed(peer, peer.connectionState)

        return peer

    def _connection_changed(self, peer: RTCPeerConnection, state: str) -> None:
        log.debug("media of %s: %s", self.name, state)
        if peer is not self._peer:
            return
        if state == "connected":
            self.connected.set()
        elif state in ("failed", "closed"):
            self.connected.clear()

    def _listen_to(self, receiver: RTCRtpReceiver) -> None:
        streams: dict[int, StreamStatistics] = getattr(receiver, "_RTCRtpReceiver__remote_streams")  # noqa: B009 - the checker would not let a private name pass

        async def received(packet, arrival_time_ms: int) -> None:
            if packet.payload_type != PCMU_PAYLOAD_TYPE or not packet.payload:
                return
            if packet.ssrc not in streams:
                streams[packet.ssrc] = StreamStatistics(RATE)
            streams[packet.ssrc].add(packet)
            self.heard()
            self.jitter.push(packet.timestamp, ulaw.decode(packet.payload))

        receiver._handle_rtp_packet = received

    def _dispose(self, peer: RTCPeerConnection) -> None:
        task = asyncio.get_running_loop().create_task(peer.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
