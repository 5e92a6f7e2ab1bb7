"""A file's content becomes a Document, and a Document what a test compares."""

from __future__ import annotations

from pathlib import Path

from ragcli.documents import read
from ragcli.types import Document


def make(folder: Path, name: str, content: str | bytes) -> Document:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read(path)


def sections(document: Document) -> list[tuple[str, str]]:
    """(heading path, text) of every block."""
    return [(" > ".join(b.headings), document.text[b.start : b.end]) for b in document.blocks]


def texts(document: Document) -> list[str]:
    return [text for _, text in sections(document)]
