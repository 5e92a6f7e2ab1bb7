"""Gold that is not in the index is named with its reason, or a question would be silently left out."""

from __future__ import annotations

import pytest

from ragcli.evaluation.missing import described, missing_gold
from ragcli.evaluation.nearest import (
    ACROSS_TWO,
    IN_NONE,
    LEFT_OUT,
    NOT_WORD_FOR_WORD,
    OTHER_MARKS,
    nearest_passage,
)
from ragcli.evaluation.questions import Question
from ragcli.types import Chunk


def chunk(source: str, text: str, title: str, *headings: str) -> Chunk:
    return Chunk(f"{source}/{text}", source, 0, title, headings, text, 0, len(text), 1, 1, None, None, 9)


CHUNKS = (
    chunk("docs/leave.md", "Parents take twelve weeks on full pay.", "Leave", "Parental leave"),
    chunk("docs/leave.md", "Ask your manager first.", "Leave", "How to ask"),
    chunk("docs/kiln.md", "It fires at 1240 degrees.", "The kiln"),
)


@pytest.mark.parametrize(
    ("relevant", "evidence", "expected"),
    [
        ((), (), ["q: it has neither 'relevant' nor 'evidence'"]),
        (("kiln.md",), (), []),
        (
            ("docs/leaves.md",),
            (),
            ["q: docs/leaves.md: no such document in the index (did you mean docs/leave.md?)"],
        ),
        (
            ("old/Kiln.md",),
            (),
            ["q: old/Kiln.md: no such document in the index (did you mean docs/kiln.md?)"],
        ),
        (("zebra.pdf",), (), ["q: zebra.pdf: no such document in the index"]),
        (
            ("leave.md#Parent leave",),
            (),
            ["q: leave.md#Parent leave: no such heading in docs/leave.md (did you mean Parental leave?)"],
        ),
        ((), ("paints it blue",), ["q: paints it blue: in no passage of the index"]),
        (
            (),
            ("fires at 1300 degrees",),
            [
                "q: fires at 1300 degrees: in no passage word for word"
                ' (nearest: docs/kiln.md, "It fires at 1240 degrees.")',
            ],
        ),
        (
            ("docs",),
            ("ask your manager",),
            [
                "q: docs: a folder (2 documents in the index), where a document is wanted"
                " (did you mean docs/leave.md?)",
                "q: ask your manager: in no passage of its relevant documents (did you mean docs/leave.md?)",
            ],
        ),
        (
            ("leave.md",),
            ("fires at 1240 degrees",),
            [
                "q: fires at 1240 degrees: in no passage of its relevant documents"
                " (did you mean docs/kiln.md?)",
            ],
        ),
        # The question is measured, but a document that it names does not exist.
        (("kiln.md", "zebra.pdf"), (), ["q: zebra.pdf: no such document in the index"]),
        # One of several wordings is enough.
        ((), ("twelve weeks", "12 weeks"), []),
    ],
)
def test_each_is_named_with_the_reason_and_the_nearest_name(
    relevant: tuple[str, ...], evidence: tuple[str, ...], expected: list[str]
) -> None:
    question = Question("q", "?", relevant=relevant, evidence=evidence)
    assert [described(gap) for gap in missing_gold([question], CHUNKS)] == expected


def test_a_question_that_is_measured_all_the_same_misses_a_phrase_where_every_one_is_asked_for() -> None:
    question = Question("q", "?", evidence=("twelve weeks", "12 weeks"))
    gaps = missing_gold([question], CHUNKS, every_phrase=True)
    assert [(gap.gold, gap.key) for gap in gaps] == [("12 weeks", "evidence")]


@pytest.mark.parametrize(
    ("phrase", "reason", "words"),
    [
        ("“twelve weeks”", OTHER_MARKS, "Parents take twelve weeks on full pay."),
        (
            "the _twelve_, weeks; on [full](pay.md) pay",
            NOT_WORD_FOR_WORD,
            "Parents take twelve weeks on full pay.",
        ),
        ("twelve weeks, on full pay", OTHER_MARKS, "Parents take twelve weeks on full pay."),
        ("on full pay. Ask your", ACROSS_TWO, "Parents take twelve weeks on full pay."),
        ("Parents … on full pay", LEFT_OUT, "Parents take twelve weeks on full pay."),
        ("Parents [...] on full pay", LEFT_OUT, "Parents take twelve weeks on full pay."),
        ("All parents take weeks on pay", NOT_WORD_FOR_WORD, "Parents take twelve weeks on full pay."),
        ("***", IN_NONE, ""),
    ],
)
def test_why_no_passage_holds_a_phrase(phrase: str, reason: str, words: str) -> None:
    found = nearest_passage(phrase, CHUNKS)
    assert (found.reason, found.words) == (reason, words)


def test_a_question_without_an_answer_on_purpose_misses_nothing() -> None:
    assert missing_gold([Question("q", "?", answerable=False)], CHUNKS) == ()


def test_long_evidence_is_shortened() -> None:
    line = described(missing_gold([Question("q", "?", evidence=("word " * 40,))], CHUNKS)[0])
    assert line.endswith("word…: in no passage of the index")
    assert len(line) < 110


def test_a_question_that_was_judged_misses_nothing() -> None:
    """Even where no passage was found to be relevant."""
    assert missing_gold([Question("q", "?", judged=((CHUNKS[0].id, 0.0),))], CHUNKS) == ()
    assert missing_gold([Question("q", "?", judged_by="a person")], CHUNKS) == (), "all were skipped"


def test_what_was_judged_relevant_in_part_may_be_gone() -> None:
    (gap,) = missing_gold([Question("q", "?", judged=(("gone", 0.5), (CHUNKS[0].id, 0.0)))], CHUNKS)
    assert gap.reason == "the passages that were judged relevant are not in the index any more"


def test_a_question_that_is_still_to_be_judged_misses_nothing_yet() -> None:
    assert missing_gold([Question("q", "?", left=3)], CHUNKS) == ()
