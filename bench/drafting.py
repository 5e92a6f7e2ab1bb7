"""Whether drafted questions lead to the same decision as hand-written ones: `make bench-drafting`.

For each bundled corpus, questions are drafted by the local-large profile, and reranking is measured on them
and on the hand-written file over the same index. The drafts are in bench/drafts: the same command continues
with them. After `ragcli questions review` of such a file, the script also says what share the reader kept. A
hundred drafts take about an hour per corpus on two free cores.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from ragcli import open_pipeline
from ragcli.config import Config
from ragcli.config.loading import load_config
from ragcli.drafting.drafts import Report, Wanted, draft_questions
from ragcli.drafting.records import KINDS, SHARES
from ragcli.drafting.review import Review
from ragcli.evaluation.collect import evaluate_questions
from ragcli.evaluation.measures import MAIN
from ragcli.evaluation.paired_tests import Difference
from ragcli.evaluation.questions import read_questions
from ragcli.evaluation.summary import summarise

HERE = Path(__file__).parent
CORPORA = HERE.parent / "corpora"
INDEXES = HERE / ".cache" / "drafting"
QUESTIONS = {"homonyms": "homonyms/questions.jsonl", "handbook": "handbook-questions.jsonl"}


@dataclass(frozen=True)
class Measured:
    """nDCG@10 without and with reranking, of the questions of a file."""

    file: str
    before: float
    after: float
    difference: Difference

    @property
    def decision(self) -> str:
        """What the verdict of `ragcli eval` comes down to."""
        found = self.difference
        if not found.sure:
            return "no difference shown"
        return "reranking is better" if found.mean > 0 else "reranking is worse"


def measure(config: Config, file: Path) -> Measured:
    run = evaluate_questions(config, read_questions(file), title=file.name, rerankers=[config.reranking])
    row = next(row for row in summarise(run).contrasts[0].measures if row.measure == MAIN)
    return Measured(file.name, row.before, row.after, row.difference)


def print_drafts(corpus: str, report: Report, review: Review) -> None:
    drafts, seconds = len(report.written.rows), f"{report.seconds:.0f} s"
    print(f"\n{corpus}: {drafts} drafts, {report.drafted} of them new in {seconds}")
    kept, rejected = report.written.kept(), report.written.rejected()
    print(f"  kept: {', '.join(f'{kept[kind]} {kind}' for kind in KINDS if kept[kind])}")
    print(f"  not kept: {', '.join(f'{count} {reason}' for reason, count in rejected.most_common())}")
    if report.given_up:
        print(f"  given up, with no passage left or twelve failures in a row: {', '.join(report.given_up)}")
    counts = review.counts
    if counts.reviewed:
        parts = (f"{part / counts.reviewed:.0%}" for part in (counts.kept, counts.edited, counts.dropped))
        print("  a reader kept {}, edited {} and dropped {} of {}".format(*parts, counts.reviewed))


def print_table(hand_written: Measured, drafted: Measured) -> None:
    print(f"  {'file':28} {'questions':>9}  {'without':>7} {'with':>7} {'gain':>7}  95 % interval   decision")
    for one in (hand_written, drafted):
        found = one.difference
        print(
            f"  {one.file:28} {found.questions:>9}  {one.before:7.3f} {one.after:7.3f} {found.mean:+7.3f}"
            f"  {found.low:+.3f}..{found.high:+.3f}  {one.decision}"
        )
    within = hand_written.difference.low <= drafted.difference.mean <= hand_written.difference.high
    same = drafted.decision == hand_written.decision
    print(
        f"  the gain is {'' if within else 'NOT '}within the hand-written file's interval;"
        f" the verdict is {'the same' if same else 'ANOTHER'}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Drafted against hand-written questions.")
    parser.add_argument("corpora", choices=[*QUESTIONS, []], nargs="*", default=[])
    parser.add_argument("--number", type=int, default=100, help="questions to draft for each corpus")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--drafts", type=Path, default=HERE / "drafts", help="folder of the drafts")
    options = parser.parse_args()
    for corpus in options.corpora or QUESTIONS:
        options.drafts.mkdir(parents=True, exist_ok=True)
        config = load_config(None, "local-large", {"store.path": str(INDEXES / corpus)})
        with open_pipeline(config, bulk=True) as pipeline:
            pipeline.ingest([CORPORA / corpus])
        drafts = options.drafts / f"{corpus}-drafted.jsonl"
        report = draft_questions(drafts, config, Wanted(options.number, SHARES, options.seed))
        print_drafts(corpus, report, Review(drafts))
        print_table(measure(config, CORPORA / QUESTIONS[corpus]), measure(config, drafts))


if __name__ == "__main__":
    main()
