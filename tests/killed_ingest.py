"""For test_ingestion: kills an ingest at many moments, and reports what is left and what the next run does.

    python killed_ingest.py FOLDER < moments.json > outcomes.json

Each ingest is a child process, forked after the model is loaded, so that a moment takes one second instead of
five. The parent has one thread and opens no index: a fork would lose Chroma's threads.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import chromadb  # noqa: F401  (for the children)

from ragcli import documents, store
from ragcli.config import ChunkingConfig, Config, EmbeddingConfig, IngestConfig
from ragcli.encoders.bi_encoder import BiEncoder, load_bi_encoder
from ragcli.errors import NothingFoundError
from ragcli.ingestion import ingest
from ragcli.store.chunk_table import ChunkTable
from ragcli.store.folder import collection, generations, versions
from ragcli.types import Filters

CONFIG = Config(chunking=ChunkingConfig(size=40, overlap=8), ingest=IngestConfig(exclude=(".*",)))
EMBEDDER = load_bi_encoder(EmbeddingConfig())
EMBEDDER.embed(["A text that makes it load its weights."])
# Parse, cut, embed, write, delete, publish, manifest: each boundary is before or after one of these.
OWNERS: dict[str, Any] = {
    "read": documents.GuardedReader,
    "chunk": ingest,
    "embed": BiEncoder,
    "draft_of_current": versions,
    "begin": generations.Records,
    "add": ChunkTable,
    "commit": generations.Records,
    "retire": generations.Records,
    "delete": ChunkTable,
    "forget": generations.Records,
    "publish": versions,
    "tidy": versions,
    "write_manifest": collection,
}


def synchronise() -> None:
    # Small groups, each published, so that there is a between.
    ingest._CHUNKS_AT_ONCE = 4
    collection._CHECKPOINT_SECONDS, collection._CHECKPOINT_SHARE = 0.0, 1e9
    ingest.ingest([Path("documents")], config=CONFIG, embedder=EMBEDDER, prune=True)


def dying(function: str, call: int, when: str) -> Callable[[], None]:
    """An ingest that kills itself at the given call of a function: before it, or after it."""

    def run() -> None:
        owner, calls = OWNERS[function], 0
        original = getattr(owner, function)

        def patched(*args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == call and when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            result = original(*args, **kwargs)
            if calls == call:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        setattr(owner, function, patched)
        synchronise()

    return run


def look(place: Path) -> Callable[[], None]:
    """Writes what a question sees: each source's chunks, the hits of a search over all, the stored total."""

    def run() -> None:
        try:
            index = store.open_store(CONFIG, create=False)
        except NothingFoundError:
            place.write_text(json.dumps({"chunks": {}, "hits": [], "stored": 0}))
            return
        with index:
            sources = [info.source for info in index.sources()]
            vector = EMBEDDER.embed(["What is a python?"], query=True)
            hits = [[hit.chunk.source, hit.chunk.id] for hit in index.search(vector, 1000, Filters())]
            chunks = {source: [chunk.id for chunk in index.chunks(source)] for source in sources}
            folder = versions.current(Path(CONFIG.store.path) / CONFIG.collection)
            assert isinstance(index, store.Store)
            stored = index._table(folder, writing=True).count()
        place.write_text(json.dumps({"chunks": chunks, "hits": hits, "stored": stored}))

    return run


def in_child(work: Callable[[], None], *, seconds: float | None = None) -> int:
    """Runs the work in a separate process; killed after some seconds of processor time, if given, so that a
    busy machine makes no difference. Returns how it ended.
    """
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    if seconds is None:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if used(child) >= seconds:
            os.kill(child, signal.SIGKILL)
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        time.sleep(0.002)


def used(child: int) -> float:
    """Seconds of processor time, as Linux counts them."""
    fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def seen(place: Path) -> Any:
    if in_child(look(place)) != 0:
        raise SystemExit("the index cannot be read")
    return json.loads(place.read_text())


def outcome(moment: dict[str, Any], before: Path) -> dict[str, Any]:
    """One moment: the index as it was before, an ingest killed at the moment, and the next one."""
    shutil.rmtree(CONFIG.store.path, ignore_errors=True)
    if moment["from"] == "earlier":
        shutil.copytree(before, CONFIG.store.path)
    if "share" in moment:
        in_child(synchronise, seconds=moment["share"] * moment["whole"])
    elif in_child(dying(moment["function"], moment["call"], moment["when"])) != -signal.SIGKILL:
        raise SystemExit(f"not killed: {moment}")
    after = seen(Path("seen.json"))
    if in_child(synchronise) != 0:
        raise SystemExit(f"the next run failed: {moment}")
    return {"moment": moment, "after": after, "end": seen(Path("seen.json"))}


def main(folder: Path) -> None:
    os.chdir(folder)
    before = folder / "before"
    in_child(synchronise)
    shutil.move(CONFIG.store.path, before)
    shutil.rmtree("documents")
    shutil.move("changed", "documents")
    shutil.copytree(before, CONFIG.store.path)
    old = seen(Path("seen.json"))
    started = os.times()
    in_child(synchronise)
    ended = os.times()
    whole = ended.children_user + ended.children_system - started.children_user - started.children_system
    new = seen(Path("seen.json"))
    outcomes = [outcome({**moment, "whole": whole}, before) for moment in json.load(sys.stdin)]
    json.dump({"old": old, "new": new, "outcomes": outcomes}, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
