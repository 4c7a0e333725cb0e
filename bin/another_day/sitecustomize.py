"""For Python under faketime, which takes its time.sleep (clock_nanosleep until a moment) for a sleep until a moment of
the false clock, whatever FAKETIME_DONT_FAKE_MONOTONIC says (0.9.10): the same by a call that it leaves alone."""

import select
import time


def sleep(seconds: float) -> None:
    select.select([], [], [], seconds)


time.sleep = sleep
