"""What a reader returns besides the text: notes for the report of the ingest, and metadata for filters."""

from __future__ import annotations

import io
import json as standard_json
import math
from pathlib import Path

import pytest
from rich.console import Console

from ragcli.config import IngestConfig
from ragcli.documents import GuardedReader
from ragcli.documents.guarded import _unpacked
from ragcli.documents.outline import MOST_METADATA, Outline
from ragcli.documents.worker import packed
from ragcli.reporting import as_json
from ragcli.reporting.screens import manage
from ragcli.reporting.screens.terminal import THEME, PlainConsole
from ragcli.types import Document, FileReport, IngestReport


def document(outline: Outline) -> Document:
    outline.add("Some text.")
    return outline.document(source="a.md", fallback_title="a", sha256="")


class TestMetadata:
    def test_names_are_as_a_flag_takes_them(self) -> None:
        outline = Outline("markdown")
        outline.metadata = {"Author": "Ada \n Lovelace", "last modified": "2024-05-01", "Year": 2024}
        assert document(outline).metadata == (
            ("author", "Ada Lovelace"),
            ("last_modified", "2024-05-01"),
            ("year", 2024),
        )

    def test_is_bounded(self) -> None:
        outline = Outline("markdown")
        outline.metadata = {f"key{number}" * 20: "x" * 10_000 for number in range(1000)}
        found = document(outline).metadata
        assert len(found) == MOST_METADATA
        assert max(len(key) + len(str(value)) for key, value in found) <= 240

    def test_what_no_filter_can_name_is_left_out(self) -> None:
        outline = Outline("markdown")
        outline.metadata = {"": "x", "empty": " \u200b", "nan": math.nan, "infinite": math.inf, "good": 1.5}
        assert document(outline).metadata == (("good", 1.5),)


class TestNotes:
    def test_come_once_each_and_on_one_line(self) -> None:
        outline = Outline("markdown")
        outline.notes += ["2 comments\nleft out", "2 comments left out", "\x1b[31m"]
        assert document(outline).notes == ("2 comments left out",)

    def test_come_through_the_process_that_reads(self) -> None:
        outline = Outline("markdown")
        outline.notes.append("guessed the encoding: cp1251")
        outline.metadata["author"] = "Ada"
        read = document(outline)
        assert _unpacked(standard_json.loads(standard_json.dumps(packed(read)))) == read

    def test_stand_under_their_file(self) -> None:
        files = [FileReport(f"{number:02}.md", "added", 1) for number in range(30)]
        files.append(FileReport("z.pptx", "added", 2, notes=("1 picture without text", "\x1b[31mred")))
        report = IngestReport(tuple(files), 32, 0, 1.0, dry_run=False)

        target = PlainConsole(io.StringIO(), {"COLUMNS": "80"})
        manage.print_ingest(target, report, show_all=False)

        assert isinstance(target.file, io.StringIO)
        screen = target.file.getvalue()
        assert "z.pptx" in screen, "a file with a note is listed however many there are"
        assert "1 picture without text" in screen
        assert "\x1b[31m" not in screen
        (file,) = [file for file in standard_json.loads(as_json.ingest(report))["files"] if file["notes"]]
        assert (file["source"], file["notes"][0]) == ("z.pptx", "1 picture without text")

    def test_have_lines_of_their_own_as_wide_as_the_names(self) -> None:
        name = "docs/" + "long_" * 10 + "longer_name.pdf"
        note = "3 running headers and footers on 3 pages left out (9 words)"
        files = (
            FileReport(name, "added", 1, notes=(note,)),
            FileReport("b.md", "skipped", 0, "holds no text"),
        )
        console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None, theme=THEME)
        manage.print_ingest(console, IngestReport(files, 1, 0, 1.0, dry_run=False), show_all=False)
        assert isinstance(console.file, io.StringIO)
        lines = [line.rstrip() for line in console.file.getvalue().splitlines()]
        assert "  3 running headers and footers on 3 pages left out (9 words)" in lines

    def test_follow_the_result_in_a_pipe(self) -> None:
        files = (FileReport("a.md", "added", 1, notes=("one", "two")),)
        console = Console(file=io.StringIO(), width=80, theme=THEME)
        manage.print_ingest(console, IngestReport(files, 1, 0, 1.0, dry_run=False), show_all=False)
        assert isinstance(console.file, io.StringIO)
        assert "added; one; two" in console.file.getvalue()


@pytest.mark.parametrize("name", ["a.txt", "a.html"])
def test_a_plain_file_has_neither(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("<p>Some text.</p>", encoding="utf-8")
    with GuardedReader(IngestConfig()) as reader:
        found = reader.read(tmp_path / name)
    assert (found.notes, found.metadata) == ((), ())
