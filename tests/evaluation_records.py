"""Runs for tests of the evaluation: a small one by hand, and seeded random ones of any size."""

from __future__ import annotations

import random
from dataclasses import replace

from ragcli.encoders.prior import NO_PRIOR, Prior
from ragcli.evaluation.records import (
    AnsweredQuestion,
    ArmAnswer,
    JudgedPassage,
    JudgedQuestion,
    Retrieval,
    Run,
    Scoring,
    StageSeconds,
)

EMBEDDER = "all-MiniLM-L6-v2"


def passage(name: str, text: str, similarity: float, gain: float = 0.0) -> JudgedPassage:
    return JudgedPassage(f"{name}#0", f"{name}.md", name.capitalize(), text, similarity, gain)


MERCURY = JudgedQuestion(
    "mercury",
    "How long does Mercury take to go round the Sun?",
    (
        passage("element", "Mercury is a chemical element that is liquid at room temperature.", 0.61),
        passage("singer", "Freddie Mercury went round the world with Queen in 1985.", 0.55),
        passage("planet", "Mercury orbits the Sun in 88 days, faster than any other planet.", 0.52, 1.0),
        passage("venus", "Venus takes 225 days to go round the Sun.", 0.50),
    ),
    (1.0,),
    answers=("88 days",),
    grade="confusable",
)
NOTICE = JudgedQuestion(
    "notice",
    "How long is the notice period?",
    (
        passage(
            "contract", "Either party may give notice of three months to the end of a quarter.", 0.70, 1.0
        ),
        passage("noticeboard", "The notice board hangs beside the kitchen door.", 0.44),
        passage("holiday", "Holidays are agreed upon with the team.", 0.31),
        passage("probation", "During probation the period is two weeks.", 0.30, 1.0),
    ),
    (1.0, 1.0, 1.0),
    answers=("three months", "3 months"),
    grade="easy",
)
BANK = JudgedQuestion(
    "bank",
    "Who owns the bank on the river?",
    (
        passage("river", "The bank of the river belongs to the town of Eddenham.", 0.58, 1.0),
        passage("finance", "The bank is owned by its 4,000 members.", 0.57),
        passage("seat", "The bank by the old oak was given by the garden club.", 0.40),
        passage("blood", "The blood bank opens on Tuesdays.", 0.28),
    ),
    (1.0,),
    answers=("the town of Eddenham",),
    grade="confusable",
)
PARROT = JudgedQuestion(
    "parrot",
    "What is the parrot's name?",
    (passage("pets", "Pets stay at home.", 0.2),),
    (),
    answerable=False,
)


def small_run() -> Run:
    """Four questions. Reranking lifts Mercury's gold passage from rank 3 to 1 and Notice's second from 4 to
    2, and drops Bank's from 1 to 2; the parrot is in no document.
    """
    scoring = Scoring(
        "ragcli",
        "f" * 64,
        Prior(16.0),
        ((-4.0, -6.0, 5.0, 1.0), (6.0, -5.0, -6.0, 2.0), (-1.0, 3.0, -4.0, -7.0), (-7.0,)),
        window=320,
    )
    return Run(
        title="questions.jsonl",
        embedder=EMBEDDER,
        questions=(MERCURY, NOTICE, BANK, PARROT),
        scorings=(scoring,),
        depths=(2, 4),
        answers=(
            AnsweredQuestion(
                "mercury",
                _answer("The element is liquid. [1]", "element#0"),
                _answer("Mercury takes 88 days. [1]", "planet#0"),
            ),
            AnsweredQuestion(
                "notice",
                _answer("Three months. [1]", "contract#0"),
                _answer("Three months. [1]", "contract#0"),
            ),
            AnsweredQuestion(
                "bank", _answer("The town of Eddenham. [1]", "river#0"), None, "The answer broke off."
            ),
            AnsweredQuestion("parrot", _answer("Polly. [1]", "pets#0"), _answer("", abstained=True)),
        ),
        seconds=(
            StageSeconds("embed", (0.010, 0.012, 0.011)),
            StageSeconds("retrieve", (0.004, 0.005, 0.004)),
            StageSeconds("rerank", (0.040, 0.050, 0.045), depth=2),
            StageSeconds("rerank", (0.080, 0.100, 0.090), depth=4),
        ),
        settings={"ragcli": "0.0", "config": {"collection": "default"}},
    )


def models_run() -> Run:
    """The small run with a second cross-encoder, and also a second bi-encoder that finds less."""
    run = small_run()
    scoring = run.scorings[0]
    other = replace(scoring, name="cross-encoder/ms-marco-MiniLM-L6-v2", prior=NO_PRIOR)
    seconds = (*run.seconds, StageSeconds("rerank", (0.160, 0.200, 0.180), depth=4, model=1))
    run = replace(run, scorings=(scoring, other), seconds=seconds)
    # The planet is not among its candidates.
    fewer = replace(MERCURY, candidates=(*MERCURY.candidates[:2], *MERCURY.candidates[3:]))
    logits = ((-4.0, -6.0, 1.0), *scoring.logits[1:])
    blind = replace(
        run,
        embedder="paraphrase-MiniLM-L3-v2",
        questions=(fewer, *run.questions[1:]),
        scorings=tuple(replace(one, logits=logits) for one in run.scorings),
        answers=(),
        depths=(),
        seconds=(StageSeconds("embed", (0.005, 0.006, 0.006)),),
    )
    return replace(run, others=(blind,))


def two_retrievals() -> Run:
    """The small run with an additional hybrid retrieval, which puts Mercury's gold passage second, and finds
    Notice's third relevant passage, which the bi-encoder did not, instead of the second.
    """
    run = small_run()
    missed = passage("trial", "The trial month ends with a notice of one week.", 0.22, 1.0)
    notice = replace(NOTICE, candidates=(*NOTICE.candidates, missed))
    logits = run.scorings[0].logits
    scoring = replace(run.scorings[0], logits=(logits[0], (*logits[1], 1.5), *logits[2:]))
    return replace(
        run,
        questions=(MERCURY, notice, BANK, PARROT),
        scorings=(scoring,),
        retrievals=(
            Retrieval("dense", ((0, 1, 2, 3), (0, 1, 2, 3), (0, 1, 2, 3), (0,))),
            Retrieval("hybrid", ((0, 2, 1, 3), (0, 4, 1, 3), (0, 1, 2, 3), (0,))),
        ),
        seconds=(*run.seconds, StageSeconds("retrieve (hybrid)", (0.014, 0.017, 0.016))),
        settings={**run.settings, "retrievals": ["dense", "hybrid"]},
    )


def random_run(
    questions: int = 40,
    candidates: int = 20,
    *,
    seed: int = 7,
    strength: float = 2.0,
    answers: bool = False,
) -> Run:
    """Logits are noise plus `strength` for a relevant passage: 0 is a reranker that knows nothing."""
    draw = random.Random(seed)
    judged = tuple(_question(number, candidates, draw) for number in range(questions))
    logits = tuple(
        tuple(draw.gauss(strength * candidate.gain, 1.0) for candidate in question.candidates)
        for question in judged
    )
    depths = tuple(sorted({max(1, candidates // 4), max(1, candidates // 2), candidates}))
    return Run(
        title=f"{questions} random questions",
        embedder=EMBEDDER,
        questions=judged,
        scorings=(Scoring("ragcli", "f" * 64, Prior(4.0), logits, window=320),),
        depths=depths,
        answers=tuple(_answered(question, draw) for question in judged) if answers else (),
        seconds=tuple(
            StageSeconds("rerank", tuple(0.01 * depth * draw.uniform(0.9, 1.2) for _ in range(20)), depth)
            for depth in depths
        ),
    )


def _question(number: int, candidates: int, draw: random.Random) -> JudgedQuestion:
    similarities = sorted((draw.uniform(0.2, 0.8) for _ in range(candidates)), reverse=True)
    gains = [float(draw.random() < 0.15) for _ in range(candidates)]
    missed = (1.0,) * draw.choice((0, 0, 1))
    if not any(gains) and not missed:
        gains[draw.randrange(candidates)] = 1.0
    found = tuple(
        JudgedPassage(
            f"q{number}p{place}",
            f"notes/{place}.md",
            f"Note {place}",
            f"What note {place} has to say about subject {number}.",
            similarity,
            gain,
        )
        for place, (similarity, gain) in enumerate(zip(similarities, gains, strict=True))
    )
    ideal = (*(gain for gain in gains if gain), *missed)
    return JudgedQuestion(f"q{number}", f"What about subject {number}?", found, ideal, answers=("subject",))


def _answered(question: JudgedQuestion, draw: random.Random) -> AnsweredQuestion:
    one, other = (draw.choice(question.candidates).id for _ in range(2))
    return AnsweredQuestion(question.id, _answer("It is the subject.", one), _answer("The subject.", other))


def _answer(text: str, *cited: str, abstained: bool = False) -> ArmAnswer:
    return ArmAnswer(text, abstained, cited, cited, 120, len(text.split()), 0.8)
