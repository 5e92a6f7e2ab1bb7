"""What follows from a run, as records: arms, their differences, and the summary of all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ragcli.evaluation.paired_tests import Difference
from ragcli.evaluation.records import JudgedPassage, JudgedQuestion, Run

ArmKind = Literal["bi-encoder", "hybrid", "reranked", "cross-encoder alone", "ranking"]


@dataclass(frozen=True, slots=True)
class Arm:
    """One way of ordering the candidates that a retrieval found, for every judged question. "bi-encoder" and
    "hybrid" are base orders: a retrieval's own. "ranking" is one that another pipeline made.

    `orders[i]` lists the candidates' places, best first, of the i-th judged question; `values` maps a
    measure's name (`measures.MEASURES`) to one value per judged question, `means` to their mean.
    """

    name: str
    kind: ArmKind
    orders: tuple[tuple[int, ...], ...]
    values: Mapping[str, tuple[float, ...]]
    means: Mapping[str, float]
    retrieval: str = "dense"


@dataclass(frozen=True, slots=True)
class MeasureContrast:
    """One measure in two arms, paired by question."""

    measure: str
    before: float
    after: float
    difference: Difference


@dataclass(frozen=True, slots=True)
class Contrast:
    """An arm against the base order of its retrieval. `gap_closed` is the share of the gap between the base
    order's nDCG@10 and that of a perfect order of the same candidates; None if there is no gap.
    """

    arm: str
    kind: ArmKind
    measures: tuple[MeasureContrast, ...]
    gap_closed: float | None
    retrieval: str = "dense"


@dataclass(frozen=True, slots=True)
class Step:
    """From one arm to another that differs in one thing: the retrieval, or whether (and by what) it is
    reranked. `row` is for nDCG@10, corrected over the steps.
    """

    text: str
    row: MeasureContrast


@dataclass(frozen=True, slots=True)
class Moved:
    """How a passage moves between two orders: ranks count from 1; None if an order lacks it."""

    passage: JudgedPassage
    before: int | None
    after: int | None


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
    the deepest row, None if no gain can be shown there; `seconds` is the median of reranking one question.
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
    order itself, and corrected over all others. `seconds` is the median of embedding one question,
    or of reranking it.
    """

    embedder: str
    arm: Arm
    difference: Difference | None
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


@dataclass(frozen=True, slots=True)
class Stratum:
    """The questions of one group: a measure without and with reranking, corrected over the groups."""

    name: str
    questions: int
    before: float
    after: float
    difference: Difference


@dataclass(frozen=True, slots=True)
class Stratified:
    """Questions in groups by a field of the question file, or by what they are like. `measure` is nDCG@10, or
    the one of answers that verdicts speak of.
    """

    by: str
    measure: str
    strata: tuple[Stratum, ...]


Stage = Literal[
    "not in the index",
    "not among the candidates",
    "not in the prompt",
    "in the prompt, no answer came",
    "in the prompt, declined",
    "in the prompt, misread",
    "in the prompt",
    "answered",
]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far a question came, without and with reranking."""

    question: JudgedQuestion
    before: Stage
    after: Stage


@dataclass(frozen=True, slots=True)
class StageCount:
    stage: Stage
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Floor:
    """The same candidates in an order that costs nothing: its mean nDCG@10, and by how much the order in use
    is better.
    """

    name: str
    mean: float
    difference: Difference


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a thousand questions, without and with reranking: the LLM's tokens, in its prices' currency."""

    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Summary:
    """What follows from a run. `judged` are the questions of the ranking measures, in the run's order;
    `arms[0]` is the base order. `ceiling` is the nDCG@10 of a perfect order of the same candidates.

    If there are several retrievals, `arms` and `contrasts` have those of the first, then those of the next;
    `steps` says what each change of retrieval and each reranking does. Everything else is about the first.

    `standings` is empty if there is only one model of each kind. `unjudged` counts the questions that name
    no passage of the index, `none_relevant` those for which a judge found no passage relevant,
    `not_judged_yet` those of a judging session that are still to be judged, whole or in part; `failed` counts
    the ones without an answer. `smallest_difference` in nDCG@10 is what so
    many questions can show. `judged_share` holds, for each arm, the share of its first ten passages that
    somebody judged; it is empty where there is no pool of judgements. `notes` are about the questions.
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
    strata: tuple[Stratified, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    stages: tuple[StageCount, ...] = ()
    floors: tuple[Floor, ...] = ()
    cost: Cost | None = None
    smallest_difference: float | None = None
    judged_share: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()
    none_relevant: int = 0
    not_judged_yet: int = 0
