"""`ragcli init`: three answers become a config file that means them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_helper import run
from fault_server import fault_server
from hypothesis import given
from hypothesis import strategies as st

from ragcli.config.first_config import Answers, first_config, parse_llm
from ragcli.config.loading import load_config
from ragcli.config.template import default_config_text
from ragcli.errors import ExitCode, UsageError
from ragcli.models.embedded_llms import LARGE

# Surrogates are no text; everything else may stand in a file's name.
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def server() -> Iterator[str]:
    with fault_server() as running:
        yield running.base_url


@given(NAMES, st.lists(NAMES, max_size=3), NAMES)
def test_whatever_is_answered_is_what_the_file_says(model: str, documents: list[str], index: str) -> None:
    text = first_config(Answers("http://localhost:1/v1", model, tuple(documents), index))
    found = tomllib.loads(text)
    assert found["store"]["path"] == index
    assert found["ingest"]["paths"] == documents
    assert found["profile"] == "server"
    assert found["profiles"]["server"]["llm"]["model"] == model


def test_the_defaults_give_the_default_file() -> None:
    assert first_config(Answers("local", "", (), ".ragcli")) == default_config_text()


@pytest.mark.parametrize(
    ("text", "llm"),
    [
        ("local", "local"),
        ("local-large", "local-large"),
        ("openai", "openai"),
        ("ollama", "http://localhost:11434/v1"),
        ("http://host:8000", "http://host:8000/v1"),
        ("http://host:8000/", "http://host:8000/v1"),
        ("https://host/api/v2", "https://host/api/v2"),
    ],
)
def test_an_llm_is_a_name_or_an_address(text: str, llm: str) -> None:
    assert parse_llm(text) == llm


@pytest.mark.parametrize("text", ["gpt-4", "localhost:8000", "ftp://host", "http://"])
def test_anything_else_is_wrong(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_llm(text)
    assert "http://localhost:8000/v1" in caught.value.hint


def test_a_terminal_is_asked_three_questions(place: Path) -> None:
    (place / "notes").mkdir()
    outcome = run("init", stdin="openai\nnotes\nmy index\n", terminal=True)
    assert outcome.status == 0
    assert outcome.stderr.count("?") == 3
    assert outcome.stdout == ""
    config = load_config(environ={})
    assert config.llm.base_url == "https://api.openai.com/v1"
    assert config.ingest.paths == ("notes",)
    assert config.store.path == "my index"
    assert "export OPENAI_API_KEY=..., then ragcli ingest" in outcome.stderr


def test_the_large_embedded_llm_is_offered_and_has_to_be_fetched(place: Path) -> None:
    outcome = run("init", stdin="local-large\n\n\n", terminal=True)
    assert "local-large (for real answers, 1.1 GB)" in outcome.stderr
    assert "Next: ragcli models prepare, then ragcli ingest" in outcome.stderr
    config = load_config(environ={})
    assert (config.profile, config.llm.model) == ("local-large", LARGE.name)


def test_the_embedded_llm_stays_a_profile_away(place: Path) -> None:
    assert run("init", "--llm", "http://localhost:1/v1", "--model", "m").status == 0
    assert load_config(environ={}).llm.model == "m"
    assert load_config(profile="local", environ={}).llm.base_url == "local"


def test_a_server_says_which_models_it_has(place: Path, server: str) -> None:
    outcome = run("init", "--llm", server, stdin="\n\n\n", terminal=True)
    assert outcome.status == 0
    assert "The server has: answers, flaky" in outcome.stderr
    assert load_config(environ={}).llm.model == "answers"
    unasked = run("init", "--llm", server, "--force")
    assert unasked.status == ExitCode.USAGE
    assert "It has: answers, flaky." in unasked.stderr
    assert "--model NAME" in unasked.stderr


@pytest.mark.parametrize("command", [("init",), ("config", "init")])
def test_nothing_is_overwritten_unasked(place: Path, command: tuple[str, ...]) -> None:
    file = place / "config.toml"
    file.write_text("# mine\n", encoding="utf-8")
    refused = run(*command)
    assert refused.status == ExitCode.USAGE
    assert "config.toml exists already." in refused.stderr
    assert run(*command, stdin="n\n", terminal=True).status == ExitCode.USAGE
    assert file.read_text(encoding="utf-8") == "# mine\n"
    assert run(*command, "other.toml").status == 0
    assert run(*command, "--force").status == 0
    assert file.read_text(encoding="utf-8") == default_config_text()


def test_a_place_that_cannot_be_written_is_named(place: Path) -> None:
    outcome = run("init", "no/such/folder/config.toml")
    assert outcome.status == ExitCode.USAGE
    assert "cannot be written" in outcome.stderr


def test_ingest_without_a_path_reads_what_the_file_names(place: Path) -> None:
    assert run("ingest").status == ExitCode.USAGE
    (place / "notes").mkdir()
    (place / "notes" / "a.md").write_text("# A\n\nText.\n", encoding="utf-8")
    assert run("init", "--documents", "notes").status == 0
    outcome = run("ingest", "--dry-run")
    assert outcome.status == 0
    assert "notes/a.md" in outcome.stdout


@pytest.mark.parametrize(
    ("index", "refused"),
    [("notes/index", True), ("notes", True), ("notes/.ragcli", False), ("notes2", False), (".ragcli", False)],
)
def test_an_index_does_not_go_among_the_documents(place: Path, index: str, refused: bool) -> None:
    (place / "notes").mkdir()
    outcome = run("init", "--documents", "notes", "--index", index)
    assert outcome.status == (ExitCode.USAGE if refused else 0)
    assert (place / "config.toml").exists() is not refused
    assert ("would lie among the documents in notes" in outcome.stderr) is refused


def test_documents_that_are_not_there_are_refused(place: Path) -> None:
    outcome = run("init", "--documents", "nowhere")
    assert outcome.status == ExitCode.USAGE
    assert "nowhere does not exist" in outcome.stderr
    assert not (place / "config.toml").exists()
