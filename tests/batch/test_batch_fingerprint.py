"""Which settings start a batch again: those that may change what an answer says, decided for each key."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from pydantic import BaseModel
from test_store_same import chunk, opened, put

from ragcli.batch.fingerprint import WITH_EFFECT, WITHOUT_EFFECT, fingerprint
from ragcli.config import Config, StoreConfig
from ragcli.config.loading import value_of
from ragcli.models.locate import cross_encoder_files
from ragcli.types import Filters


def keys() -> set[str]:
    found = set()
    for name, value in Config():
        found |= {f"{name}.{key}" for key, _ in value} if isinstance(value, BaseModel) else {name}
    return found


def changed(config: Config, key: str, value: object) -> Config:
    *sections, name = key.split(".")
    if not sections:
        return config.model_copy(update={name: value})
    section = getattr(config, sections[0]).model_copy(update={name: value})
    return config.model_copy(update={sections[0]: section})


def test_each_setting_is_decided_once() -> None:
    assert not WITH_EFFECT & WITHOUT_EFFECT
    assert keys() == WITH_EFFECT | WITHOUT_EFFECT, "put a new setting into one of the two"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    config = Config(store=StoreConfig(path=str(tmp_path / "index")))
    index = opened(config)
    put(index, "a.md", chunk("a.md", 0))
    index.close()
    return config


def mark(config: Config) -> str:
    return fingerprint(config, compare=True, filters=Filters())


# The models or servers that these name would have to exist.
NAMES = {"embedding.model", "reranking.model", "llm.base_url"}


@pytest.mark.parametrize("key", sorted(WITH_EFFECT - NAMES))
def test_a_setting_with_effect_changes_it(config: Config, key: str) -> None:
    value = value_of(config, key)
    other: object
    match value:
        case bool():
            other = not value
        case str():
            other = f"{value}x"
        case dict():
            other = {**value, "top_p": 0.9}
        case _:
            other = (value or 0) + 1
    assert mark(changed(config, key, other)) != mark(config)


@pytest.mark.parametrize(
    ("key", "value"),
    [("chat.history", 9), ("chat.rewrite", "off"), ("ingest.max_file_mb", 1.0), ("llm.threads", 3)],
)
def test_a_setting_without_effect_does_not(config: Config, key: str, value: object) -> None:
    assert mark(changed(config, key, value)) == mark(config)


def test_the_same_weights_with_another_prior_do(config: Config, tmp_path: Path) -> None:
    """A version of ragcli may name another prior for a model than the one before."""
    folder = tmp_path / "model"
    shutil.copytree(cross_encoder_files("ragcli").folder, folder)
    named = changed(config, "reranking.model", str(folder))
    before = mark(named)
    facts = json.loads((folder / "ragcli.json").read_text())
    assert mark(named) == before
    (folder / "ragcli.json").write_text(json.dumps({**facts, "prior_headings": 0.9}))
    assert mark(named) != before


def test_a_password_in_the_address_is_not_part_of_it(config: Config) -> None:
    one, other = (
        changed(config, "llm.base_url", f"http://user:{word}@host:8000/v1") for word in ("one", "other")
    )
    assert mark(one) == mark(other) != mark(config)
