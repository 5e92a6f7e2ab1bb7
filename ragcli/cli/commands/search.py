"""`ragcli search`: the ranked passages, with the numbers behind the ranks."""

from __future__ import annotations

from typing import Annotated

import typer

from ragcli.cli import options
from ragcli.cli.grouping import grouped
from ragcli.cli.session import Screens, environment_of
from ragcli.cli.verbosity import BI_ENCODER, CROSS_ENCODER, Telling

Explain = Annotated[
    bool, typer.Option("--explain", help="Show every number of the ranking.", rich_help_panel=options.OUTPUT)
]


@grouped
def search(
    ctx: typer.Context,
    question: options.Question,
    *,
    compare: options.Compare = False,
    explain: Explain = False,
    ranking: options.RankingOptions,
    which: options.FilterOptions,
    as_json: options.Json = False,
    show_all: options.ShowAll = False,
    telling: Telling,
    given: options.ConfigOptions,
    serving: options.ServeOptions,
) -> None:
    """Show the passages that answer a question, without an LLM."""
    from ragcli.reporting import as_json as json
    from ragcli.reporting.screens import terminal
    from ragcli.reporting.screens.comparison import print_comparison
    from ragcli.reporting.screens.live import spinner
    from ragcli.serving.client import open_pipeline

    environment = environment_of(ctx)
    screens = Screens(environment)
    settings = given.load(environment, ranking.overrides(compare=compare), serving.overrides())
    filters = which.filters()
    telling.models(screens, settings, BI_ENCODER, *([] if ranking.no_rerank else [CROSS_ENCODER]))
    if compare:
        with open_pipeline(settings) as pipeline, spinner(screens.err, "Searching …", quiet=telling.quiet):
            comparison = pipeline.compare_search(question, filters=filters)
            prior = pipeline.prior
        telling.stages(screens, comparison.timings)
        if as_json:
            screens.print_document(json.comparison(comparison, settings))
        else:
            print_comparison(screens.out, comparison, show_all=show_all)
        if explain and not as_json:
            limit = len(comparison.reranked_order) if show_all else settings.retrieval.top_k
            terminal.print_explained_orders(
                screens.out, comparison, limit=limit, prior=prior, rrf_k=settings.retrieval.rrf_k
            )
        if not telling.quiet:
            terminal.print_truncated(screens.err, comparison.truncated)
        return
    with open_pipeline(settings) as pipeline, spinner(screens.err, "Searching …", quiet=telling.quiet):
        result = pipeline.search(question, filters=filters)
    telling.stages(screens, result.timings)
    if as_json:
        screens.print_document(json.search(result, settings))
    else:
        limit = len(result.candidates) if show_all else settings.retrieval.top_k
        terminal.print_search(
            screens.out, result, limit=limit, explain=explain, rrf_k=settings.retrieval.rrf_k
        )
    if not telling.quiet:
        terminal.print_truncated(screens.err, result.truncated)
