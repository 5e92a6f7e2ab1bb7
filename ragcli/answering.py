"""One arm: candidates in their final order become an answer with citations."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from ragcli import prompting
from ragcli.config import Config
from ragcli.encoders.bi_encoder import BiEncoder
from ragcli.encoders.reranking import Reranker
from ragcli.errors import LLMError
from ragcli.llm.client import LLM, Generation
from ragcli.stopwatch import Stopwatch
from ragcli.types import Answer, Candidate, Context, MissedThreshold, Usage

OnText = Callable[[str], None]

NO_CONTEXT = Context(passages=(), messages=(), tokens=0, budget=0)
ASKED_WHETHER, FIRST_TOKEN, REST = "answerable", "first token", "answer"
GENERATION = (ASKED_WHETHER, FIRST_TOKEN, REST)
"""The stages in which the LLM works."""


def pack(
    question: str,
    candidates: Sequence[Candidate],
    *,
    config: Config,
    llm: LLM,
    watch: Stopwatch,
    score_texts: prompting.ScoreTexts,
    chunks_of: prompting.ChunksOf,
) -> Context:
    """The prompt. `score_texts` chooses the sentences of a small LLM's prompt: see `sentence_scorer`.
    `chunks_of` gives all chunks of a source.

    Raises ConfigError when the LLM's window is too small.
    """
    with watch.stage("context"):
        return prompting.build_context(
            question,
            candidates,
            top_k=config.retrieval.top_k,
            config=config.prompt,
            llm=config.llm,
            count_tokens=llm.count_tokens,
            score_texts=score_texts,
            chunks_of=chunks_of,
        )


def answer(
    question: str,
    candidates: Sequence[Candidate],
    context: Context,
    *,
    config: Config,
    llm: LLM,
    watch: Stopwatch,
    on_text: OnText | None = None,
) -> Answer:
    """Asks and cites; touches no encoder. Raises LLMError if the answer is incomplete.

    If `min_answerable` is set, the LLM is asked first whether the passages answer the question.
    """
    begun = prompting.is_begun(config.prompt, config.llm)
    stop = prompting.stop_marks(config.prompt) if begun else ()
    least = config.prompt.min_answerable or 0.0
    with llm.turn():
        if least and (probability := _probability_of_an_answer(context, llm, watch)) < least:
            missed = MissedThreshold("prompting.min_answerable", probability, least)
            declined = abstention(question, candidates, missed, config=config, watch=watch)
            return replace(declined, context=context)
        generation = _listen(llm.stream(context.messages, stop=stop, goes_on=bool(least)), watch, on_text)
    text = generation.text
    if config.prompt.style == "sentences":
        text = prompting.quotation(text, context.passages, begun=begun)
    if prompting.is_abstention(text):
        cited = prompting.Cited(prompting.NO_ANSWER, (), ())
    else:
        cited = prompting.cite(text, context, config.prompt, question=question)
    if not prompting.says_something(cited.text) or (generation.cut_off and prompting.runs_on(text)):
        raise LLMError(
            "The LLM did not write an answer.",
            hint="Ask again, rephrase the question, or use a larger model: llm.model.",
            partial=generation.text,
        )
    return Answer(
        question=question,
        text=cited.text,
        abstained=cited.text == prompting.NO_ANSWER,
        citations=cited.citations,
        unknown_citations=cited.unknown,
        context=context,
        candidates=tuple(candidates),
        reranked=_scored(candidates),
        model=config.llm.model,
        usage=generation.usage,
        timings=watch.timings,
        cut_off=generation.cut_off,
        reasoning=generation.reasoning,
        not_sent=llm.refused_fields,
    )


def _probability_of_an_answer(context: Context, llm: LLM, watch: Stopwatch) -> float:
    with watch.stage(ASKED_WHETHER):
        return llm.probability_of_yes(prompting.whether_answered(context.messages))


def sentence_scorer(embedder: BiEncoder, reranker: Reranker | None = None) -> prompting.ScoreTexts:
    """How an arm scores sentences: in the same way as its passages, so that two arms do not differ otherwise.

    Without `reranker`: the bi-encoder's similarity. With it: logit + prior x similarity.
    """

    def similarities(question: str, texts: Sequence[str]) -> list[float]:
        vector = embedder.embed([question], query=True)[0]
        return [float(similarity) for similarity in embedder.embed(texts) @ vector]

    if reranker is None:
        return similarities

    def scores(question: str, texts: Sequence[str]) -> list[float]:
        weight = reranker.prior.weight_for(question)
        pairs = zip(reranker.logits(question, texts), similarities(question, texts), strict=True)
        return [logit + weight * similarity for logit, similarity in pairs]

    return scores


def abstention(
    question: str,
    candidates: Sequence[Candidate],
    missed: MissedThreshold | None,
    *,
    config: Config,
    watch: Stopwatch,
) -> Answer:
    """The answer without asking the LLM for one, because of the threshold that was missed."""
    return Answer(
        question=question,
        text=prompting.NO_ANSWER,
        abstained=True,
        citations=(),
        unknown_citations=(),
        context=NO_CONTEXT,
        candidates=tuple(candidates),
        reranked=_scored(candidates),
        model=config.llm.model,
        usage=Usage(0, 0),
        timings=watch.timings,
        declined_by=missed,
    )


def shared(twin: Answer, candidates: Sequence[Candidate], context: Context, watch: Stopwatch) -> Answer:
    """The answer of another arm with the same prompt, with the LLM's timings."""
    generated = tuple(timing for timing in twin.timings if timing.stage in GENERATION)
    return replace(
        twin,
        context=context,
        candidates=tuple(candidates),
        reranked=_scored(candidates),
        timings=(*watch.timings, *generated),
    )


def _scored(candidates: Sequence[Candidate]) -> bool:
    return all(candidate.rank is not None for candidate in candidates)


def _listen(generation: Generation, watch: Stopwatch, on_text: OnText | None) -> Generation:
    """Reads the whole generation. FIRST_TOKEN is the wait for its first piece, REST the time after it."""
    start = time.perf_counter()
    stage = FIRST_TOKEN
    for piece in generation:
        if piece:
            now = time.perf_counter()
            watch.add(stage, now - start)
            start, stage = now, REST
        if on_text is not None:
            on_text(piece)
    watch.add(stage, time.perf_counter() - start)
    return generation
