"""Reading WAV files, and drawing what is in them."""

from __future__ import annotations

import io
import struct
import time

import pytest

from voipcrm.recordings import waveform
from voipcrm.recordings.wav import WavInvalid, is_wav, read_head

from .sounds import wav, whole


def read(data: bytes):
    return read_head(io.BytesIO(data))


def peaks_of(data: bytes):
    return waveform.peaks(io.BytesIO(data), read(data))


def test_a_head_says_how_long_and_how_many_voices():
    head = read(wav(6.5, channels=2))
    assert (head.channels, head.rate, head.seconds, head.is_pcm16) == (2, 8000, 6.5, True)


def test_chunks_before_the_sound_are_passed_over_also_of_odd_length():
    data = wav(1)
    extra = b"LIST" + struct.pack("<I", 5) + b"notes" + b"\0"
    longer = data[:12] + extra + data[12:]
    assert read(longer).seconds == 1
    assert peaks_of(longer) == peaks_of(data)


def test_extensible_pcm_and_mu_law_are_told_apart():
    guid = struct.pack("<HHI", 22, 16, 3) + struct.pack("<H", 1) + b"\0" * 14
    form = struct.pack("<HHIIHH", 0xFFFE, 1, 8000, 16000, 2, 16) + guid
    extensible = (
        b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", 4) + b"\1\0\2\0"
    )
    assert read(extensible).is_pcm16
    assert not read(whole(b"\xff" * 8000, channels=1, encoding=7, sample_bytes=1)).is_pcm16


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"RIFF",
        b"<html>" * 100,
        b"OggS" + wav(1)[4:],
        wav(1)[:100],
        wav(1)[:36],
        wav(1)[:40],
        whole(b""),
        wav(1)[:12] + wav(1)[36:],
        whole(b"\0" * 100, channels=0),
        whole(b"\0" * 100, rate=0),
    ],
)
def test_what_is_no_whole_wav_file_is_refused(data):
    with pytest.raises(WavInvalid):
        read(data)


def test_a_file_of_nothing_but_chunks_is_refused_soon():
    endless = b"RIFF\0\0\0\0WAVE" + (b"junk" + struct.pack("<I", 0)) * 100_000
    started = time.monotonic()
    with pytest.raises(WavInvalid):
        read(endless)
    assert time.monotonic() - started < 0.5


def test_the_first_bytes_tell():
    assert is_wav(wav(1)[:12])
    assert not is_wav(b"RIFF" + b"AVI " * 2)


def test_each_voice_has_its_own_peaks_on_a_square_root_scale():
    left, right = peaks_of(wav(6, loud=(32_767, 8_192)))
    assert len(left) == len(right) == waveform.BUCKETS
    assert set(left) == {100}
    assert set(right) == {50}


def test_peaks_stand_where_the_sound_is():
    silent, loud = wav(3, loud=(0, 0)), wav(3, loud=(10_000, 10_000))
    left, _ = peaks_of(whole(silent[44:] + loud[44:]))
    assert set(left[:299]) == {0}
    assert min(left[301:]) > 0


def test_the_loudest_negative_sample_counts_and_stays_within_100():
    (row,) = peaks_of(whole(struct.pack("<h", -32_768) * 1000, channels=1))
    assert set(row) == {100}


def test_a_very_short_recording_has_as_many_peaks_as_samples():
    (row,) = peaks_of(whole(b"\0\x10" * 5, channels=1))
    assert len(row) == 5


def test_twenty_minutes_in_two_channels_take_under_two_seconds():
    data = wav(1200)
    started = time.monotonic()
    assert len(peaks_of(data)) == 2
    assert time.monotonic() - started < 2


def test_the_picture_has_bars_up_for_one_voice_and_down_for_the_other():
    path = waveform.path([100] * 600, [0] * 600)
    assert path.count("M") == 150
    assert path.startswith("M0 0.4h")
    assert "v20.2h" in path


def test_nothing_heard_is_a_thin_line_not_an_error():
    assert waveform.path([], []).count("v1.2h") == 150
