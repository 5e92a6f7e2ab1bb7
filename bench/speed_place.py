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
from ragcli.config import Config
from ragcli.documents import read
from ragcli.documents.chunking import chunk
from ragcli.encoders.bi_encoder import load_bi_encoder
from ragcli.evaluation.beir import read_beir
from ragcli.evaluation.questions import read_questions
from ragcli.models.locate import bi_encoder_files, cross_encoder_files

CORPORA = Path(__file__).parent.parent / "corpora"
PYTHON, RAGCLI = sys.executable, str(Path(sys.executable).with_name("ragcli"))
PLAIN = str(Path(__file__).with_name("plain.py"))
ABSTRACTS = ("cranfield", "medline", "cisi")
QUESTION = "what is the effect of heat transfer on the boundary layer?"


@dataclass(frozen=True)
class Place:
    """A working folder with documents of about `chunks` chunks.

    `data` holds judged collections; without them the bundled articles are taken. What is taken again has
    another title, so that no two passages are equal.
    """

    folder: Path
    data: Path | None
    chunks: int = 2000

    @cached_property
    def documents(self) -> Path:
        folder = self.folder / "documents"
        folder.mkdir(exist_ok=True)
        spans = load_bi_encoder(self.config.embedding).token_spans
        made = 0
        for number, text in enumerate(self._texts()):
            if made >= self.chunks:
                break
            path = folder / f"{number:06}.md"
            path.write_text(text, encoding="utf-8")
            made += len(chunk(read(path), self.config.chunking, spans))
        return folder

    def _texts(self) -> Iterator[str]:
        texts = [*self._abstracts(self.data)] if self.data is not None else [*self._articles()]
        for edition in count(1):
            for title, text in texts:
                yield f"# {title}{f', edition {edition}' if edition > 1 else ''}\n\n{text}\n"

    @staticmethod
    def _abstracts(data: Path) -> Iterator[tuple[str, str]]:
        for name in ABSTRACTS:
            for number, text in read_beir(data / "beir" / name).corpus.items():
                title, _, rest = text.partition(": ")
                yield (title, rest) if rest else (f"{name} {number}", text)

    @staticmethod
    def _articles() -> Iterator[tuple[str, str]]:
        for article in sorted((CORPORA / "homonyms").glob("*.md")):
            title, _, rest = article.read_text(encoding="utf-8").partition("\n")
            yield title.lstrip("# "), rest

    @cached_property
    def questions(self) -> Sequence[str]:
        """Questions that the documents answer."""
        if self.data is not None:
            return list(read_beir(self.data / "beir" / ABSTRACTS[0]).queries.values())
        asked = read_questions(CORPORA / "homonyms" / "questions.jsonl")
        return [question.text for question in asked]

    def ragcli(self, *arguments: str) -> list[str]:
        return [RAGCLI, *arguments, "--config", str(self.config_file)]

    def plain(self, task: str, what: str, index: Path, command: Sequence[str] = (PYTHON, PLAIN)) -> list[str]:
        """The plain script's command line, or that of another script that takes the same."""
        models = [bi_encoder_files("all-MiniLM-L6-v2").folder, cross_encoder_files("ragcli").folder]
        return [*command, task, what, str(index), *models]

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
