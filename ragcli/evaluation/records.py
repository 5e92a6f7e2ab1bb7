"""The records of an evaluation: frozen, plain, free of heavy imports. What was observed, then what follows.

    question file + index, or a BEIR folder -> JudgedQuestion ... -> Run (observed) -> Summary (computed)

Everything that belongs to a question is kept in the order of `Run.questions`. A candidate is named by its
place in `JudgedQuestion.candidates`; places count from 0, ranks from 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ragcli.encoders.prior import Prior
from ragcli.evaluation.paired_tests import Difference


@dataclass(frozen=True, slots=True)
class JudgedPassage:
    """A candidate. `location` is its title and headings, empty if there are none. `gain` is its judged
    relevance: 0 if it was judged irrelevant or not judged.
    """

    id: str
    source: str
    location: str
    text: str
    similarity: float
    gain: float


@dataclass(frozen=True, slots=True)
class JudgedQuestion:
    """A question and its candidates: in the order of the run's first retrieval, then those that only its
    other retrievals found.

    `ideal` has every positive judgement, including those of passages that are not candidates. If it is
    empty, ranking measures leave the question out (it may still have an answer, or none on purpose).
    """

    id: str
    text: str
    candidates: tuple[JudgedPassage, ...]
    ideal: tuple[float, ...]
    answers: tuple[str, ...] = ()
    answerable: bool = True
    grade: str = ""


RetrievalName = Literal["dense", "hybrid"]


@dataclass(frozen=True, slots=True)
class Retrieval:
    """One retrieval. `orders[q]` lists the places of the candidates that it found for question q."""

    name: RetrievalName
    orders: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Scoring:
    """One cross-encoder's logits: `logits[q][c]` is for question q and its candidate c.

    `pairs_cut` counts the pairs longer than `window` tokens, `tokens_cut` the tokens that they lost.
    """

    name: str
    fingerprint: str
    prior: Prior
    logits: tuple[tuple[float, ...], ...]
    window: int = 0
    pairs_cut: int = 0
    tokens_cut: int = 0


@dataclass(frozen=True, slots=True)
class ArmAnswer:
    """One arm's answer. `cited` and `context` are ids of passages, those of the prompt in its order."""

    text: str
    abstained: bool
    cited: tuple[str, ...]
    context: tuple[str, ...]
    prompt_tokens: int
    completion_tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class AnsweredQuestion:
    """Both arms' answers to the question of this id; None and an `error` if one failed."""

    question_id: str
    base: ArmAnswer | None
    reranked: ArmAnswer | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class StageSeconds:
    """Seconds of one stage for single questions, as `ragcli search` would take them. `depth` is the number of
    candidates if the stage depends on it, else 0. `model` counts the run's cross-encoders: 0 is the one
    that verdicts are about.
    """

    stage: str
    seconds: tuple[float, ...]
    depth: int = 0
    model: int = 0


@dataclass(frozen=True, slots=True)
class MissingGold:
    """Something that a question names but the index does not have; `gold` is empty if it names nothing.

    `nearest` is what may be meant: a document or a heading; empty if nothing is similar.
    """

    question_id: str
    gold: str
    reason: str
    nearest: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """What was observed. `scorings` has one entry per cross-encoder; verdicts are about the first.

    `retrievals` has one entry per retrieval, and verdicts are about the first; if it is empty, only the
    bi-encoder found the candidates, in their order.
    `answers` is empty if none were requested. `settings` is everything needed to run it again, as JSON.
    `others` are runs of the same questions with other bi-encoders: only the table of models shows them.
    """

    title: str
    embedder: str
    questions: tuple[JudgedQuestion, ...]
    scorings: tuple[Scoring, ...]
    depths: tuple[int, ...] = ()
    answers: tuple[AnsweredQuestion, ...] = ()
    seconds: tuple[StageSeconds, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    others: tuple[Run, ...] = ()
    retrievals: tuple[Retrieval, ...] = ()
    missing: tuple[MissingGold, ...] = ()


ArmKind = Literal["bi-encoder", "hybrid", "reranked", "cross-encoder alone"]


@dataclass(frozen=True, slots=True)
class Arm:
    """One way of ordering the candidates that a retrieval found, for every judged question. "bi-encoder" and
    "hybrid" are base orders: a retrieval's own.

    `orders[i]` lists the candidates' places, best first, of the i-th judged question; `values` maps a
    measure's name (`measures.MEASURES`) to one value per judged question, `means` to their mean.
    """

    name: str
    kind: ArmKind
    orders: tuple[tuple[int, ...], ...]
    values: Mapping[str, tuple[float, ...]]
    means: Mapping[str, float]
    retrieval: RetrievalName = "dense"


@dataclass(frozen=True, slots=True)
class MeasureContrast:
    """One measure in two arms, paired by question. `p_holm` is the p-value corrected over the measures."""

    measure: str
    before: float
    after: float
    difference: Difference
    p_holm: float


@dataclass(frozen=True, slots=True)
class Contrast:
    """An arm against the base order of its retrieval. `gap_closed` is the share of the gap between the base
    order's nDCG@10 and that of a perfect order of the same candidates; None if there is no gap.
    """

    arm: str
    kind: ArmKind
    measures: tuple[MeasureContrast, ...]
    gap_closed: float | None
    retrieval: RetrievalName = "dense"


@dataclass(frozen=True, slots=True)
class Step:
    """From one arm to another that differs in one thing: the retrieval, or whether (and by what) it is
    reranked. `row` is for nDCG@10, its `p_holm` corrected over the steps.
    """

    text: str
    row: MeasureContrast


@dataclass(frozen=True, slots=True)
class Moved:
    """How a passage moves between two orders: ranks count from 1."""

    passage: JudgedPassage
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class QuestionChange:
    """What reranking did to one question: nDCG@10 in both orders, and the passages that caused it (the
    relevant ones, and those that took or lost a place among the first ten).
    """

    question: JudgedQuestion
    before: float
    after: float
    moved: tuple[Moved, ...]


@dataclass(frozen=True, slots=True)
class DepthRow:
    """Quality and time if only the best `depth` candidates are reranked. `share_of_gain` is relative to
    the deepest row, None if that has no gain; `seconds` is the median of reranking one question.
    """

    depth: int
    ndcg: float
    difference: Difference
    share_of_gain: float | None
    seconds: float | None
    share_of_time: float | None


@dataclass(frozen=True, slots=True)
class Standing:
    """One way of ordering in a run of several models, against the order of the run's first bi-encoder.

    `arm.kind` says whether it is a bi-encoder's own order. `difference` is for nDCG@10, None for that first
    order itself; `p_holm` is corrected over all others. `seconds` is the median of embedding one question,
    or of reranking it.
    """

    embedder: str
    arm: Arm
    difference: Difference | None
    p_holm: float | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Latency:
    stage: str
    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a cross-encoder's scores that the mean does not show. `code` is for programs."""

    arm: str
    code: Literal["ties", "saturated", "cut", "unchanged", "not-a-number", "language"]
    text: str


@dataclass(frozen=True, slots=True)
class AnswerContrast:
    """A measure of answers in both arms. `questions` is their number."""

    measure: str
    questions: int
    before: float
    after: float
    difference: Difference
    p_holm: float


@dataclass(frozen=True, slots=True)
class Summary:
    """What follows from a run. `judged` are the questions of the ranking measures, in the run's order;
    `arms[0]` is the base order. `ceiling` is the nDCG@10 of a perfect order of the same candidates.

    If there are several retrievals, `arms` and `contrasts` have those of the first, then those of the next;
    `steps` says what each change of retrieval and each reranking does. Everything else is about the first.

    `standings` is empty if there is only one model of each kind. `unjudged` counts the questions that name
    no passage of the index, `failed` the ones without an answer.
    """

    run: Run
    judged: tuple[JudgedQuestion, ...]
    unjudged: int
    arms: tuple[Arm, ...]
    standings: tuple[Standing, ...]
    contrasts: tuple[Contrast, ...]
    ceiling: float
    helped: tuple[QuestionChange, ...]
    hurt: tuple[QuestionChange, ...]
    depths: tuple[DepthRow, ...]
    advice: str
    latencies: tuple[Latency, ...]
    milliseconds_per_point: float | None
    findings: tuple[Finding, ...]
    answers: tuple[AnswerContrast, ...]
    failed: int
    verdict: str
    steps: tuple[Step, ...] = ()
