"""Which reader a file gets, and the file's bytes as a Document."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from ragcli.documents.asciidoc import read_asciidoc
from ragcli.documents.code import read_code
from ragcli.documents.delimited import read_csv
from ragcli.documents.discovery import source_name
from ragcli.documents.docx import read_docx
from ragcli.documents.html import read_html
from ragcli.documents.latex import read_latex
from ragcli.documents.manpage import read_manpage
from ragcli.documents.markdown import read_markdown
from ragcli.documents.opening import file_bytes
from ragcli.documents.outline import Outline, title_from_name
from ragcli.documents.pdf import read_pdf
from ragcli.documents.text import read_text
from ragcli.documents.unreadable import UnreadableFile
from ragcli.documents.xml_text import read_xml
from ragcli.types import Document

Reader = Callable[[bytes, str], Outline]
"""(the file's bytes, its name) -> its outline; raises UnreadableFile."""

_SUFFIXES: dict[Reader, str] = {
    read_markdown: "md markdown mdown mkd mdx rmd qmd",
    read_html: "html htm xhtml",
    read_pdf: "pdf",
    read_docx: "docx",
    read_csv: "csv tsv tab",
    read_asciidoc: "adoc asciidoc",
    read_text: "txt text rst org log json jsonl toml yaml yml ini cfg conf",
    read_latex: "tex latex ltx",
    read_manpage: "1 2 3 4 5 6 7 8 9 man mdoc",
    read_xml: "xml dbk docbook fb2 opml tei",
    read_code: "py pyi js mjs cjs jsx ts tsx java kt kts scala go rs c h cc cpp cxx hpp hh cs swift m mm "
    "rb php pl pm lua r jl sh bash zsh fish ps1 sql dart ex exs erl hs ml mli clj el vim css scss less vue "
    "svelte proto graphql tf gradle groovy cmake mk zig nim",
}
_READERS: dict[str, Reader] = {
    f".{suffix}": reader for reader, suffixes in _SUFFIXES.items() for suffix in suffixes.split()
}
_CODE_NAMES = frozenset({"makefile", "dockerfile", "rakefile", "gemfile", "jenkinsfile", "cmakelists.txt"})
_REPLACEMENTS = {
    ".doc": "save it as .docx",
    ".rtf": "save it as .docx",
    ".odt": "save it as .docx",
    ".pages": "save it as .docx",
    ".ppt": "save it as .pdf",
    ".pptx": "save it as .pdf",
    ".odp": "save it as .pdf",
    ".xls": "save it as .csv",
    ".xlsx": "save it as .csv",
    ".ods": "save it as .csv",
    ".epub": "save it as .html or .pdf",
}


def read(path: Path, *, max_mb: float | None = None) -> Document:
    """The file as clean text in blocks.

    Lines are the file's own for Markdown, text and source code; for HTML, PDF and DOCX they count in the
    Document's text. Raises UnreadableFile when the file is empty, binary, encrypted, scanned, damaged, of an
    unsupported format, larger than `max_mb`, or may not be read.
    """
    data = file_bytes(path, max_mb=max_mb)
    if not data.strip():
        raise UnreadableFile("empty")
    reader = _reader(path, data)
    outline = reader(data, path.name)
    is_code = reader is read_code
    return outline.document(
        source=source_name(path),
        fallback_title=path.name if is_code else title_from_name(path.stem),
        sha256=hashlib.sha256(data).hexdigest(),
    )


def _reader(path: Path, data: bytes) -> Reader:
    """By the name; a name that says nothing is read as text if it is text."""
    suffix = path.suffix.lower()
    if path.name.lower() in _CODE_NAMES:
        return read_code
    if suffix in _READERS:
        return _READERS[suffix]
    if suffix in _REPLACEMENTS:
        raise UnreadableFile(f"unsupported format {suffix}: {_REPLACEMENTS[suffix]}")
    if data.startswith(b"%PDF-"):
        return read_pdf
    return _text_or_unsupported(suffix)


def _text_or_unsupported(suffix: str) -> Reader:
    def read_unknown(data: bytes, name: str) -> Outline:
        try:
            return read_text(data, name)
        except UnreadableFile as problem:
            reason = f"unsupported format {suffix}" if suffix else problem.reason
            raise UnreadableFile(reason) from problem

    return read_unknown
