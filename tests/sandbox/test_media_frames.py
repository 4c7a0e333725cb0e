"""Mu-law, the jitter buffer, tones, speech and the ear that measures them."""

import io
import itertools
import wave

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voipcrm.sandbox.farends.hearing import DtmfDetector, Ear, measure
from voipcrm.sandbox.media import speech, tones, ulaw
from voipcrm.sandbox.media.frames import FRAME, RATE, SILENCE, mixed
from voipcrm.sandbox.media.jitter import DEPTH, JUMP, MOST, JitterBuffer


def numbered(number: int) -> np.ndarray:
    """A frame that says which one it is."""
    return np.full(FRAME, number + 1, np.int16)


def number_of(frame: np.ndarray) -> int:
    return int(frame[0]) - 1


def test_mu_law_matches_g711():
    linear = np.array([0, 32767, -32768, 1000, -1000, 8, -8], np.int16)
    assert ulaw.encode(linear).hex() == "ff8000ce4efe7e"
    assert list(ulaw.decode(bytes([0xFF, 0x80, 0x00, 0xCE, 0x4E, 0x7F]))) == [0, 32124, -32124, 988, -988, 0]


def test_mu_law_is_within_half_a_step_for_every_sample_and_stable():
    linear = np.arange(-32124, 32125, dtype=np.int16)
    once = ulaw.decode(ulaw.encode(linear))
    wide = linear.astype(np.int32)
    assert (np.abs(once - wide) <= (np.abs(wide) + 132) / 32).all()
    assert (ulaw.decode(ulaw.encode(once)) == once).all()


def test_frames_come_out_in_order_after_the_first_three():
    jitter = JitterBuffer()
    heard = []
    for number in range(20):
        jitter.push(number * FRAME, numbered(number))
        heard.append(number_of(jitter.pop()))
    assert heard[: DEPTH - 1] == [-1] * (DEPTH - 1)
    assert heard[DEPTH - 1 :] == list(range(20 - DEPTH + 1))


def test_a_lost_packet_costs_its_own_20_ms_and_no_more():
    jitter = JitterBuffer()
    heard = []
    for number in range(100):
        if number != 5:
            jitter.push(number * FRAME, numbered(number))
        heard.append(jitter.pop())
    assert jitter.concealed == 1
    played = [number_of(frame) for frame in heard[DEPTH - 1 :]]
    assert played[:5] == [0, 1, 2, 3, 4]
    assert played[6:] == list(range(6, 100 - DEPTH + 1))  # the delay has not grown


def test_packets_in_the_wrong_order_are_put_right_and_late_ones_dropped():
    jitter = JitterBuffer()
    heard = []
    order = [0, 2, 1, 3, 5, 4, 6, 8, 9, 10, 11, 12, 7, 13, 14, 15]
    for number in order:
        jitter.push(number * FRAME, numbered(number))
        heard.append(number_of(jitter.pop()))
    assert heard[:9] == [-1, -1, 0, 1, 2, 3, 4, 5, 6]
    assert heard[10:] == [8, 9, 10, 11, 12, 13]  # and 7 was imitated, for it came after its turn
    assert jitter.late == jitter.concealed == 1


def test_a_burst_after_a_stall_is_played_whole():
    jitter = JitterBuffer()
    heard = []
    arrivals = [[n] for n in range(10)] + [[]] * 5 + [list(range(10, 16))] + [[n] for n in range(16, 40)]
    for arriving in arrivals:
        for number in arriving:
            jitter.push(number * FRAME, numbered(number))
        heard.append(jitter.pop())
    originals = [number_of(frame) for frame in heard if frame[0] > 0 and (frame == frame[0]).all()]
    assert set(range(30)) <= set(originals)
    assert jitter.late == 0


def test_someone_nobody_listened_to_is_heard_without_old_audio():
    jitter = JitterBuffer()
    for number in range(500):
        jitter.push(number * FRAME, numbered(number))
    assert number_of(jitter.pop()) == 500 - DEPTH


@pytest.mark.parametrize("speed", [0.995, 1.005])
def test_a_sender_with_a_wrong_clock_is_followed_without_growing_delay(speed):
    jitter = JitterBuffer()
    sent = 0
    for tick in range(3000):
        while sent < tick * speed:
            jitter.push(sent * FRAME, numbered(sent % 30000))
            sent += 1
        heard = number_of(jitter.pop())
    assert sent - heard <= MOST
    assert jitter.concealed + jitter.skipped < 3000 * 0.02


def test_a_timestamp_that_wraps_is_no_gap():
    jitter = JitterBuffer()
    start = 2**32 - 10 * FRAME
    for number in range(40):
        jitter.push((start + number * FRAME) % 2**32, numbered(number))
        jitter.pop()
    assert jitter.concealed == jitter.late == 0


def test_a_stream_that_starts_again_elsewhere_is_heard_again():
    jitter = JitterBuffer()
    for start in (0, 10_000_000):
        for number in range(20):
            jitter.push(start + number * FRAME, numbered(number))
            heard = number_of(jitter.pop())
        assert heard == 20 - DEPTH


@given(st.lists(st.tuples(st.integers(0, JUMP - 10), st.integers(0, 20)), max_size=200))
def test_whatever_arrives_nothing_is_played_twice_or_out_of_order(arrivals):
    jitter, played = JitterBuffer(), []
    for number, pops in arrivals:
        jitter.push(number * FRAME, np.full(FRAME, 1000 + number, np.int16))
        for _ in range(pops):
            value = int(jitter.pop()[0])
            if value >= 1000:  # an original: imitations are fainter
                played.append(value)
    assert all(before < after for before, after in itertools.pairwise(played))
    assert len(played) + jitter.late <= len(arrivals)


def test_silence_follows_when_the_sender_stops():
    jitter = JitterBuffer()
    for number in range(10):
        jitter.push(number * FRAME, numbered(number))
        jitter.pop()
    rest = [jitter.pop() for _ in range(60)]
    assert not rest[-1].any()


@pytest.mark.parametrize("key", "0123456789*#ABCD")
def test_every_key_is_told_once(key):
    ear = Ear()
    for frame in tones.dtmf(key * 2):
        ear.hear(frame)
    assert ear.keys == key * 2


def test_speech_and_single_tones_are_no_keys():
    detector = DtmfDetector()
    words = speech.speak("Hello, this is a longer sentence with many different sounds, seven eight nine ten.")
    for frame in [*words, *tones.tone((697,), 1), *tones.tone((1000,), 1), *tones.tone((440, 480), 1)]:
        assert detector.feed(frame) == ""


@pytest.mark.parametrize("hz", [120, 440, 881, 1000, 1500, 3400])
def test_a_tone_is_measured_to_one_hertz_also_through_mu_law(hz):
    samples = ulaw.decode(ulaw.encode(np.concatenate(tones.tone((hz,), 0.5))))
    measured = measure(samples)
    assert abs(measured.hz - hz) < 1
    assert measured.rms == pytest.approx(tones.LEVEL / 32768 / 2**0.5, rel=0.02)


def test_silence_has_no_frequency():
    assert measure(np.zeros(4000, np.int16)).hz == 0.0


def test_hold_music_is_told_by_its_root_at_any_moment():
    music = tones.hold_music()
    for _ in range(14):
        half_second = np.concatenate([next(music) for _ in range(25)])
        assert abs(measure(half_second).hz - tones.HOLD_ROOT) < 3


def test_ringback_and_busy_repeat_their_cadence():
    ringing = np.concatenate([frame for _, frame in zip(range(600), tones.ringback(), strict=False)])
    loud = np.abs(ringing).reshape(12, -1).max(axis=1) > 1000  # seconds
    assert list(loud) == [True, True, False, False, False, False] * 2
    tone = tones.busy()
    assert [next(tone).any() for _ in range(100)] == ([True] * 25 + [False] * 25) * 2


def test_words_become_speech_of_a_plausible_length_and_loudness():
    frames = speech.speak("Hello, thank you for calling.")
    assert 0.8 < len(frames) * 0.02 < 4
    assert measure(np.concatenate(frames)).rms > 0.01
    assert speech.speak("   ") == []
    assert all(frame.shape == (FRAME,) and frame.dtype == np.int16 for frame in frames)


def test_without_an_engine_every_word_is_a_chime():
    short, long = (list(speech._chimes(text)) for text in ("one", "one two three four"))
    assert len(long) > 3 * len(short)
    assert measure(np.concatenate(short[:3])).hz == pytest.approx(392, abs=15)


def wav(samples: np.ndarray, rate: int, channels: int = 1) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return out.getvalue()


@pytest.mark.parametrize("rate", [8000, 22050, 44100])
def test_a_sound_file_of_any_rate_keeps_its_pitch_and_length(rate):
    when = np.arange(rate * 2) / rate
    frames = speech.load_audio(wav(np.sin(2 * np.pi * 700 * when) * 8000, rate))
    assert len(frames) * FRAME / RATE == pytest.approx(2, abs=0.05)
    assert measure(np.concatenate(frames)[2000:6000]).hz == pytest.approx(700, abs=1)


def test_an_mp3_is_played():
    out = io.BytesIO()
    with av.open(out, "w", format="mp3") as container:
        stream = container.add_stream("mp3", rate=44100)
        when = np.arange(44100 * 2) / 44100
        samples = (np.sin(2 * np.pi * 700 * when) * 8000).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = 44100
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    samples = np.concatenate(speech.load_audio(out.getvalue()))
    assert len(samples) / RATE == pytest.approx(2, abs=0.15)
    assert measure(samples[4000:8000]).hz == pytest.approx(700, abs=1)


def test_what_is_no_sound_file_is_refused():
    with pytest.raises(speech.NotAudio):
        speech.load_audio(b"<html>not found</html>")
    with pytest.raises(speech.NotAudio):
        speech.load_audio(b"")


def test_a_playlist_is_refused_for_it_would_fetch_what_it_names(tmp_path):
    (tmp_path / "secret.wav").write_bytes(wav(np.ones(8000), 8000))
    listed = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{tmp_path}/secret.wav\n#EXT-X-ENDLIST\n"
    with pytest.raises(speech.NotAudio):
        speech.load_audio(listed.encode())


def test_a_mix_is_clipped_instead_of_turned_over():
    loud = np.full(FRAME, 30000, np.int16)
    assert mixed([loud, loud]).max() == 32767
    assert not mixed([]).any()
    assert not SILENCE.flags.writeable
