"""The parts of a running sandbox, as request handlers find them."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from voipcrm.sandbox.disorder import Disorder
from voipcrm.sandbox.exchange import Exchange
from voipcrm.sandbox.faults import Faults
from voipcrm.sandbox.settings import Settings


@dataclass(frozen=True)
class Parts:
    """Made once by `application.build`."""

    settings: Settings
    exchange: Exchange
    disorder: Disorder
    faults: Faults


PARTS: web.AppKey[Parts] = web.AppKey("parts", Parts)
