"""Gold that is not in the index is named with its reason, or a question would be silently left out."""

from __future__ import annotations

import pytest

from ragcli.evaluation.missing import described, missing_gold
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
        ((), ("fires at 1300 degrees",), ["q: fires at 1300 degrees: in no passage of the index"]),
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


def test_a_question_without_an_answer_on_purpose_misses_nothing() -> None:
    assert missing_gold([Question("q", "?", answerable=False)], CHUNKS) == ()


def test_long_evidence_is_shortened() -> None:
    line = described(missing_gold([Question("q", "?", evidence=("word " * 40,))], CHUNKS)[0])
    assert line.endswith("word…: in no passage of the index")
    assert len(line) < 110
