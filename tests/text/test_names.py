"""Names of files in either Unicode spelling: an accent as a character of its own, or part of the letter."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from cli_helper import run
from hypothesis import given
from hypothesis import strategies as st

from ragcli.store.metadata import matching
from ragcli.text.names import nfc, same_name

COMPOSED = unicodedata.normalize("NFC", "docs/Übersicht für Zoë.md")
APART = unicodedata.normalize("NFD", COMPOSED)


@given(st.text())
def test_all_spellings_of_a_text_are_one_name(text: str) -> None:
    spellings = [unicodedata.normalize(form, text) for form in ("NFC", "NFD")]
    assert all(same_name(text, spelling) for spelling in spellings)
    assert nfc(nfc(text)) == nfc(text)


@pytest.mark.parametrize("stored", [COMPOSED, APART])
@pytest.mark.parametrize("typed", [COMPOSED, APART])
@pytest.mark.parametrize("pattern", ["{}", "./{}", "docs/?bersicht*", "docs"])
def test_patterns_find_either(stored: str, typed: str, pattern: str) -> None:
    assert matching([stored, "docs2/x.md"], [pattern.format(typed)]) == [stored]


@pytest.mark.parametrize(("on_disk", "typed"), [(COMPOSED, APART), (APART, COMPOSED)])
def test_commands_take_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_disk: str, typed: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / on_disk).write_text("# Survey\n\nThe survey is for Zoë.\n", encoding="utf-8")
    assert run("ingest", "docs").status == 0
    shown = run("show", typed, "--json")
    assert shown.status == 0
    # The name as it is on the disk: another one would open nothing there.
    assert json.loads(shown.stdout)["source"] == on_disk
    found = json.loads(run("search", "survey", "--source", typed, "--json").stdout)
    assert len(found["candidates"]) == 1
    assert run("remove", typed).status == 0
    assert run("show", on_disk).status == 0, "the file is still there"


def test_two_files_whose_names_look_alike_are_two_documents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    for number, name in enumerate((COMPOSED, APART)):
        (tmp_path / name).write_text(f"Text {number}.", encoding="utf-8")
    if len(list((tmp_path / "docs").iterdir())) == 1:
        pytest.skip("this file system takes both for one name")
    run("ingest", "docs")
    listed = json.loads(run("list", "--json").stdout)
    assert {source["source"] for source in listed["sources"]} == {COMPOSED, APART}
