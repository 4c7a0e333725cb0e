"""A closed-loop client that replays prepared HTTP requests over keep-alive sockets, in processes of its own."""

from __future__ import annotations

import multiprocessing
import socket
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection


@dataclass(frozen=True)
class Figures:
    """Of one run: answers per second, median and 99th percentile in milliseconds, and answers that were not 2xx."""

    per_second: float
    p50_ms: float
    p99_ms: float
    refused: int


def post(path: str, body: str, headers: dict[str, str], port: int) -> bytes:
    """One request as bytes."""
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body.encode())}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def get(path: str, headers: dict[str, str], port: int) -> bytes:
    """One request as bytes."""
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Crew:
    """So many clients, each in a process of its own with one connection. A server's workers share out connections
    by chance, so what is compared has to go over the same ones."""

    def __init__(self, port: int, clients: int) -> None:
        fork = multiprocessing.get_context("fork")
        pairs = [fork.Pipe() for _ in range(clients)]
        self._ends = [ours for ours, _ in pairs]
        self._processes = [fork.Process(target=_client, args=(theirs, port), daemon=True) for _, theirs in pairs]

    def __enter__(self) -> Crew:
        for one in self._processes:
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._processes:
            one.kill()
            one.join()

    def run(self, requests: Sequence[bytes]) -> Figures:
        """Send all requests, each once, by all clients at a time."""
        shares = [requests[i :: len(self._ends)] for i in range(len(self._ends))]
        for end in self._ends:
            end.send("ready?")
        for end in self._ends:
            end.recv()
        begun = time.perf_counter()
        for end, share in zip(self._ends, shares, strict=True):
            end.send(share)
        parts = [end.recv() for end in self._ends]
        return _figures(time.perf_counter() - begun, parts)


def run(requests: Sequence[bytes], port: int, *, clients: int) -> Figures:
    """Send all requests, each once, by so many clients at a time over new connections."""
    with Crew(port, clients) as crew:
        return crew.run(requests)


def _figures(took: float, parts: list[tuple[list[float], int]]) -> Figures:
    times = sorted(one for part, _ in parts for one in part)
    p99 = times[min(len(times) - 1, int(len(times) * 0.99))]
    refused = sum(bad for _, bad in parts)
    return Figures(len(times) / took, statistics.median(times) * 1000, p99 * 1000, refused)


def _client(end: Connection, port: int) -> None:
    link = socket.create_connection(("127.0.0.1", port), timeout=30)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while True:
        asked = end.recv()
        if asked == "ready?":
            end.send("ready")
            continue
        times, refused = [], 0
        for request in asked:
            begun = time.perf_counter()
            link.sendall(request)
            refused += not _answer(link).startswith(b"HTTP/1.1 2")
            times.append(time.perf_counter() - begun)
        end.send((times, refused))


def _answer(link: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        more = link.recv(65_536)
        if not more:
            raise ConnectionError("the server closed the connection")
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        body += link.recv(65_536)
    return head
