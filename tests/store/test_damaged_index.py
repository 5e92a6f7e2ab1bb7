"""Whatever happens to the files of an index: one error with its fix, or what the whole index answers.

Chroma's core panics on some damage and crashes on other, so each case runs in a child process.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cli_helper import run
from records import Encoder
from test_store_same import chunk

from ragcli.config import Config, StoreConfig
from ragcli.errors import ExitCode, StoreError
from ragcli.store import Update, open_store

FEW, MANY = 30, 1500
"""Chunks: Chroma keeps a graph of its own from a thousand on."""
KINDS = ("truncated", "zeroed", "random", "missing", "empty", "flipped")
SEEDS = range(2)

TRY = """
import json, sys
import numpy as np
from ragcli.config import Config
from ragcli.errors import RagcliError
from ragcli.store import open_store
from ragcli.types import Filters

def outcome(work):
    try:
        return work()
    except RagcliError as error:
        return f"error: {error.message} {error.hint}"
    except BaseException as error:
        return f"UNEXPECTED {type(error).__name__}: {error}"

for place in sys.argv[1:]:
    config = Config.model_validate({"store": {"path": place}})
    vector = np.ones(8, dtype=np.float32) / np.sqrt(np.float32(8))
    index = outcome(lambda: open_store(config, create=False))
    found = {"open": index}
    if not isinstance(index, str):
        search = lambda: [candidate.chunk.id for candidate in index.search(vector, 5, Filters())]
        found = {
            "sources": outcome(lambda: len(index.sources())),
            "search": outcome(search),
            "words": outcome(lambda: len(index.search_words("words", vector, 5, Filters()))),
            "chunks": outcome(lambda: len(index.chunks("0.md"))),
            "check": outcome(index.check),
        }
        found["close"] = outcome(index.close)
    print(json.dumps(found), flush=True)
"""


@pytest.fixture(scope="module", params=[FEW, MANY], ids=["few", "many"])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of some chunks with vectors of 8 numbers."""
    place = tmp_path_factory.mktemp("whole") / "store"
    numbers = np.random.default_rng(7)
    config = Config(store=StoreConfig(path=str(place)))
    with open_store(config, Encoder("m", "f", 8), create=True) as index:
        updates = []
        for source in range(request.param // 10):
            vectors = numbers.normal(size=(10, 8)).astype(np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            chunks = tuple(chunk(f"{source}.md", n, text=f"Some words {n}.") for n in range(10))
            updates.append(Update(f"{source}.md", "T", "markdown", "a" * 64, chunks, vectors))
        index.replace_all(updates)
    return place


def damaged(path: Path, kind: str, seed: int) -> None:
    chance = random.Random(f"{path.name} {kind} {seed}")
    data = bytearray(path.read_bytes())
    size = len(data)
    first = chance.randrange(size)
    last = min(size, first + chance.choice([8, 4096, size // 3 + 1]))
    if kind == "missing":
        path.unlink()
        return
    if kind == "truncated":
        del data[first:]
    elif kind == "empty":
        data.clear()
    elif kind == "zeroed":
        data[first:last] = bytes(last - first)
    elif kind == "random":
        data[first:last] = chance.randbytes(last - first)
    else:
        for _ in range(20):
            data[chance.randrange(size)] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def files_of(store: Path) -> list[Path]:
    paths = (path for path in store.rglob("*") if path.is_file() and path.stat().st_size)
    return sorted(path.relative_to(store) for path in paths)


@pytest.mark.parametrize("kind", KINDS)
def test_every_damage_is_an_error_or_harmless(whole: Path, tmp_path: Path, kind: str) -> None:
    cases = []
    for path in files_of(whole):
        for seed in SEEDS if kind not in ("missing", "empty") else [0]:
            place = tmp_path / f"{len(cases)}"
            shutil.copytree(whole, place)
            damaged(place / path, kind, seed)
            cases.append((path, place))
    outcome = subprocess.run(
        [sys.executable, "-c", TRY, str(whole), *(str(place) for _, place in cases)],
        capture_output=True,
        text=True,
    )
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stderr == ""
    assert "UNEXPECTED" not in outcome.stdout
    right, *found = map(json.loads, outcome.stdout.splitlines())
    assert not any("error" in str(value) for value in right.values())
    for (path, _), one in zip(cases, found, strict=True):
        if path.suffix in (".bin", ".pickle") and "search" in one:
            assert one["search"] == right["search"] or "ragcli reset" in one["search"], path


def test_reading_never_breaks_the_seal(tmp_path: Path) -> None:
    """Chroma puts work off until somebody reads: after it the files must still count as whole."""
    numbers = np.random.default_rng(1)

    def put(place: str, source: int, count: int) -> None:
        config = Config(store=StoreConfig(path=place))
        vectors = numbers.normal(size=(count, 8)).astype(np.float32)
        chunks = tuple(chunk(f"{source}.md", n) for n in range(count))
        with open_store(config, Encoder("m", "f", 8), create=True) as index:
            index.replace_all([Update(f"{source}.md", "T", "markdown", "a" * 64, chunks, vectors)])

    for number, plan in enumerate([[1001], [990, 20], [1200, -1], [1200, -1, 50], [600, 600, -1]]):
        place = str(tmp_path / str(number))
        for source, count in enumerate(plan):
            if count > 0:
                put(place, source, count)
                continue
            with open_store(Config(store=StoreConfig(path=place)), create=False) as index:
                index.remove("0.md")
        reads = subprocess.run(
            [sys.executable, "-c", TRY, *[place] * 2], capture_output=True, text=True, check=True
        )
        again = subprocess.run([sys.executable, "-c", TRY, place], capture_output=True, text=True, check=True)
        assert "error" not in reads.stdout + again.stdout


def test_lost_chunks_are_noticed(whole: Path, tmp_path: Path) -> None:
    place = tmp_path / "store"
    shutil.copytree(whole, place)
    with open_store(Config(store=StoreConfig(path=str(place))), create=False) as index:
        index._table(next(place.glob("*/v-*")), writing=True).delete([1])
        with pytest.raises(StoreError, match="10 of its chunks are missing") as caught:
            index.check()
    assert "ragcli reset" in caught.value.hint


class TestACommand:
    @pytest.fixture
    def broken(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """An index of a document, one region of whose database a bad disk has overwritten."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("RUST_BACKTRACE", "1")
        for number in range(3):
            Path(f"{number}.md").write_text(f"# Thing {number}\n\nIt is a thing.\n")
        assert run("ingest", "0.md", "1.md", "2.md").status == 0
        (path,) = tmp_path.glob(".ragcli/*/v-*/chroma/chroma.sqlite3")
        data = bytearray(path.read_bytes())
        data[5000:9000] = bytes((place * 37 + 11) % 256 for place in range(4000))
        path.write_bytes(data)
        Path("questions.txt").write_text("What is a thing?\n")
        return tmp_path

    @pytest.mark.usefixtures("broken")
    @pytest.mark.parametrize(
        "command",
        [
            "search things",
            "search things --retrieval hybrid",
            "ask things",
            "status",
            "ingest 0.md",
            "batch questions.txt",
            "show 0.md",
        ],
    )
    def test_says_it_in_one_line(self, command: str, capfd: pytest.CaptureFixture[str]) -> None:
        outcome = run(*command.split())
        assert outcome.status == ExitCode.FAILED
        lines = outcome.stderr.splitlines()
        assert lines[-2].startswith("error: Chroma cannot use the index at .ragcli/default")
        assert lines[-1].startswith("hint: If the index is damaged: ragcli reset, then ragcli ingest")
        assert "Traceback" not in outcome.stderr
        # What the core writes past Python.
        assert "panicked" not in capfd.readouterr().err

    @pytest.mark.usefixtures("broken")
    def test_says_it_in_json_too(self) -> None:
        found = json.loads(run("ingest", "0.md", "--json").stdout)
        assert found["kind"] == "error"
        assert found["error"]["exit_code"] == 1

    @pytest.mark.usefixtures("broken")
    def test_lists_what_to_ingest_again(self) -> None:
        assert "2.md" in run("list").stdout

    @pytest.mark.usefixtures("broken")
    def test_works_again_after_what_the_hint_says(self) -> None:
        assert run("reset", "--yes").status == 0
        assert run("ingest", "0.md").status == 0
        assert run("search", "things").status == 0
