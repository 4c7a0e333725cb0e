"""A closed-loop client that replays prepared HTTP requests over keep-alive sockets, in processes of its own."""

from __future__ import annotations

import multiprocessing
import socket
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass


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


def run(requests: Sequence[bytes], port: int, *, clients: int) -> Figures:
    """Send all requests, each once, by so many clients at a time."""
    shares = [requests[i::clients] for i in range(clients)]
    with multiprocessing.get_context("fork").Pool(clients) as pool:
        begun = time.perf_counter()
        parts = pool.starmap(_client, [(share, port) for share in shares])
        took = time.perf_counter() - begun
    times = sorted(one for part, _ in parts for one in part)
    refused = sum(bad for _, bad in parts)
    p99 = times[min(len(times) - 1, int(len(times) * 0.99))]
    return Figures(len(times) / took, statistics.median(times) * 1000, p99 * 1000, refused)


def _client(requests: Sequence[bytes], port: int) -> tuple[list[float], int]:
    link = socket.create_connection(("127.0.0.1", port), timeout=30)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    times, refused = [], 0
    for request in requests:
        begun = time.perf_counter()
        link.sendall(request)
        refused += not _answer(link).startswith(b"HTTP/1.1 2")
        times.append(time.perf_counter() - begun)
    link.close()
    return times, refused


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
