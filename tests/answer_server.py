"""An LLM server that sends what a test defines, and refuses what it is told to. Real HTTP, no model."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Refusal = tuple[int, Any]


@dataclass
class AnswerServer:
    """`parts` are the chunks of a stream; if there is a `whole`, its type and content are sent instead.

    `refuses` gets each request and returns the refusal: a status and a body.
    """

    base_url: str
    parts: list[Any] = field(default_factory=list)
    whole: tuple[str, Any] | None = None
    refuses: Callable[[dict[str, Any]], Refusal | None] = lambda _: None
    requests: list[dict[str, Any]] = field(default_factory=list)


def text(content: Any, finish: str | None = None) -> dict[str, Any]:
    """A chunk with a piece of text."""
    return delta({"content": content}, finish)


def delta(fields: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"id": "1", "model": "m", "choices": [{"index": 0, "delta": fields, "finish_reason": finish}]}


def end(reason: str = "stop") -> dict[str, Any]:
    return delta({}, reason)


@contextmanager
def answer_server() -> Iterator[AnswerServer]:
    http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    http.daemon_threads = True
    opened = AnswerServer(f"http://127.0.0.1:{http.server_address[1]}/v1")
    http.opened = opened  # type: ignore[attr-defined]
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield opened
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Any

    def log_message(self, format: str, *args: object) -> None:
        """Silent: the tests check stderr."""

    def do_POST(self) -> None:
        opened: AnswerServer = self.server.opened
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        opened.requests.append(body)
        refused = opened.refuses(body)
        if refused is not None:
            return self._send(refused[0], "application/json", refused[1])
        if opened.whole is not None:
            return self._send(200, *opened.whole)
        events = "".join(f"data: {json.dumps(part)}\n\n" for part in opened.parts)
        return self._send(200, "text/event-stream", f"{events}data: [DONE]\n\n")

    def _send(self, status: int, kind: str, content: Any) -> None:
        data = (content if isinstance(content, str) else json.dumps(content)).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
