"""What a shell may complete: collections, profiles, sources. Reads small files; no model, no Chroma.

A completion never fails: where something cannot be read there is nothing to offer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ragcli.errors import RagcliError
from ragcli.text.names import nfc

if TYPE_CHECKING:
    from ragcli.config import Config

# A shell with thousands of offers is of no help, and slow.
MOST = 200


def complete_collection(ctx: typer.Context, incomplete: str) -> list[str]:
    def names(config: Config) -> Iterable[str]:
        from ragcli import store

        return store.collections(config)

    return _from_settings(ctx, incomplete, names)


def complete_source(ctx: typer.Context, incomplete: str) -> list[str]:
    """Documents of the collection, out of ragcli's own record of them."""

    def names(config: Config) -> Iterable[str]:
        from ragcli import store

        with store.open_store(config, create=False) as index:
            return [info.source for info in index.sources()]

    return _from_settings(ctx, incomplete, names)


def complete_profile(ctx: typer.Context, incomplete: str) -> list[str]:
    from ragcli.config.loading import profile_names

    try:
        return _fitting(profile_names(_config_file(ctx)), incomplete)
    except RagcliError:
        return []


def _from_settings(
    ctx: typer.Context, incomplete: str, names: Callable[[Config], Iterable[str]]
) -> list[str]:
    """The names under the settings that the line so far makes."""
    from ragcli.config.loading import load_config

    overrides = {"collection": ctx.params.get("collection")}
    try:
        config = load_config(_config_file(ctx), ctx.params.get("profile"), overrides)
        return _fitting(names(config), incomplete)
    except RagcliError:
        return []


def _config_file(ctx: typer.Context) -> Path | None:
    named = ctx.params.get("config")
    return Path(named) if named else None


def _fitting(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if nfc(name).startswith(nfc(incomplete))][:MOST]
