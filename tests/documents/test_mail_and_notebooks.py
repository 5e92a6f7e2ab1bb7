"""Mail, notebooks, saved pages, subtitles, compressed text, and formats that a user's program reads."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from damaged_files import DAMAGES
from office_files import epub, opendocument, pptx, shape, sheet_rows, slide_table, xlsx

from ragcli.config import IngestConfig
from ragcli.documents import GuardedReader, UnreadableFile, file_sha256, read
from ragcli.errors import ConfigError
from ragcli.types import Document


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make(folder: Path, name: str, content: bytes | str) -> Document:
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return read(folder / name)


def sections(document: Document) -> list[tuple[int | None, str, str]]:
    """(page, heading path, text) of every block."""
    return [(b.page, " > ".join(b.headings), document.text[b.start : b.end]) for b in document.blocks]


MAIL = """\
From: =?utf-8?q?Zo=C3=AB?= Miller <zoe@norvik.example>
To: all@norvik.example,
 board@norvik.example
Subject: =?iso-8859-1?q?K=FCche?= closed
Date: Wed, 04 Mar 2026 09:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="out"

--out
Content-Type: multipart/alternative; boundary="in"

--in
Content-Type: text/html

<p>As a page.</p>
--in
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

The kitchen is closed f=FCr a we=
ek.

Zoe
--in--
--out
Content-Type: application/pdf; name="plan.pdf"
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename="plan.pdf"

JVBERi0xLjQK
--out
Content-Type: text/plain
Content-Disposition: attachment; filename="notes.txt"

Not read.
--out
Content-Type: message/rfc822

From: bob@norvik.example
Subject: The oven

It is broken.
--out--
"""


class TestMail:
    def test_a_message_is_its_headers_and_its_plain_text(self, folder: Path) -> None:
        document = make(folder, "a.eml", MAIL)
        assert (document.title, document.format) == ("Küche closed", "eml")
        assert sections(document) == [
            (
                None,
                "",
                "From: Zoë Miller <zoe@norvik.example>\nTo: all@norvik.example, board@norvik.example\n"
                "Date: Wed, 04 Mar 2026 09:00:00 +0000",
            ),
            (None, "", "The kitchen is closed für a week."),
            (None, "", "Zoe"),
            (None, "The oven", "From: bob@norvik.example"),
            (None, "The oven", "It is broken."),
            (None, "", "Attachments: plan.pdf, notes.txt"),
        ]
        assert dict(document.metadata) == {
            "from": "Zoë Miller <zoe@norvik.example>",
            "to": "all@norvik.example, board@norvik.example",
            "date": "2026-03-04",
        }
        assert document.notes == ("attachments are listed but not read: save them next to the mail",)

    def test_html_is_read_where_there_is_no_other_text(self, folder: Path) -> None:
        mail = "Subject: x\nContent-Type: text/html\n\n<h1>News</h1><p>The oven is mended.</p>"
        assert sections(make(folder, "a.eml", mail)) == [(None, "News", "The oven is mended.")]

    @pytest.mark.parametrize("charset", ["utf-8", "no-such-charset", "us-ascii"])
    def test_a_wrong_charset_loses_nothing(self, folder: Path, charset: str) -> None:
        mail = f"Subject: Grüße\nContent-Type: text/plain; charset={charset}\n\nGrüße aus Zürich"
        document = make(folder, "a.eml", mail)
        assert (document.title, document.text) == ("Grüße", "Grüße aus Zürich")

    def test_what_is_no_mail_is_read_as_text(self, folder: Path) -> None:
        assert make(folder, "a.eml", "Just words.").format == "text"
        assert make(folder, "a.mbox", "From here on: words.").format == "text"

    def test_a_page_of_a_mailbox_is_a_message(self, folder: Path) -> None:
        mailbox = (
            "From bob Thu Jan  1 00:00:00 2026\nFrom: bob@x.example\nSubject: Oven\n\n"
            "It is broken.\n>From today.\n\n"
            "From zoe Thu Jan  2 00:00:00 2026\nFrom: zoe@x.example\nSubject: Re: Oven\n\nMended.\n"
        )
        assert sections(make(folder, "a.mbox", mailbox)) == [
            (1, "Oven", "From: bob@x.example"),
            (1, "Oven", "It is broken.\nFrom today."),
            (2, "Re: Oven", "From: zoe@x.example"),
            (2, "Re: Oven", "Mended."),
        ]

    def test_a_saved_page_is_the_page(self, folder: Path) -> None:
        page = (
            "From: <Saved by Blink>\nSubject: Kitchen\nMIME-Version: 1.0\n"
            'Content-Type: multipart/related; type="text/html"; boundary="b"\n\n--b\n'
            "Content-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n"
            "<h1>Rules</h1><p>Wash your =\nhands=21</p>\n--b\n"
            "Content-Type: text/css\n\np { color: red }\n--b--\n"
        )
        document = make(folder, "a.mhtml", page)
        assert (document.title, document.text) == ("Rules", "Wash your hands!")
        with pytest.raises(UnreadableFile, match="contains no web page"):
            make(folder, "b.mht", "Subject: x\n\ntext")


def notebook(*cells: dict[str, Any]) -> str:
    return json.dumps({"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def code(source: str, *outputs: dict[str, Any]) -> dict[str, Any]:
    return {"cell_type": "code", "execution_count": 731, "source": source, "outputs": list(outputs)}


class TestNotebooks:
    def test_a_page_is_a_cell_and_headings_go_on_in_the_next(self, folder: Path) -> None:
        document = make(
            folder,
            "a.ipynb",
            notebook(
                {"cell_type": "markdown", "source": ["# Otters\n", "They *swim*."]},
                {"cell_type": "markdown", "source": "## Weight"},
                code("weigh(otter)\n", {"output_type": "stream", "text": ["9 kg\n"]}),
            ),
        )
        assert document.title == "Otters"
        assert sections(document) == [
            (1, "Otters", "They swim."),
            (3, "Otters > Weight", "weigh(otter)"),
            (3, "Otters > Weight", "9 kg"),
        ]

    def test_results_are_text_and_never_pictures(self, folder: Path) -> None:
        table = "<table><tr><th>City</th><th>Otters</th></tr><tr><td>Oslo</td><td>5</td></tr></table>"
        results = [
            {"data": {"text/html": [table], "text/plain": "  City Otters"}},
            {"data": {"image/png": "iVBORw0KGgo" * 99, "text/plain": "<Figure>"}},
            {"data": {"text/plain": "42"}},
        ]
        outputs = [{"output_type": "execute_result", **result} for result in results]
        outputs.append(
            {"output_type": "error", "ename": "KeyError", "evalue": "otter", "traceback": ["\x1b[31m"]}
        )
        document = make(folder, "a.ipynb", notebook(code("show()", *outputs)))
        assert document.text.split("\n\n") == [
            "show()",
            "City: Oslo | Otters: 5",
            "<Figure>",
            "42",
            "KeyError: otter",
        ]
        assert document.notes == ("outputs that are pictures are left out",)

    def test_a_long_output_is_cut_and_reported(self, folder: Path) -> None:
        log = {"output_type": "stream", "text": "line\n" * 2000}
        document = make(folder, "a.ipynb", notebook(code("run()", log)))
        assert len(document.text) < 5000
        assert document.notes == ("cell 1: the last 1,200 words of an output left out",)

    def test_the_older_format_is_read(self, folder: Path) -> None:
        cells = [
            {"cell_type": "heading", "level": 1, "source": "Otters"},
            {"cell_type": "code", "input": "x", "outputs": [{"output_type": "pyout", "text": ["7"]}]},
        ]
        old = json.dumps({"worksheets": [{"cells": cells}], "nbformat": 3})
        assert sections(make(folder, "a.ipynb", old)) == [(2, "Otters", "x"), (2, "Otters", "7")]

    @pytest.mark.parametrize("content", ["{", "[]", "{}", '"cells"', "[" * 100_000])
    def test_what_is_no_notebook_is_refused(self, folder: Path, content: str) -> None:
        with pytest.raises(UnreadableFile):
            make(folder, "a.ipynb", content)

    @pytest.mark.parametrize("cells", ["3", "[1, null]", '[{"source": 3}]', '[{"outputs": [[]]}]', "{}"])
    def test_odd_cells_are_passed_over(self, folder: Path, cells: str) -> None:
        with pytest.raises(UnreadableFile, match="holds no text"):
            make(folder, "a.ipynb", f'{{"cells": {cells}}}')


class TestSubtitles:
    def test_what_is_said_stands_with_its_time_at_the_lines_of_the_file(self, folder: Path) -> None:
        content = (
            "1\n00:00:01,000 --> 00:00:03,000\n<i>Welcome to</i>\nthe kiln.\n\n"
            "2\n00:00:03,500 --> 00:00:05,000\nIt is hot.\n\n3\n01:02:30,000 --> 01:02:31,000\nGoodbye.\n"
        )
        document = make(folder, "a.srt", content)
        assert document.text == "[0:01] Welcome to the kiln. It is hot.\n\n[1:02:30] Goodbye."
        assert [(b.line_start, b.line_end) for b in document.blocks] == [(2, 8), (11, 12)]

    def test_webvtt_names_who_speaks(self, folder: Path) -> None:
        content = (
            "WEBVTT - Kiln\n\nSTYLE\n::cue { color: red }\n\nNOTE a remark\n\nintro\n"
            "00:01.000 --> 00:03.000 align:start\n<v Ada>Open &amp; <c.loud>shut</c>.\n"
        )
        assert make(folder, "a.vtt", content).text == "[0:01] Ada: Open & shut."

    def test_what_holds_no_times_is_read_as_text(self, folder: Path) -> None:
        assert make(folder, "a.srt", "Only words").format == "text"


class TestCompressed:
    @pytest.mark.parametrize(
        ("suffix", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)]
    )
    def test_is_read_as_what_is_in_it(self, folder: Path, suffix: str, pack: Any) -> None:
        document = make(folder, f"travel-policy.md{suffix}", pack(b"## Limits\n\n260 EUR."))
        assert (document.format, document.title) == ("markdown", "Limits")
        assert sections(document) == [(None, "Limits", "260 EUR.")]
        assert document.blocks[0].line_start == 3
        assert document.sha256 == file_sha256(folder / f"travel-policy.md{suffix}")

    def test_what_unpacks_to_more_than_a_file_may_have_is_refused(self, folder: Path) -> None:
        (folder / "a.txt.gz").write_bytes(gzip.compress(bytes(5_000_000)))
        with pytest.raises(UnreadableFile, match="unpacks to more than 1 MB"):
            read(folder / "a.txt.gz", max_mb=1)

    @pytest.mark.parametrize("name", ["a.txt.gz", "a.txt.bz2", "a.txt.xz"])
    def test_what_is_cut_off_is_damaged(self, folder: Path, name: str) -> None:
        data = gzip.compress(random.Random(1).randbytes(999))[:-20]
        with pytest.raises(UnreadableFile, match="damaged: cannot be unpacked"):
            make(folder, name, data)


class TestWhatIsNotRead:
    @pytest.mark.parametrize(
        ("name", "advice"),
        [
            ("a.doc", "save it as .docx"),
            ("a.key", "save it as .pptx or .pdf"),
            ("a.djvu", "save it as .pdf"),
            ("a.zip", "unpack it, and ingest the folder"),
            ("a.tar.gz", "unpack it, and ingest the folder"),
            ("a.JPG", "recognise its text with an OCR program, and save that as .pdf or .txt"),
            ("a.mp3", "save a transcript as .txt, .srt or .vtt"),
        ],
    )
    def test_says_so_by_name_with_what_would_be_read(self, folder: Path, name: str, advice: str) -> None:
        content = gzip.compress(b"x" * 600) if name.endswith(".gz") else b"\x01\x02\0binary"
        with pytest.raises(UnreadableFile) as caught:
            make(folder, name, content)
        assert caught.value.reason.startswith("unsupported format .")
        assert caught.value.reason.endswith(f": {advice}")

    def test_what_only_calls_itself_so_is_read(self, folder: Path) -> None:
        assert make(folder, "a.doc", r"{\rtf1 Some words}").text == "Some words"


def converting(folder: Path, command: str, *, name: str = "a.wpd", **limits: Any) -> Document:
    (folder / name).write_bytes(b"raw bytes")
    with GuardedReader(IngestConfig(converters={".wpd": command}, **limits)) as reader:
        return reader.read(folder / name)


PYTHON = f"'{sys.executable}' -c"


class TestConverters:
    def test_what_the_program_writes_is_read_as_markdown(self, folder: Path) -> None:
        script = "import sys; print('# Kiln'); print(); print(open(sys.argv[1]).read())"
        document = converting(folder, f'{PYTHON} "{script}" {{}}', name="my notes.WPD")
        assert (document.title, document.format) == ("Kiln", "wpd")
        assert sections(document) == [(None, "Kiln", "raw bytes")]
        assert document.blocks[0].line_start is None, "nobody can look at the lines of what it wrote"

    def test_another_output_may_be_named(self, folder: Path) -> None:
        script = "print('<p># is <b>no</b> heading</p>')"
        assert converting(folder, f'html: {PYTHON} "{script}" {{}}').text == "# is no heading"

    def test_no_shell_looks_at_the_name_of_the_file(self, folder: Path) -> None:
        script = "import sys; print(len(sys.argv), sys.argv[1][-20:])"
        document = converting(folder, f'{PYTHON} "{script}" {{}}', name="$(touch x); echo.wpd")
        assert document.text == "2 $(touch x); echo.wpd"
        assert not (folder / "x").exists()

    @pytest.mark.parametrize(
        ("command", "reason"),
        [
            (
                "no-such-program {}",
                "the converter no-such-program cannot be started: no such file or directory",
            ),
            (f"{PYTHON} 'import sys; sys.exit(\"first\\nbad file\")' {{}}", "failed: bad file"),
            (f"{PYTHON} 'raise SystemExit(3)' {{}}", "failed: exit status 3"),
            (f"{PYTHON} 'print(chr(120) * 3_000_000)' {{}}", "writes more than 2 MB"),
            (
                f"{PYTHON} 'import time; time.sleep(60)' {{}}",
                "takes longer than 1 s (ingest.max_seconds_per_file)",
            ),
            (f"{PYTHON} pass {{}}", "holds no text"),
        ],
    )
    def test_a_failure_is_one_line(self, folder: Path, command: str, reason: str) -> None:
        with pytest.raises(UnreadableFile) as caught:
            converting(folder, command, max_file_mb=2, max_seconds_per_file=1)
        assert caught.value.reason.endswith(reason)

    @pytest.mark.skipif(not hasattr(os, "killpg"), reason="this system has no groups of processes")
    def test_what_it_started_ends_with_it(self, folder: Path) -> None:
        script = (
            "import subprocess, sys; open('pid', 'w').write(str(subprocess.Popen([sys.executable, '-c', "
            "'import time; time.sleep(60)']).pid)); import time; time.sleep(60)"
        )
        with pytest.raises(UnreadableFile):
            converting(folder, f'{PYTHON} "{script}" {{}}', max_seconds_per_file=1)
        child = int((folder / "pid").read_text())
        end = time.monotonic() + 10
        while _runs(child) and time.monotonic() < end:
            time.sleep(0.05)
        assert not _runs(child)

    @pytest.mark.parametrize(
        "converters", [{"doc": "catdoc {}"}, {".doc": "catdoc"}, {".doc": ""}, {".doc": "'{}"}]
    )
    def test_a_setting_that_makes_no_sense_is_an_error(self, converters: dict[str, str]) -> None:
        with pytest.raises(ConfigError, match=r"ingest\.converters"):
            GuardedReader(IngestConfig(converters=converters))


def _runs(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return bool(state.stdout.strip()) and not state.stdout.startswith("Z")


ORIGINALS: dict[str, bytes] = {
    "a.pptx": pptx(
        [shape("Title", kind="title") + shape("Text", y=9) + slide_table([["a", "b"], ["c", "d"]])]
    ),
    "a.xlsx": xlsx({"Sheet": sheet_rows({1: ["Name", "Price"], 2: ["Kiln", 5]})}),
    "a.odt": opendocument("text", "<text:h>Title</text:h><text:p>Text</text:p>"),
    "a.ods": opendocument("spreadsheet", "<table:table><table:table-row/></table:table>"),
    "a.epub": epub({"a.xhtml": "<h1>Title</h1><p>Text</p>"}),
    "a.rtf": rb"{\rtf1{\stylesheet{\s1 heading 1;}}\s1 Title\par\pard Text\u8364?\cell\row}" * 3,
    "a.ipynb": notebook(code("x", {"output_type": "stream", "text": "y"})).encode(),
    "a.eml": MAIL.encode(),
    "a.mbox": b"From bob\n" + MAIL.encode(),
    "a.mhtml": MAIL.encode(),
    "a.srt": b"1\n00:00:01,000 --> 00:00:03,000\nText\n",
    "a.txt.gz": gzip.compress(b"Text " * 99),
}


@pytest.mark.parametrize("name", ORIGINALS)
def test_a_damaged_file_gives_text_or_one_plain_line(folder: Path, name: str) -> None:
    draw = random.Random(name)
    reasons: list[str] = []
    for number in range(70):
        data = DAMAGES[number % len(DAMAGES)](ORIGINALS[name], draw)
        try:
            make(folder, name, data)
        except UnreadableFile as problem:
            reasons.append(problem.reason)
    assert all(reason and "\n" not in reason for reason in reasons)
