"""One passage becomes one draft, or the reason why not: the LLM writes, and is asked whether it holds."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from ragcli.drafting import filters, prompts
from ragcli.drafting.records import Draft, Gold, Kind, Reason, Rejection
from ragcli.drafting.vagueness import Vocabulary
from ragcli.evaluation.overlap import content_words
from ragcli.evaluation.relevance import flat
from ragcli.text.sentences import split_sentences
from ragcli.types import Candidate, Chunk, Message

JUDGED = 2
"""The candidates of each order, best first, that the LLM is asked about: does it answer the question too?"""


class Tools(Protocol):
    """An LLM, a search whose candidates have the ranks of both encoders, and the cross-encoder's logits; an
    `opening.OpenTools` has them.
    """

    def ask(self, messages: Sequence[Message], schema: prompts.Schema | None = None) -> str: ...
    def search(self, question: str) -> Sequence[Candidate]: ...
    def score(self, question: str, texts: Sequence[str]) -> Sequence[float]: ...


def draft(
    chunk: Chunk, kind: Kind, tools: Tools, earlier: Collection[str], vocabulary: Vocabulary
) -> Draft | Rejection:
    """`earlier`: the questions that there are already; `vocabulary`: that of the index. What costs nothing is
    looked at first.

    The LLM must read the same answer out of the passage: the round trip of Alberti et al. (2019), "Synthetic
    QA corpora generation with roundtrip consistency".
    """
    if kind == "unanswerable":
        return _unanswerable(chunk, tools, earlier, vocabulary)
    reply = tools.ask(prompts.fact_messages(chunk), prompts.schema("quotation", "answer"))
    written = prompts.read_object(reply, "quotation", "answer")
    if written is None or not written[1]:
        return Rejection("unreadable")
    answer = written[1]
    quotation = filters.verbatim(written[0], chunk.text)
    if not quotation:
        return Rejection("quotation not found")
    if not filters.may_state(quotation, answer):
        return Rejection("answer not in its quotation")
    own = Gold(chunk.source, quotation)
    asked = prompts.read_question(tools.ask(prompts.question_messages(chunk, quotation, answer)))
    question = _specified(asked, chunk, tools, vocabulary)
    if _is_too_alike(question, kind, chunk):
        question = _reworded(question, chunk, tools)
    if reason := _ruled_out(question, answer, chunk, earlier, vocabulary):
        return Rejection(reason, question)
    if _is_too_alike(question, kind, chunk):
        return Rejection("not in other words", question)
    if filters.agrees(tools.ask(prompts.closed_book_messages(question)), answer):
        return Rejection("answerable without the documents", question)
    if not filters.agrees(tools.ask(prompts.reading_messages(question, chunk)), answer):
        return Rejection("not answered by its passage", question)
    rivals = _rivals(tools.search(question), chunk)
    return Draft(kind, question, answer, (own, *_also_answering(question, answer, rivals, own, tools)))


def _unanswerable(
    chunk: Chunk, tools: Tools, earlier: Collection[str], vocabulary: Vocabulary
) -> Draft | Rejection:
    asked = prompts.read_question(tools.ask(prompts.detail_messages(chunk)))
    question = _specified(asked, chunk, tools, vocabulary)
    if reason := _ruled_out(question, "", chunk, earlier, vocabulary):
        return Rejection(reason, question)
    best = [chunk, *(candidate.chunk for candidate in _rivals(tools.search(question), chunk))]
    if any(_answers(question, one, tools) for one in best):
        return Rejection("answered by the index", question)
    return Draft("unanswerable", question, "", ())


def _ruled_out(
    question: str, answer: str, chunk: Chunk, earlier: Collection[str], vocabulary: Vocabulary
) -> Reason | None:
    # A small LLM asks about the example's library where the passage speaks of none.
    if content_words(question) & (prompts.EXAMPLE_SUBJECT - content_words(chunk.passage)):
        return "of the prompt's example"
    return filters.unusable(question, answer, earlier, vocabulary)


def _specified(question: str, chunk: Chunk, tools: Tools, vocabulary: Vocabulary) -> str:
    """The question, or what the LLM makes of one that does not say what it is about."""
    if not filters.is_unclear(question, vocabulary):
        return question
    return prompts.read_question(tools.ask(prompts.specify_messages(question, chunk)))


def _is_too_alike(question: str, kind: Kind, chunk: Chunk) -> bool:
    if kind == "paraphrased" and not filters.in_other_words(question, chunk.text):
        return True
    return filters.copies(question, chunk.text)


def _reworded(question: str, chunk: Chunk, tools: Tools) -> str:
    avoided = filters.shared_words(question, chunk.text)
    return prompts.read_question(tools.ask(prompts.reword_messages(question, avoided)))


def _answers(question: str, chunk: Chunk, tools: Tools) -> bool:
    return prompts.says_yes(tools.ask(prompts.judge_messages(question, chunk)))


def _rivals(candidates: Sequence[Candidate], own: Chunk) -> list[Candidate]:
    """The best of both orders but for the passage itself, none of them twice."""
    others = [candidate for candidate in candidates if candidate.chunk.id != own.id]
    dense = sorted(others, key=lambda candidate: candidate.base_rank)
    reranked = sorted(others, key=lambda candidate: candidate.rank or 0)
    best = {candidate.chunk.id: candidate for candidate in (*dense[:JUDGED], *reranked[:JUDGED])}
    return list(best.values())


def _also_answering(
    question: str, answer: str, rivals: Sequence[Candidate], own: Gold, tools: Tools
) -> list[Gold]:
    """What holds the quotation answers. Where a sentence has the words of the answer, the LLM is asked: small
    ones say yes to too much else.
    """
    found = []
    for rival in rivals:
        source, text = rival.chunk.source, rival.chunk.text
        if flat(own.quotation) in flat(text):
            found.append(Gold(source, own.quotation))
            continue
        sentences = [text[start:end] for start, end in split_sentences(text)]
        stating = [sentence for sentence in sentences if filters.may_state(sentence, answer)]
        if stating and _answers(question, rival.chunk, tools):
            found.append(Gold(source, _best(question, stating, tools)))
    return found


def _best(question: str, sentences: Sequence[str], tools: Tools) -> str:
    """The one that the cross-encoder finds likeliest to answer."""
    scores = tools.score(question, sentences)
    return sentences[max(range(len(sentences)), key=scores.__getitem__)]
