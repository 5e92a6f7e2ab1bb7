"""The options that several commands share, each declared once, and the groups of them.

A command takes a group as one parameter, under the decorator `grouped`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragcli.cli.completion import complete_collection, complete_profile, complete_source
from ragcli.errors import UsageError

if TYPE_CHECKING:
    from ragcli.cli.environment import Environment
    from ragcli.config import Config
    from ragcli.evaluation.records import RetrievalName
    from ragcli.types import Filters, MetadataValue

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

NoServe = Annotated[
    bool,
    typer.Option("--no-serve", help="Do not use a `ragcli serve` that is running.", rich_help_panel=SETTINGS),
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


@dataclass(frozen=True)
class ConfigOptions:
    """Which settings hold."""

    collection: Collection = None
    profile: Profile = None
    config: ConfigFile = None

    def load(self, environment: Environment, *overrides: Mapping[str, object]) -> Config:
        """The settings under these options. `overrides` are by dotted key; None is an option not given."""
        from ragcli.config.loading import load_config

        return load_config(self.config, self.profile, self.overrides(*overrides), environment.environ)

    def load_methods(
        self, environment: Environment, methods: Sequence[str] | None, *overrides: Mapping[str, object]
    ) -> tuple[Config, tuple[RetrievalName, ...]]:
        """The settings under the first method of retrieval, and all of them; the configured one where none is
        named. Each is read as the flag that it is: a mistyped one is told before the work begins.
        """
        named: Sequence[str | None] = methods or (None,)
        every = [self.load(environment, *overrides, {"retrieval.method": method}) for method in named]
        return every[0], tuple(dict.fromkeys(one.retrieval.method for one in every))

    def overrides(self, *others: Mapping[str, object]) -> dict[str, object]:
        return {
            key: value for each in ({"collection": self.collection}, *others) for key, value in each.items()
        }


@dataclass(frozen=True)
class ServeOptions:
    """Which process does the work."""

    no_serve: NoServe = False

    def overrides(self) -> dict[str, object]:
        return {"serve.use": False if self.no_serve else None}


@dataclass(frozen=True)
class RankingOptions:
    no_rerank: NoRerank = False
    retrieval: Retrieval = None
    candidates: Candidates = None
    top_k: TopK = None

    def overrides(self, *, compare: bool = False) -> dict[str, object]:
        """Raises UsageError for a comparison without the reranker."""
        if compare and self.no_rerank:
            raise UsageError("--compare and --no-rerank do not go together.", hint="Leave out --no-rerank.")
        return {
            "retrieval.method": self.retrieval,
            "retrieval.candidates": self.candidates,
            "retrieval.top_k": self.top_k,
            "reranking.enabled": False if self.no_rerank else None,
        }


@dataclass(frozen=True)
class LLMOptions:
    base_url: BaseUrl = None
    model: Model = None

    def overrides(self) -> dict[str, object]:
        return {"llm.base_url": self.base_url, "llm.model": self.model}


@dataclass(frozen=True)
class FilterOptions:
    source: Source = None
    where: Where = None

    def filters(self) -> Filters:
        """Raises UsageError for a condition without `=`."""
        from ragcli.types import Filters

        return Filters(tuple(self.source or ()), tuple(map(_condition, self.where or ())))


def _condition(text: str) -> tuple[str, MetadataValue]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"--where {text!r} is not KEY=VALUE.", hint="For instance: --where format=pdf")
    return key.strip(), _value(value.strip())


def _value(text: str) -> MetadataValue:
    """Numbers and true/false as such; quotes keep a string that looks like one."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    if text in ("true", "false"):
        return text == "true"
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return text
