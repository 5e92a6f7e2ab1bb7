"""Keys and passwords: a canary goes through every command that can fail, and never appears in output."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_helper import run
from fault_server import FaultServer, fault_server
from hypothesis import example, given
from hypothesis import strategies as st

from ragcli.config.loading import load_config
from ragcli.pipeline import open_pipeline
from ragcli.servers.redaction import HIDDEN, redact, remember_secret, without_credentials

KEY = "sk-canary-77c1f0a2"
PASSWORD = "canary-b5d8"
IN_THE_URL = "canary-e3a9"
CANARIES = (KEY, PASSWORD, IN_THE_URL)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A working folder with an index, questions, and settings that name the fault server with a password."""
    folder = tmp_path_factory.mktemp("secrets")
    (folder / "planet.md").write_text("# Mercury\n\nIt goes around the Sun in 88 days.\n", encoding="utf-8")
    question = {"id": "a", "question": "How long?", "relevant": ["planet.md"], "answers": ["88 days"]}
    (folder / "q.jsonl").write_text(json.dumps(question) + "\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch, fault_server() as server:
        patch.chdir(folder)
        patch.setenv("MY_LLM", KEY)
        (folder / "config.toml").write_text(settings(server), encoding="utf-8")
        with open_pipeline(load_config()) as rag:
            rag.ingest([folder / "planet.md"])
        yield folder


def settings(server: FaultServer) -> str:
    address = server.base_url.replace("//", f"//me:{PASSWORD}@") + f"?api-key={IN_THE_URL}"
    return f"""
[prompting]
min_probability = 0.0
min_similarity = 0.0
[llm]
base_url = "{address}"
model = "http-401"
api_key_env = "MY_LLM"
timeout_seconds = 2.0
"""


@pytest.mark.parametrize(
    ("args", "status"),
    [
        (("ask", "How long?"), 4),
        (("ask", "How long?", "--json"), 4),
        (("ask", "How long?", "--compare", "--model", "http-422"), 4),
        (("ask", "How long?", "--base-url", f"http://me:{PASSWORD}@127.0.0.1:9/v1"), 4),
        (("ask", "How long?", "--base-url", f"http://me:{PASSWORD}/x@host:80/v1"), 2),
        (("batch", "q.jsonl", "-o", "results.jsonl"), 4),
        (("batch", "q.jsonl", "--model", "http-422"), 1),
        (("eval", "q.jsonl", "--answers", "--json", "--report", "report.json"), 0),
        (("search", "How long?", "--json"), 0),
        (("config", "show"), 0),
        (("config", "show", "--json"), 0),
        (("status", "--json"), 0),
        (("models", "list"), 0),
        (("search", "x", "--collection", "none"), 3),
        (("train", "--questions", "q.jsonl", "--collection", "none"), 3),
        (("ingest", "missing"), 1),
    ],
)
def test_no_command_shows_or_writes_a_key(place: Path, args: tuple[str, ...], status: int) -> None:
    outcome = run(*args, environ={"MY_LLM": KEY, "RAGCLI_DEBUG": "1"})
    assert outcome.status == status, outcome.stderr
    written = [path.read_text(encoding="utf-8", errors="replace") for path in files_of(place)]
    for canary in CANARIES:
        assert canary not in outcome.stdout + outcome.stderr
        assert not [text for text in written if canary in text]


def files_of(place: Path) -> list[Path]:
    return [path for path in place.rglob("*") if path.is_file() and path.name != "config.toml"]


@pytest.mark.parametrize("value", [KEY, "two\nlines", "x y"])
def test_a_key_in_the_place_of_its_variable_s_name_is_not_repeated(value: str) -> None:
    outcome = run("config", "show", environ={"RAGCLI_LLM_API_KEY_ENV": value, "RAGCLI_DEBUG": "1"})
    assert outcome.status == 2
    assert value not in outcome.stderr
    assert "not the name of an environment variable" in outcome.stderr


def test_a_bug_s_traceback_holds_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def broken(*_: object) -> None:
        raise RuntimeError(f"GET http://me:{PASSWORD}@host/v1 with Bearer {KEY} \x1b[31m")

    monkeypatch.setattr("ragcli.store.collections", broken)
    outcome = run("status", environ={"SOME_API_KEY": KEY, "RAGCLI_DEBUG": "1"})
    assert "Traceback" in outcome.stderr
    assert "\x1b" not in outcome.stderr
    assert not [canary for canary in CANARIES if canary in outcome.stderr]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://me:pw@host/v1", "http://***@host/v1"),
        ("http://me:p@ss@host/v1", "http://***@host/v1"),
        ("http://me:p/ss@host:80/v1", "http://***@host:80/v1"),
        ("http://me:p?s#s@host/v1", "http://***@host/v1"),
        ("https://token@host/v1", "https://***@host/v1"),
        ("https://host/v1?api-key=abc&model=x", "https://host/v1?api-key=***&model=x"),
        ("http://host:8080/@name/v1", "http://host:8080/@name/v1"),
        ("http://host/v1", "http://host/v1"),
    ],
)
def test_an_address_is_shown_without_its_secrets(text: str, shown: str) -> None:
    assert without_credentials(text) == shown


@given(
    before=st.text(max_size=9),
    secret=st.text("abcXYZ019-_", min_size=8, max_size=30),
    after=st.text(max_size=9),
)
@example(before="", secret="aaaaaaaa", after="aaaaaaa")
def test_what_was_read_or_is_named_like_a_secret_is_taken_out(before: str, secret: str, after: str) -> None:
    assert secret not in redact(f"{before}{secret}{after}", {"THE_TOKEN": secret})
    assert redact(before, {}) == without_credentials(before)


def test_a_key_that_was_read_is_remembered() -> None:
    remember_secret("remembered-for-this-test")
    assert redact("x remembered-for-this-test y", {}) == f"x {HIDDEN} y"
    remember_secret("no")
    assert redact("no", {}) == "no"
