"""The clock, and who hears whom."""

import asyncio
import time
import wave
from itertools import cycle

import numpy as np
import pytest
from world import eventually

from voipcrm.sandbox.media.clock import MediaClock
from voipcrm.sandbox.media.frames import FRAME, SILENCE, TICK
from voipcrm.sandbox.media.leg import MediaLeg
from voipcrm.sandbox.media.mixing import LEAD_IN_SECONDS, Bridge, Room, Solo
from voipcrm.sandbox.media.recorder import Recorder
from voipcrm.sandbox.media.tones import tone

LEAD_IN = round(LEAD_IN_SECONDS / TICK)


class ConstantLeg(MediaLeg):
    """Says one value all the time and remembers what it heard."""

    def __init__(self, value: int = 0, *, connected: bool = True) -> None:
        super().__init__(str(value))
        self.value = value
        self.heard_values: list[int] = []
        if connected:
            self.connected.set()

    def _next(self):
        return np.full(FRAME, self.value, np.int16)

    def _deliver(self, frame):
        self.heard_values.append(int(frame[0]))

    @property
    def hears(self) -> int:
        return self.heard_values[-1]


def frames(*values: int):
    return [np.full(FRAME, value, np.int16) for value in values]


@pytest.fixture
def clock():
    return MediaClock()


def channels_of(path) -> np.ndarray:
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getsampwidth()) == (8000, 2)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return samples.reshape(-1, file.getnchannels()).T


class Seconds:
    """Time that passes only when someone sleeps, or stalls the loop at the given tick."""

    def __init__(self, monkeypatch, clock, stalls: dict[int, float], oversleep: float = 0.0) -> None:
        self.now, self.clock, self.stalls, self.oversleep = 1000.0, clock, stalls, oversleep
        monkeypatch.setattr("voipcrm.sandbox.media.clock.time.monotonic", lambda: self.now)
        monkeypatch.setattr("voipcrm.sandbox.media.clock.asyncio.sleep", self.sleep)
        self.limit = self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds + (self.oversleep if seconds else 0)
        self.now += self.stalls.pop(self.clock.ticks, 0)
        if self.now > self.limit:
            raise asyncio.CancelledError

    async def run(self, seconds: float) -> None:
        self.limit = self.now + seconds
        with pytest.raises(asyncio.CancelledError):
            await self.clock.run()


async def test_the_clock_does_not_drift_though_every_sleep_is_too_long(clock, monkeypatch):
    await Seconds(monkeypatch, clock, {}, oversleep=0.003).run(600)
    assert clock.ticks == pytest.approx(600 / TICK, abs=1)
    assert clock.lost == clock.late == 0
    assert clock.lag_max == pytest.approx(0.003)


async def test_a_short_stall_is_made_up_for(clock, monkeypatch):
    await Seconds(monkeypatch, clock, {100: 0.21}).run(10)
    assert clock.ticks == pytest.approx(10 / TICK, abs=1)
    assert clock.lost == 0
    assert clock.figures()["late"] == 10
    assert clock.figures()["lag_max_ms"] == pytest.approx(210)


async def test_the_ticks_of_a_long_stall_are_lost_and_counted(clock, monkeypatch):
    await Seconds(monkeypatch, clock, {100: 3.0}).run(10)
    assert clock.lost == pytest.approx(3.0 / TICK, abs=1)
    assert clock.ticks + clock.lost == pytest.approx(10 / TICK, abs=2)
    clock.reset_figures()
    assert clock.figures() == {"ticks": 0, "lost": 0, "late": 0, "lag_max_ms": 0.0, "items": 0}


async def test_the_clock_ticks_in_real_time(clock):
    running = asyncio.create_task(clock.run())
    start = time.monotonic()

    def behind() -> float:
        return (time.monotonic() - start) / TICK - clock.ticks - clock.lost

    await asyncio.sleep(0.5)
    assert behind() >= 0  # never ahead; on a busy machine it may be behind, but it catches up
    await eventually(lambda: behind() < 3)
    running.cancel()


def test_an_item_that_fails_is_taken_off_and_the_others_go_on(clock, caplog):
    class Broken:
        def tick(self):
            raise RuntimeError("boom")

    counted = []

    class Counting:
        def tick(self):
            counted.append(1)

    clock.add(Broken())
    clock.add(Counting())
    clock.tick()
    clock.tick()
    assert len(counted) == 2
    assert len(clock) == 1
    assert "boom" in caplog.text


async def test_a_prompt_is_played_whole_after_a_lead_in_and_play_returns(clock):
    leg = ConstantLeg()
    solo = Solo(clock, leg)
    solo.start()
    playing = asyncio.create_task(solo.play(frames(1, 2, 3)))
    await asyncio.sleep(0)
    for _ in range(LEAD_IN + 12):
        await asyncio.sleep(0)
        clock.tick()
    await asyncio.wait_for(playing, 1)
    assert [value for value in leg.heard_values if value] == [1, 2, 3]
    assert leg.heard_values.index(1) >= LEAD_IN


async def test_nothing_of_a_prompt_is_lost_before_media_flows(clock):
    leg = ConstantLeg(connected=False)
    solo = Solo(clock, leg)
    solo.start()
    playing = asyncio.create_task(solo.play(frames(1, 2, 3)))
    for _ in range(20):
        await asyncio.sleep(0)
        clock.tick()
    assert not any(leg.heard_values)
    leg.connected.set()
    for _ in range(LEAD_IN + 8):
        await asyncio.sleep(0)
        clock.tick()
    await asyncio.wait_for(playing, 1)
    assert [value for value in leg.heard_values if value] == [1, 2, 3]


@pytest.mark.parametrize("end", ["interrupt", "stop", "replace", "cancel"])
async def test_an_endless_prompt_ends_at_once_when_told(clock, end):
    leg = ConstantLeg()
    solo = Solo(clock, leg)
    solo.start()
    playing = asyncio.create_task(solo.play(cycle(frames(7))))
    for _ in range(LEAD_IN + 5):
        await asyncio.sleep(0)
        clock.tick()
    assert leg.hears == 7
    if end == "replace":
        other = asyncio.create_task(solo.play(frames(9)))
    elif end == "cancel":
        playing.cancel()
    else:
        getattr(solo, end)()
    await asyncio.wait({playing}, timeout=1)
    assert playing.done()
    for _ in range(3):
        await asyncio.sleep(0)
        clock.tick()
    if end == "replace":
        await other
    assert leg.heard_values[-1] == (7 if end == "stop" else 0)


async def test_an_interrupt_before_media_flows_ends_the_play(clock):
    solo = Solo(clock, ConstantLeg(connected=False))
    playing = asyncio.create_task(solo.play(cycle(frames(7))))
    await asyncio.sleep(0.01)
    solo.interrupt()
    await asyncio.wait_for(playing, 1)


def test_a_bridge_crosses_two_legs_and_records_each_in_its_channel(clock, tmp_path):
    parent, child = ConstantLeg(1000), ConstantLeg(2000)
    bridge = Bridge(clock, parent, child, Recorder(tmp_path / "a.wav"))
    bridge.start()
    for _ in range(60):
        clock.tick()
    bridge.stop()
    bridge.stop()
    clock.tick()
    assert (parent.hears, child.hears) == (2000, 1000)
    assert bridge.recorder.close() == pytest.approx(1.2)
    left, right = channels_of(tmp_path / "a.wav")
    assert len(left) == 9600
    assert set(left) == {1000}
    assert set(right) == {2000}


def test_everyone_in_a_room_hears_all_but_themselves(clock):
    room, legs = Room(clock), [ConstantLeg(1), ConstantLeg(20), ConstantLeg(300)]
    for leg in legs:
        room.join(leg)
    clock.tick()
    assert [leg.hears for leg in legs] == [320, 301, 21]
    room.leave(legs[0])
    clock.tick()
    assert [leg.hears for leg in legs[1:]] == [300, 20]
    for leg in legs:
        room.leave(leg)
    assert len(clock) == 0


def test_the_muted_hear_and_are_not_heard_and_the_held_do_neither(clock):
    room, (ada, bo, customer) = Room(clock), (ConstantLeg(1), ConstantLeg(20), ConstantLeg(300))
    for leg in (ada, bo, customer):
        room.join(leg)
    room.set_muted(bo, True)
    room.set_held(customer, True, cycle(frames(5000)))
    clock.tick()
    assert (ada.hears, bo.hears, customer.hears) == (0, 1, 5000)
    room.set_held(customer, False)
    room.set_muted(bo, False)
    clock.tick()
    assert (ada.hears, bo.hears, customer.hears) == (320, 301, 21)


def test_a_coach_is_heard_by_the_coached_one_only_and_is_in_no_recording(clock, tmp_path):
    room, (agent, coach, customer) = Room(clock), (ConstantLeg(1), ConstantLeg(20), ConstantLeg(300))
    for leg in (agent, coach, customer):
        room.join(leg)
    room.recorder = Recorder(tmp_path / "room.wav", 1)
    room.set_coaching(coach, agent)
    clock.tick()
    assert (agent.hears, coach.hears, customer.hears) == (320, 301, 1)
    room.leave(agent)
    clock.tick()
    assert customer.hears == 0
    room.recorder.close()
    assert set(channels_of(tmp_path / "room.wav")[0]) == {301, 300}


def test_an_announcement_is_heard_by_all_but_the_held(clock):
    room, (ada, bo) = Room(clock), (ConstantLeg(0), ConstantLeg(0))
    room.join(ada)
    room.join(bo)
    room.set_held(bo, True, cycle(frames(7)))
    room.announce(frames(50))
    clock.tick()
    assert (ada.hears, bo.hears) == (50, 7)
    clock.tick()
    assert ada.hears == 0


def test_a_recording_appears_under_its_name_only_when_whole(tmp_path):
    recorder = Recorder(tmp_path / "deep" / "r.wav", 1)
    recorder.write(SILENCE)
    assert not recorder.path.exists()
    assert recorder.close() == pytest.approx(0.02)
    assert recorder.close() == pytest.approx(0.02)
    assert [path.name for path in recorder.path.parent.iterdir()] == ["r.wav"]
    gone = Recorder(tmp_path / "gone.wav")
    gone.discard()
    assert not list(tmp_path.glob("gone*"))


@pytest.mark.parametrize(("behavior", "seconds"), [("skip", 1.0), ("silence", 1.5)])
def test_a_pause_is_left_out_or_silent(tmp_path, behavior, seconds):
    recorder = Recorder(tmp_path / "r.wav", 1)
    loud = tone((400,), 0.5)
    for part in range(3):
        if part == 1:
            recorder.pause(behavior)
            assert recorder.paused
        for frame in loud:
            recorder.write(frame)
        recorder.resume()
    assert recorder.close() == pytest.approx(seconds)
    (samples,) = channels_of(recorder.path)
    assert np.abs(samples[5000:7000]).max() == (0 if behavior == "silence" else pytest.approx(6000, rel=0.02))


def test_a_mono_recording_of_two_is_their_mix(tmp_path):
    recorder = Recorder(tmp_path / "r.wav", 1)
    recorder.write(*frames(100, 20))
    recorder.close()
    assert set(channels_of(recorder.path)[0]) == {120}


def test_trimming_leaves_out_silence_at_both_ends_but_not_between(tmp_path):
    recorder = Recorder(tmp_path / "r.wav", 1, trim=True)
    for frame in [SILENCE] * 50 + tone((400,), 0.5) + [SILENCE] * 25 + tone((400,), 0.5) + [SILENCE] * 100:
        recorder.write(frame)
    assert recorder.quiet_seconds == pytest.approx(2.0)
    assert recorder.close() == pytest.approx(1.5)


def test_keys_replace_what_a_leg_says_and_an_overlay_what_it_hears():
    leg = ConstantLeg(5)
    leg.insert(frames(1, 2))
    leg.overlay(frames(8))
    assert [int(leg.take()[0]) for _ in range(3)] == [1, 2, 5]
    leg.give(frames(3)[0])
    leg.give(frames(3)[0])
    assert leg.heard_values == [8, 3]
