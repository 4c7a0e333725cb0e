"""Simulated telephones: by number, as callers, and what they hear."""

import asyncio

import pytest
from phone import hears
from switchboard import eventually, switchboard

from voipcrm.sandbox.farends.directory import NUMBERS, FarEndDirectory, UnknownBehaviour
from voipcrm.sandbox.media.tones import dtmf


async def dialled(board, number):
    ada = await board.phone("u_1", hz=440).register()
    return await ada.connect(To=number)


@pytest.mark.parametrize(
    ("number", "status", "sip_code"),
    [("+15550000102", "busy", 486), ("+15550000104", "busy", 603), ("+15550000109", "failed", 404)],
)
async def test_numbers_that_do_not_answer(number, status, sip_code):
    async with switchboard() as board:
        await (await dialled(board, number)).until("closed")
        assert (board.calls[1].status, board.calls[1].sip_code) == (status, sip_code)


async def test_a_number_that_is_never_answered_rings_until_the_caller_gives_up():
    async with switchboard() as board:
        call = await (await dialled(board, "+15550000103")).until("ringing")
        await eventually(lambda: board.calls[1].status == "ringing")
        await asyncio.sleep(2)
        assert board.calls[1].is_live
        await call.hang_up()
        await asyncio.wait_for(board.calls[1].ended.wait(), 30)
        assert board.far_ends.report()[0]["over"]


async def test_a_tone_comes_through_and_the_far_end_hears_the_caller():
    async with switchboard() as board:
        call = await (await dialled(board, "+15550000108")).until("open")
        await call.hears(1000)
        await hears(board.calls[1].leg.ear, 440, tolerance=2)
        (report,) = board.far_ends.report()
        assert report["hears"]["latest"]["hz"] == pytest.approx(440, abs=2)
        assert report["call_sid"] == board.calls[1].sid
        assert board.far_ends.of_call(board.calls[1].sid).number == "+15550000108"


async def test_an_echo_says_back_what_it_hears():
    async with switchboard() as board:
        call = await (await dialled(board, "+15550000101")).until("open")
        await call.hears(440)


@pytest.mark.parametrize("number", ["+15550000100", "+442071838750"])
async def test_a_person_talks_from_the_first_word_on(number):
    async with switchboard() as board:
        call = await (await dialled(board, number)).until("open")
        await eventually(lambda: sum(measured.rms > 0.01 for measured in call.ear.history) >= 4)


async def test_a_mailbox_greets_and_beeps():
    async with switchboard() as board:
        call = await (await dialled(board, "+15550000105")).until("open")
        await call.hears(1000, tolerance=30)


async def test_a_menu_answers_the_right_digits_with_its_tone():
    async with switchboard() as board:
        call = await (await dialled(board, "+15550000106")).until("open")
        await asyncio.sleep(0.5)
        await call.press("12#")
        await call.hears(1500)


async def test_the_menu_hears_digits_that_the_exchange_sends():
    async with switchboard() as board:
        call = await (await dialled(board, "+15550000106")).until("open")
        await board.calls[1].endpoint.send_digits(board.calls[1], "ww12#")
        await call.hears(1500)


async def test_someone_hangs_up_after_five_seconds():
    async with switchboard() as board:
        call = await (await dialled(board, "+15550000107")).until("open")
        await asyncio.sleep(4)
        assert call.state == "open"
        await call.until("closed")
        assert board.calls[1].status == "completed"
        ticks = board.clock.ticks
        await eventually(lambda: board.clock.ticks > ticks + 10)


async def test_a_caller_with_a_tone_is_heard_and_hangs_up_when_told():
    async with switchboard() as board:
        bo = await board.phone("u_2", hz=880).register()
        call = await board.far_ends.place(board, "+15551234567", "client:u_2", "tone:600", hang_up_after=3)
        incoming = await bo.next_incoming()
        assert incoming.parameters["From"] == "+15551234567"
        await incoming.accept()
        await incoming.hears(600)
        await hears(board.far_ends.of_call(call.sid).leg.ear, 880, tolerance=2)
        await incoming.until("closed")


async def test_a_caller_loses_patience():
    async with switchboard() as board:
        bo = await board.phone("u_2").register()
        call = await board.far_ends.place(board, "+15551234567", "client:u_2", give_up_after=0.5)
        incoming = await bo.next_incoming()
        await incoming.until("cancelled")
        assert call.status == "no-answer"


async def test_a_caller_who_was_answered_does_not_lose_patience():
    async with switchboard() as board:
        bo = await board.phone("u_2").register()
        call = await board.far_ends.place(board, "+15551234567", "client:u_2", "silent", give_up_after=0.8)
        await (await bo.next_incoming()).accept()
        await asyncio.sleep(1.5)
        assert call.status == "in-progress"


async def test_a_caller_presses_keys():
    async with switchboard() as board:
        call = await board.far_ends.place(board, "+15551234567", "echo", "silent", keys="4w2")
        assert [await asyncio.wait_for(call.digits.get(), 30) for _ in range(2)] == ["4", "2"]
        await eventually(lambda: board.far_ends.of_call(call.sid).leg.ear.keys == "42")


async def test_a_far_end_that_left_neither_stalls_nor_speaks():
    async with switchboard() as board:
        call = await (await dialled(board, "+15550000108")).until("open")
        await call.hears(1000)
        leg = board.calls[1].leg
        await board.calls[1].endpoint.leave()
        await board.calls[1].endpoint.leave()
        await call.until("closed")
        assert not leg.take().any()
        leg.give(dtmf("5")[0])
        assert leg.ear.keys == ""


def test_the_table_has_every_special_number_with_a_description():
    assert sorted(NUMBERS) == [f"01{digit:02}" for digit in range(10)]
    assert all(behaviour.description for behaviour in NUMBERS.values())


@pytest.mark.parametrize("name", ["", "dance", "tone:", "tone:50", "tone:9000", "tone:x"])
async def test_an_unknown_behaviour_is_named_as_such(name):
    with pytest.raises(UnknownBehaviour, match="none of: talk, echo"):
        FarEndDirectory().caller("+15551234567", name)
