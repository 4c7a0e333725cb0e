"""After many calls of every kind that end at odd moments nothing ticks, runs or records any more."""

import asyncio
import random

from twilio.base.exceptions import TwilioRestException
from world import NUMBER, eventually, world

PROGRAMS = [
    f'<Dial callerId="{NUMBER}" record="record-from-ringing-dual"><Number url="screen">+15550150107</Number></Dial>',
    '<Dial answerOnBridge="true" timeout="2"><Client>u_1</Client><Client>u_2</Client></Dial>',
    '<Dial><Conference record="record-from-start" endConferenceOnExit="true">room</Conference></Dial>',
    "<Dial><Conference>room</Conference></Dial>",
    '<Enqueue waitUrl="wait">line</Enqueue>',
    "<Dial timeout='3'><Queue>line</Queue></Dial>",
    '<Gather timeout="1"><Say>Press a key</Say></Gather><Record timeout="1" maxLength="3"/>',
    "<Start><Recording/></Start><Pause length='3'/><Reject/>",
    "<broken",
]
ROOM = "<Response><Dial><Conference waitUrl=''>other</Conference></Dial></Response>"


async def test_nothing_is_left_behind(tmp_path, caplog):
    dice = random.Random(5)

    def voice(_hook):
        return dice.choice(PROGRAMS)

    async with world(tmp_path, voice=voice, wait="<Pause length='1'/>", screen="<Pause length='1'/>") as place:
        exchange = place.exchange
        errors = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
        phones = [await place.phone("u_1"), await place.phone("u_2")]

        async def disturb():
            while True:
                await asyncio.sleep(0.05)
                live = [call for call in exchange.calls.values() if call.is_live]
                if not live:
                    continue
                call = dice.choice(live)
                match dice.randrange(4):
                    case 0:
                        await call.hang_up()
                    case 1 if call.answered.is_set():
                        await place.rest(lambda client, sid=call.sid: _redirect(client, sid))
                    case 2 if phones[0].incoming.qsize():
                        await (await phones[0].next_incoming()).accept()
                    case _:
                        await place.control("drop-signalling", {"identity": "nobody"})

        disturbing = asyncio.ensure_future(disturb())
        for _ in range(40):
            await place.ring(behaviour="tone:700", **({"give_up_after": 1} if dice.random() < 0.3 else {}))
            await asyncio.sleep(0.1)
        await asyncio.sleep(2)
        disturbing.cancel()
        await asyncio.wait({disturbing})
        assert disturbing.cancelled(), disturbing.exception()
        await place.control("reset", {})
        await eventually(
            lambda: not exchange._programs and len(exchange.clock) == 0 and not exchange.recordings.running
        )
        await eventually(lambda: len(exchange.tasks) == 0)
        assert not any(call.is_live for call in exchange.calls.values())
        assert not any(row.is_live for row in exchange.conferences.rows.values())
        assert not any(row.waiting for row in exchange.queues.rows.values())
        assert {row.status for row in exchange.recordings.rows.values()} <= {"completed", "absent"}
        assert not list(exchange.recordings.folder.glob("*.part"))
        assert errors == []
        assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


def _redirect(client, sid):
    code = 21220  # it ended meanwhile
    try:
        client.calls(sid).update(twiml=ROOM)
    except TwilioRestException as error:
        code = error.code
    assert code == 21220
