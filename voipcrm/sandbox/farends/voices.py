"""What simulated ends say, as frames that react to what they hear."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from itertools import chain, cycle

from voipcrm.sandbox.farends.hearing import Ear
from voipcrm.sandbox.media.frames import SILENCE, TICK, Frame
from voipcrm.sandbox.media.speech import speak
from voipcrm.sandbox.media.tones import beep, silence, steady, tone

Voice = Callable[[Ear], Iterator[Frame]]
"""Makes the endless words of one call. Preparing them may take long; taking frames may not."""

GREETING = "Hello! This is the voip C R M sandbox. Nice to hear from you."
SENTENCES = (
    "I am a simulated person. You can talk to me, and I will wait until you have finished.",
    "The sound you hear has gone through a real browser phone connection.",
    "Try the hold button. You should hear me again when you come back.",
    "When you hang up, look for this call and its recording in the history.",
    "It was good talking to you. I can stay on the line for as long as you like.",
)
QUIET_BEFORE_TALKING = 0.8
"""Seconds of silence at the other side after which it is our turn."""
LONGEST_WAIT = 5.0
"""Seconds after which we talk anyway: a test tone never falls silent."""
MAILBOX = "Hello, you have reached the mailbox of a simulated person. Please leave a message after the tone."
MENU = "Welcome to the simulated menu. Enter digits, then press the hash key."
NOTHING = "You pressed nothing."
ACCEPTED = "12"
"""Digits that the menu answers with its tone."""
ACCEPTED_HZ = 1500
DIGIT_WORDS = {
    "0": "zero",
    "1": "one",
    "2": "two",
    "3": "three",
    "4": "four",
    "5": "five",
    "6": "six",
    "7": "seven",
    "8": "eight",
    "9": "nine",
    "*": "star",
}


def _asides(ear: Ear) -> Iterator[Frame]:
    """Silence until the other side has finished, but not for ever."""
    waited = 0.0
    while waited < 1.5 or (ear.quiet_seconds < QUIET_BEFORE_TALKING and waited < LONGEST_WAIT):
        waited += TICK
        yield SILENCE


def talk(ear: Ear) -> Iterator[Frame]:
    """A greeting, then sentence after sentence, each when the other side is quiet."""
    greeting, sentences = speak(GREETING), [speak(sentence) for sentence in SENTENCES]

    def words() -> Iterator[Frame]:
        yield from greeting
        for sentence in cycle(sentences):
            yield from _asides(ear)
            yield from sentence

    return words()


def mailbox(ear: Ear) -> Iterator[Frame]:
    """A greeting and a beep, then it listens."""
    return chain(speak(MAILBOX), silence(0.3), beep(), cycle([SILENCE]))


def menu(ear: Ear) -> Iterator[Frame]:
    """Asks for digits, and at the hash says them back; 1 2 # is answered with three seconds of 1500 Hz."""
    prompt, nothing = speak(MENU), speak(NOTHING)
    pressed = speak("You pressed")
    words = {digit: speak(word) for digit, word in DIGIT_WORDS.items()}

    def answer() -> Iterator[Frame]:
        read = len(ear.keys)
        yield from _until(prompt, lambda: len(ear.keys) > read)
        while True:
            entered, hash_, _ = ear.keys[read:].partition("#")
            if not hash_:
                yield SILENCE
                continue
            read += len(entered) + 1
            if entered == ACCEPTED:
                yield from tone((ACCEPTED_HZ,), 3.0)
            elif entered:
                yield from chain(pressed, *(words.get(digit, []) for digit in entered))
            else:
                yield from nothing

    return answer()


def _until(frames: list[Frame], stop: Callable[[], bool]) -> Iterator[Frame]:
    for frame in frames:
        if stop():
            return
        yield frame


def steady_tone(hz: float) -> Voice:
    """One frequency for ever."""
    return lambda ear: steady((hz,))


def mute(ear: Ear) -> Iterator[Frame]:
    """Says nothing."""
    return cycle([SILENCE])


def echo_delay() -> deque[Frame]:
    """What an echo starts with: 200 ms, so that a person can tell it from their own voice."""
    return deque(silence(0.2))
