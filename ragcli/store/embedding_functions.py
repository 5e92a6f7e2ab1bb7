"""Chroma can store an embedding function with a collection. ragcli stores none: another's may be a trap."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ragcli.errors import StoreError

# What Chroma writes if there is none.
_NONE = ("legacy", "unknown")


def refuse_embedding_functions(collection: Any, place: object) -> None:
    """Raises StoreError if the collection names an embedding function. Call it before anything else.

    Chroma's client creates the function as soon as it is asked for the collection's `configuration` or
    `schema`, or writes: it loads the model that the settings name and, if they say so, runs that model's
    code. Known for Chroma's server as CVE-2026-45829; the client of chromadb 1.5.9 does it too.
    """
    model = collection.get_model()
    name = next(named_functions([model.configuration_json, model.serialized_schema]), None)
    if name is not None:
        raise StoreError(
            f"The index at {place} names an embedding function, {name}. ragcli never runs one.",
            hint="ragcli did not write that; it may be meant to run a program here. Build the index again: "
            "ragcli reset, then ragcli ingest PATH...",
        )


def named_functions(settings: Any) -> Iterator[str]:
    """The names of all embedding functions in a collection's settings, as read from JSON."""
    if isinstance(settings, list):
        for value in settings:
            yield from named_functions(value)
    elif isinstance(settings, dict):
        for key, value in settings.items():
            if key != "embedding_function":
                yield from named_functions(value)
            elif value is not None and not (isinstance(value, dict) and value.get("type") in _NONE):
                yield repr(value.get("name")) if isinstance(value, dict) else repr(value)
