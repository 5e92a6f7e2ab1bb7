"""What a shell completes, asked as a shell asks: in a process of its own, by variables."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ragcli.config import Config
from ragcli.store.folder.generations import Records
from ragcli.store.manifest import Manifest, write_manifest
from ragcli.types import SourceInfo

HEAVY: frozenset[str] = frozenset(
    (
        "chromadb",
        "numpy",
        "onnxruntime",
        "openai",
        "rich",
        "tokenizers",
        "torch",
        "transformers",
        "xllamacpp",
    )
)
PROBE = """
import io, json, os, sys
from contextlib import redirect_stdout
from ragcli.cli.main import main
offered = []
for words in json.load(sys.stdin):
    os.environ.update(COMP_WORDS=words, COMP_CWORD=str(len(words.split(" ")) - 1), _TYPER_COMPLETE_ARGS=words)
    with redirect_stdout(io.StringIO()) as out:
        try:
            main([])
        except SystemExit:
            pass
    offered.append([line for line in out.getvalue().splitlines() if line])
print(json.dumps([offered, sorted({name.split(".")[0] for name in sys.modules})]))
"""


def completed(
    place: Path, *lines: str, shell: str = "bash", heavy: frozenset[str] = HEAVY
) -> list[list[str]]:
    """What is offered for the last word of each line, by one process that must not load anything heavy."""
    variables = {
        **os.environ,
        "_RAGCLI_COMPLETE": f"complete_{shell}",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    done = subprocess.run(
        [sys.executable, "-c", PROBE],
        input=json.dumps(lines),
        cwd=place,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    offered, modules = json.loads(done.stdout)
    assert not heavy & set(modules)
    return list(offered)


def add_collection(place: Path, name: str, *sources: str) -> None:
    """As ingest leaves it, without Chroma's part, which no completion may touch."""
    folder = place / name
    folder.mkdir(parents=True)
    write_manifest(folder, Manifest("0", "all-MiniLM-L6-v2", "f" * 64, 384, 200, 30, "2026-01-01T00:00:00"))
    records = Records(folder / "sources.sqlite3")
    records.create()
    generations = records.begin(len(sources))
    infos = [SourceInfo(source, "T", "markdown", 1, "a" * 64, "2026-01-01") for source in sources]
    records.commit(zip(generations, infos, strict=True))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    add_collection(tmp_path / Config().store.path, "default", "notes/mars.md", "notes/venus.md", "a b.md")
    add_collection(tmp_path / Config().store.path, "physics", "atoms.md")
    add_collection(tmp_path / "other", "elsewhere", "far.md")
    (tmp_path / "config.toml").write_text(
        '[profiles.ollama.llm]\nmodel = "x"\n[profiles.away.store]\npath = "other"\n', encoding="utf-8"
    )
    return tmp_path


def test_a_shell_is_offered_what_there_is(place: Path) -> None:
    expected = {
        "ragcli sta": ["status"],
        "ragcli models re": ["remove"],
        "ragcli ask --collection ": ["default", "physics"],
        "ragcli list -c ph": ["physics"],
        "ragcli status --profile ": ["local", "local-large", "openai", "ollama", "away"],
        "ragcli list --profile away -c ": ["elsewhere"],
        "ragcli show notes/": ["notes/mars.md", "notes/venus.md"],
        "ragcli show -c physics ": ["atoms.md"],
        "ragcli remove notes/m": ["notes/mars.md"],
        "ragcli search x --source notes/v": ["notes/venus.md"],
    }
    assert dict(zip(expected, completed(place, *expected), strict=True)) == expected


def test_commands_are_offered_before_anything_is_imported_that_only_their_options_need(place: Path) -> None:
    lines = ("ragcli sea", "ragcli --debug sea", "ragcli --install-completion sea")
    assert completed(place, *lines, heavy=HEAVY | {"pydantic"}) == [["search"]] * 3
    assert completed(place, "ragcli --", heavy=HEAVY | {"pydantic"}) == [
        ["--version", "--debug", "--install-completion", "--show-completion", "--help"]
    ]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_ask_the_same(place: Path, shell: str) -> None:
    assert "physics" in " ".join(*completed(place, "ragcli list -c ph", shell=shell))


def test_a_process_of_the_program_itself_answers(place: Path) -> None:
    words = {"_RAGCLI_COMPLETE": "complete_bash", "COMP_WORDS": "ragcli show notes/m", "COMP_CWORD": "2"}
    done = subprocess.run(
        [sys.executable, "-m", "ragcli"],
        cwd=place,
        env={**os.environ, **words},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.split(), done.stderr, done.returncode) == (["notes/mars.md"], "", 0)


@pytest.mark.parametrize("content", ["not toml [", 'store = "x"', "profiles = 3"])
def test_what_cannot_be_read_offers_nothing_and_says_nothing(place: Path, content: str) -> None:
    (place / "config.toml").write_text(content, encoding="utf-8")
    collections, sources, profiles = completed(
        place, "ragcli ask -c ", "ragcli show ", "ragcli ask --profile "
    )
    assert collections == sources == []
    assert profiles in ([], ["local", "local-large", "openai"])


def test_a_damaged_record_of_sources_offers_nothing(place: Path) -> None:
    (place / Config().store.path / "default" / "sources.sqlite3").write_bytes(b"no database")
    assert completed(place, "ragcli show ") == [[]]


def test_an_empty_folder_offers_nothing_and_stays_empty(tmp_path: Path) -> None:
    assert completed(tmp_path, "ragcli show ", "ragcli list -c ") == [[], []]
    assert list(tmp_path.iterdir()) == []
