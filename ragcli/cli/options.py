"""The options that several commands share, each declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ragcli.cli.completion import complete_collection, complete_profile, complete_source

FILTERS = "Which documents"
RANKING = "Ranking"
LLM = "LLM"
OUTPUT = "Output"
SETTINGS = "Settings"

Question = Annotated[
    str, typer.Argument(metavar="QUESTION", help="The question, in quotes.", show_default=False)
]

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", help="Read this config file.", rich_help_panel=SETTINGS, metavar="FILE"),
]
Profile = Annotated[
    str | None,
    typer.Option(
        "--profile",
        help="Use this profile of the settings.",
        rich_help_panel=SETTINGS,
        metavar="NAME",
        autocompletion=complete_profile,
    ),
]
Collection = Annotated[
    str | None,
    typer.Option(
        "--collection",
        "-c",
        help="Use this collection of the index.",
        rich_help_panel=SETTINGS,
        metavar="NAME",
        autocompletion=complete_collection,
    ),
]

Source = Annotated[
    list[str] | None,
    typer.Option(
        "--source",
        help="Only documents that match this glob; repeatable.",
        rich_help_panel=FILTERS,
        metavar="GLOB",
        autocompletion=complete_source,
    ),
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        help="Only chunks with this metadata; repeatable.",
        rich_help_panel=FILTERS,
        metavar="KEY=VALUE",
    ),
]

Candidates = Annotated[
    int | None,
    typer.Option(
        "--candidates", help="Chunks handed to the cross-encoder.", rich_help_panel=RANKING, metavar="N"
    ),
]
TopK = Annotated[
    int | None,
    typer.Option(
        "--top-k", "-k", help="Passages that go into the prompt.", rich_help_panel=RANKING, metavar="N"
    ),
]
Retrieval = Annotated[
    str | None,
    typer.Option(
        "--retrieval",
        help="dense (the bi-encoder's), or hybrid (with BM25).",
        rich_help_panel=RANKING,
        metavar="METHOD",
    ),
]
NoRerank = Annotated[
    bool, typer.Option("--no-rerank", help="Keep the order of the retrieval.", rich_help_panel=RANKING)
]
Compare = Annotated[
    bool,
    typer.Option("--compare", help="Show both orders and what reranking changed.", rich_help_panel=RANKING),
]

BaseUrl = Annotated[
    str | None,
    typer.Option(
        "--base-url", help="An OpenAI-compatible endpoint, or local.", rich_help_panel=LLM, metavar="URL"
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model", "-m", help="The model's name at that endpoint.", rich_help_panel=LLM, metavar="NAME"
    ),
]

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.", rich_help_panel=OUTPUT)]
Timings = Annotated[
    bool, typer.Option("--timings", help="Seconds per stage, on stderr.", rich_help_panel=OUTPUT)
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress and no notes on stderr.", rich_help_panel=OUTPUT)
]
Verbose = Annotated[
    bool,
    typer.Option(
        "--verbose",
        "-v",
        help="Which model files are used, and seconds per stage, on stderr.",
        rich_help_panel=OUTPUT,
    ),
]
ShowAll = Annotated[bool, typer.Option("--all", help="Show every row.", rich_help_panel=OUTPUT)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
