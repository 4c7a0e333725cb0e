"""Recorded greetings: checked, kept in the storage, and fetched from there by the phone provider.

The provider does not sign what it fetches to play, so the address is the secret: a random name, new with each file."""

from __future__ import annotations

import io
import re
import secrets
import wave

from voipcrm.core.app import settings
from voipcrm.core.storage import DRAFTS, storage

MOST_BYTES = 5 * 1024 * 1024
LONGEST_SECONDS = 120
NAME = re.compile(r"[0-9a-f]{32}\.wav")
_FOLDER = "greetings"


class GreetingRefused(Exception):
    """The file cannot be a greeting; the message is a sentence for the person."""


def check(content: bytes) -> None:
    """Raises GreetingRefused for what is no whole WAV file that every phone provider plays."""
    if len(content) > MOST_BYTES:
        raise GreetingRefused("The file is larger than 5 MB. Use one channel and 8,000 or 16,000 samples a second.")
    try:
        with wave.open(io.BytesIO(content)) as sound:
            seconds = sound.getnframes() / sound.getframerate()
            whole = sound.getnframes() * sound.getsampwidth() * sound.getnchannels()
            is_plain = sound.getsampwidth() in {1, 2} and sound.getnchannels() in {1, 2}
            came = len(sound.readframes(sound.getnframes()))
    except (wave.Error, EOFError, ZeroDivisionError):
        raise GreetingRefused("This is no WAV file. Save the recording as WAV (PCM, 16 bit).") from None
    if not is_plain:
        raise GreetingRefused("Save the recording as WAV with 8 or 16 bit and one or two channels.")
    if came != whole or not came:
        raise GreetingRefused("The file is cut off or empty. Record it again.")
    if seconds > LONGEST_SECONDS:
        raise GreetingRefused(f"The greeting is {seconds:.0f} seconds long. Use at most {LONGEST_SECONDS}.")


def keep(content: bytes) -> str:
    """Put a checked file into the storage; its name, which is also its secret."""
    name = f"{secrets.token_hex(16)}.wav"
    draft = f"{DRAFTS}/{name}"
    storage().put(draft, [content])
    storage().publish(draft, f"{_FOLDER}/{name}")
    return name


def forget(name: str) -> None:
    storage().delete(f"{_FOLDER}/{name}")


def read(name: str) -> bytes:
    """The file, at most MOST_BYTES. Raises FileNotFoundError."""
    return b"".join(storage().pieces(f"{_FOLDER}/{name}"))


def address(name: str) -> str:
    """Where the provider fetches it."""
    return f"{settings.public_base_url}/voip/greetings/{name}"
