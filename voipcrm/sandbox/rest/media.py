"""The sound of a recording: WAV, or MP3 made on first request; ranges; and faults on request."""

from __future__ import annotations

import asyncio
import wave
from pathlib import Path

import av
import numpy as np
from aiohttp import web

from voipcrm.sandbox.faults import Faults
from voipcrm.sandbox.parts import PARTS
from voipcrm.sandbox.rest.guard import RestError, not_found

TYPES = {".wav": "audio/x-wav", ".mp3": "audio/mpeg"}
CHUNK = 16 * 1024
CUT_AT = 0.6


async def serve(request: web.Request, name: str) -> web.StreamResponse:
    """`name` is the SID with .wav, .mp3 or nothing (WAV); RequestedChannels=1|2. 404 until it is completed."""
    parts = request.app[PARTS]
    path = Path(name)
    kind = path.suffix or ".wav"
    row = parts.exchange.recordings.find(path.stem)
    if parts.faults.take("media_404") or row is None or row.status != "completed" or kind not in TYPES:
        raise not_found(request)
    if parts.faults.take("media_503"):
        raise RestError(503, 20503, "Service unavailable")
    asked = request.query.get("RequestedChannels", str(row.channels))
    if asked not in ("1", "2") or int(asked) > row.channels:
        raise RestError(400, 21220, "RequestedChannels is more than the recording has")
    sound = parts.exchange.recordings.wav(row.sid)
    if not sound.exists():
        raise not_found(request)
    if int(asked) != row.channels:
        sound = await asyncio.to_thread(_derived, sound, sound.with_suffix(".mono.wav"), _to_mono)
    if kind == ".mp3":
        sound = await asyncio.to_thread(_derived, sound, sound.with_suffix(".mp3"), _to_mp3)
    headers = {"Content-Type": TYPES[kind], "Accept-Ranges": "bytes"}
    faults = parts.faults
    if request.method == "GET" and (faults.media_truncate or faults.media_bytes_per_second):
        return await _badly(request, sound, headers, faults)
    return web.FileResponse(sound, headers=headers, chunk_size=CHUNK)


async def _badly(request: web.Request, sound: Path, headers: dict[str, str], faults: Faults) -> web.StreamResponse:
    """The whole length is promised; it comes slowly, or only a part of it comes."""
    content = await asyncio.to_thread(sound.read_bytes)
    response = web.StreamResponse(headers=headers | {"Content-Length": str(len(content))})
    await response.prepare(request)
    cut = faults.take("media_truncate")
    end = int(len(content) * CUT_AT) if cut else len(content)
    speed = faults.media_bytes_per_second
    step = max(1, speed // 10) if speed else CHUNK
    for start in range(0, end, step):
        await response.write(content[start : min(start + step, end)])
        if speed:
            await asyncio.sleep(0.1)
    if cut and request.transport:
        request.transport.close()
    return response


def _derived(source: Path, target: Path, make) -> Path:
    """A file made from another one, once; whole or not there."""
    if not target.exists():
        draft = target.with_name(target.name + ".part")
        make(source, draft)
        draft.replace(target)
    return target


def _to_mono(source: Path, target: Path) -> None:
    with wave.open(str(source), "rb") as wav:
        samples = np.frombuffer(wav.readframes(wav.getnframes()), "<i2").reshape(-1, wav.getnchannels())
        rate = wav.getframerate()
    mixed = np.clip(samples.astype(np.int32).sum(axis=1), -32768, 32767).astype("<i2")
    with wave.open(str(target), "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(rate)
        wav.writeframes(mixed.tobytes())


def _to_mp3(source: Path, target: Path) -> None:
    """MPEG-2 at 8 kHz does not exist, 16 kHz does; 32 kbit/s per channel."""
    with av.open(str(source)) as given, av.open(str(target), "w", format="mp3") as made:
        stream = given.streams.audio[0]
        layout = "stereo" if stream.codec_context.channels == 2 else "mono"
        bit_rate = 64000 if layout == "stereo" else 32000
        encoder = made.add_stream("libmp3lame", rate=16000, layout=layout, bit_rate=bit_rate)
        resampler = av.AudioResampler(format="s16p", layout=layout, rate=16000)
        for frame in [*given.decode(stream), None]:
            for part in resampler.resample(frame):
                made.mux(encoder.encode(part))
        made.mux(encoder.encode(None))
