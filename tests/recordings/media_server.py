"""A provider that hands out recordings, with faults on request. The sandbox stands in for Twilio when all goes well;
here each answer is chosen, to the byte."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass
class Answer:
    """What one request for a recording's media gets."""

    body: bytes = b""
    status: int = 200
    announced: int | None = None  # Content-Length, if it shall lie
    piece_bytes: int = 1 << 20
    pause_seconds: float = 0.0  # after each piece
    headers: dict[str, str] = field(default_factory=dict)


class MediaServer:
    """Answers by SID, one after the other; the last one again and again. `asked` counts the requests for media."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.answers: dict[str, list[Answer]] = {}
        self.asked: dict[str, int] = defaultdict(int)
        self.deletions: dict[str, list[int]] = {}  # statuses that deleting a SID answers; 204 when they are used up
        self.deleted: list[str] = []
        self.facts: dict[str, dict[str, object]] = {}  # of Recordings/RE….json
        self.busy = 0
        self.most_busy = 0
        self.sent_bytes = 0
        self._lock = threading.Lock()

    def next_answer(self, sid: str) -> Answer:
        with self._lock:
            queue = self.answers.get(sid) or [Answer(status=404)]
            answer = queue[min(self.asked[sid], len(queue) - 1)]
            self.asked[sid] += 1
            return answer

    @contextmanager
    def sending(self) -> Iterator[None]:
        with self._lock:
            self.busy += 1
            self.most_busy = max(self.most_busy, self.busy)
        try:
            yield
        finally:
            with self._lock:
                self.busy -= 1


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    media: MediaServer

    def do_GET(self) -> None:
        name = urlsplit(self.path).path.rsplit("/", 1)[-1]
        if name == "Recordings.json":
            self._json(200, {"recordings": list(self.media.facts.values()), "next_page_uri": None, "page_size": 50})
        elif name.endswith(".json"):
            facts = self.media.facts.get(name.removesuffix(".json"))
            self._json(200, facts) if facts else self._json(404, {"code": 20404, "message": "gone", "status": 404})
        else:
            self._media(self.media.next_answer(name.removesuffix(".wav")))

    def do_DELETE(self) -> None:
        sid = urlsplit(self.path).path.rsplit("/", 1)[-1].removesuffix(".json")
        status = self.media.deletions[sid].pop(0) if self.media.deletions.get(sid) else 204
        if status == 204:
            self.media.deleted.append(sid)
            self.send_response(204)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._json(status, {"code": 20404 if status == 404 else 20003, "message": "no", "status": status})

    def _media(self, answer: Answer) -> None:
        length = len(answer.body) if answer.announced is None else answer.announced
        self.send_response(answer.status)
        for header, value in {"Content-Type": "audio/x-wav", "Content-Length": str(length), **answer.headers}.items():
            self.send_header(header, value)
        self.end_headers()
        with self.media.sending(), suppress(OSError):  # a killed worker hangs up
            for start in range(0, len(answer.body), answer.piece_bytes):
                self.wfile.write(answer.body[start : start + answer.piece_bytes])
                self.media.sent_bytes = start + answer.piece_bytes
                time.sleep(answer.pause_seconds)
        self.close_connection = self.close_connection or length != len(answer.body)

    def _json(self, status: int, body: object) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def handle(self) -> None:
        with suppress(OSError):  # a client that had enough hung up
            super().handle()

    def log_message(self, *_args: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[MediaServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.RequestHandlerClass.media = media = MediaServer(server.server_address[1])  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield media
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
