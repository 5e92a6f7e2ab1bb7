"""`ragcli serve`: models and index kept warm, for the commands and for agents."""

from __future__ import annotations

import signal
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from ragcli.cli import options
from ragcli.cli.grouping import grouped
from ragcli.cli.session import Screens, environment_of
from ragcli.errors import NothingFoundError, UsageError

if TYPE_CHECKING:
    from ragcli.config import Config

Stdio = Annotated[
    bool, typer.Option("--stdio", help="Speak MCP over stdin and stdout: what an agent starts.")
]
Stop = Annotated[bool, typer.Option("--stop", help="End the server of these settings.")]
Host = Annotated[
    str,
    typer.Option("--host", metavar="HOST", help="Listen here; other than the loopback, agents need a key."),
]
Port = Annotated[
    int | None, typer.Option("--port", metavar="N", help="Listen on this port; 0: one that is free.")
]


@grouped
def serve(
    ctx: typer.Context,
    *,
    stdio: Stdio = False,
    stop: Stop = False,
    host: Host = "127.0.0.1",
    port: Port = None,
    llm: options.LLMOptions,
    quiet: options.Quiet = False,
    given: options.ConfigOptions,
) -> None:
    """Keep models and index warm, for search, ask, chat and batch of the same settings, and for agents (MCP).

    Runs until Ctrl-C, --stop, or until nobody has asked for serve.idle_minutes.
    """
    if stdio and stop:
        raise UsageError("--stdio and --stop do not go together.", hint="Leave out one of them.")
    environment = environment_of(ctx)
    settings = given.load(environment, llm.overrides(), {"serve.port": port})
    say = partial(_say, Screens(environment), quiet)
    if stop:
        _stop(settings, say)
        return
    from ragcli.serving import running

    if stdio:
        running.serve_stdio(settings)
        return
    # Ended by the system, it cleans up as it does after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)

    def tell(url: str) -> None:
        say(f"Warm for search, ask, chat and batch of the collection {settings.collection}; agents: {url}")
        say(f"Ends after {settings.serve.idle_minutes:g} minutes without a question, or with Ctrl-C.")

    running.serve_http(settings, host=host, environ=environment.environ, on_ready=tell)
    say("The server has ended.")


def _stop(config: Config, say: Callable[[str], None]) -> None:
    from ragcli.serving.client import stop

    ended = stop(config)
    if ended is None:
        raise NothingFoundError("No server of these settings is running.", hint="To start one: ragcli serve")
    say(f"The server at {ended.address} has ended.")


def _say(screens: Screens, quiet: bool, line: str) -> None:
    if not quiet:
        screens.err.print(line, soft_wrap=True, highlight=False)
