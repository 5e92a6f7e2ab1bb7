"""The options of `ragcli eval` alone: what is measured, what is written, what fails a script."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ragcli.cli import options
from ragcli.errors import UsageError

MEASURING = "What is measured"
QuestionFile = Annotated[
    Path | None,
    typer.Argument(
        metavar="QUESTIONS", help="Question file whose questions name their passages.", show_default=False
    ),
]
Beir = Annotated[
    Path | None,
    typer.Option("--beir", metavar="FOLDER", help="A judged collection instead.", rich_help_panel=MEASURING),
]
Split = Annotated[
    str,
    typer.Option(
        "--split", metavar="NAME", help="Its judgements: qrels/NAME.tsv.", rich_help_panel=MEASURING
    ),
]
Runs = Annotated[
    list[Path] | None,
    typer.Option(
        "--runs",
        metavar="FILE",
        help="A TREC run of any pipeline instead; repeatable: each is compared with the first.",
        rich_help_panel=MEASURING,
    ),
]
Qrels = Annotated[
    Path | None,
    typer.Option(
        "--qrels",
        metavar="FILE",
        help="Judgements for --runs, in TREC's or BEIR's format.",
        rich_help_panel=MEASURING,
    ),
]


@dataclass(frozen=True)
class Source:
    """What is measured: questions over the index, a judged collection, or finished rankings."""

    questions: QuestionFile = None
    beir: Beir = None
    split: Split = "test"
    runs: Runs = None
    qrels: Qrels = None

    def check(self, *, answers: bool, **working: object) -> None:
        """Raises UsageError for what does not go together. `working` are options of retrieving and reranking
        by their name, None or empty where they were not given.
        """
        if bool(self.runs) != bool(self.qrels):
            raise UsageError(
                "--runs and --qrels belong together.", hint="ragcli eval --runs run.trec --qrels qrels.tsv"
            )
        if bool(self.beir) + bool(self.runs or self.questions) != 1:
            raise UsageError(
                "Give a question file, or --beir FOLDER, or --runs FILE.", hint="ragcli eval questions.jsonl"
            )
        if answers and (self.beir or self.runs):
            raise UsageError(
                "--answers needs an index to answer from.", hint="Leave it out with --beir and --runs."
            )
        useless = [f"--{name}" for name, value in working.items() if value not in (None, [])]
        if self.runs and useless:
            raise UsageError(
                f"With --runs nothing is retrieved or reranked: {', '.join(useless)} would have no effect.",
                hint="Leave that out, or give a question file in place of --runs.",
            )


Answers = Annotated[
    bool,
    typer.Option("--answers", help="Answer in both orders too, and compare.", rich_help_panel=MEASURING),
]
Depths = Annotated[
    str | None,
    typer.Option(
        "--depths",
        metavar="N,N,...",
        help="Quality and time at these numbers of candidates.",
        rich_help_panel=MEASURING,
    ),
]
Rerankers = Annotated[
    list[str] | None,
    typer.Option(
        "--reranker",
        metavar="NAME",
        help="Cross-encoder to measure; repeatable.",
        rich_help_panel=MEASURING,
    ),
]
Retrievals = Annotated[
    list[str] | None,
    typer.Option(
        "--retrieval",
        metavar="METHOD",
        help="dense or hybrid; both: --retrieval dense --retrieval hybrid.",
        rich_help_panel=MEASURING,
    ),
]
Embedders = Annotated[
    list[str] | None,
    typer.Option(
        "--embedder",
        metavar="NAME",
        help="Bi-encoder to measure beside the index's own; with --beir, instead of it; repeatable.",
        rich_help_panel=MEASURING,
    ),
]
By = Annotated[
    list[str] | None,
    typer.Option(
        "--by",
        metavar="FIELD",
        help="A table by grade, or by any field of the question file; or by document, length or overlap;"
        " repeatable.",
        rich_help_panel=options.OUTPUT,
    ),
]
SaveRun = Annotated[
    Path | None,
    typer.Option(
        "--save-run",
        metavar="FILE",
        help="Write the rankings as TREC runs, and the judgements, for other tools.",
        rich_help_panel=options.OUTPUT,
    ),
]
Reports = Annotated[
    list[Path] | None,
    typer.Option(
        "--report",
        metavar="FILE",
        help="Write .html, .md, .csv or .json; repeatable.",
        rich_help_panel=options.OUTPUT,
    ),
]
FailUnder = Annotated[
    list[str] | None,
    typer.Option(
        "--fail-under",
        metavar="M=X",
        help="Exit with 1 below this, such as ndcg@10=0.70; repeatable.",
        rich_help_panel=options.OUTPUT,
    ),
]
FailIfWorse = Annotated[
    Path | None,
    typer.Option(
        "--fail-if-worse",
        metavar="FILE",
        help="Exit with 1 if nDCG@10 fell against this .json report.",
        rich_help_panel=options.OUTPUT,
    ),
]
