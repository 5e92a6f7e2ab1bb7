"""Which files an ingest reads, which it skips, and how files are named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ragcli.config import IngestConfig
from ragcli.documents import discover, source_name
from ragcli.errors import IngestError


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder `docs` below the working folder."""
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "docs"
    for name in ("b.md", "a.txt", "sub/c.md", "sub/deep/questions-1.jsonl", "questions.jsonl", "poetry.lock"):
        write(root / name)
    return root


def write(path: Path, text: str = "Text.") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def found(*paths: Path, **settings: object) -> list[str]:
    return [source_name(path) for path in discover(paths, IngestConfig.model_validate(settings)).files]


def skipped(*paths: Path, **settings: object) -> dict[str, str]:
    reports = discover(paths, IngestConfig.model_validate(settings)).skipped
    assert all(report.status == "skipped" for report in reports)
    return {report.source: report.reason for report in reports}


def test_a_folder_is_walked_in_order_without_the_default_excludes(tree: Path) -> None:
    for name in (
        ".git/config",
        ".venv/x.py",
        ".ragcli/manifest.json",
        "node_modules/m.js",
        "__pycache__/p.py",
    ):
        write(tree / name)
    assert found(tree) == ["docs/a.txt", "docs/b.md", "docs/sub/c.md"]


def test_a_glob_without_a_slash_matches_at_any_depth(tree: Path) -> None:
    assert found(tree, glob=["*.md"]) == ["docs/b.md", "docs/sub/c.md"]
    assert found(tree, glob=["**/*.md"]) == ["docs/b.md", "docs/sub/c.md"]
    assert found(tree, glob=["sub/*.md"]) == ["docs/sub/c.md"]
    assert found(tree, glob=["/*.md"]) == ["docs/b.md"]


def test_exclude_patterns_follow_gitignore(tree: Path) -> None:
    assert found(tree, exclude=["*", "!*.txt"]) == ["docs/a.txt"]
    assert found(tree, exclude=["sub/", "*.lock", "q*"]) == ["docs/a.txt", "docs/b.md"]


def test_a_gitignore_is_honoured_and_a_deeper_one_overrules_it(tree: Path) -> None:
    write(tree / ".gitignore", "# comment\n*.md\n")
    assert found(tree) == ["docs/a.txt"]
    write(tree / "sub/.gitignore", "!c.md\n")
    assert found(tree) == ["docs/a.txt", "docs/sub/c.md"]


def test_a_gitignore_can_not_open_what_the_settings_exclude(tree: Path) -> None:
    write(tree / ".gitignore", "!.env\n!questions.jsonl\n")
    write(tree / ".env", "SECRET=1")
    assert found(tree) == ["docs/a.txt", "docs/b.md", "docs/sub/c.md"]


def test_a_file_that_is_named_is_read_whatever_the_patterns_say(tree: Path) -> None:
    assert found(tree / "questions.jsonl") == ["docs/questions.jsonl"]


def test_files_named_twice_are_read_once(tree: Path) -> None:
    assert found(tree / "b.md", tree, tree / "sub", Path("docs/b.md")) == [
        "docs/a.txt",
        "docs/b.md",
        "docs/sub/c.md",
    ]


def test_a_path_that_does_not_exist_is_an_error_with_a_hint(tree: Path) -> None:
    with pytest.raises(IngestError, match="docs/nowhere does not exist") as caught:
        discover([tree / "nowhere"], IngestConfig())
    assert caught.value.hint


def test_links_never_lead_out_of_the_folder(tree: Path, tmp_path: Path) -> None:
    write(tmp_path / "secret/key.md")
    (tree / "file.md").symlink_to(tmp_path / "secret/key.md")
    (tree / "folder").symlink_to(tmp_path / "secret")
    (tree / "broken.md").symlink_to(tmp_path / "gone.md")
    (tree / "loop").symlink_to(tree)
    (tree / "again.md").symlink_to(tree / "b.md")
    outside = "link leads outside the ingested folders"
    assert found(tree) == ["docs/a.txt", "docs/b.md", "docs/sub/c.md"]
    assert skipped(tree) == {
        "docs/file.md": outside,
        "docs/folder": outside,
        "docs/broken.md": "broken link",
    }


def test_pipes_and_large_files_are_passed_over(tree: Path) -> None:
    os.mkfifo(tree / "pipe.md")
    write(tree / "large.txt", "x" * 2_000_001)
    assert skipped(tree, max_file_mb=2) == {
        "docs/pipe.md": "not a regular file",
        "docs/large.txt": "larger than 2 MB",
    }
    assert skipped(tree / "pipe.md") == {"docs/pipe.md": "not a regular file"}


def test_a_name_that_could_steer_the_terminal_is_passed_over_and_shown_escaped(tree: Path) -> None:
    write(tree / "a\x1b[31m.md")
    (name,) = skipped(tree)
    assert "\x1b" not in name
    assert "\\x1b" in name


@pytest.mark.parametrize("database", ["chroma.sqlite3", "sources.sqlite3"])
def test_an_index_inside_the_folder_is_not_a_document(tree: Path, database: str) -> None:
    write(tree / "index" / database)
    write(tree / "index/manifest.json", "{}")
    assert "docs/index/manifest.json" not in found(tree)


def test_a_source_is_named_from_the_working_folder_or_absolutely(tree: Path, tmp_path: Path) -> None:
    assert source_name(Path("docs/../docs/b.md")) == "docs/b.md"
    assert source_name(tree / "b.md") == "docs/b.md"
    assert source_name(tmp_path.parent / "other.md") == (tmp_path.parent / "other.md").as_posix()
