"""The documents and indexes that the speed benchmarks work on: one folder, the same chunks for everybody."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path

from ragcli import load_config, open_pipeline
from ragcli.beir import read_beir
from ragcli.config import Config
from ragcli.models import bi_encoder_files, cross_encoder_files

CORPORA = Path(__file__).parent.parent / "corpora"
PYTHON, RAGCLI = sys.executable, str(Path(sys.executable).with_name("ragcli"))
PLAIN = str(Path(__file__).with_name("plain.py"))
QUESTION = "what is the effect of heat transfer on the boundary layer?"


@dataclass(frozen=True)
class Place:
    """A working folder. `data` holds judged collections; without them the bundled articles are repeated."""

    folder: Path
    data: Path | None
    chunks: int = 2000

    @cached_property
    def documents(self) -> Path:
        """A folder of text files that make about `chunks` chunks."""
        folder = self.folder / "documents"
        folder.mkdir(exist_ok=True)
        for number, text in zip(range(self.chunks), self._texts(), strict=False):
            (folder / f"{number:05}.md").write_text(text, encoding="utf-8")
        return folder

    def _texts(self) -> Iterator[str]:
        if self.data is not None:
            for document in read_beir(self.data / "beir" / "cranfield").corpus.values():
                yield f"# {document.title}\n\n{document.text}\n"
            return
        articles = sorted((CORPORA / "homonyms").glob("*.md"))
        for edition in count(1):
            for article in articles:
                title, _, rest = article.read_text(encoding="utf-8").partition("\n")
                yield f"{title}, edition {edition}\n{rest}"

    def ragcli(self, *arguments: str) -> list[str]:
        return [RAGCLI, *arguments, "--config", str(self.config_file)]

    def plain(self, task: str, what: str, index: Path) -> list[str]:
        models = [bi_encoder_files("all-MiniLM-L6-v2").folder, cross_encoder_files("ragcli").folder]
        return [PYTHON, PLAIN, task, what, str(index), *models]

    @cached_property
    def config_file(self) -> Path:
        path = self.folder / "config.toml"
        path.write_text(f'[store]\npath = "{self.folder / "index"}"\n', encoding="utf-8")
        return path

    @cached_property
    def config(self) -> Config:
        return load_config(self.config_file)

    @cached_property
    def passages(self) -> Sequence[str]:
        """The passages of the index, which is built on the way."""
        with open_pipeline(self.config, bulk=True) as pipeline:
            pipeline.ingest([self.documents])
            return [chunk.passage for chunk in pipeline.chunks()]

    @cached_property
    def passages_file(self) -> Path:
        path = self.folder / "passages.jsonl"
        path.write_text("".join(json.dumps(text) + "\n" for text in self.passages), encoding="utf-8")
        return path
