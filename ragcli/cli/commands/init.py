"""`ragcli init` and `ragcli config init`: three questions, and a commented config.toml."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragcli.cli import options
from ragcli.cli.environment import Environment
from ragcli.cli.prompts import agreed, answer
from ragcli.cli.session import Screens, environment_of
from ragcli.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from ragcli.config.first_config import Answers

PATIENCE_SECONDS = 3.0
"""Seconds that a server gets to say which models it has."""

File = Annotated[Path, typer.Argument(metavar="[FILE]", help="Where to write it.")]
WhichLLM = Annotated[
    str | None,
    typer.Option(
        "--llm",
        metavar="LLM",
        help="local, local-large, openai, ollama, or a server's URL.",
        show_default=False,
    ),
]
Documents = Annotated[
    list[str] | None,
    typer.Option("--documents", metavar="PATH", help="What ragcli ingest reads; repeatable."),
]
Index = Annotated[str | None, typer.Option("--index", metavar="FOLDER", help="Where to put the index.")]
Force = Annotated[bool, typer.Option("--force", help="Replace an existing file without asking.")]


def init(
    ctx: typer.Context,
    path: File = Path("config.toml"),
    llm: WhichLLM = None,
    model: options.Model = None,
    documents: Documents = None,
    index: Index = None,
    force: Force = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Ask which LLM, which documents and which index, and write a commented config file.

    Only a terminal is asked, and only for what no option says; elsewhere the defaults hold.
    """
    from ragcli.config.first_config import Answers, check_places, first_config, parse_llm
    from ragcli.reporting import as_json as json

    environment = environment_of(ctx)
    _check_free(environment, path, force)
    chosen = parse_llm(llm or _asked(environment, _WHICH_LLM, "local"))
    answers = Answers(
        llm=chosen,
        model=model or _model(environment, chosen),
        documents=tuple(documents or _documents(environment)),
        index=index or _asked(environment, "Where should the index be?", ".ragcli"),
    )
    check_places(answers)
    _write(path, first_config(answers))
    screens = Screens(environment)
    if as_json:
        fields = {
            "path": str(path),
            "llm": answers.llm,
            "model": answers.model,
            "documents": list(answers.documents),
            "index": answers.index,
        }
        screens.print_document(json.document("init", fields))
    elif not quiet:
        screens.err.print(f"Wrote {path}.", soft_wrap=True)
        screens.err.print(_next_step(environment, answers), style="hint", soft_wrap=True)


_WHICH_LLM = (
    "Which LLM answers? local, local-large (for real answers, 1.1 GB), openai, ollama, or a server's URL"
)


def _check_free(environment: Environment, path: Path, force: bool) -> None:
    """Raises ConfigError where a file is in the way and nobody says that it may go."""
    if force or not path.exists():
        return
    if environment.stdin.isatty() and agreed(environment, f"{path} exists already. Replace it?"):
        return
    raise ConfigError(f"{path} exists already.", hint="Add --force, or name another file: ragcli init FILE")


def _asked(environment: Environment, question: str, default: str) -> str:
    if not environment.stdin.isatty():
        return default
    shown = f" [{default}]" if default else ""
    return answer(environment, f"{question}{shown}:", default)


def _documents(environment: Environment) -> list[str]:
    """Nobody is asked: none, since what lies in a script's folder is nobody's choice."""
    return [_asked(environment, "Where are the documents?", ".")] if environment.stdin.isatty() else []


def _model(environment: Environment, llm: str) -> str:
    """The model at a server, as it lists them. Raises UsageError where there is nobody to ask."""
    from ragcli.config.first_config import LOCAL, LOCAL_LARGE, OPENAI

    if llm in (LOCAL, LOCAL_LARGE, OPENAI):
        return ""
    offered = _offered(llm)
    if not environment.stdin.isatty():
        if len(offered) == 1:
            return offered[0]
        names = f" It has: {', '.join(offered)}." if offered else ""
        raise UsageError(f"Which model of {llm}?{names}", hint="Add --model NAME.")
    if offered:
        Screens(environment).err.print(f"The server has: {', '.join(offered)}", soft_wrap=True)
    name = _asked(environment, "Which model there?", offered[0] if offered else "")
    if not name:
        raise UsageError("A server needs the name of a model.", hint="Add --model NAME.")
    return name


def _offered(url: str) -> tuple[str, ...]:
    """What the server that the user just named says that it has; nothing where it does not answer."""
    from ragcli.config import LLMConfig
    from ragcli.llm.client import open_llm

    with open_llm(LLMConfig(base_url=url, model="", timeout_seconds=PATIENCE_SECONDS)) as opened:
        return opened.offered()


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except (OSError, UnicodeEncodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"{path} cannot be written: {reason}.", hint="Name another place.") from None


def _next_step(environment: Environment, answers: Answers) -> str:
    from ragcli.config.first_config import LOCAL_LARGE, OPENAI
    from ragcli.config.profiles import BUILT_IN_PROFILES

    steps = ["ragcli ingest" if answers.documents else "ragcli ingest PATH...", 'ragcli ask "..."']
    variable = str(BUILT_IN_PROFILES[OPENAI]["llm.api_key_env"])
    if answers.llm == OPENAI and not environment.environ.get(variable):
        steps.insert(0, f"export {variable}=...")
    if answers.llm == LOCAL_LARGE:
        steps.insert(0, "ragcli models prepare")
    return f"Next: {', then '.join(steps)}"
