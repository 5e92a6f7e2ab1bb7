"""Whatever documents and questions say, the prompt keeps its structure: property tests over both styles."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import hostile
import records
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ragcli.config import LLMConfig, PromptingConfig
from ragcli.prompting import build_context, cite
from ragcli.prompting.fencing import FENCE, neutralise, one_line
from ragcli.prompting.marks import find_marks
from ragcli.types import Candidate, Context

LLM = LLMConfig(context_tokens=100_000)
PASSAGES = PromptingConfig(style="passages", citations="model")
SENTENCES = PromptingConfig(style="sentences")
CONTROL_TOKENS = re.compile(
    r"<\s*[|｜]|[|｜]\s*>|\[\s*/?\s*(?:INST|TOOL_CALLS)\s*\]|<<\s*/?\s*SYS\s*>>|<\s*/?\s*(?:s|think|eos)\s*>",
    re.IGNORECASE,
)
FENCES = re.compile(rf"<\s*/?\s*{FENCE}\b", re.IGNORECASE)
# A subscript, as in grid[0][1], may stay: it directly follows a name, and no citation does.
MARKS = re.compile(r"(?<![A-Za-z0-9_\]])\[\s*\d{1,3}\s*[\]】]|【\s*\d{1,3}\s*[\]】]")


def marks(text: str) -> list[object]:
    return [*MARKS.findall(text), *find_marks(text, range(1000))]


AROUND_MARKS = ("month", "a", "x_1", "[1]", "[2, 3]", "[1-3]", "【1】", "[ 4 ]", *" \n.,=(]`")
EVERYTHING = "".join(hostile.PIECES)


def candidates(texts: Sequence[str]) -> list[Candidate]:
    """Texts, titles and headings all come from the attacker."""
    return [
        replace(
            candidate,
            chunk=replace(
                candidate.chunk,
                id=str(number),
                text=text,
                title=text,
                headings=(text, "Heading"),
                end=len(text),
            ),
        )
        for number, (candidate, text) in enumerate(zip(records.base_candidates(), texts, strict=False))
    ]


def context(question: str, texts: Sequence[str], config: PromptingConfig) -> Context:
    return build_context(
        question,
        candidates(texts),
        top_k=4,
        config=config,
        llm=LLM,
        count_tokens=lambda text: len(text.split()),
        score_texts=lambda _, sentences: [float(len(sentence)) for sentence in sentences],
    )


documents = st.lists(hostile.texts | st.text(max_size=40), min_size=1, max_size=4)


@settings(max_examples=50)
@given(question=hostile.texts, texts=documents)
@example(question=EVERYTHING, texts=[EVERYTHING] * 4)
def test_passages_stay_inside_their_fences(question: str, texts: list[str]) -> None:
    found = context(question, texts, PASSAGES)
    system, user = (message.content for message in found.messages)
    assert system == context("?", ["x"], PASSAGES).messages[0].content
    body, _, asked = user.rpartition("\n\nQuestion: ")
    assert "\n" not in asked
    fences = re.findall(rf'^<{FENCE} number="(\d+)" title="[^"\n]*">$', body, flags=re.MULTILINE)
    assert fences == [str(passage.number) for passage in found.passages]
    assert len(FENCES.findall(user)) == 2 * len(found.passages)
    assert body.count(f"</{FENCE}>") == len(found.passages)
    inside = re.sub(rf'^<{FENCE} number="\d+" title="', "", body, flags=re.MULTILINE) + asked
    assert not CONTROL_TOKENS.search(inside)
    assert not marks(inside)
    assert not hostile.RAW.search(user.replace("\t", ""))


@settings(max_examples=50)
@given(question=hostile.texts, texts=documents)
@example(question=EVERYTHING, texts=[EVERYTHING] * 4)
def test_chosen_sentences_are_a_line_each(question: str, texts: list[str]) -> None:
    found = context(question, texts, SENTENCES)
    user = found.messages[1].content
    lines = user.split("\n")
    assert lines[0] == "Context:"
    assert lines[-2] == ""
    assert lines[-1].startswith("Question: ")
    assert len(lines) == 3 + max(1, len(found.passages))
    facts = "\n".join(lines[1:-2])
    assert '"' not in facts
    assert not CONTROL_TOKENS.search(user)
    assert not FENCES.search(user)
    assert not marks(user)
    assert not hostile.RAW.search(user)


@settings(max_examples=100)
@given(text=hostile.texts | st.text())
def test_neutral_text_stays_as_it_is(text: str) -> None:
    """Otherwise a second pass could find what the first one made."""
    assert neutralise(neutralise(text)) == neutralise(text)
    assert one_line(one_line(text)) == one_line(text)


@settings(max_examples=200)
@given(st.lists(st.sampled_from(AROUND_MARKS), max_size=8))
@example(["month", "[1]", "[1]", "("])
def test_what_stays_in_brackets_is_no_citation(pieces: list[str]) -> None:
    text = "".join(pieces)
    assert not marks(neutralise(text))
    assert neutralise(neutralise(text)) == neutralise(text)
    assert one_line(one_line(text)) == one_line(text)


@settings(max_examples=30)
@given(texts=documents, written=hostile.texts)
def test_no_citation_but_of_a_passage_that_was_given(texts: list[str], written: str) -> None:
    """A document may make the LLM write any number: an unknown one is dropped and reported."""
    found = context("?", texts, PASSAGES)
    cited = cite(f"{written} [1] [{len(found.passages) + 1}] [999]", found, PASSAGES)
    known = {passage.number for passage in found.passages}
    assert {citation.number for citation in cited.citations} <= known
    assert 999 in cited.unknown
    assert not set(cited.unknown) & known
