"""Words and sound files as frames.

Speech comes from espeak-ng when the optional package espeakng-loader (extra `speech`, GPL-3, hence optional) is
installed; otherwise every word is a soft two-tone chime, so that a call still sounds alive and timing is right.
"""

import ctypes
import io
import logging
import threading
from collections.abc import Iterator
from functools import lru_cache

import av
import numpy as np
from av.error import FFmpegError

from voipcrm.sandbox.media.frames import RATE, Frame, to_frames
from voipcrm.sandbox.media.tones import silence, tone

log = logging.getLogger(__name__)

AUDIO_OUTPUT_SYNCHRONOUS = 2
ESPEAK_CHARS_UTF8 = 1
POS_CHARACTER = 1
TEXT_LIMIT = 4096
"""Characters of one <Say>; the same limit as Twilio's."""


_ONE_AT_A_TIME = threading.Lock()

SOUND_FORMATS = "wav,mp3,ogg,flac,aiff,au"
"""What may be played. Never a playlist: its decoder would go and fetch the files and addresses that it names."""


class NotAudio(ValueError):
    """Bytes that no decoder understands."""


def speak(text: str, voice: str | None = None, language: str | None = None) -> list[Frame]:
    """Text to frames. Takes about 15 ms per second of speech: call it in a thread (`asyncio.to_thread`) from the loop.

    voice: Twilio's names ("man", "woman", "alice", "Polly.Joanna", ...); only man or woman makes a difference here.
    language: a BCP 47 tag such as "en-GB"; unknown ones fall back to American English."""
    words = " ".join(text.split())[:TEXT_LIMIT]
    return list(_spoken(words, "man" if voice == "man" else "woman", language or "en-US")) if words else []


@lru_cache(maxsize=128)
def _spoken(text: str, voice: str, language: str) -> tuple[Frame, ...]:
    with _ONE_AT_A_TIME:  # two first callers must not start the library twice: it would crash the process
        engine = _engine()
    if engine is None:
        return tuple(_chimes(text))
    return tuple(to_frames(engine.say(text, voice, language)))


def _chimes(text: str) -> Iterator[Frame]:
    for word in text.split():
        length = min(0.06 + 0.03 * len(word), 0.3)
        yield from tone((392,), length / 2, 3000)
        yield from tone((330,), length / 2, 3000)
        yield from silence(0.08)


class _Espeak:
    """The espeak-ng library. One text at a time: it keeps global state, hence the lock."""

    def __init__(self, library: str, data: str) -> None:
        self._lock = threading.Lock()
        self._lib = ctypes.CDLL(library)
        self._lib.espeak_SetVoiceByName.argtypes = [ctypes.c_char_p]
        self._lib.espeak_Synth.argtypes = [
            ctypes.c_char_p,
            ctypes.c_size_t,
            ctypes.c_uint,
            ctypes.c_int,
            ctypes.c_uint,
            ctypes.c_uint,
            ctypes.c_void_p,
            ctypes.c_void_p,
        ]
        self._rate = self._lib.espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 0, data.encode(), 0)
        if self._rate <= 0:
            raise OSError("espeak_Initialize failed")
        self._chunks: list[bytes] = []
        receiver = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
        self._callback = receiver(self._receive)  # kept: the library holds only a bare pointer to it
        self._lib.espeak_SetSynthCallback(self._callback)

    def _receive(self, samples, count: int, _events) -> int:
        if samples and count > 0:
            self._chunks.append(ctypes.string_at(samples, count * 2))
        return 0

    def say(self, text: str, voice: str, language: str) -> np.ndarray:
        variant = "+f2" if voice == "woman" else ""
        with self._lock:
            for name in (language.lower(), language.split("-", maxsplit=1)[0].lower(), "en-us"):
                if self._lib.espeak_SetVoiceByName((name + variant).encode()) == 0:
                    break
            self._chunks.clear()
            encoded = text.encode() + b"\0"
            self._lib.espeak_Synth(encoded, len(encoded), 0, POS_CHARACTER, 0, ESPEAK_CHARS_UTF8, None, None)
            samples = np.frombuffer(b"".join(self._chunks), np.int16)
        return _resampled(samples, self._rate)


@lru_cache(maxsize=1)
def _engine() -> _Espeak | None:
    try:
        import espeakng_loader

        return _Espeak(espeakng_loader.get_library_path(), espeakng_loader.get_data_path())
    except (ImportError, OSError, AttributeError) as exc:
        log.info("no speech engine (%s): words become chimes", exc)
        return None


def _resampled(samples: np.ndarray, rate: int) -> np.ndarray:
    """int16 mono at any rate to 8 kHz."""
    if not len(samples):
        return samples
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = rate
    return _joined(av.AudioResampler(format="s16", layout="mono", rate=RATE), [frame])


def _joined(resampler: av.AudioResampler, frames) -> np.ndarray:
    parts = [part.to_ndarray().reshape(-1) for frame in (*frames, None) for part in resampler.resample(frame)]
    return np.concatenate(parts) if parts else np.zeros(0, np.int16)


def load_audio(content: bytes) -> list[Frame]:
    """A whole WAV, MP3 or other file to frames, decoded at once: use a thread. Raises NotAudio."""
    try:
        with av.open(io.BytesIO(content), mode="r", options={"format_whitelist": SOUND_FORMATS}) as container:
            if not container.streams.audio:
                raise NotAudio("the file has no audio stream")
            resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
            return to_frames(_joined(resampler, list(container.decode(audio=0))))
    except (FFmpegError, IndexError) as exc:
        raise NotAudio(f"not a sound file: {exc}") from exc
