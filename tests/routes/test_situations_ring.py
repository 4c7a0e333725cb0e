"""For every situation the sandbox rings whom the simulator names, in its order, and then says what it foretold: a whole
sandbox calls the app over HTTP, and four phones hang on it, whoever is on duty."""

import asyncio
from dataclasses import replace

import pytest
import services
from cast import NAMES, Cast
from phone import Phone
from world import World, eventually, settings_for, standing

from routes.situations import SITUATIONS, set_up
from routes.test_situations import by_simulator
from voipcrm.core import clock
from voipcrm.sandbox.calls import Call
from voipcrm.sandbox.store import OwnedNumber, new_sid
from voipcrm.sandbox.twiml import speaking


@pytest.fixture
def address(app, monkeypatch):
    """Of the app on a real port, which is also its public one: signatures and callbacks are about it."""
    with services.serving(app) as address:
        told = replace(app.extensions["settings"], public_base_url=address)
        monkeypatch.setitem(app.extensions, "settings", told)
        yield address


@pytest.fixture
def said(monkeypatch) -> list[str]:
    """What the sandbox says aloud."""
    words: list[str] = []
    aloud = speaking.speak
    monkeypatch.setattr(speaking, "speak", lambda text, *how: words.append(text) or aloud(text, *how))
    return words


class Exchange:
    """The sandbox of one situation, with a phone of everybody, whether they are on duty or not."""

    def __init__(self, place: World, said: list[str]) -> None:
        self.place, self.said = place, said
        self.phones: dict[str, tuple[str, Phone]] = {}  # by address: whose, and the phone

    async def connect(self, cast: Cast) -> None:
        for who in NAMES:
            identity = getattr(cast, who).identity
            self.phones[f"client:{identity}"] = who, await self.place.phone(identity)

    def own(self, number: str) -> None:
        """The account has that number, whatever the app knows of it."""
        store = self.place.exchange.store
        if not store.number_owned(number):
            application = self.place.serving.parts.settings.application_sid
            made = OwnedNumber(new_sid("PN"), phone_number=number, voice_application_sid=application)
            store.numbers[made.sid] = made

    async def rung_by(self, caller: str, to: str) -> list[set[str] | str]:
        """Who rings until something is said: those at once in a set, a number or SIP user alone. Nobody answers."""
        call = await self.place.ring(to=to, **{"from": caller}, behaviour="silent")

        def live() -> list[Call]:
            return [leg for leg in self.place.children_of(call) if leg.is_live]

        rung: list[set[str] | str] = []
        while await eventually(lambda: live() or self.said) and (legs := live()):
            people = {self.phones[leg.to][0] for leg in legs if leg.to in self.phones}
            assert len(legs) == max(len(people), 1)
            rung.append(people or legs[0].to.partition("@")[0])
            for leg in legs:
                await self._refuse(leg)
            await eventually(lambda: set(live()).isdisjoint(legs))
        assert call.answered.is_set()
        assert all(phone.incoming.empty() for _, phone in self.phones.values())
        await self.place.far_end(call).leave()
        return rung

    async def _refuse(self, leg: Call) -> None:
        if leg.to in self.phones:
            await (await self.phones[leg.to][1].next_incoming()).reject()
        else:
            await eventually(lambda: leg.status == "ringing")
            await self.place.far_end(leg).leave("busy", 486)


@pytest.mark.parametrize("it", SITUATIONS, ids=lambda it: it.name)
def test_the_sandbox_rings_whom_the_simulator_names(it, app, cast, address, said, tmp_path, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: it.at)
    names = {getattr(cast, who).id: who for who in NAMES}
    with app.app_context():
        set_up(it, cast)
        *simulated, last = by_simulator(it, cast, names)[0]
    expected = [step for one in simulated for step in at_once(one)]

    async def rung():
        async with standing(replace(settings_for(tmp_path, address), auth_tokens=(services.TOKEN,))) as place:
            exchange = Exchange(place, said)
            await exchange.connect(cast)
            exchange.own(it.to)
            return await exchange.rung_by(it.caller, it.to)

    assert asyncio.run(rung()) == expected
    assert said == [last]


def at_once(step: tuple[str, ...] | list[str] | str) -> list[set[str] | str]:
    """A step of the simulator as what rings in turn: a list is one after the other."""
    if isinstance(step, list):
        return [{who} for who in step]
    return [set(step)] if isinstance(step, tuple) else [step]
