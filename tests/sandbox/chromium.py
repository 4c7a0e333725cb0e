"""The real Voice SDK in a real Chromium against the real sandbox; the application is a stub that answers with TwiML."""

import asyncio
import contextlib
import socket
from pathlib import Path
from xml.sax.saxutils import escape

import aiohttp
from aiohttp import web
from browsers import ALLOWED, ARGUMENTS, chromium
from phone import access_token

from voipcrm.sandbox.application import serve
from voipcrm.sandbox.settings import Settings

PAGES = Path(__file__).parent / "pages"
STATIC = Path(__file__).parents[2] / "voipcrm" / "static"
CHROMIUM_ARGUMENTS = [*ARGUMENTS, ALLOWED]
NUMBER = "+15550100000"
CONFERENCE = "<Dial><Conference beep='false'>promoted</Conference></Dial>"


def twiml(verbs: str) -> web.Response:
    return web.Response(text=f"<?xml version='1.0'?><Response>{verbs}</Response>", content_type="text/xml")


class Stub:
    """The voice webhook: a browser's `To` is dialled, a call to our number rings u_1. Keeps what it was sent."""

    def __init__(self) -> None:
        self.requests: list[dict[str, str]] = []

    async def voice(self, request: web.Request) -> web.Response:
        fields = {name: str(value) for name, value in (await request.post()).items()}
        self.requests.append(fields)
        target = "client:u_1" if fields["To"] == NUMBER else fields["To"]
        if target.startswith("client:"):
            noun = f"<Client><Identity>{target[7:]}</Identity><Parameter name='call' value='p-7'/></Client>"
        else:
            noun = f"<Number>{escape(target)}</Number>"
        how = f"answerOnBridge='true' record='record-from-answer-dual' callerId='{NUMBER}' action='dial'"
        return twiml(f"<Dial {how}>{noun}</Dial>")

    async def after_dial(self, request: web.Request) -> web.Response:
        """A Dial whose callee was taken away goes on in a conference; any other is over."""
        fields = await request.post()
        moved = fields["DialCallStatus"] == "completed" and "DialCallDuration" not in fields
        return twiml(CONFERENCE if moved else "<Hangup/>")

    async def status(self, request: web.Request) -> web.Response:
        return web.Response(status=204)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def settings(folder: Path, app_port: int) -> Settings:
    return Settings.from_environment(
        {
            "TWILIO_SID": "AC" + "1" * 32,
            "TWILIO_TOKEN": "a webhook token",
            "TWILIO_API_KEY_SID": "SK" + "2" * 32,
            "TWILIO_API_KEY_SECRET": "a test secret of at least 32 bytes",
            "TWILIO_APP_SID": "AP" + "3" * 32,
            "TWILIO_NUMBER": NUMBER,
            "PUBLIC_BASE_URL": f"http://127.0.0.1:{app_port}",
            "SANDBOX_PORT": str(free_port()),
            "DATA_DIR": str(folder),
        }
    )


class Lab:
    """A running sandbox, the stub application and a browser. `page` opens a softphone that is ready to be rung."""

    def __init__(self, sandbox, stub: Stub, browser, url: str) -> None:
        self.sandbox, self.stub, self.browser, self.url = sandbox, stub, browser, url
        self.exchange = sandbox.parts.exchange
        self.outside: list[str] = []

    async def page(self, identity: str, hz: int):
        made = self.sandbox.parts.settings
        token = access_token(
            identity,
            account=made.account_sid,
            key=made.api_key_sid,
            secret=made.api_key_secret,
            application=made.application_sid,
        )
        page = await self.browser.new_page()
        page.on("request", lambda request: "127.0.0.1" in request.url or self.outside.append(request.url))
        await page.goto(f"{self.url}?hz={hz}")
        await page.evaluate("token => phone.start(token)", token)
        await happens(page, "registered")
        return page

    async def rest(self, path: str, **form: str) -> None:
        """POST to the account's REST API. Raises aiohttp.ClientResponseError."""
        made = self.sandbox.parts.settings
        url = f"{made.base_url}/2010-04-01/Accounts/{made.account_sid}/{path}.json"
        login = {"Authorization": aiohttp.encode_basic_auth(made.account_sid, made.auth_tokens[0])}
        async with aiohttp.ClientSession(headers=login, raise_for_status=True) as http, http.post(url, data=form):
            pass

    def far_end(self):
        """The newest simulated telephone."""
        return self.exchange.far_ends.of_call(self.exchange.far_ends.report()[0]["call_sid"])


@contextlib.asynccontextmanager
async def lab(folder: Path):
    """Everything on free ports, everything closed at the end."""
    from playwright.async_api import async_playwright

    stub, port = Stub(), free_port()
    sandbox = await serve(settings(folder, port))
    app = web.Application()
    app.router.add_post("/voip/webhook/twilio/voice", stub.voice)
    app.router.add_post("/voip/webhook/twilio/dial", stub.after_dial)
    app.router.add_post("/voip/webhook/twilio/status", stub.status)
    html = (PAGES / "softphone.html").read_text().replace("{{signal}}", f"ws://127.0.0.1:{sandbox.port}/signal")

    async def page(_request: web.Request) -> web.Response:
        return web.Response(text=html, content_type="text/html")

    async def script(_request: web.Request) -> web.FileResponse:
        return web.FileResponse(PAGES / "softphone.js")

    app.router.add_get("/", page)
    app.router.add_get("/softphone.js", script)
    app.router.add_static("/static", STATIC)
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_ARGUMENTS)
            try:
                yield Lab(sandbox, stub, browser, f"http://127.0.0.1:{port}/")
            finally:
                await browser.close()
    finally:
        await runner.cleanup()
        await sandbox.close()


async def happens(page, name: str, seconds: float = 30.0) -> None:
    """Until the page's phone logged an event of that name. Raises AssertionError with the log."""
    for _ in range(int(seconds / 0.05)):
        if await page.evaluate("name => phone.has(name)", name):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"no {name!r} in {await page.evaluate('phone.log')}")


async def page_hears(page, hz: float, seconds: float = 30.0) -> None:
    """Until the page's loudest frequency is that one (0: silence). Raises AssertionError with what it heard."""
    heard = []
    for _ in range(int(seconds / 0.1)):
        now = await page.evaluate("phone.hears()")
        heard.append((round(now["hz"]), round(now["db"])))
        loud = now["db"] > -60
        if (loud and abs(now["hz"] - hz) < 8) if hz else not loud:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"not heard: {hz} Hz but {heard[-10:]}")
