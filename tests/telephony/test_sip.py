"""Our OPTIONS against Kamailio, and each part of it for itself."""

from __future__ import annotations

import socket
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.sip_server import PASSWORD, USER, Kamailio
from voipcrm.telephony import hosts, sip_digest, sip_message
from voipcrm.telephony.sip_options import Server, probe

TRANSPORTS = ("udp", "tcp", "tls")


@pytest.fixture(scope="module", params=["MD5", "SHA-256"])
def kamailio(request, tmp_path_factory):
    server = Kamailio(tmp_path_factory.mktemp("kamailio"), algorithm=request.param)
    yield server
    server.stop()


@pytest.fixture
def ask(kamailio, monkeypatch):
    """ask(transport, user, password, …): what came of it; the server's certificate is trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(kamailio.certificate))

    def ask(transport: str, username: str = USER, password: str = PASSWORD, *, seconds: float = 4.0, **more):
        port = kamailio.tls_port if transport == "tls" else kamailio.port
        given = {"host": "localhost", "port": port, **more}
        server = Server(transport=transport, username=username, password=password, **given)
        return probe(server, allow_loopback=True, seconds=seconds)

    return ask


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_password_is_given_when_the_server_asks_for_it(ask, transport):
    found = ask(transport)
    assert (found.is_good, found.code) == (True, 200)
    assert found.sentence == "It answers and took the password."
    assert 0 <= found.latency_ms < 2000


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(
    ("user", "password", "good", "code", "words"),
    [
        (USER, "another", False, 401, "refused the user name or password"),
        ("", "", True, 200, "It answers."),
        ("full", "x", False, 503, "can’t take calls now (503)"),
        ("barred", "x", False, 403, "refuses us"),
    ],
)
def test_each_answer_is_told_apart(ask, transport, user, password, good, code, words):
    found = ask(transport, user, password)
    assert (found.is_good, found.code) == (good, code)
    assert words in found.sentence


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_server_that_says_nothing_holds_us_no_longer_than_the_deadline(ask, transport):
    began = time.monotonic()
    found = ask(transport, "silent", seconds=0.8)
    assert time.monotonic() - began < 1.5
    assert (found.is_good, found.code, found.latency_ms) == (False, None, None)
    assert "No answer" in found.sentence


def test_a_certificate_of_another_host_or_of_nobody_we_trust_is_refused(ask, monkeypatch):
    assert "certificate is not valid" in ask("tls", host="127.0.0.1").sentence
    monkeypatch.delenv("SSL_CERT_FILE")
    assert "certificate is not valid for this host" in ask("tls").sentence


def test_a_server_that_asks_a_trunk_without_a_password_is_told_so(kamailio):
    # The request's user decides in the test server; a trunk without one is let in there, so ask as nobody it knows.
    server = Server(host="localhost", port=kamailio.port, transport="udp", username="stranger", password="")
    assert "refused" in probe(server, allow_loopback=True).sentence


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_port_where_nothing_listens_is_told_at_once(transport):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but it does not listen
        port = taken.getsockname()[1]
        found = probe(Server(host="127.0.0.1", port=port, transport=transport), allow_loopback=True)
    assert (found.is_good, found.sentence) == (False, "Nothing listens at this port.")


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"SIP/2.0 200 OK\r\nno colon\r\n\r\n",
        b"SIP/2.0 200 OK\r\nContent-Length: 99999999\r\n\r\n",
        b"SIP/2.0 200 OK\r\nX: " + b"a" * 40_000,
        b"\xff\xfe\xfd\r\n\r\n",
        b"",
    ],
)
def test_what_does_not_speak_sip_is_told_so_and_never_read_without_bound(said):
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(said)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        port = listening.getsockname()[1]
        found = probe(Server(host="127.0.0.1", port=port, transport="tcp"), allow_loopback=True, seconds=2)
        thread.join(5)
    assert (found.is_good, found.sentence) == (False, "What answers there does not speak SIP.")


def test_a_lost_datagram_is_sent_again_and_strangers_answers_are_not_ours():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        heard = []

        def answer() -> None:
            heard.append(server.recvfrom(4096)[0])  # lost
            message, source = server.recvfrom(4096)
            heard.append(message)
            lines = message.decode().split("\r\n")
            kept = [line for line in lines if line.startswith(("Via", "From", "To", "Call-ID", "CSeq"))]
            others = [line.replace("Call-ID: ", "Call-ID: x") for line in kept]
            for code, headers in (("200 OK", others), ("100 Trying", kept), ("200 Fine", kept)):
                server.sendto("\r\n".join([f"SIP/2.0 {code}", *headers, "", ""]).encode(), source)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        port = server.getsockname()[1]
        found = probe(Server(host="127.0.0.1", port=port, transport="udp"), allow_loopback=True)
        thread.join(5)
    assert (found.is_good, found.code) == (True, 200)
    assert heard[0] == heard[1]


# RFC 7616 §3.9.1, both algorithms; the username there is "Mufasa".
RFC_7616 = {
    "MD5": "8ca523f5e9506fed4657c9700eebdbec",
    "SHA-256": "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
}


@pytest.mark.parametrize(("algorithm", "response"), RFC_7616.items())
def test_the_sums_are_those_of_the_rfc(algorithm, response):
    challenge = sip_digest.choose(
        [
            'Digest realm="http-auth@example.org", qop="auth, auth-int", '
            f'algorithm={algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
            'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
        ]
    )
    said = sip_digest.answer(
        challenge,
        username="Mufasa",
        password="Circle of Life",
        method="GET",
        uri="/dir/index.html",
        cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    )
    assert f'response="{response}"' in said
    assert "qop=auth, nc=00000001" in said
    assert 'opaque="FQhe' in said


def test_the_first_challenge_that_we_know_is_answered():
    texts = ['Basic realm="x"', 'Digest realm="a", nonce="1", algorithm=TOKEN', 'Digest realm="b", nonce="2"']
    assert sip_digest.choose(texts).realm == "b"
    assert sip_digest.choose(texts[:2]) is None
    assert sip_digest.choose(['Digest realm="a", nonce="1", qop="auth-int"']) is None
    assert sip_digest.choose(['Digest realm="a", nonce=']) is None
    with_quotes = sip_digest.choose(['Digest realm="say \\"hi\\"",nonce="n",stale=TRUE'])
    assert (with_quotes.realm, with_quotes.is_stale, with_quotes.qop) == ('say "hi"', True, "")


@given(st.binary(max_size=400))
def test_reading_an_answer_gives_a_response_or_says_that_it_is_none(data):
    try:
        response = sip_message.read(data)
    except sip_message.NotSip:
        return
    assert 100 <= response.code <= 699


@given(st.text(max_size=200))
def test_reading_a_challenge_never_fails(text):
    sip_digest.choose([text, "Digest " + text])


def test_a_header_can_begin_no_line_of_its_own():
    with pytest.raises(ValueError, match="one line"):
        sip_message.request("OPTIONS", "sip:a", [("From", "x\r\nEvil: 1")])


INSIDE = ["127.0.0.1", "169.254.169.254", "10.1.2.3", "192.168.0.1", "172.16.0.1", "100.64.0.1", "0.0.0.0", "224.0.0.1",
          "255.255.255.255", "240.0.0.1"]  # fmt: skip


@pytest.mark.parametrize("host", [*INSIDE, "localhost", "127.1", "2130706433", "0x7f000001", "::1", "a b", "a/b", "",
                                  "sip:x", "x@y", "x:5060", "-x.org", "a" * 200 + ".org", "router"])  # fmt: skip
def test_no_address_of_our_own_network_may_be_named(host):
    with pytest.raises(hosts.HostRefused):
        hosts.check_name(host, allow_loopback=False)
    found = probe(Server(host=host, port=80, transport="tcp"), allow_loopback=False)
    assert not found.is_good


@pytest.mark.parametrize("host", [one for one in INSIDE if one != "127.0.0.1"])
def test_the_sandbox_may_name_loopback_and_nothing_else_inside(host):
    hosts.check_name("127.0.0.1", allow_loopback=True)
    hosts.check_name("localhost", allow_loopback=True)
    with pytest.raises(hosts.HostRefused):
        hosts.check_name(host, allow_loopback=True)


@pytest.mark.parametrize("inside", INSIDE)
def test_a_public_name_that_leads_inside_is_not_connected_to(monkeypatch, inside):
    answers = [(socket.AF_INET, socket.SOCK_DGRAM, 17, "", (one, 0)) for one in ("93.184.216.34", inside)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: answers)
    with pytest.raises(hosts.HostRefused, match="private network"):
        hosts.address_of("sip.example.com", allow_loopback=False, seconds=1)


def test_a_resolver_that_hangs_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: time.sleep(3) or [])
    began = time.monotonic()
    with pytest.raises(hosts.HostRefused, match="in time"):
        hosts.address_of("sip.example.com", allow_loopback=False, seconds=0.2)
    assert time.monotonic() - began < 1
