"""Ranking tasks: questions with the bi-encoder's candidates and the judgements, for measuring what a model
gains.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ragcli.encoders.prior import NO_PRIOR, Prior
from ragcli.evaluation.metrics import ndcg

if TYPE_CHECKING:
    from ragcli.training.mining import Embed

Score = Callable[[Sequence[str], Sequence[str]], Sequence[float]]


@dataclass(frozen=True, slots=True)
class RankingTask:
    """One question. `passages` are its candidates in the bi-encoder's order, `gains` their judged relevance.

    `ideal` holds all positive judgements of the question, those of passages not among the candidates too.
    `heading_similarities` are as in `types.Candidate`; empty if the passages have no headings.
    """

    question: str
    passages: tuple[str, ...]
    similarities: tuple[float, ...]
    gains: tuple[float, ...]
    ideal: tuple[float, ...]
    heading_similarities: tuple[float | None, ...] = ()


def ranking_tasks(
    questions: Mapping[str, str],
    corpus: Mapping[str, str],
    qrels: Mapping[str, Mapping[str, float]],
    embed: Embed,
    depth: int = 50,
) -> tuple[RankingTask, ...]:
    """A task for each question that has a positive judgement, over its `depth` nearest passages of the
    corpus.
    """
    import numpy as np

    judged = {q: text for q, text in questions.items() if any(g > 0 for g in qrels.get(q, {}).values())}
    names = list(corpus)
    vectors = embed([corpus[name] for name in names])
    queries = embed(list(judged.values()))
    tasks: list[RankingTask] = []
    for (query, question), vector in zip(judged.items(), queries, strict=True):
        row = vectors @ vector
        order = np.argsort(-row, kind="stable")[:depth]
        gains = qrels[query]
        tasks.append(
            RankingTask(
                question,
                tuple(corpus[names[i]] for i in order),
                tuple(float(row[i]) for i in order),
                tuple(max(0.0, gains.get(names[i], 0.0)) for i in order),
                tuple(gain for gain in gains.values() if gain > 0),
            )
        )
    return tuple(tasks)


def score_tasks(tasks: Sequence[RankingTask], score: Score) -> list[list[float]]:
    """The logits of every task's candidates, scored across tasks in one call."""
    questions = [task.question for task in tasks for _ in task.passages]
    logits = list(score(questions, [passage for task in tasks for passage in task.passages]))
    rows: list[list[float]] = []
    start = 0
    for task in tasks:
        rows.append([float(x) for x in logits[start : start + len(task.passages)]])
        start += len(task.passages)
    return rows


def ordered_gains(task: RankingTask, scores: Sequence[float]) -> list[float]:
    """Gains in the order of the scores; ties keep the bi-encoder's order."""
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    return [task.gains[i] for i in order]


def with_prior(task: RankingTask, logits: Sequence[float], prior: Prior) -> list[float]:
    weight = prior.weight_for(task.question)
    headings = task.heading_similarities or (None,) * len(task.similarities)
    return [
        logit + weight * prior.nearness(similarity, heading)
        for logit, similarity, heading in zip(logits, task.similarities, headings, strict=True)
    ]


def ndcg_per_question(
    tasks: Sequence[RankingTask], rows: Sequence[Sequence[float]], prior: Prior = NO_PRIOR
) -> list[float]:
    return [
        ndcg(ordered_gains(task, with_prior(task, row, prior)), task.ideal)
        for task, row in zip(tasks, rows, strict=True)
    ]


def base_ndcg(tasks: Sequence[RankingTask]) -> list[float]:
    return [ndcg(task.gains, task.ideal) for task in tasks]
