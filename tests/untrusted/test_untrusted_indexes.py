"""Indexes from elsewhere: one from someone else, or on a server that others write to, runs no code.

Chroma can keep with a collection what embeds its texts, by name and settings, and its client makes that when
it looks at the settings or writes: a model of the attacker's choice, with `trust_remote_code`. Known for its
server as CVE-2026-45829; the client of chromadb 1.5.9 does it too.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from chroma_server import own_database
from hostile import write_trap
from test_store_same import ALL, chunk, found, opened, put, vectors

from ragcli import store
from ragcli.config import Config, StoreConfig
from ragcli.errors import StoreError
from ragcli.store.embedding_functions import named_functions
from ragcli.store.folder.chroma_files import COLLECTION
from ragcli.store.server import connection

NONE = {"type": "legacy"}
KNOWN = {"type": "known", "name": "trap", "config": {}}


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({"hnsw": {"ef_search": 200}, "embedding_function": NONE}, []),
        ({"embedding_function": None}, []),
        ({"embedding_function": {"type": "unknown"}}, []),
        ([None, {"embedding_function": KNOWN}], ["'trap'"]),
        (
            {"keys": {"a": [{"config": {"embedding_function": KNOWN}}], "b": {"embedding_function": NONE}}},
            ["'trap'"],
        ),
        ({"embedding_function": "trap"}, ["'trap'"]),
        ({"embedding_function": {}}, ["None"]),
    ],
)
def test_a_function_is_found_wherever_the_settings_hold_it(settings: Any, names: list[str]) -> None:
    assert list(named_functions(settings)) == names


@pytest.fixture
def function(tmp_path: Path, sprung: Path) -> dict[str, Any]:
    """What the attacker writes into a collection's settings."""
    model = tmp_path / "model"
    model.mkdir()
    write_trap(model, sprung)
    modules = [{"idx": 0, "name": "0", "path": "", "type": "modeling_trap.Model"}]
    (model / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    settings = {
        "model_name": str(model),
        "device": "cpu",
        "normalize_embeddings": False,
        "kwargs": {"trust_remote_code": True},
    }
    return {"type": "known", "name": "sentence_transformer", "config": settings}


def poison_folder(config: Config, function: dict[str, Any]) -> None:
    (database,) = Path(config.store.path).rglob("chroma.sqlite3")
    with sqlite3.connect(database) as opened:
        (schema,) = opened.execute(
            "SELECT schema_str FROM collections WHERE name = ?", (COLLECTION,)
        ).fetchone()
        opened.execute(
            "UPDATE collections SET schema_str = ?",
            (schema.replace('{"type":"legacy"}', json.dumps(function)),),
        )
    opened.close()


def poison_server(config: Config, function: dict[str, Any]) -> None:
    place = f"{config.store.url}/api/v2/tenants/{config.store.tenant}/databases/{config.store.database}"
    client = connection.connect(config.store)
    for collection in client.list_collections():
        changed = {"new_configuration": {"embedding_function": function}}
        httpx.put(f"{place}/collections/{collection.id}", json=changed).raise_for_status()


@pytest.fixture(params=["folder", "server"])
def poisoned(request: pytest.FixtureRequest, tmp_path: Path, function: dict[str, Any]) -> Config:
    if request.param == "folder":
        config = Config(store=StoreConfig(path=str(tmp_path / "index")))
    else:
        config = Config(store=own_database(request.getfixturevalue("chroma_url")))
    index = opened(config)
    put(index, "a.md", chunk("a.md", 0))
    assert found(index)
    index.close()
    (poison_folder if request.param == "folder" else poison_server)(config, function)
    return config


USES: dict[str, Callable[[Config], object]] = {
    "search": lambda config: opened(config, create=False).search(vectors(0), 3, ALL),
    "search-wider": lambda config: opened(wider(config), create=False).search(vectors(0), 3, ALL),
    "read": lambda config: opened(config, create=False).chunks("a.md"),
    "write": lambda config: put(opened(config), "b.md", chunk("b.md", 0)),
    "remove": lambda config: opened(config).remove("a.md"),
}


def wider(config: Config) -> Config:
    """A setting that is written into the index when it is opened."""
    return config.model_copy(update={"store": config.store.model_copy(update={"search_width": 321})})


@pytest.mark.parametrize("use", USES)
def test_an_index_that_names_a_function_is_refused(poisoned: Config, sprung: Path, use: str) -> None:
    with pytest.raises(StoreError, match="sentence_transformer") as caught:
        USES[use](poisoned)
    assert "ragcli reset" in (caught.value.hint or "")
    assert not sprung.exists()


def test_it_can_be_listed_deleted_and_built_again(poisoned: Config, sprung: Path) -> None:
    assert store.collections(poisoned) == ["default"]
    store.reset(poisoned)
    put(opened(poisoned), "a.md", chunk("a.md", 0))
    assert found(opened(poisoned))
    assert not sprung.exists()
