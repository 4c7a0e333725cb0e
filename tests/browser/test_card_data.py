"""Card numbers stay out of the recording: what is said in the pause is not in the archived file, by ear."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import expect

from browser.people import ADA_HZ, STEADY, STEADY_HZ
from browser.sounds import RATE, channels_of
from voipcrm.sandbox.farends.hearing import measure

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

PAUSE_SECONDS = 4
SILENT = 200  # of 32,767


def recorded(exchange, before):
    return [row["sid"] for row in exchange.state()["recordings"] if row["sid"] not in before]


def archived(ada, live, sid) -> bytes:
    folder = live.folder / "recordings"
    return ada.eventually(lambda: next(folder.glob(f"20*/*/{sid}.wav"), None), seconds=40).read_bytes()


def pause(ada) -> None:
    ada.press("Pause recording")
    expect(ada.button("Pause recording")).to_have_attribute("aria-pressed", "true", timeout=30_000)
    expect(ada.dock.get_by_label("Active call")).to_contain_text("Recording paused")


def go_on(ada) -> None:
    ada.page.keyboard.press("Alt+Shift+KeyC")
    expect(ada.button("Pause recording")).to_have_attribute("aria-pressed", "false", timeout=30_000)
    expect(ada.dock.get_by_label("Active call")).not_to_contain_text("Recording paused")


def tones(samples: np.ndarray) -> list[float]:
    """The loudest frequency of each half second, 0 where there is silence."""
    halves = [samples[at : at + RATE // 2] for at in range(0, len(samples) - RATE // 2, RATE // 2)]
    return [measure(half).hz if np.abs(half).max() > SILENT else 0 for half in halves]


def test_what_is_said_in_the_pause_is_not_in_the_file(ada, exchange, live):
    before = {row["sid"] for row in exchange.state()["recordings"]}
    ada.talk_to(STEADY)
    exchange.called(STEADY).hears(ADA_HZ)
    expect(ada.dock.get_by_label("Active call")).to_contain_text("Recording")
    ada.page.wait_for_timeout(2000)
    pause(ada)
    exchange.called(STEADY).hears(ADA_HZ)  # they go on talking
    ada.page.wait_for_timeout(1000 * PAUSE_SECONDS)
    go_on(ada)
    ada.page.wait_for_timeout(2000)
    call_id = ada.call["id"]
    ada.end()
    (sid,) = recorded(exchange, before)
    for channel in channels_of(archived(ada, live, sid)):
        heard = tones(channel)
        pauses = [at for at, hz in enumerate(heard) if hz == 0]
        within = [at for at in pauses if 2 < at < len(heard) - 2]
        assert len(within) >= 2 * PAUSE_SECONDS - 1, heard  # the pause is there, as silence
        assert within == list(range(within[0], within[-1] + 1)), heard  # in one piece
        assert any(heard[: within[0]]), heard
        assert any(heard[within[-1] + 1 :]), heard
    ada.page.goto(f"/calls/{call_id}")
    expect(ada.page.locator("#main")).to_contain_text("Recording paused by Ada Ortiz")
    expect(ada.page.locator("#main")).to_contain_text("Recording resumed by Ada Ortiz")


def test_a_pause_survives_hold(ada, exchange, live):
    before = {row["sid"] for row in exchange.state()["recordings"]}
    ada.talk_to(STEADY)
    far_end = exchange.called(STEADY)
    far_end.hears(ADA_HZ)
    pause(ada)
    ada.hold()  # makes a conference of the call
    ada.resume()
    ada.hears(STEADY_HZ)
    expect(ada.dock.get_by_label("Active call")).to_contain_text("Recording paused")
    assert len(recorded(exchange, before)) == 1  # the conference does not record
    far_end.hears(ADA_HZ)
    go_on(ada)
    ada.page.wait_for_timeout(2500)
    ada.end()
    first, second = sorted(recorded(exchange, before), key=lambda sid: len(archived(ada, live, sid)) and sid)
    files = [channels_of(archived(ada, live, sid)) for sid in (first, second)]
    after = next(one for one in files if len(one) == 1)  # both voices in one channel
    assert any(tones(after[0]))
