"""A whole sandbox in this process, and an application that it calls: each request's signature is checked by Twilio's
own RequestValidator, each answer is what the test put there."""

import asyncio
import contextlib
import re
import socket
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import aiohttp
from aiohttp import web
from phone import Phone, access_token
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from voipcrm.sandbox.application import Serving, serve
from voipcrm.sandbox.media.clock import MediaClock
from voipcrm.sandbox.settings import Settings

ACCOUNT, KEY, APPLICATION = "AC" + "1" * 32, "SK" + "2" * 32, "AP" + "3" * 32
TOKEN, SECRET = "primary-token", "a test secret of at least 32 bytes"
NUMBER = "+15550100000"


@dataclass
class Hook:
    """One request as the application got it."""

    path: str
    method: str
    params: dict[str, str]
    query: dict[str, str]
    headers: dict[str, str]
    signed: bool

    def __getitem__(self, name: str) -> str:
        return self.params[name]


@dataclass
class Application:
    """Answers `answers[path]` (TwiML without its envelope, or a function of the hook), 204 elsewhere."""

    base: str = ""
    hooks: list[Hook] = field(default_factory=list)
    answers: dict = field(default_factory=dict)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        form = dict(await request.post())
        url = self.base + request.raw_path
        signature = request.headers.get("X-Twilio-Signature", "")
        hook = Hook(
            path=request.path,
            method=request.method,
            params=form or dict(request.query),
            query=dict(request.query),
            headers=dict(request.headers),
            signed=RequestValidator(TOKEN).validate(url, form, signature),
        )
        self.hooks.append(hook)
        answer = self.answers.get(request.path)
        if callable(answer):
            answer = answer(hook)
        if asyncio.iscoroutine(answer):
            answer = await answer
        if answer is None:
            return web.Response(status=204)
        if isinstance(answer, web.StreamResponse):
            return answer
        return web.Response(
            text=f'<?xml version="1.0" encoding="UTF-8"?><Response>{answer}</Response>', content_type="text/xml"
        )

    def at(self, path: str, **params: str) -> list[Hook]:
        """Those that came to this path with these fields."""
        return [
            hook
            for hook in self.hooks
            if hook.path == path and all(hook.params.get(name) == value for name, value in params.items())
        ]


class RebasedHttpClient(TwilioHttpClient):
    """The library's own client, sent to the sandbox instead of api.twilio.com."""

    def __init__(self, base: str) -> None:
        super().__init__(timeout=10)
        self._base = urlsplit(base)

    def request(self, method, url, params=None, data=None, headers=None, auth=None, timeout=None, **kwargs):
        parts = urlsplit(url)
        headers = {**(headers or {}), "X-Sandbox-Host": parts.netloc}
        url = urlunsplit((self._base.scheme, self._base.netloc, parts.path, parts.query, ""))
        return super().request(method, url, params, data, headers, auth, timeout, **kwargs)


@dataclass
class World:
    """Everything that a test needs."""

    serving: Serving
    app: Application
    http: aiohttp.ClientSession
    clock: MediaClock
    phones: list[Phone] = field(default_factory=list)

    @property
    def exchange(self):
        return self.serving.parts.exchange

    async def rest(self, work):
        """`work(client)` in a thread, with the unmodified twilio.rest.Client."""
        client = Client(KEY, SECRET, ACCOUNT, http_client=RebasedHttpClient(self.serving.url))
        return await asyncio.to_thread(work, client)

    async def control(self, path: str, content: dict | None = None, **kwargs):
        """(status, JSON) of the control API: GET without content, POST with it."""
        url = f"{self.serving.url}/control/{path}"
        method = "GET" if content is None else "POST"
        async with self.http.request(method, url, json=content, **kwargs) as response:
            return response.status, await response.json()

    async def ring(self, **asked):
        """The Call of a simulated telephone that rings our number."""
        status, reply = await self.control("ring", {"to": NUMBER, "from": "+15550142100", **asked})
        assert status == 201, reply
        return self.exchange.calls[reply["call_sid"]]

    async def phone(self, identity: str, hz: float = 440.0) -> Phone:
        """A registered browser."""
        token = access_token(identity, account=ACCOUNT, key=KEY, secret=SECRET, application=APPLICATION)
        phone = Phone(self.http, self.serving.url.replace("http", "ws") + "/signal", identity, token, self.clock, hz)
        self.phones.append(phone)
        return await phone.register()

    def children_of(self, call) -> list:
        return [child for child in self.exchange.calls.values() if child.parent_sid == call.sid]

    def far_end(self, call):
        return self.exchange.far_ends.of_call(call.sid)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def settings_for(folder: Path, public_base_url: str, port: int = 0) -> Settings:
    return Settings(
        account_sid=ACCOUNT,
        auth_tokens=(TOKEN, "secondary-token"),
        api_key_sid=KEY,
        api_key_secret=SECRET,
        application_sid=APPLICATION,
        number=NUMBER,
        public_base_url=public_base_url,
        port=port or free_port(),
        data_dir=folder,
    )


@contextlib.asynccontextmanager
async def application(answers):
    """An Application with these answers, on a port of its own."""
    app = Application(answers=answers)
    site = web.Application()
    site.router.add_route("*", "/{path:.*}", app.handle)
    runner = web.AppRunner(site, shutdown_timeout=0.2, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        app.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield app
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def standing(settings: Settings, app: Application | None = None):
    """A World of these settings; `app` is what it calls, where a test looks at that."""
    serving = await serve(settings)
    phones_clock = MediaClock()
    ticking = asyncio.create_task(phones_clock.run())
    async with aiohttp.ClientSession() as http:
        place = World(serving, app or Application(), http, phones_clock)
        try:
            yield place
        finally:
            for phone in place.phones:
                await phone.close()
            await serving.close()
            ticking.cancel()


@contextlib.asynccontextmanager
async def world(folder: Path, **answers):
    """Answers by the last part of their path: voice, status, dial, recording, conference, or any other name."""
    named = {f"/voip/webhook/twilio/{name}": answer for name, answer in answers.items()}
    async with application(named) as app, standing(settings_for(folder, app.base), app) as place:
        yield place
    unsigned = [hook.path for hook in app.hooks if not hook.signed]
    assert not unsigned, f"not signed as Twilio signs: {unsigned}"


async def eventually(condition, seconds: float = 30.0):
    """Until the condition holds; its value. Raises AssertionError."""
    for _ in range(int(seconds / 0.02)):
        value = condition()
        if value:
            return value
        await asyncio.sleep(0.02)
    raise AssertionError("never came true")


def squeezed(text: str) -> str:
    """White space between the tags of a TwiML text removed."""
    return re.sub(r">\s+<", "><", text.strip())
