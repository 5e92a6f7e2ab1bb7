"""Who may ask, and how much: before anything of a request is read by those who answer.

A web page that a browser on this machine has open can send requests to the loopback. Its `Origin` gives it
away; and where its name was made to point here (DNS rebinding), its `Host`.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 32_000_000
"""Of a request: a question with a thousand candidates that comes back for its answer."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")
FOR_ALL = "/prove"
FOR_AGENTS = "/mcp"


@dataclass(frozen=True, slots=True)
class Entry:
    """`names` are those by which this machine may be called, empty for any. `token` is the commands';
    `api_key` is the agents', empty where they need none.
    """

    names: Collection[str]
    token: str
    api_key: str


class Guard:
    """An ASGI application before another one."""

    def __init__(self, app: ASGIApp, entry: Entry) -> None:
        self._app = app
        self._entry = entry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        if scope["type"] != "http":
            return None
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        status = self._refusal(scope["method"], scope["path"], headers)
        if status is None:
            body = await _body(receive)
            if body is not None:
                return await self._app(scope, _replay(body, receive), send)
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        return await _refuse(status, send)

    def _refusal(self, method: str, path: str, headers: dict[str, str]) -> HTTPStatus | None:
        if not self._is_name(headers.get("host", "")):
            return HTTPStatus.MISDIRECTED_REQUEST
        if "origin" in headers and not self._is_own(headers["origin"]):
            return HTTPStatus.FORBIDDEN
        if path == FOR_ALL:
            return None
        wanted = self._entry.api_key if path == FOR_AGENTS else self._entry.token
        given = headers.get("authorization", "")
        if wanted and not secrets.compare_digest(given.encode(), f"Bearer {wanted}".encode()):
            return HTTPStatus.UNAUTHORIZED
        if path == FOR_AGENTS and method != "POST":
            # A GET would hold a connection open for what a server says unasked: here, nothing.
            return HTTPStatus.METHOD_NOT_ALLOWED
        return None

    def _is_own(self, origin: str) -> bool:
        scheme, _, rest = origin.partition("://")
        return scheme in ("http", "https") and self._is_name(rest)

    def _is_name(self, host: str) -> bool:
        """`host` as the header has it: with a port, and IPv6 in brackets."""
        name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
        return not self._entry.names or name.lower() in self._entry.names


async def _body(receive: Receive) -> bytes | None:
    """None where it is too large, or its client has gone."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MOST_BYTES or message["type"] == "http.disconnect":
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return waiting.pop() if waiting else await receive()

    return next_message


async def _refuse(status: HTTPStatus, send: Send) -> None:
    headers = [(b"content-type", b"text/plain"), (b"connection", b"close")]
    if status is HTTPStatus.UNAUTHORIZED:
        headers.append((b"www-authenticate", b"Bearer"))
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        headers.append((b"allow", b"POST"))
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": f"{status.phrase}\n".encode()})
