"""`ragcli explain`: why a passage moved, word by word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragcli.cli import options
from ragcli.cli.completion import complete_source
from ragcli.cli.grouping import grouped
from ragcli.cli.session import Screens, environment_of
from ragcli.cli.verbosity import BI_ENCODER, CROSS_ENCODER, Telling
from ragcli.errors import NothingFoundError, UsageError

if TYPE_CHECKING:
    from ragcli.pipeline import Pipeline
    from ragcli.types import Candidate

Passage = Annotated[
    str,
    typer.Argument(
        metavar="PASSAGE",
        help="A rank after reranking, or a document; without it: the first passage of each order.",
        show_default=False,
        autocompletion=complete_source,
    ),
]

Report = Annotated[
    Path | None,
    typer.Option(
        "--report", help="Write a page (.html) too.", rich_help_panel=options.OUTPUT, metavar="FILE"
    ),
]


@grouped
def explain(
    ctx: typer.Context,
    question: options.Question,
    passage: Passage = "",
    *,
    retrieval: options.Retrieval = None,
    candidates: options.Candidates = None,
    as_json: options.Json = False,
    report: Report = None,
    telling: Telling,
    given: options.ConfigOptions,
    serving: options.ServeOptions,
) -> None:
    """Show which words of a passage and of the question made its rank, for each encoder."""
    from ragcli.reporting import as_json as json
    from ragcli.reporting.files.occlusion_html import explanation_html
    from ragcli.reporting.files.report_files import check_reports
    from ragcli.reporting.screens import occlusion as view
    from ragcli.reporting.screens.live import spinner
    from ragcli.serving.client import open_pipeline
    from ragcli.whole_file import write_whole

    if report is not None:
        check_reports([report], (".html",), hint="It is written as .html.")
    environment = environment_of(ctx)
    screens = Screens(environment)
    overrides = {"retrieval.method": retrieval, "retrieval.candidates": candidates}
    settings = given.load(environment, overrides, serving.overrides())
    telling.models(screens, settings, BI_ENCODER, CROSS_ENCODER)
    with open_pipeline(settings) as pipeline, spinner(screens.err, "Reading …", quiet=telling.quiet):
        searched = pipeline.search(question, rerank=True)
        order = searched.candidates
        chosen = _chosen(pipeline, question, order, passage)
        found = [(candidate, pipeline.explain(question, candidate)) for candidate in chosen]
    telling.stages(screens, searched.timings)
    if report is not None:
        write_whole(report, explanation_html(question, found, len(order)))
    if as_json:
        screens.print_document(json.explanation(question, found, len(order), settings))
        return
    for candidate, occlusion in found:
        view.print_passage(screens.out, candidate, occlusion, of=len(order))
        screens.out.print()
    view.print_scale(screens.out)


def _chosen(pipeline: Pipeline, question: str, order: Sequence[Candidate], passage: str) -> list[Candidate]:
    """The passages that are meant. Raises UsageError for a bad rank, NothingFoundError for a document."""
    if not passage:
        first_before = min(order, key=lambda candidate: candidate.base_rank)
        return list(dict.fromkeys([order[0], first_before]))
    if passage.isdecimal():
        if not 1 <= int(passage) <= len(order):
            raise UsageError(
                f"There is no passage {passage}.", hint=f"Name a rank from 1 to {len(order)}, or a document."
            )
        return [order[int(passage) - 1]]
    return [_best_of(pipeline, question, order, passage)]


def _best_of(pipeline: Pipeline, question: str, order: Sequence[Candidate], name: str) -> Candidate:
    """The document's best passage, among the candidates or not; then it has no rank."""
    from ragcli.store.metadata import matching
    from ragcli.types import Filters

    wanted = set(matching([candidate.chunk.source for candidate in order], [name]))
    for candidate in order:
        if candidate.chunk.source in wanted:
            return candidate
    try:
        found = pipeline.search(question, rerank=True, filters=Filters(sources=(name,)))
    except NothingFoundError as error:
        raise NothingFoundError(
            f"No document matches {name}.", hint="See what there is: ragcli list"
        ) from error
    return replace(found.candidates[0], rank=None)
