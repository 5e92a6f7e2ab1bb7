"""Both arms' answers to every question. A question whose answer fails is an error, and the run continues."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ragcli.config import Config
from ragcli.errors import LLMError
from ragcli.evaluation.questions import Question
from ragcli.evaluation.records import AnsweredQuestion, ArmAnswer
from ragcli.pipeline import open_pipeline
from ragcli.types import Answer

# After this many failures and no answer, the server is the reason, not the questions.
HOPELESS = 3


def answer_all(
    config: Config, questions: Sequence[Question], progress: Callable[[str, int, int], None] | None = None
) -> tuple[AnsweredQuestion, ...]:
    """One for each question. Raises LLMError if the first three all fail."""
    answered: list[AnsweredQuestion] = []
    with open_pipeline(config, bulk=True) as pipeline:
        for number, question in enumerate(questions, start=1):
            try:
                found = pipeline.compare(question.text)
                arms = (arm_answer(found.base), arm_answer(found.reranked))
                answered.append(AnsweredQuestion(question.id, *arms))
            except LLMError as error:
                answered.append(AnsweredQuestion(question.id, None, None, error.message))
                if number >= HOPELESS and all(one.error for one in answered):
                    raise
            if progress is not None:
                progress("answering", number, len(questions))
    return tuple(answered)


def arm_answer(answer: Answer | None) -> ArmAnswer | None:
    """The record of an arm's answer; its time is that of its own stages."""
    if answer is None:
        return None
    return ArmAnswer(
        text=answer.text,
        abstained=answer.abstained,
        cited=tuple(dict.fromkeys(citation.chunk_id for citation in answer.citations)),
        context=tuple(passage.candidate.chunk.id for passage in answer.context.passages),
        prompt_tokens=answer.usage.prompt_tokens,
        completion_tokens=answer.usage.completion_tokens,
        seconds=sum(timing.seconds for timing in answer.timings),
    )
