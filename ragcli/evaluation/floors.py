"""What a reranker must beat: the same candidates in an order that costs nothing. Pure."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from statistics import fmean

from ragcli.evaluation.arms import value
from ragcli.evaluation.judging import passage_text
from ragcli.evaluation.measures import MAIN
from ragcli.evaluation.metrics import dcg
from ragcli.evaluation.paired_tests import paired_difference
from ragcli.evaluation.records import JudgedQuestion
from ragcli.evaluation.results import Arm, Floor
from ragcli.retrieval.lexical import terms

DEPTH = 10


def floors(questions: Sequence[JudgedQuestion], base: Arm, arm: Arm) -> tuple[Floor, ...]:
    """A random order, by its expected nDCG@10, and BM25's. `arm` is what is held against them.

    BM25 counts words in the candidates of all these questions, so that a saved run has all it takes. It is
    left out where the SQLite of this Python cannot search for words, and where candidates have no text.
    """
    found = {
        "in random order": [expected_ndcg(q, order) for q, order in zip(questions, base.orders, strict=True)]
    }
    if any(candidate.text for question in questions for candidate in question.candidates):
        try:
            orders = list(bm25_orders(questions, base.orders))
        except sqlite3.OperationalError:
            orders = []
        if orders:
            found["by BM25"] = [value(MAIN, q, order) for q, order in zip(questions, orders, strict=True)]
    return tuple(
        Floor(name, fmean(values), paired_difference(values, arm.values[MAIN]))
        for name, values in found.items()
    )


def expected_ndcg(question: JudgedQuestion, order: Sequence[int]) -> float:
    """The mean over all orders of these candidates: each of them stands at each rank equally often."""
    if not order:
        return 0.0
    mean = fmean(question.candidates[place].gain for place in order)
    return mean * dcg([1.0] * len(order), DEPTH) / dcg(sorted(question.ideal, reverse=True), DEPTH)


def bm25_orders(
    questions: Sequence[JudgedQuestion], orders: Sequence[Sequence[int]]
) -> Iterator[tuple[int, ...]]:
    """Each order by BM25 as SQLite computes it (see `retrieval.lexical`); what shares no word with the
    question comes last, and ties keep the order given.
    """
    texts: dict[str, int] = {}
    for question in questions:
        for candidate in question.candidates:
            texts.setdefault(passage_text(candidate), len(texts))
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute(
            "CREATE VIRTUAL TABLE words USING fts5(text, tokenize = 'porter unicode61 remove_diacritics 2')"
        )
        database.executemany(
            "INSERT INTO words (rowid, text) VALUES (?, ?)", ((row, text) for text, row in texts.items())
        )
        for question, order in zip(questions, orders, strict=True):
            rows = {place: texts[passage_text(question.candidates[place])] for place in order}
            scores = _scores(database, question.text, list(rows.values()))
            yield tuple(sorted(order, key=lambda place: -scores.get(rows[place], 0.0)))


def _scores(database: sqlite3.Connection, question: str, rows: Sequence[int]) -> dict[int, float]:
    """By row, above 0; a row without a word of the question has none."""
    wanted = terms(question)
    if not wanted:
        return {}
    found = database.execute(
        "SELECT rowid, -bm25(words) FROM words"
        " WHERE words MATCH ? AND rowid IN (SELECT value FROM json_each(?))",
        (" OR ".join(f'"{word}"' for word in wanted), json.dumps(rows)),
    )
    return dict(found.fetchall())
