"""No file hangs or crashes an ingest, or excludes the good ones: its fault is a line of the report."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PureWindowsPath
from typing import Any, ClassVar

import pdf_pages
import pytest
from cli_helper import run as run_command
from damaged_files import write_damaged

from ragcli.config import Config, IngestConfig
from ragcli.documents import GuardedReader, UnreadableFile, discover
from ragcli.documents.discovery import named_from
from ragcli.encoders.bi_encoder import BiEncoder
from ragcli.errors import IngestError
from ragcli.ingestion.ingest import Progress, ingest
from ragcli.store import open_store
from ragcli.types import IngestReport

GOOD = {f"docs/good-{number}.md": f"# Good {number}\n\nThe good number is {number}.\n" for number in range(3)}
# markdown-it searches for the end of each of these links up to the end of the text.
SLOW = "[" * 400_000


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with three good documents in docs/."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    for name, text in GOOD.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def run(embedder: BiEncoder, *, config: Config | None = None, **options: Any) -> IngestReport:
    return ingest([Path("docs")], config=config or Config(), embedder=embedder, **options)


def skipped(report: IngestReport) -> dict[str, str]:
    return {file.source: file.reason for file in report.files if file.status == "skipped"}


def assert_good_ones_are_in(report: IngestReport) -> None:
    added = {file.source for file in report.files if file.status == "added"}
    assert GOOD.keys() <= added
    if not report.dry_run:
        with open_store(Config(), create=False) as index:
            assert {info.source for info in index.sources()} == added
    for reason in skipped(report).values():
        assert reason
        assert "\n" not in reason
        assert "Traceback" not in reason


@pytest.mark.parametrize(("count", "seed"), [(21, 1), pytest.param(210, 2, marks=pytest.mark.long, id="210")])
def test_damaged_files_are_read_or_reported_and_the_good_ones_are_in(
    folder: Path, embedder: BiEncoder, count: int, seed: int
) -> None:
    names = write_damaged(folder / "docs", count, seed)

    report = run(embedder)

    assert_good_ones_are_in(report)
    assert {file.source for file in report.files} == GOOD.keys() | {f"docs/{name}" for name in names}
    assert not [reason for reason in skipped(report).values() if reason.startswith("cannot be parsed")]


class TestWhatIsNoText:
    CONTENTS: ClassVar[dict[str, tuple[bytes, str]]] = {
        "invalid-utf8.md": (b"\x80\x81\xfe\xff" * 50, "text in an unknown encoding"),
        "nul-in-text.txt": (b"Notice\0period", "binary"),
        "controls.txt": (bytes(range(1, 32)) * 20, "holds no text"),
        "nul.html": (b"<p>\0</p>", "binary"),
        "nuls.csv": (bytes(1000), "binary"),
        "no-zip.docx": (b"PK\x03\x04" + bytes(100), "damaged: not a Word document"),
        "only-a-head.pdf": (b"%PDF-1.7\n", "damaged"),
        "deep.html": (b"<div>" * 3000 + b"x", "nested too deeply"),
    }

    def test_is_a_line_of_the_report(self, folder: Path, embedder: BiEncoder) -> None:
        for name, (content, _) in self.CONTENTS.items():
            (folder / "docs" / name).write_bytes(content)
        with (folder / "docs" / "one-line.txt").open("wb") as file:
            file.truncate(100_000_000)
        (folder / "docs" / "pipe.md").unlink(missing_ok=True)
        os.mkfifo(folder / "docs" / "pipe.md")
        (folder / "docs" / "circle.md").symlink_to("circle.md")
        (folder / "docs" / "folder").symlink_to(".", target_is_directory=True)

        report = run(embedder)

        assert_good_ones_are_in(report)
        reasons = skipped(report)
        for name, (_, reason) in self.CONTENTS.items():
            assert reasons[f"docs/{name}"].startswith(reason)
        assert reasons["docs/one-line.txt"] == "larger than 50 MB"
        assert reasons["docs/pipe.md"] == "not a regular file"
        assert reasons["docs/circle.md"] == "broken link"

    @pytest.mark.long
    def test_a_zip_bomb_is_not_unpacked(self, folder: Path, embedder: BiEncoder) -> None:
        path = folder / "docs" / "bomb.docx"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            shutil.copyfileobj(Zeros(600_000_000), archive.open("word/document.xml", "w"))
        assert path.stat().st_size < 4_000_000

        report = run(embedder)

        assert_good_ones_are_in(report)
        assert skipped(report) == {"docs/bomb.docx": "unpacks to more than 500 MB"}

    @pytest.mark.long
    def test_a_line_of_100_mb_is_read_where_the_settings_allow_it(
        self, folder: Path, embedder: BiEncoder
    ) -> None:
        (folder / "docs" / "line.txt").write_text("A sentence of words. " * 5_000_000)
        config = Config(ingest=IngestConfig(max_file_mb=200))
        report = run(embedder, config=config, dry_run=True)
        assert_good_ones_are_in(report)
        assert {file.source: file.chunks for file in report.files}["docs/line.txt"] > 100_000


class Zeros:
    def __init__(self, length: int) -> None:
        self.left = length

    def read(self, most: int = -1) -> bytes:
        part = self.left if most < 0 else min(most, self.left)
        self.left -= part
        return bytes(part)


class TestAFileThatChangesOnTheWay:
    """Immediately before it is read."""

    def meddled(self, folder: Path, embedder: BiEncoder, change: Callable[[Path], None]) -> IngestReport:
        victim = folder / "docs" / "victim.md"
        victim.write_text("Here for now.")

        def meddle(step: Progress) -> None:
            if step.stage == "read" and step.source == "docs/victim.md":
                change(victim)

        config = Config(ingest=IngestConfig(max_file_mb=0.1))
        report = run(embedder, config=config, progress=meddle)
        assert_good_ones_are_in(report)
        return report

    def test_to_nothing(self, folder: Path, embedder: BiEncoder) -> None:
        report = self.meddled(folder, embedder, Path.unlink)
        assert skipped(report) == {"docs/victim.md": "vanished"}

    def test_to_a_pipe_that_nobody_writes(self, folder: Path, embedder: BiEncoder) -> None:
        def replace(path: Path) -> None:
            path.unlink()
            os.mkfifo(path)

        assert skipped(self.meddled(folder, embedder, replace)) == {"docs/victim.md": "not a regular file"}

    def test_to_one_that_is_too_large(self, folder: Path, embedder: BiEncoder) -> None:
        report = self.meddled(folder, embedder, lambda path: os.truncate(path, 100_001))
        assert skipped(report) == {"docs/victim.md": "larger than 0.1 MB"}

    def test_to_another_text_which_the_next_ingest_finds_unchanged(
        self, folder: Path, embedder: BiEncoder
    ) -> None:
        def rewrite(path: Path) -> None:
            path.write_text("Now other.")

        self.meddled(folder, embedder, rewrite)
        assert {file.status for file in run(embedder).files} == {"unchanged"}


class TestTheReader:
    """Files are parsed in a separate process."""

    @pytest.fixture
    def good(self, folder: Path) -> Path:
        return folder / "docs" / "good-1.md"

    @pytest.fixture
    def slow(self, folder: Path) -> Path:
        path = folder / "docs" / "slow.md"
        path.write_text(SLOW)
        return path

    @pytest.mark.skipif(sys.platform == "win32", reason="the limit there is ten times as long")
    def test_ends_what_takes_too_long_and_goes_on(self, good: Path, slow: Path) -> None:
        with GuardedReader(IngestConfig(max_seconds_per_file=1)) as reader:
            with pytest.raises(UnreadableFile, match=r"longer than 1 s .*max_seconds_per_file"):
                reader.read(slow)
            assert reader.read(good).title == "Good 1"

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory")
    def test_ends_what_takes_too_much_memory_and_goes_on(self, folder: Path, good: Path) -> None:
        big = folder / "docs" / "big.txt"
        big.write_text("A word and another. \n\n" * 2_000_000)
        with GuardedReader(IngestConfig(max_memory_mb=250)) as reader:
            with pytest.raises(UnreadableFile, match=r"more than 250 MB of memory"):
                reader.read(big)
            assert reader.read(good).title == "Good 1"

    def test_a_parser_that_crashes_is_a_reason_and_not_the_end(self, good: Path, slow: Path) -> None:
        with GuardedReader(IngestConfig()) as reader:
            reader.read(good)
            assert reader._worker is not None
            crash = threading.Timer(0.3, os.kill, (reader._worker.pid, signal.SIGSEGV))
            crash.start()
            with pytest.raises(UnreadableFile, match="the parser was killed by SIGSEGV"):
                reader.read(slow)
            assert reader.read(good).title == "Good 1"

    def test_a_pdf_that_crashes_its_library_is_a_reason_and_not_the_end(
        self, folder: Path, good: Path
    ) -> None:
        path = folder / "docs" / "slow.pdf"
        path.write_bytes(pdf_pages.pdf(pdf_pages.text(72, 700, "Closed on Sundays") * 150_000))
        with GuardedReader(IngestConfig()) as reader:
            reader.read(good)
            assert reader._worker is not None
            crash = threading.Timer(0.3, os.kill, (reader._worker.pid, signal.SIGSEGV))
            crash.start()
            with pytest.raises(UnreadableFile, match="the parser was killed by SIGSEGV"):
                reader.read(path)
            assert reader.read(good).title == "Good 1"

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory")
    def test_a_pdf_that_unpacks_to_very_much_is_a_reason_and_not_the_end(
        self, folder: Path, good: Path
    ) -> None:
        path = folder / "docs" / "bomb.pdf"
        packed = zlib.compress(bytes(600_000_000), 1)
        bomb = pdf_pages.pdf("BOMB").replace(
            b"<</Length 4>>stream\nBOMB",
            b"<</Filter/FlateDecode/Length %d>>stream\n%s" % (len(packed), packed),
        )
        path.write_bytes(bomb)
        with GuardedReader(IngestConfig(max_memory_mb=400)) as reader:
            with pytest.raises(UnreadableFile):
                reader.read(path)
            assert reader.read(good).title == "Good 1"

    @pytest.fixture
    def slow_ocr(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Where a program named tesseract, which never ends, writes its process id."""
        programs, started = folder / "programs", folder / "started"
        programs.mkdir()
        program = programs / "tesseract"
        program.write_text(
            "#!/bin/sh\n"
            f"case $1 in --*) echo tesseract 5; echo eng;; *) echo $$ > {started}; exec sleep 600;; esac\n"
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
        (folder / "docs" / "scan.pdf").write_bytes(
            pdf_pages.pdf("q 612 0 0 792 0 0 cm BI /W 1 /H 1 /CS /G /BPC 8 ID x EI Q\n")
        )
        return started

    @pytest.mark.skipif(sys.platform != "linux", reason="needs a shell, and limits that Linux keeps")
    def test_gives_up_ocr_when_the_time_of_the_file_is_over(
        self, folder: Path, good: Path, slow_ocr: Path
    ) -> None:
        with GuardedReader(IngestConfig(max_seconds_per_file=3)) as reader:
            with pytest.raises(UnreadableFile, match="scanned: images without text"):
                reader.read(folder / "docs" / "scan.pdf")
            assert reader.read(good).title == "Good 1"
        assert not is_running(int(slow_ocr.read_text()))

    @staticmethod
    def read_in_vain(reader: GuardedReader, path: Path) -> None:
        with pytest.raises(UnreadableFile):
            reader.read(path)

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
    def test_takes_ocr_with_it_when_it_is_ended(self, folder: Path, slow_ocr: Path) -> None:
        with GuardedReader(IngestConfig()) as reader:
            reading = threading.Thread(target=self.read_in_vain, args=(reader, folder / "docs" / "scan.pdf"))
            reading.start()
            assert reader._worker is not None
            wait_for(lambda: slow_ocr.exists() and bool(slow_ocr.read_text().strip()))
            reader._worker.kill()
            reading.join()
        wait_for(lambda: not is_running(int(slow_ocr.read_text())))

    def test_imports_nothing_out_of_the_working_folder(
        self, folder: Path, good: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (folder / "markdown_it.py").write_text("raise SystemExit('taken over')")
        monkeypatch.setattr(sys, "path", ["", *sys.path])
        with GuardedReader(IngestConfig()) as reader:
            assert reader.read(good).title == "Good 1"

    def test_does_not_outlive_ragcli(self, folder: Path) -> None:
        code = (
            "import time\n"
            "from ragcli.config import IngestConfig\n"
            "from ragcli.documents import GuardedReader\n"
            "reader = GuardedReader(IngestConfig()); print(reader._worker.pid, flush=True); time.sleep(600)\n"
        )
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as ragcli:
            assert ragcli.stdout is not None
            worker = int(ragcli.stdout.readline())
            ragcli.kill()
        for _ in range(600):
            if not is_running(worker):
                return
            time.sleep(0.1)
        pytest.fail("the worker is still there")


def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("waited for half a minute")


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class TestNames:
    ODD = (
        "Ünïcode 北京 😀.md",
        "a b.md",
        "-rf.md",
        "[1].md",
        "100%.md",
        "a'b\"c.md",
        "#x.md",
        "a\\b.md",
        "~.md",
    )

    def test_that_are_odd_are_names_like_others(self, folder: Path, embedder: BiEncoder) -> None:
        for name in self.ODD:
            (folder / "docs" / name).write_text(f"The name is {name}.")
        report = run(embedder)
        assert_good_ones_are_in(report)
        assert {f"docs/{name}" for name in self.ODD} <= {file.source for file in report.files}
        assert skipped(report) == {}
        outcome = run_command("remove", "--yes", *(f"docs/{name}" for name in self.ODD))
        assert outcome.status == 0, outcome.stderr
        with open_store(Config(), create=False) as index:
            assert {info.source for info in index.sources()} == GOOD.keys()

    @pytest.mark.parametrize(
        ("name", "shown"),
        [
            (b"line\nend.md", "docs/line\\x0aend.md"),
            (b"red\x1b[31m.md", "docs/red\\x1b[31m.md"),
            (b"latin-\xe9.md", "docs/latin-\\xe9.md"),
            ("right\u202eleft.md".encode(), "docs/right\\u202eleft.md"),
        ],
    )
    def test_that_a_terminal_would_obey_are_shown_escaped(
        self, folder: Path, name: bytes, shown: str
    ) -> None:
        Path(os.fsdecode(os.fsencode(folder / "docs") + b"/" + name)).write_text("Text.")
        reports = discover([Path("docs")], IngestConfig()).skipped
        assert [(report.source, report.reason) for report in reports] == [
            (shown, "its name holds control characters or is not valid UTF-8")
        ]

    @pytest.mark.parametrize(
        ("path", "name"),
        [
            (r"C:\Users\me\docs\a.md", "docs/a.md"),
            (r"c:\users\ME\docs\a.md", "docs/a.md"),
            (r"D:\other\a.md", "D:/other/a.md"),
            (r"\\server\share\a.md", "//server/share/a.md"),
        ],
    )
    def test_have_forward_slashes_on_windows(self, path: str, name: str) -> None:
        assert named_from(PureWindowsPath(r"C:\Users\me"), PureWindowsPath(path)) == name

    @pytest.mark.parametrize("path", ["x" * 300, "/".join(["x" * 200] * 30), "a\0b"])
    def test_that_cannot_be_are_one_error(self, folder: Path, path: str) -> None:
        with pytest.raises(IngestError, match="cannot be read"):
            discover([Path(path)], IngestConfig())


@pytest.fixture
def deep(folder: Path) -> Iterator[Path]:
    """A file below 1,200 folders."""
    place = folder / "docs"
    for _ in range(1200):
        place /= "d"
        place.mkdir()
    (place / "bottom.md").write_text("Far down.")
    yield place / "bottom.md"
    subprocess.run(["rm", "-rf", str(folder / "docs" / "d")], check=True)


def test_folders_may_be_nested_very_deep(folder: Path, deep: Path) -> None:
    found = discover([Path("docs")], IngestConfig())
    assert len(found.files) == len(GOOD) + 1
    assert found.files[0].name == "bottom.md"


def test_a_log_without_blank_lines_takes_time_in_proportion(folder: Path) -> None:
    (folder / "docs" / "server.log").write_text("2026-01-01 00:00:00 GET / 200\n" * 100_000)
    with GuardedReader(IngestConfig(max_seconds_per_file=10)) as reader:
        assert len(reader.read(folder / "docs" / "server.log").blocks) == 500


@pytest.mark.long
def test_ten_thousand_tiny_files(folder: Path, embedder: BiEncoder) -> None:
    for number in range(10_000):
        (folder / "docs" / f"{number}.md").write_text(f"# Note {number}\n\nThe number is {number}.\n")
    report = run(embedder)
    assert_good_ones_are_in(report)
    assert len(report.files) == 10_000 + len(GOOD)
    assert {file.status for file in run(embedder).files} == {"unchanged"}
