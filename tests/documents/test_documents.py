"""What each format's reader returns for a file, and what it says about files that it can't read."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ragcli.documents import UnreadableFile, file_sha256, read
from ragcli.types import Document


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make(folder: Path, name: str, content: str | bytes) -> Document:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read(path)


def sections(document: Document) -> list[tuple[str, str]]:
    """(heading path, text) of every block."""
    return [(" > ".join(b.headings), document.text[b.start : b.end]) for b in document.blocks]


def texts(document: Document) -> list[str]:
    return [text for _, text in sections(document)]


def assert_lines_point_at_the_file(document: Document, content: str) -> None:
    lines = content.split("\n")
    for block in document.blocks:
        first = document.text[block.start : block.end].split("\n")[0].strip(" -")
        assert block.line_start is not None
        assert first in lines[block.line_start - 1]


class TestEveryFormat:
    def test_source_and_hash_are_those_of_the_file(self, folder: Path) -> None:
        document = make(folder, "note.txt", "Hello.\r\n")
        assert document.source == "note.txt"
        assert (
            document.sha256 == file_sha256(folder / "note.txt") == hashlib.sha256(b"Hello.\r\n").hexdigest()
        )

    @pytest.mark.parametrize("name", ["a.md", "a.txt", "a.html", "a.py"])
    def test_what_does_not_show_does_not_come_through(self, folder: Path, name: str) -> None:
        hidden = "\u200bone\u202etwo\u2066\u00adthree\x1b[31mfour\x1b]0;title\x07five\ufeff\U000e0041six"
        assert "onetwothreefourfivesix" in make(folder, name, f"# {hidden}\n\n{hidden}\n").text

    @pytest.mark.parametrize(
        ("name", "content", "reason"),
        [
            ("empty.md", b"", "empty"),
            ("blank.txt", b" \n\t\n", "empty"),
            ("comment.html", b"<!-- nothing -->", "holds no text"),
            ("binary.txt", b"text\0more", "binary"),
            ("binary.html", b"<p>\0</p>", "binary"),
            ("image.png", b"\x89PNG\r\n\x1a\n\0\0", "unsupported format .png"),
            ("sheet.xlsx", b"PK\x03\x04", "damaged: not a workbook"),
            ("letter.doc", b"\xd0\xcf\x11\xe0", "unsupported format .doc: save it as .docx"),
            ("noise.txt", bytes(range(128, 256)) * 3, "text in an unknown encoding"),
            ("broken.pdf", b"%PDF-1.4\nnonsense", "damaged"),
            ("broken.docx", b"PK\x03\x04nonsense", "damaged"),
            ("old.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "encrypted, or in Word's old format"),
        ],
    )
    def test_an_unreadable_file_says_why(self, folder: Path, name: str, content: bytes, reason: str) -> None:
        with pytest.raises(UnreadableFile) as caught:
            make(folder, name, content)
        assert caught.value.reason.startswith(reason)

    def test_a_missing_file_and_a_folder_are_unreadable(self, folder: Path) -> None:
        for path in (folder / "gone.md", folder):
            with pytest.raises(UnreadableFile):
                read(path)

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "cp1252"])
    def test_the_usual_encodings_are_read(self, folder: Path, encoding: str) -> None:
        assert make(folder, "a.txt", "Café in München, costs little".encode(encoding)).text.startswith(
            "Café in"
        )

    def test_a_name_without_suffix_is_read_as_text(self, folder: Path) -> None:
        assert make(folder, "LICENSE", "Do what you want.").format == "text"


PYTHON = '''"""Module text."""

import os


# About f.
@decorator
def f(x):
    """First. Second."""

    return x


class Small:
    def method(self):
        pass


VALUE = 1
'''


class TestCode:
    def test_python_is_cut_at_definitions_named_as_they_are(self, folder: Path) -> None:
        document = make(folder, "tool.py", PYTHON)
        assert (document.title, document.format) == ("tool.py", "code")
        names = [heading for heading, _ in sections(document)]
        assert names == ["", "f", "Small", ""]
        assert texts(document)[1].startswith("# About f.\n@decorator\ndef f(x):")
        assert all(block.code for block in document.blocks)
        assert_lines_point_at_the_file(document, PYTHON)

    def test_a_long_class_is_cut_at_its_methods(self, folder: Path) -> None:
        body = "".join(f"    def m{n}(self):\n" + "        x = 1\n" * 20 for n in range(3))
        document = make(folder, "a.py", f"class Long:\n    '''About.'''\n\n{body}")
        assert [heading for heading, _ in sections(document)] == [
            "Long",
            "Long > m0",
            "Long > m1",
            "Long > m2",
        ]

    def test_invalid_python_and_other_languages_are_cut_at_blank_lines(self, folder: Path) -> None:
        assert texts(make(folder, "a.py", "print 'x'\n\ny = 1\n")) == ["print 'x'", "y = 1"]
        code = "import x\n\nexport function area(r) {\n  a()\n\n  return 2\n}\n\nclass Shape {\n}\n"
        document = make(folder, "a.js", code)
        assert [heading for heading, _ in sections(document)] == ["", "area", "Shape"]
        assert texts(document)[1].endswith("return 2\n}")
