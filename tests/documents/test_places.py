"""From a file to the screen: a passage is shown with its place, in the words of its format."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_helper import Outcome, run
from office_files import opendocument, pptx, shape, sheet_rows, xlsx


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of four documents."""
    place = tmp_path_factory.mktemp("places")
    heat = shape("The kiln is heated to 1240 degrees.", y=9)
    slides = [shape("Welcome", kind="title"), shape("Firing", kind="title") + heat]
    rows = {1: ["Article", "Price"], 7: ["Cone", 3.5]}
    text = "<text:h>Rent</text:h><text:p>The rent of the workshop is 85 francs.</text:p>"
    mails = "From a\nFrom: a@x.example\nSubject: {}\n\n{}\n\n"
    files = {
        "deck.pptx": pptx(slides),
        "prices.xlsx": xlsx({"Sales": sheet_rows(rows)}),
        "lease.odt": opendocument("text", text),
        "mails.mbox": (mails.format("Hello", "x") + mails.format("Oven", "The oven is mended.")).encode(),
    }
    (place / "docs").mkdir()
    for name, data in files.items():
        (place / "docs" / name).write_bytes(data)
    (place / "config.toml").write_text(
        f'[store]\npath = "{(place / "index").as_posix()}"\n', encoding="utf-8"
    )
    assert ragcli(place, "ingest", str(place / "docs")).status == 0
    return place


def ragcli(folder: Path, *arguments: str) -> Outcome:
    return run(*arguments, "--config", str(folder / "config.toml"))


@pytest.mark.parametrize(
    ("question", "shown"),
    [
        ("How hot is the kiln?", "deck.pptx, slide 2"),
        ("What does a cone cost?", "prices.xlsx, row 7"),
        ("What is the rent of the workshop?", "lease.odt\n"),
        ("Is the oven mended?", "mails.mbox, message 2"),
    ],
)
def test_a_search_shows_the_place(folder: Path, question: str, shown: str) -> None:
    outcome = ragcli(folder, "search", question, "--no-rerank")
    first = outcome.stdout.split("\n2 ")[0]
    assert shown in "\n".join(line.rstrip() for line in first.split("\n"))


def test_json_says_it_in_words_and_in_numbers(folder: Path) -> None:
    outcome = ragcli(folder, "search", "What is the rent of the workshop?", "--no-rerank", "--json")
    found = {Path(one["source"]).name: one for one in json.loads(outcome.stdout)["candidates"]}
    keys = ("format", "line_start", "line_end", "page_start", "place")
    assert [found["lease.odt"][key] for key in keys] == ["odt", None, None, None, ""]
    assert [found["prices.xlsx"][key] for key in keys] == ["xlsx", 7, 7, None, "row 7"]


def test_a_filter_finds_the_documents_of_an_author(folder: Path) -> None:
    for retrieval in ("dense", "hybrid"):
        flags = ("--no-rerank", "--json", "--retrieval", retrieval, "--where", "author=Ada Lovelace")
        candidates = json.loads(ragcli(folder, "search", "rent", *flags).stdout)["candidates"]
        assert {Path(one["source"]).name for one in candidates} == {"deck.pptx", "prices.xlsx", "lease.odt"}
    outcome = ragcli(folder, "search", "rent", "--where", "athor=Ada Lovelace")
    assert outcome.status == 2
    assert "author, created" in outcome.stderr
