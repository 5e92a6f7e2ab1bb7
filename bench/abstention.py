"""Which `prompting.min_probability` the cross-encoder's probability allows: `make bench-abstention`.

Asked of corpora/handbook: the questions that it answers, those that it touches and does not answer, and every
sixth question about homonyms, which have nothing to do with it. For each threshold, how many of each kind
ragcli would decline since even the best passage is less likely than that to be relevant.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from ragcli import open_pipeline
from ragcli.config import Config, RerankingConfig, StoreConfig
from ragcli.evaluation.questions import Question, read_questions
from ragcli.pipeline import Pipeline

CORPORA = Path(__file__).parent.parent / "corpora"
THRESHOLDS = (0.001, 0.002, 0.003, 0.005, 0.007, 0.01, 0.02, 0.03, 0.05, 0.1)
FOREIGN_STEP = 6


def kinds() -> dict[str, Sequence[Question]]:
    own = read_questions(CORPORA / "handbook-questions.jsonl")
    foreign = read_questions(CORPORA / "homonyms" / "questions.jsonl")
    return {
        "answered there": [question for question in own if question.answerable],
        "touched there, not answered": [question for question in own if not question.answerable],
        "of another subject": foreign[::FOREIGN_STEP],
    }


def best_probability(pipeline: Pipeline, question: Question) -> float:
    found = pipeline.search(question.text).candidates
    return max((candidate.probability or 0.0 for candidate in found), default=0.0)


def print_table(best: Mapping[str, Sequence[float]]) -> None:
    print(f"{'declined below':28}" + "".join(f"{threshold:>7g}" for threshold in THRESHOLDS))
    for kind, probabilities in best.items():
        declined = [sum(p < threshold for p in probabilities) for threshold in THRESHOLDS]
        print(f"{kind:28}" + "".join(f"{number:>7}" for number in declined) + f"  of {len(probabilities)}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Questions declined, by prompting.min_probability.")
    parser.add_argument("--model", default="ragcli", help="cross-encoder: the shipped one, or a folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        config = Config(store=StoreConfig(path=folder), reranking=RerankingConfig(model=options.model))
        with open_pipeline(config, bulk=True) as pipeline:
            pipeline.ingest([CORPORA / "handbook"])
            print_table(
                {
                    kind: [best_probability(pipeline, question) for question in questions]
                    for kind, questions in kinds().items()
                }
            )


if __name__ == "__main__":
    main()
