"""An OpenAI-compatible server on loopback that fails on request: real HTTP, faults only, never a model.

The model's name says what happens: "answers", "http-401", "http-404", "http-429", "http-500",
"stalls-first", "stalls-later", "stalls-empty", "cut", "cut-from-the-second-on", "reset", "malformed",
"not-a-stream", "empty", "newer-limit", "no-usage", "long", "error-event", "escapes", "escapes-refusal",
"filtered", "thinks" (spends its tokens before the first word), "endless" (2 MB of text), "elsewhere" (a
redirect to /elsewhere, which answers), "http-500-then-fine", "http-429-then-fine", "http-429-wait",
"http-429-quota", "stalls-once" (later, the first time that a prompt comes), "window-openai",
"window-llamacpp", "window-in-stream". "odd-N" sends ODD_PARTS[N] after the first word.

"as-the-question-says" does what the prompt names: "What is the fault cut?".

"flaky" answers every prompt in the end, in its own words; before that a prompt is refused (429, 500), cut
or stalled once or twice, as its text decides. "slow-N" takes up to N tenths of a second, as the text decides.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WORDS = ("The orbit ", "takes ", "88 days.")
# What a server may send as a part of an answer that is not one, or that has no text.
ODD_PARTS = (
    "[]",
    '"x"',
    "5",
    "null",
    '{"choices": 5}',
    '{"choices": ["x"]}',
    '{"choices": [{"index": 0, "delta": {"content": 5}}]}',
    '{"choices": [{"index": 0, "delta": {"content": ["x"]}}]}',
    '{"choices": [{"index": 0, "delta": {"content": NaN}}]}',
    '{"choices": [{"index": 0, "delta": "x", "finish_reason": 5}]}',
    '{"error": 5}',
    "[" * 100_000,
    "{}",
    "{",
)
WINDOW_OPENAI = {
    "message": "This model's maximum context length is 4097 tokens. However, you requested 5120 tokens.",
    "type": "invalid_request_error",
    "param": "messages",
    "code": "context_length_exceeded",
}
WINDOW_LLAMACPP = {
    "code": 400,
    "message": "request (5120 tokens) exceeds the available context size (4096 tokens), try increasing it",
    "type": "exceed_context_size_error",
    "n_prompt_tokens": 5120,
    "n_ctx": 4096,
}
# Status, error and Retry-After of refusals with a special shape.
REFUSALS: dict[str, tuple[int, dict[str, Any], str]] = {
    "window-openai": (400, WINDOW_OPENAI, ""),
    "window-llamacpp": (400, WINDOW_LLAMACPP, ""),
    "http-429-wait": (429, {"message": "slow down", "type": "rate_limit"}, "7"),
    "http-429-quota": (429, {"message": "You exceeded your quota.", "code": "insufficient_quota"}, ""),
    "escapes-refusal": (422, {"message": "\x1b]0;owned\x07\x1b[31mred\u202e \x9b2J"}, ""),
}
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
USAGE = {"prompt_tokens": 40, "completion_tokens": 6, "total_tokens": 46}


@dataclass
class FaultServer:
    """`requests` has the body of each request, `keys` its Authorization header."""

    base_url: str
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)


@contextmanager
def fault_server() -> Iterator[FaultServer]:
    release = threading.Event()
    http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    http.daemon_threads = True
    record = FaultServer(f"http://127.0.0.1:{http.server_address[1]}/v1")
    _Handler.record, _Handler.release = record, release
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield record
    finally:
        release.set()
        http.shutdown()
        http.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    record: FaultServer
    release: threading.Event

    def log_message(self, format: str, *args: object) -> None:
        """Silent: the tests check stderr."""

    def do_GET(self) -> None:
        """The list of models, as far as it goes."""
        content = json.dumps({"object": "list", "data": [{"id": "answers"}, {"id": "flaky"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.record.requests.append(body)
        self.record.keys.append(self.headers.get("Authorization", ""))
        fault = body["model"]
        if fault == "as-the-question-says":
            fault = re.findall(r"the fault ([\w-]+)", body["messages"][-1]["content"])[-1]
        if fault == "flaky":
            return self._flaky(body)
        if fault.startswith("slow-"):
            time.sleep(_number(body) % (1 + int(fault.removeprefix("slow-"))) / 10)
            return self._stream("answers")
        if fault.endswith("-then-fine"):
            if len(self.record.requests) == 1:
                return self._refuse(int(fault.split("-")[1]), "busy", retry_after="0.5")
            return self._stream("answers")
        if fault in REFUSALS:
            status, error, retry_after = REFUSALS[fault]
            return self._refuse(status, "", retry_after, error)
        if fault == "cut-from-the-second-on":
            return self._stream("answers" if len(self.record.requests) == 1 else "cut")
        if fault == "elsewhere" and self.path != "/elsewhere":
            return self._redirect()
        if fault.startswith("http-"):
            return self._refuse(int(fault.removeprefix("http-")), f"as asked, for {self.record.keys[-1]}")
        if fault == "newer-limit" and "max_tokens" in body:
            return self._refuse(400, "Unsupported parameter: use 'max_completion_tokens' instead.")
        if fault == "stalls-once":
            again = sum(request["messages"] == body["messages"] for request in self.record.requests) > 1
            return self._stream("answers" if again else "stalls-later")
        if fault == "stalls-first":
            self.release.wait()
            return None
        return self._stream(fault)

    def _flaky(self, body: dict[str, Any]) -> None:
        number = _number(body)
        seen = sum(request["messages"] == body["messages"] for request in self.record.requests)
        if seen > number % 3:
            return self._stream("answers", (f"Number {number} ", "is ", "the answer."))
        match number // 3 % 4:
            case 0:
                return self._refuse(429, "busy", retry_after="0.05")
            case 1:
                return self._refuse(500, "broken", retry_after="0.05")
            case 2:
                return self._stream("cut")
        self.release.wait(3)
        return None

    def _redirect(self) -> None:
        self.send_response(307)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _refuse(
        self, status: int, message: str, retry_after: str = "", error: dict[str, Any] | None = None
    ) -> None:
        content = json.dumps({"error": error or {"message": message, "type": "fault"}}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if retry_after:
            self.send_header("Retry-After", retry_after)
        self.end_headers()
        self.wfile.write(content)

    def _stream(self, fault: str, words: tuple[str, ...] = WORDS) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html" if fault == "not-a-stream" else "text/event-stream")
        self.end_headers()
        if fault == "not-a-stream":
            self.wfile.write(b"<html>Welcome to the wrong address.</html>")
            return
        if fault == "stalls-empty":
            self.wfile.flush()
            self.release.wait()
            return
        for index, word in enumerate(() if fault in ("empty", "thinks") else words):
            if index == 1 and fault == "stalls-later":
                self.release.wait()
                return
            if index == 1 and fault == "cut":
                return
            if index == 1 and fault == "reset":
                time.sleep(0.1)  # What was sent before a reset is lost unless it has been read.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
                self.connection.close()
                return
            if index == 1 and fault == "malformed":
                self._send('{"choices": [{"del')
                return
            if index == 1 and fault == "error-event":
                self._send('{"error": {"message": "out of memory", "code": 500}}')
                return
            if index == 1 and fault == "window-in-stream":
                self._send(json.dumps({"error": WINDOW_LLAMACPP}))
                return
            if index == 1 and fault == "endless":
                self._send_without_end()
                return
            if index == 1 and fault.startswith("odd-"):
                self._send(ODD_PARTS[int(fault.removeprefix("odd-"))])
                continue
            self._send(_chunk(f"\x1b[31m{word}\u202e" if fault == "escapes" else word))
        ends = {"long": "length", "thinks": "length", "filtered": "content_filter"}
        self._send(_chunk("", finish=ends.get(fault, "stop")))
        if fault != "no-usage":
            self._send(json.dumps({**_frame(), "choices": [], "usage": USAGE}))
        self._send("[DONE]")

    def _send_without_end(self) -> None:
        """2 MB, or until the reader has had enough."""
        try:
            for _ in range(2000):
                self._send(_chunk("and so on " * 100))
        except OSError:
            return

    def _send(self, data: str) -> None:
        self.wfile.write(f"data: {data}\n\n".encode())
        self.wfile.flush()


def _number(body: dict[str, Any]) -> int:
    """The same for the same prompt, in any process."""
    return int(hashlib.sha256(json.dumps(body["messages"]).encode()).hexdigest()[:4], 16)


def _frame() -> dict[str, Any]:
    return {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "fault"}


def _chunk(text: str, finish: str | None = None) -> str:
    return json.dumps(
        {**_frame(), "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]}
    )
