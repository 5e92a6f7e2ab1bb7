"""A client that keeps the server waiting is closed, and never stands in the way of another one."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
import uvicorn
from docs_blocks import ROOT

from ragcli.config import Config
from ragcli.serving.connections import MOST_CONNECTIONS, SECONDS_FOR_A_CLIENT, bounded
from ragcli.serving.desk import MOST_SECONDS, MOST_WAITING
from ragcli.serving.guard import LOOPBACK, MOST_BYTES, Entry
from ragcli.serving.running import _server

SECONDS = 0.5
MANY = 5
GET = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"


class App:
    """Answers a whole request: / at once, /slow after three times the limit, /endless then without end."""

    def __init__(self) -> None:
        self.gone = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        while (message := await receive())["type"] == "http.request" and message["more_body"]:
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if scope["path"] != "/":
            await asyncio.sleep(3 * SECONDS)
        if scope["path"] == "/endless":
            await self._write_until_gone(receive, send)
        await send({"type": "http.response.body", "body": b"done"})

    async def _write_until_gone(self, receive: Any, send: Any) -> None:
        watch = asyncio.create_task(receive())
        while not watch.done():
            await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
            await asyncio.sleep(0)
        self.gone.set()


@contextmanager
def serving(most: int = 50, seconds: float = SECONDS) -> Iterator[tuple[int, App]]:
    """The port of a server with these limits."""
    app = App()
    settings = uvicorn.Config(
        app,
        http=bounded(most, seconds),
        loop="asyncio",
        lifespan="off",
        log_config=None,
        timeout_keep_alive=60,
    )
    with running_server(uvicorn.Server(settings)) as port:
        yield port, app


@contextmanager
def running_server(server: uvicorn.Server) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def is_closed(client: socket.socket) -> bool:
    """What the server has sent is read, and it has ended. Waits 10 seconds for that."""
    try:
        while client.recv(10_000):
            pass
    except ConnectionError:
        pass
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize(
    "begun",
    [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n", POST, GET % b"slow", GET % b"slow" + b"GET / HT"],
    ids=["nothing", "half a line", "half the headers", "no body", "nothing more", "half a second request"],
)
def test_a_client_that_falls_silent_is_closed(begun: bytes) -> None:
    with serving() as (port, _), connected(port) as client:
        client.sendall(begun)
        assert is_closed(client)


@pytest.mark.parametrize("begun", [b"GET / HTTP/1.1\r\nX: ", POST], ids=["headers", "body"])
def test_a_client_that_sends_byte_by_byte_is_closed(begun: bytes) -> None:
    with serving() as (port, _), connected(port) as client:
        client.sendall(begun)
        with pytest.raises(ConnectionError):
            drip(client)


def drip(client: socket.socket) -> None:
    for _ in range(100):
        client.sendall(b"x")
        time.sleep(SECONDS / 5)


def test_a_client_that_does_not_read_its_answer_is_closed() -> None:
    with serving() as (port, app), connected(port) as client:
        client.sendall(GET % b"endless")
        assert app.gone.wait(10)


def test_who_waits_for_an_answer_is_not_closed() -> None:
    with serving() as (port, _):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        for path in ("/", "/slow"):
            connection.request("GET", path)
            assert connection.getresponse().read() == b"done"
        connection.close()


def test_who_has_kept_the_server_waiting_longest_makes_room() -> None:
    with serving(most=MANY, seconds=60) as (port, _), begun_answer(port) as slow:
        silent = [connected(port) for _ in range(4 * MANY)]
        with connected(port) as client:
            client.sendall(GET % b"")
            assert client.recv(100).startswith(b"HTTP/1.1 200")
        assert is_closed(silent[0])
        silent[-1].setblocking(False)
        with pytest.raises(BlockingIOError):
            silent[-1].recv(1)
        assert b"done" in slow.recv(1000)
        for each in silent:
            each.close()


def test_one_more_than_can_be_answered_is_told_so() -> None:
    with serving(most=MANY) as (port, _), ExitStack() as answers:
        for _ in range(MANY):
            answers.enter_context(begun_answer(port))
        with connected(port) as client:
            client.sendall(GET % b"")
            assert client.recv(100).startswith(b"HTTP/1.1 503")


@contextmanager
def begun_answer(port: int) -> Iterator[socket.socket]:
    """A client that has the head of its slow answer."""
    with connected(port) as client:
        client.sendall(GET % b"slow")
        assert client.recv(1000).startswith(b"HTTP/1.1 200")
        yield client


@pytest.mark.parametrize("version", ["2025-06-18", "2026-07-28"])
def test_an_agent_that_goes_away_has_its_answer_stopped(version: str) -> None:
    desk = EndlessDesk()
    with (
        running_server(_server(desk, Entry(LOOPBACK, "", ""))) as port,  # type: ignore[arg-type]
        connected(port) as agent,
    ):
        agent.sendall(message("tools/call", {"name": "ask", "arguments": {"question": "why?"}}, version))
        assert desk.asked.wait(10)
        agent.close()
        assert desk.stopped.wait(10)


class EndlessDesk:
    """In place of one with an LLM: nothing is answered. `stopped` when nobody waits for it any more."""

    def __init__(self) -> None:
        self.config = Config()
        self.asked, self.stopped = threading.Event(), threading.Event()

    def pipeline(self, config: Config) -> None:
        """There is nothing to open."""

    async def ask(self, *_: object) -> None:
        self.asked.set()
        try:
            await asyncio.sleep(60)
        finally:
            self.stopped.set()


def test_an_agent_cannot_keep_a_connection_for_news_that_never_come() -> None:
    with (
        running_server(_server(EndlessDesk(), Entry(LOOPBACK, "", ""))) as port,  # type: ignore[arg-type]
        connected(port) as agent,
    ):
        agent.sendall(message("subscriptions/listen", {"notifications": {}}, "2026-07-28"))
        assert agent.recv(1000).startswith(b"HTTP/1.1 404")


def message(method: str, given: dict[str, Any], version: str) -> bytes:
    """A request of MCP in this version of the protocol."""
    # What a client of 2025 said once, in a handshake, one of 2026 says with each request.
    about = {"protocolVersion": version, "clientCapabilities": {}}
    meta = {f"io.modelcontextprotocol/{name}": value for name, value in about.items()}
    asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**given, "_meta": meta}}
    body = json.dumps(asked).encode()
    head = (
        "POST /mcp HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        "Accept: application/json, text/event-stream",
        f"MCP-Protocol-Version: {version}",
        f"Mcp-Method: {method}",
        f"Mcp-Name: {given.get('name', '')}",
        f"Content-Length: {len(body)}",
        "\r\n",
    )
    return "\r\n".join(head).encode() + body


def test_the_limits_are_those_that_the_documentation_promises() -> None:
    page = " ".join((ROOT / "docs" / "security.md").read_text(encoding="utf-8").split())
    assert f"({MOST_BYTES / 1e6:g} MB) and must arrive within {SECONDS_FOR_A_CLIENT:g} seconds" in page
    assert f"places for {MOST_CONNECTIONS} connections" in page
    assert f"At most {MOST_WAITING} questions wait, each at most {MOST_SECONDS / 60:g} minutes" in page
