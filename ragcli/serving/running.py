"""A server's life: it listens, announces itself, and ends when it is told to or when nobody asks any more."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ragcli.config import Config
from ragcli.errors import ConfigError, RagcliError, UsageError
from ragcli.servers.redaction import remember_secret
from ragcli.serving import notice
from ragcli.serving.agents import mcp_server
from ragcli.serving.calls import Calls
from ragcli.serving.connections import MOST_CONNECTIONS, bounded
from ragcli.serving.desk import Desk
from ragcli.serving.guard import FOR_AGENTS, LOOPBACK, Entry, Guard

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from uvicorn import Server

SECONDS_BETWEEN_LOOKS = 0.5
SECONDS_TO_END = 3
"""For answers that are on their way when a server ends."""

ANY_ADDRESS = ("0.0.0.0", "::")


def serve_http(
    config: Config,
    *,
    host: str = LOOPBACK[0],
    environ: Mapping[str, str] = os.environ,
    on_ready: Callable[[str], None] = lambda _: None,
) -> None:
    """Serves until it is stopped. `on_ready` gets the address for agents, when it is listened to.

    Raises UsageError for another host than the loopback without a key, and RagcliError where the port is
    taken or a server of these settings runs already.
    """
    api_key = _api_key(config, host, environ)
    desk = Desk(config)
    desk.pipeline(config).check("any", reranker=config.reranking.enabled)
    with (
        suppress(KeyboardInterrupt),  # This is how a server is ended.
        closing(desk),
        notice.announced(config) as path,
        _listening(host, config.serve.port) as listener,
    ):
        desk.warm()
        address, token = _address(listener), secrets.token_urlsafe(32)
        names = () if host in ANY_ADDRESS else (*LOOPBACK, host.lower())
        server = _server(desk, Entry(names, token, api_key))
        started = datetime.now(UTC).isoformat(timespec="seconds")
        notice.write(path, notice.Notice(address, token, os.getpid(), started))
        on_ready(f"http://{address}{FOR_AGENTS}")
        asyncio.run(_until_idle(server, listener, desk))


def serve_stdio(config: Config) -> None:
    """Serves the process at the other end of stdin and stdout until that closes them, or dies.

    A server of the same settings does the work where there is one.
    """
    with closing(Desk(config, asks_server=True)) as desk:
        desk.warm()
        mcp_server(desk).run("stdio")


def _api_key(config: Config, host: str, environ: Mapping[str, str]) -> str:
    name = config.serve.api_key_env
    key = environ.get(name, "").strip() if name else ""
    if name and not key:
        raise ConfigError(f"The variable {name} (serve.api_key_env) is not set.", hint=f"export {name}=...")
    if host not in LOOPBACK and not key:
        raise UsageError(
            f"{host} can be reached by others: agents must send a key.",
            hint="Put one into a variable and name that variable in serve.api_key_env.",
        )
    remember_secret(key)
    return key


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=MOST_CONNECTIONS)
    except OSError as error:
        raise RagcliError(
            f"{host}:{port} cannot be listened to: {(error.strerror or str(error)).lower()}.",
            hint="Name another port: --port N (0 takes one that is free).",
        ) from error
    with listener:
        yield listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _server(desk: Desk, entry: Entry) -> Server:
    import uvicorn
    from mcp.server.transport_security import TransportSecuritySettings
    from starlette.routing import Route

    # The guard has looked at Host and Origin by then.
    unguarded = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    app = mcp_server(desk).streamable_http_app(
        streamable_http_path=FOR_AGENTS, stateless_http=True, transport_security=unguarded
    )

    async def prove(request: Request) -> Response:
        return _text(notice.proof(entry.token, request.headers.get("challenge", "")))

    async def end(request: Request) -> Response:
        server.should_exit = True
        return _text("ending")

    app.router.routes += [
        Route("/prove", prove, methods=["GET"]),
        Route("/stop", end, methods=["POST"]),
        Route("/call", Calls(desk), methods=["POST"]),
    ]
    settings = uvicorn.Config(
        Guard(app, entry),
        http=bounded(),
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=SECONDS_TO_END,
    )
    server = uvicorn.Server(settings)
    return server


def _text(text: str) -> Response:
    from starlette.responses import PlainTextResponse

    return PlainTextResponse(text)


async def _until_idle(server: Server, listener: socket.socket, desk: Desk) -> None:
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not serving.done():
        await asyncio.wait([serving], timeout=SECONDS_BETWEEN_LOOKS)
        if desk.idle_seconds > desk.config.serve.idle_minutes * 60:
            server.should_exit = True
    await serving
