"""`ragcli chat`: questions, follow-ups and what is behind the answers, in one session."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import typer

from ragcli.cli import options
from ragcli.cli.grouping import grouped
from ragcli.cli.session import Screens, environment_of
from ragcli.errors import ExitCode

if TYPE_CHECKING:
    from ragcli.chat.session import Session
    from ragcli.cli.commands.chat_lines import Lines
    from ragcli.cli.environment import Environment
    from ragcli.config import Config
    from ragcli.types import Filters


@grouped
def chat(
    ctx: typer.Context,
    *,
    no_rerank: options.NoRerank = False,
    candidates: options.Candidates = None,
    top_k: options.TopK = None,
    which: options.FilterOptions,
    llm: options.LLMOptions,
    timings: options.Timings = False,
    quiet: options.Quiet = False,
    given: options.ConfigOptions,
    serving: options.ServeOptions,
) -> None:
    """Ask, follow up, and look behind the answers. Without a terminal: a question a line on stdin."""
    ranking = options.RankingOptions(no_rerank=no_rerank, candidates=candidates, top_k=top_k)
    environment = environment_of(ctx)
    settings = given.load(environment, ranking.overrides(), llm.overrides(), serving.overrides())
    failed = _converse(environment, settings, which.filters(), timings=timings, quiet=quiet)
    if failed and not environment.stdin.isatty():
        raise typer.Exit(ExitCode.FAILED)


def _converse(
    environment: Environment, config: Config, filters: Filters, *, timings: bool, quiet: bool
) -> int:
    """Returns how many lines failed. What is missing for every question is said before the first."""
    from ragcli.chat.session import Session
    from ragcli.cli.commands.chat_loop import Chat, read_all, talk
    from ragcli.reporting.screens.chat import print_welcome
    from ragcli.serving.client import open_pipeline

    typed = environment.stdin.isatty()
    screens = Screens(environment if typed else environment.without_styles())
    with open_pipeline(config) as pipeline:
        session = Session(pipeline, filters)
        session.check()
        lines = _lines(environment, session, screens, typed=typed)
        chat = Chat(session, screens, lines, environ=environment.environ, timings=timings, quiet=quiet)
        if not typed:
            return read_all(chat, lines)
        if not quiet:
            print_welcome(screens.err, config.collection, len(session.documents()), config.llm.model)
        # The models load while the first question is being typed.
        with ThreadPoolExecutor(max_workers=1) as beside:
            chat.wait_for(beside.submit(pipeline.warm))
            return talk(chat, lines)


def _lines(environment: Environment, session: Session, screens: Screens, *, typed: bool) -> Lines:
    from ragcli.chat.completion import completions
    from ragcli.cli.commands.chat_lines import PipedLines, TypedLines

    if not typed:
        return PipedLines(environment.stdin)

    def complete(line: str) -> list[tuple[str, str]]:
        return completions(line, session.documents(), session.numbers())

    return TypedLines(environment, complete, screens.err)
