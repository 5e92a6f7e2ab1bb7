"""What an evaluation observed, as records: frozen, plain, free of heavy imports. What follows: `results`.

    question file + index, or a BEIR folder -> JudgedQuestion ... -> Run (observed) -> Summary (computed)

Everything that belongs to a question is kept in the order of `Run.questions`. A candidate is named by its
place in `JudgedQuestion.candidates`; places count from 0, ranks from 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ragcli.encoders.occlusion import Occlusion
from ragcli.encoders.prior import Prior


@dataclass(frozen=True, slots=True)
class JudgedPassage:
    """A candidate. `location` is its title and headings, empty if there are none. `gain` is its judged
    relevance: 0 if it was judged irrelevant or not judged; `judged` tells the two apart if the judgements
    are of a pool (`ragcli judge`, qrels). If the question names its gold, all is judged.
    `heading_similarity`: as in `types.Candidate`.
    """

    id: str
    source: str
    location: str
    text: str
    similarity: float
    gain: float
    judged: bool = True
    heading_similarity: float | None = None


@dataclass(frozen=True, slots=True)
class JudgedQuestion:
    """A question and its candidates: in the order of the run's first retrieval, then those that only its
    other retrievals found.

    `ideal` has every positive judgement, including those of passages that are not candidates. If it is
    empty, ranking measures leave the question out (it may still have an answer, or none on purpose).
    `gold` are the ids of these passages, `sources` their documents, and `overlap` is the share of the
    question's words that the one with most of them has; None if that is not known. `left` counts the
    passages that are still to be judged before it has a place in measures. `fields` is what else the question
    file says of it.
    """

    id: str
    text: str
    candidates: tuple[JudgedPassage, ...]
    ideal: tuple[float, ...]
    answers: tuple[str, ...] = ()
    answerable: bool = True
    grade: str = ""
    gold: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    overlap: float | None = None
    judged_by: str = ""
    left: int = 0
    fields: Mapping[str, str] = field(default_factory=dict)


RetrievalName = Literal["dense", "hybrid"]


@dataclass(frozen=True, slots=True)
class Retrieval:
    """One way of retrieving ("dense", "hybrid"), or the ranking of another pipeline, by its name. `orders[q]`
    lists the places of the candidates that it found for question q.
    """

    name: str
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
    """Something that a question names but the index does not have; `gold` is empty if it names nothing, and
    where it was judged.

    `nearest` is what may be meant: a document, or a heading; empty if nothing is similar. `key` is the one of
    the question file that holds it; `passage` the words of that document which come nearest to a phrase.
    """

    question_id: str
    gold: str
    reason: str
    nearest: str = ""
    key: str = ""
    passage: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """How both encoders of the verdict read one passage with its question, word by word."""

    question_id: str
    passage_id: str
    occlusion: Occlusion


@dataclass(frozen=True, slots=True)
class Run:
    """What was observed. `scorings` has one entry per cross-encoder; verdicts are about the first.

    `retrievals` has one entry per retrieval, and verdicts are about the first; if it is empty, only the
    bi-encoder found the candidates, in their order.
    `answers` is empty if none were requested. `settings` is everything needed to run it again, as JSON.
    `others` are runs of the same questions with other bi-encoders: only the table of models shows them.
    `explanations` are of questions that reranking helped or hurt; empty unless they were asked for.
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
    explanations: tuple[Explanation, ...] = ()
