"""The recipe's help topics: what a program's help says below a title, asked by the title."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

MALLARD = """<page xmlns="http://projectmallard.org/1.0/" type="topic" id="suspend">
  <info>
    <title type="search">Suspending</title>
    <desc>Some computers do not wake up.</desc>
    <credit type="author"><name>Somebody</name></credit>
  </info>
  <title>Why does my computer not wake up?</title>
  <p>Its hardware may not support suspend.</p>
  <section id="again">
    <title>It happens every time</title>
    <p>Turn the computer off &amp; on.</p>
  </section>
</page>"""

DOCBOOK = """<?xml version="1.0" ?>
<!DOCTYPE book PUBLIC "-//KDE//DTD DocBook XML V4.5-Based Variant V1.1//EN" "dtd/kdedbx45.dtd" [
  <!ENTITY package "kdesdk">
  <!ENTITY % addindex "IGNORE">
]>
<book>
  <chapter><title>Opening a file</title><para>&kate; opens it&nbsp;at once.</para></chapter>
  <chapter><title>Questions</title><qandaset><qandaentry>
    <question><para>Where are my tabs?</para></question>
    <answer><para>Behind the sidebar.</para></answer>
  </qandaentry></qandaset></chapter>
</book>"""


@pytest.fixture(scope="module")
def help_pairs() -> Iterator[ModuleType]:
    folder = str(Path(__file__).parents[2] / "recipes")
    sys.path.insert(0, folder)
    yield importlib.import_module("help_pairs")
    sys.path.remove(folder)


def topics(help_pairs: ModuleType, package: Path, path: str, text: str) -> dict[str, str]:
    """Title -> text of a package with that one file."""
    file = package / path
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    return {" ".join(title.split()): " ".join(text.split()) for _, title, text in help_pairs.topics(package)}


def test_a_mallard_page_is_asked_by_its_titles_and_its_description(
    help_pairs: ModuleType, tmp_path: Path
) -> None:
    section = "Turn the computer off & on."
    page = f"Its hardware may not support suspend. It happens every time {section}"
    assert topics(help_pairs, tmp_path, "usr/share/help/C/guide/suspend.page", MALLARD) == {
        "Why does my computer not wake up?": page,
        "It happens every time": section,
        "Some computers do not wake up.": f"Why does my computer not wake up? {page}",
    }


def test_a_docbook_is_asked_by_its_questions_and_chapters(help_pairs: ModuleType, tmp_path: Path) -> None:
    assert topics(help_pairs, tmp_path, "usr/share/doc/HTML/en/kate/index.docbook", DOCBOOK) == {
        "Where are my tabs?": "Behind the sidebar.",
        "Opening a file": "kate opens it at once.",
    }


@pytest.mark.parametrize(
    "path", ["usr/share/help/de/guide/suspend.page", "usr/share/doc/HTML/de/kate/a.docbook"]
)
def test_translations_are_left_out(help_pairs: ModuleType, tmp_path: Path, path: str) -> None:
    assert topics(help_pairs, tmp_path, path, MALLARD if path.endswith("page") else DOCBOOK) == {}
