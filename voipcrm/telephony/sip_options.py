"""Does a SIP server answer, and does it take our password? One OPTIONS, with a password where it is asked for.

OPTIONS rings nobody and costs nothing (RFC 3261 §11). A server that answers it without asking for a password has not
tried the one we hold, and the sentence says so.
"""

from __future__ import annotations

import secrets
import ssl
import time
from dataclasses import dataclass

from voipcrm.telephony import sip_digest
from voipcrm.telephony.hosts import HostRefused, address_of
from voipcrm.telephony.sip_message import NotSip, Response, request
from voipcrm.telephony.sip_transport import TimedOut, Wire, connect

TRANSPORTS = ("udp", "tcp", "tls")
DEADLINE_SECONDS = 4.0  # all of it: looking up, connecting, asking, asking again with the password
ASKED_FOR_PASSWORD = {401: ("www-authenticate", "Authorization"), 407: ("proxy-authenticate", "Proxy-Authorization")}
# It is there and speaks SIP, only OPTIONS is not for it.
_NO_OPTIONS = {404, 405, 415, 416, 420, 483, 488, 501}


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Whom to ask. username and password are empty where we are known by our address."""

    host: str
    port: int
    transport: str  # TRANSPORTS
    username: str = ""
    password: str = ""

    @property
    def uri(self) -> str:
        return f"sip:{self.host}:{self.port}" + ("" if self.transport == "udp" else f";transport={self.transport}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What came of it. latency_ms: from the last request to its answer, None without one."""

    is_good: bool
    sentence: str
    code: int | None = None
    latency_ms: int | None = None


def probe(server: Server, *, allow_loopback: bool, seconds: float = DEADLINE_SECONDS) -> Probe:
    """Ask the server; takes at most so many seconds and never raises for what a server or network does."""
    until = time.monotonic() + seconds
    try:
        address = address_of(server.host, allow_loopback=allow_loopback, seconds=seconds)
        wire = connect(server.transport, address, server.port, server_name=server.host, until=until)
    except HostRefused as refusal:
        return Probe(is_good=False, sentence=refusal.sentence)
    except (TimedOut, OSError) as problem:
        return Probe(is_good=False, sentence=_trouble(problem, seconds))
    try:
        return _asked(wire, server, until)
    except (TimedOut, NotSip, OSError) as problem:
        return Probe(is_good=False, sentence=_trouble(problem, seconds))
    finally:
        wire.close()


def _asked(wire: Wire, server: Server, until: float) -> Probe:
    question = _Question(wire, server)
    response, latency = question.put(until)
    asked = response.code in ASKED_FOR_PASSWORD
    proven = False
    for _ in range(2):  # the second time only for a nonce that grew too old
        challenge_header, answer_header = ASKED_FOR_PASSWORD.get(response.code, ("", ""))
        if not challenge_header or not server.username:
            break
        challenge = sip_digest.choose(response.all(challenge_header))
        if challenge is None:
            return Probe(
                is_good=False,
                sentence="It asks for a password in a way that we don’t know.",
                code=response.code,
                latency_ms=latency,
            )
        if proven and not challenge.is_stale:
            break
        proof = sip_digest.answer(
            challenge, username=server.username, password=server.password, method="OPTIONS", uri=server.uri
        )
        response, latency = question.put(until, (answer_header, proof))
        proven = True
    good, sentence = _judged(response.code, server, asked=asked)
    return Probe(is_good=good, sentence=sentence, code=response.code, latency_ms=latency)


class _Question:
    """The same OPTIONS, each time with the next CSeq."""

    def __init__(self, wire: Wire, server: Server) -> None:
        self._wire, self._server = wire, server
        self._call_id, self._tag = secrets.token_hex(16), secrets.token_hex(8)
        self._count = 0

    def put(self, until: float, *more: tuple[str, str]) -> tuple[Response, int]:
        """The final answer and how many milliseconds it took."""
        self._count += 1
        branch = "z9hG4bK" + secrets.token_hex(12)
        count, call_id = f"{self._count} OPTIONS", self._call_id
        host, port = self._wire.local
        name = self._server.username or "voipcrm"
        headers = [
            ("Via", f"SIP/2.0/{self._wire.name} {host}:{port};branch={branch};rport"),
            ("Max-Forwards", "70"),
            ("From", f"<sip:{_escaped(name)}@{self._server.host}>;tag={self._tag}"),
            ("To", f"<sip:{self._server.host}>"),
            ("Call-ID", call_id),
            ("CSeq", count),
            ("Contact", f"<sip:{_escaped(name)}@{host}:{port};transport={self._server.transport}>"),
            ("Accept", "application/sdp"),
            ("User-Agent", "voipcrm"),
            *more,
        ]

        def is_mine(response: Response) -> bool:
            same = response.first("call-id") == call_id and response.first("cseq").split() == count.split()
            return same and f"branch={branch}" in response.first("via")

        began = time.monotonic()
        response = self._wire.ask(request("OPTIONS", self._server.uri, headers), is_mine, until)
        return response, round((time.monotonic() - began) * 1000)


def _escaped(name: str) -> str:
    """A user name as a SIP address may hold it (RFC 3261 §25.1, user)."""
    plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.!~*'()&=+$,;?/"
    return "".join(one if one in plain else "".join(f"%{byte:02X}" for byte in one.encode()) for one in name)


def _judged(code: int, server: Server, *, asked: bool) -> tuple[bool, str]:
    if code in ASKED_FOR_PASSWORD:
        refused = "It refused the user name or password."
        return False, refused if server.username else "It asks for a password, and this trunk has none."
    if 200 <= code < 300:
        if server.username and not asked:
            return True, "It answers. It did not ask for the password, so only a call will tell whether that is right."
        return True, "It answers and took the password." if asked else "It answers."
    if code in _NO_OPTIONS:
        return True, f"It answers, but not to this kind of test ({code})."
    if code == 403:
        return False, "It refuses us (403). Check the user name, or that it lets our address in."
    elsewhere = f"It sends us elsewhere ({code}). Enter the host that it names."
    return False, elsewhere if code < 400 else f"It answers that it can’t take calls now ({code})."


def _trouble(problem: Exception, seconds: float) -> str:
    if isinstance(problem, TimedOut | TimeoutError):
        return f"No answer within {seconds:.0f} seconds. Check host, port, transport and firewall."
    if isinstance(problem, NotSip):
        return "What answers there does not speak SIP."
    if isinstance(problem, ssl.SSLCertVerificationError):
        return f"Its certificate is not valid for this host: {problem.verify_message.rstrip('.')}."
    if isinstance(problem, ssl.SSLError):
        return "It does not speak TLS there. Check port and transport."
    if isinstance(problem, ConnectionRefusedError):
        return "Nothing listens at this port."
    return "It can’t be reached. Check host, port, transport and firewall."
