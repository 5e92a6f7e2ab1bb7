"""`ragcli explain`: which passages it takes, what it prints, and what it says of a wrong one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_helper import run

QUESTION = "Who did Atlas hold up above the Earth in 1962?"
TEXTS = {
    "rocket.md": "# Atlas rockets\n\nOn 20 February 1962 one lifted John Glenn, who circled the Earth.\n",
    "book.md": "# Atlas (book)\n\nAn atlas is held up to the light; the Earth is drawn in it.\n",
    "titan.md": "# Atlas (titan)\n\nAtlas holds up the sky, and not the Earth as many believe.\n",
    "soup.md": "# Soup\n\nBoil the leeks for an hour.\n",
}


@pytest.fixture(scope="module", autouse=True)
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("explain")
    for name, text in TEXTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert run("ingest", ".").status == 0
        yield


def explained(*args: str) -> dict:  # type: ignore[type-arg]
    outcome = run("explain", QUESTION, *args, "--json")
    assert outcome.status == 0, outcome.stderr
    return dict(json.loads(outcome.stdout))


def test_without_a_passage_the_first_of_each_order_is_explained() -> None:
    search = json.loads(run("search", QUESTION, "--json").stdout)["candidates"]
    base = min(search, key=lambda candidate: candidate["base_rank"])
    wanted = list(dict.fromkeys([search[0]["source"], base["source"]]))
    assert [passage["source"] for passage in explained()["passages"]] == wanted


def test_a_rank_or_a_document_names_the_passage() -> None:
    (second,) = explained("2")["passages"]
    assert second["rank"] == 2
    (soup,) = explained("soup.md")["passages"]
    assert soup["source"] == "soup.md"


def test_spans_and_scores_are_those_of_the_texts() -> None:
    found = explained("rocket.md")
    (rocket,) = found["passages"]
    text, changes = rocket["passage"], rocket["cross_encoder"]["passage_words"]
    assert {text[word["start"] : word["end"]] for word in changes} >= {"1962", "Glenn", "Earth"}
    assert rocket["cross_encoder"]["score"] == pytest.approx(rocket["logit"], abs=0.02)
    assert rocket["bi_encoder"]["score"] == pytest.approx(rocket["similarity"], abs=1e-3)
    asked = found["question"]
    assert [asked[w["start"] : w["end"]] for w in rocket["cross_encoder"]["question_words"]][:3] == [
        "Who",
        "did",
        "Atlas",
    ]


def test_a_document_beyond_the_candidates_is_explained_all_the_same() -> None:
    (soup,) = explained("soup.md", "--candidates", "1")["passages"]
    assert soup["rank"] is None
    shown = run("explain", QUESTION, "soup.md", "--candidates", "1").stdout
    assert "Not among the candidates." in shown


@pytest.mark.parametrize(
    ("passage", "status", "message"),
    [
        ("9", 2, "There is no passage 9."),
        ("0", 2, "There is no passage 0."),
        ("x.md", 3, "No document matches"),
    ],
)
def test_a_passage_that_is_not_there_is_named(passage: str, status: int, message: str) -> None:
    outcome = run("explain", QUESTION, passage)
    assert outcome.status == status
    assert message in outcome.stderr
    assert outcome.stdout == ""


def test_the_page_shows_both_readings_and_runs_nothing(tmp_path: Path) -> None:
    page = tmp_path / "why.html"
    assert run("explain", "<b>Who</b> did Atlas hold up in 1962?", "1", "--report", str(page)).status == 0
    text = page.read_text(encoding="utf-8")
    assert "Cross-encoder: logit" in text
    assert "Bi-encoder: similarity" in text
    assert "15, 40 and 75 % of the text's largest change" in text
    assert (
        len(re.findall(r"Largest change: \d+\.\d{2,3} in the question, \d+\.\d{2,3} in the passage", text))
        == 2
    )
    assert "<b>Who" not in text
    assert "<script" not in text
    refused = run("explain", QUESTION, "--report", str(tmp_path / "why.pdf"))
    assert (refused.status, refused.stdout) == (2, "")
