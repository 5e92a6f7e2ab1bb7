"""Which reader a file gets, and the file's bytes as a Document."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath

from ragcli.documents import compressed, unsupported
from ragcli.documents.asciidoc.asciidoc import read_asciidoc
from ragcli.documents.converting import converted, parted
from ragcli.documents.delimited import read_csv
from ragcli.documents.discovery import source_name
from ragcli.documents.epub import read_epub
from ragcli.documents.html_pages.page import read_html
from ragcli.documents.latex.latex import read_latex
from ragcli.documents.mail import read_eml, read_mbox, read_mhtml
from ragcli.documents.manual_pages.manpage import read_manpage
from ragcli.documents.markdown.markdown import read_markdown
from ragcli.documents.notebook import read_notebook
from ragcli.documents.opendocument.opendocument import read_opendocument
from ragcli.documents.opening import file_bytes
from ragcli.documents.outline import Outline, title_from_name
from ragcli.documents.pdf.reader import read_pdf
from ragcli.documents.rtf.rtf import read_rtf
from ragcli.documents.sheets.sheets import read_workbook
from ragcli.documents.slides import read_pptx
from ragcli.documents.source_code import read_code
from ragcli.documents.subtitles import read_subtitles
from ragcli.documents.text import read_text
from ragcli.documents.unreadable import UnreadableFile
from ragcli.documents.word.docx import read_docx
from ragcli.documents.xml_files.xml_text import read_xml
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
    read_pptx: "pptx pptm ppsx ppsm potx potm",
    read_workbook: "xlsx xlsm xltx xltm xlsb xls",
    read_opendocument: "odt ott fodt odp otp fodp ods ots fods odg otg fodg",
    read_rtf: "rtf",
    read_epub: "epub",
    read_notebook: "ipynb",
    read_eml: "eml",
    read_mbox: "mbox",
    read_mhtml: "mhtml mht",
    read_subtitles: "srt vtt",
    read_code: "py pyi js mjs cjs jsx ts tsx java kt kts scala go rs c h cc cpp cxx hpp hh cs swift m mm "
    "rb php pl pm lua r jl sh bash zsh fish ps1 sql dart ex exs erl hs ml mli clj el vim css scss less vue "
    "svelte proto graphql tf gradle groovy cmake mk zig nim",
}
_READERS: dict[str, Reader] = {
    f".{suffix}": reader for reader, suffixes in _SUFFIXES.items() for suffix in suffixes.split()
}
_CODE_NAMES = frozenset({"makefile", "dockerfile", "rakefile", "gemfile", "jenkinsfile", "cmakelists.txt"})
# By their first bytes: for names without a known suffix, and for ".doc", which is used for other formats.
_BEGINNINGS: dict[bytes, Reader] = {b"%PDF-": read_pdf, b"{\\rtf": read_rtf}
# Pages of a package's own section, such as .3pm and .1ssl: so short that they may mean other things as well.
_MANUAL_SECTION = re.compile(r"\.[1-9][a-z][a-z0-9]*")
_MANUAL_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:[.']\s*\\\"|\.(?:TH|Dd|Dt|so)\s)")
_NO_LIMIT = 600.0


def read(
    path: Path,
    *,
    max_mb: float | None = None,
    converters: Mapping[str, str] | None = None,
    converter_seconds: float = _NO_LIMIT,
) -> Document:
    """The file as clean text in blocks, with lines, pages or rows if the format has them.

    `converters`: commands by suffix, which come before ragcli's own readers. Raises UnreadableFile if the
    file is empty, binary, encrypted, scanned, damaged, of an unsupported format, larger than `max_mb`
    (unpacked, if it is compressed), or may not be read.
    """
    data = file_bytes(path, max_mb=max_mb)
    if not data.strip():
        raise UnreadableFile("empty")
    sha256 = hashlib.sha256(data).hexdigest()
    name = PurePath(path.name)
    suffix = name.suffix.lower()
    setting = (converters or {}).get(suffix)
    if setting is not None:
        outline = _converted(path, setting, max_mb=max_mb, seconds=converter_seconds)
    else:
        if suffix in compressed.SUFFIXES:
            data, name = compressed.unpacked(data, suffix, max_mb=max_mb), PurePath(name.stem)
        outline = _reader(name, data)(data, str(name))
    return outline.document(
        source=source_name(path),
        fallback_title=str(name) if outline.format == "code" else title_from_name(name.stem),
        sha256=sha256,
    )


def _converted(path: Path, setting: str, *, max_mb: float | None, seconds: float) -> Outline:
    """Its lines would be those of the converter's output, which nobody can look at."""
    suffix, command = parted(setting)
    found = _READERS[suffix](converted(path, command, seconds=seconds, max_mb=max_mb), f"{path.stem}{suffix}")
    outline = Outline(path.suffix.lower().lstrip("."))
    outline.title = found.title
    outline.metadata = found.metadata
    outline.include(found)
    return outline


def _reader(name: PurePath, data: bytes) -> Reader:
    """By the name; a name that says nothing is read as text if it is text."""
    suffix = name.suffix.lower()
    if name.name.lower() in _CODE_NAMES:
        return read_code
    if suffix in _READERS:
        return _READERS[suffix]
    if _MANUAL_SECTION.fullmatch(suffix) and _MANUAL_PAGE.match(data):
        return read_manpage
    for beginning, reader in _BEGINNINGS.items():
        if data.startswith(beginning):
            return reader
    if unsupported.is_known(suffix):
        raise UnreadableFile(unsupported.reason(suffix))
    return _text_or_unsupported(suffix)


def _text_or_unsupported(suffix: str) -> Reader:
    def read_unknown(data: bytes, name: str) -> Outline:
        try:
            return read_text(data, name)
        except UnreadableFile as problem:
            reason = unsupported.reason(suffix) if suffix else problem.reason
            raise UnreadableFile(reason) from problem

    return read_unknown
