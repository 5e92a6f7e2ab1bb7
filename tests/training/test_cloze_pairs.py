"""The recipe's topical pairs: a part of a passage asks for the rest of it."""

from __future__ import annotations

import importlib.util
import random
from pathlib import Path
from types import ModuleType

import pytest

PASSAGE = (
    "The lace plant makes holes in its leaves. Cells between the veins die in a fixed order. "
    "The mitochondria of these cells slow down first. A ring of living cells always remains. "
    "The leaf then floats with less resistance to the water."
)


@pytest.fixture(scope="module")
def cloze() -> ModuleType:
    path = Path(__file__).parents[2] / "recipes" / "cloze_pairs.py"
    spec = importlib.util.spec_from_file_location("cloze_pairs", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kind", ["paragraph", "sentence"])
def test_query_and_rest_are_the_passage(cloze: ModuleType, kind: str, seed: int) -> None:
    query, rest = cloze.take_out(PASSAGE, kind, random.Random(seed))
    assert query not in rest
    before, _, after = PASSAGE.partition(query)
    assert rest == f"{before.strip()} {after.strip()}".strip()


@pytest.mark.parametrize("seed", range(8))
def test_keywords_are_the_content_words_of_one_sentence(cloze: ModuleType, seed: int) -> None:
    query, rest = cloze.take_out(PASSAGE, "keywords", random.Random(seed))
    words = query.split()
    assert 3 <= len(words) <= 10
    assert not {"the", "of", "with", "in"} & set(words)
    removed = next(sentence for sentence in PASSAGE.split(". ") if sentence.strip(".") not in rest)
    assert set(words) <= set(removed.lower().strip(".").split())


def test_a_passage_of_two_sentences_is_too_short(cloze: ModuleType) -> None:
    assert (
        cloze.take_out("One sentence stands here alone. Another follows it.", "sentence", random.Random(1))
        is None
    )


def test_the_same_rows_give_the_same_file(cloze: ModuleType) -> None:
    rows = [
        {"q": "?", "pos": f"{PASSAGE} Number {n}. {PASSAGE} {PASSAGE}", "group": str(n)} for n in range(20)
    ]
    assert list(cloze.cloze_rows(rows)) == list(cloze.cloze_rows(rows))
    assert {row["group"] for row in cloze.cloze_rows(rows)} <= {str(n) for n in range(20)}


def test_a_neighbour_is_another_passage_of_the_document_and_no_window_of_the_same_text(
    cloze: ModuleType,
) -> None:
    other = "Rivers carry sand to the sea, and the sea carries it along the coast to other beaches."
    window = "and more. " + PASSAGE[40:]
    assert cloze.neighbour(PASSAGE, [PASSAGE, window, other], random.Random(1)) == other
    assert cloze.neighbour(PASSAGE, [PASSAGE, window], random.Random(1)) is None
