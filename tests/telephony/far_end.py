"""The provider's side of the network for the tests of the client: real HTTP, answers laid out in advance."""

import json
import threading
from base64 import b64decode
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import sleep
from urllib.parse import parse_qsl, urlsplit

ACCOUNT, KEY, SECRET = "AC" + "0" * 32, "SK" + "1" * 32, "the api secret"


@dataclass
class Asked:
    method: str
    path: str
    query: dict[str, str]
    form: dict[str, str]
    headers: dict[str, str]

    @property
    def credentials(self) -> str | None:
        kind, _, value = self.headers.get("authorization", "").partition(" ")
        return b64decode(value).decode() if kind == "Basic" else None


@dataclass
class FarEnd:
    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    delay_seconds: float = 0

    def answers_json(self, body: object, status: int = 200, **headers: str) -> None:
        headers = {"Content-Type": "application/json"} | {name.replace("_", "-"): v for name, v in headers.items()}
        self.answers.append((status, headers, json.dumps(body).encode()))

    def refuses(self, status: int, code: int, **headers: str) -> None:
        self.answers_json({"code": code, "message": "no", "more_info": "", "status": status}, status, **headers)

    def answers_bytes(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.answers.append((status, headers, body))


@contextmanager
def far_end():
    end = FarEnd()

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            length = int(self.headers.get("Content-Length") or 0)
            parts = urlsplit(self.path)
            form = dict(parse_qsl(self.rfile.read(length).decode(), keep_blank_values=True))
            headers = {name.lower(): value for name, value in self.headers.items()}
            end.asked.append(Asked(self.command, parts.path, dict(parse_qsl(parts.query)), form, headers))
            sleep(end.delay_seconds)
            status, headers, body = end.answers.pop(0) if end.answers else (500, {}, b"nothing laid out")
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(ConnectionError):  # the client has run out of patience
                self.wfile.write(body)

        do_GET = do_POST = do_DELETE = answer

        def log_message(self, *args):
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    end.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield end
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
