"""A gate in front of a real server: it needs a key, and fails or stalls on request. Real HTTP both ways."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

STALL, DROP = "stall", "drop"


@dataclass
class Gate:
    """`faults` has, for a part of a path, the result of its next requests: STALL, DROP, a status, a status
    with headers or with a body, or a whole JSON answer. `wants` is a header with its required value.
    """

    url: str
    faults: dict[str, list[Any]] = field(default_factory=dict)
    wants: tuple[str, str] = ("", "")
    requests: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)

    def fault_of(self, path: str) -> Any:
        for part, waiting in self.faults.items():
            if part in path and waiting:
                return waiting.pop(0)
        return None


@contextmanager
def gate(target: str) -> Iterator[Gate]:
    release = threading.Event()
    http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    http.daemon_threads = True
    opened = Gate(f"http://127.0.0.1:{http.server_address[1]}")
    http.gate, http.target, http.release = opened, target, release  # type: ignore[attr-defined]
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield opened
    finally:
        release.set()
        http.shutdown()
        http.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Any

    def log_message(self, format: str, *args: object) -> None:
        """Silent: the tests check stderr."""

    def _pass(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        opened: Gate = self.server.gate
        body = json.loads(content) if content else None
        opened.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        header, value = opened.wants
        if header and self.headers.get(header) != value:
            return self._answer(401, b"no entry")
        match opened.fault_of(self.path):
            case None:
                response = httpx.request(
                    self.command,
                    f"{self.server.target}{self.path}",
                    content=content,
                    headers={"Content-Type": "application/json"},
                    timeout=60,
                )
                return self._answer(response.status_code, response.content)
            case "stall":
                self.server.release.wait()
            case "drop":
                self.close_connection = True
            case int(status):
                self._answer(status, b'{"error": {"message": "as asked"}}')
            case (int(status), str(text)):
                self._answer(status, text.encode())
            case (int(status), dict(headers)):
                self._answer(status, b'{"error": {"message": "as asked"}}', headers)
            case whole:
                self._answer(200, json.dumps(whole).encode())
        return None

    do_GET = do_POST = do_PUT = do_DELETE = _pass

    def _answer(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
