"""A file is written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragcli.errors import RagcliError
from ragcli.whole_file import write_whole


def test_the_new_text_takes_the_place_of_the_old(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    for text in ("old\n", "newer\r\nand längér\n"):
        write_whole(path, text)
        assert path.read_bytes().decode() == text
    assert list(tmp_path.iterdir()) == [path]


def test_where_it_cannot_be_written_all_is_as_before(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    path.mkdir()
    with pytest.raises(RagcliError, match="cannot be written: is a directory"):
        write_whole(path, "new")
    assert list(tmp_path.iterdir()) == [path]
