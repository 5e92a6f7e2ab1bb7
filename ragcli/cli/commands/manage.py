"""`ragcli status`, `list`, `remove` and `reset`: look after the index. No model is loaded for any of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ragcli.cli import options
from ragcli.cli.completion import complete_source
from ragcli.cli.grouping import grouped
from ragcli.cli.prompts import confirmed
from ragcli.cli.session import Screens, environment_of
from ragcli.errors import ExitCode, NothingFoundError

if TYPE_CHECKING:
    from ragcli.config import Config

NAMED = 3
"""Documents that a question names; the others are counted."""

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE...",
        help="Names as `ragcli list` shows them, globs or folders.",
        autocompletion=complete_source,
    ),
]


@grouped
def status(
    ctx: typer.Context,
    *,
    as_json: options.Json = False,
    given: options.ConfigOptions,
) -> None:
    """Show what is in the index, what built it, and whether the models are there."""
    from ragcli import store
    from ragcli.models.status import model_rows
    from ragcli.reporting import as_json as json
    from ragcli.reporting.screens import manage
    from ragcli.serving.client import running

    environment = environment_of(ctx)
    screens = Screens(environment)
    settings = given.load(environment)
    rows, models = _collection_rows(settings), model_rows(settings)
    place, server = store.where(settings), running(settings)
    if as_json:
        fields = {"store": place, "collection": settings.collection, "collections": rows, "models": models}
        screens.print_document(json.document("status", {**fields, "server": server and server.shown()}))
    else:
        manage.print_status(screens.out, place, settings.collection, rows)
        manage.print_models(screens.out, models)
        if server is not None:
            manage.print_server(screens.out, server.shown())


def _collection_rows(config: Config) -> list[dict[str, object]]:
    """Name, documents, chunks and builder of each collection in the store's folder."""
    from ragcli import store
    from ragcli.reporting.as_json import collection_fields

    rows: list[dict[str, object]] = []
    for name in store.collections(config):
        with store.open_store(config.model_copy(update={"collection": name}), create=False) as opened:
            opened.check()
            rows.append(collection_fields(name, opened))
    return rows


@grouped
def list_sources(
    ctx: typer.Context,
    *,
    as_json: options.Json = False,
    given: options.ConfigOptions,
) -> None:
    """List the ingested documents."""
    from ragcli import store
    from ragcli.reporting import as_json as json
    from ragcli.reporting.screens import manage

    environment = environment_of(ctx)
    screens = Screens(environment)
    settings = given.load(environment)
    with store.open_store(settings, create=False) as opened:
        sources = opened.sources()
    if as_json:
        screens.print_document(json.sources(settings.collection, sources))
    else:
        manage.print_sources(screens.out, sources)


@grouped
def remove(
    ctx: typer.Context,
    sources: Sources,
    *,
    yes: options.Yes = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    given: options.ConfigOptions,
) -> None:
    """Remove documents from the index; the files stay. Nothing is removed if one name matches nothing.

    Asks before it removes more than one.
    """
    from ragcli import store
    from ragcli.reporting import as_json as json
    from ragcli.reporting.plain_text import count
    from ragcli.text.printable import one_line

    environment = environment_of(ctx)
    screens = Screens(environment)
    settings = given.load(environment)
    with store.open_store(settings, create=False) as opened:
        names = _matching([info.source for info in opened.sources()], sources)
        if len(names) > 1 and not yes and not confirmed(environment, _question(names)):
            screens.err.print("Nothing was removed.")
            raise typer.Exit(ExitCode.FAILED)
        with opened.writing():
            removed = {name: opened.remove(name) for name in names}
    if as_json:
        rows = [{"source": name, "chunks": chunks} for name, chunks in removed.items()]
        screens.print_document(json.document("removed", {"collection": settings.collection, "sources": rows}))
    elif not quiet:
        for name, chunks in removed.items():
            screens.err.print(f"Removed {one_line(name)} ({count(chunks, 'chunk')}).", soft_wrap=True)


def _question(names: Sequence[str]) -> str:
    listed = ", ".join(names[:NAMED]) + (", ..." if len(names) > NAMED else "")
    return f"Remove {len(names):,} documents ({listed}) from the index?"


def _matching(known: Sequence[str], wanted: Iterable[str]) -> list[str]:
    """Raises NothingFoundError for the first name or glob that matches no source."""
    from difflib import get_close_matches

    from ragcli.store.metadata import matching

    found: dict[str, None] = {}
    for pattern in wanted:
        names = [pattern] if pattern in known else matching(known, [pattern])
        if not names:
            close = get_close_matches(pattern, known, 1)
            hint = f"Did you mean {close[0]}?" if close else "ragcli list shows the names."
            raise NothingFoundError(f"{pattern} is not in the index.", hint=hint)
        found.update(dict.fromkeys(names))
    return list(found)


@grouped
def reset(
    ctx: typer.Context,
    *,
    yes: options.Yes = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    given: options.ConfigOptions,
) -> None:
    """Delete a collection with all that was ingested into it. The files stay."""
    from ragcli import store
    from ragcli.reporting import as_json as json

    environment = environment_of(ctx)
    screens = Screens(environment)
    settings = given.load(environment)
    if not yes and not confirmed(environment, f"Delete the collection {settings.collection}?"):
        screens.err.print("Nothing was deleted.")
        raise typer.Exit(ExitCode.FAILED)
    store.reset(settings)
    if as_json:
        screens.print_document(json.document("reset", {"collection": settings.collection}))
    elif not quiet:
        screens.err.print(f"Deleted the collection {settings.collection}.")
