"""`ragcli search`: the ranked passages, with the numbers behind the ranks."""

from __future__ import annotations

from typing import Annotated

import typer

from ragcli.cli import options
from ragcli.cli.session import Flags, Screens, environment_of, parse_filters
from ragcli.cli.verbosity import BI_ENCODER, CROSS_ENCODER, Telling
from ragcli.errors import UsageError

Explain = Annotated[
    bool, typer.Option("--explain", help="Show every number of the ranking.", rich_help_panel=options.OUTPUT)
]


def search(
    ctx: typer.Context,
    question: options.Question,
    compare: options.Compare = False,
    explain: Explain = False,
    no_rerank: options.NoRerank = False,
    retrieval: options.Retrieval = None,
    candidates: options.Candidates = None,
    top_k: options.TopK = None,
    source: options.Source = None,
    where: options.Where = None,
    as_json: options.Json = False,
    show_all: options.ShowAll = False,
    timings: options.Timings = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    collection: options.Collection = None,
    profile: options.Profile = None,
    config: options.ConfigFile = None,
) -> None:
    """Show the passages that answer a question, without an LLM."""
    if compare and no_rerank:
        raise UsageError("--compare and --no-rerank do not go together.", hint="Leave out --no-rerank.")
    from ragcli.pipeline import open_pipeline
    from ragcli.reporting import as_json as json
    from ragcli.reporting.screens import terminal
    from ragcli.reporting.screens.comparison import print_comparison
    from ragcli.reporting.screens.live import spinner

    overrides = {
        "collection": collection,
        "retrieval.method": retrieval,
        "retrieval.candidates": candidates,
        "retrieval.top_k": top_k,
        "reranking.enabled": False if no_rerank else None,
    }
    environment = environment_of(ctx)
    screens = Screens(environment)
    settings = Flags(config, profile, overrides).load(environment)
    filters = parse_filters(source, where)
    telling = Telling(quiet, verbose, timings)
    telling.models(screens, settings, BI_ENCODER, *([] if no_rerank else [CROSS_ENCODER]))
    if compare:
        with open_pipeline(settings) as pipeline, spinner(screens.err, "Searching …", quiet=quiet):
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
        if not quiet:
            terminal.print_truncated(screens.err, comparison.truncated)
        return
    with open_pipeline(settings) as pipeline, spinner(screens.err, "Searching …", quiet=quiet):
        result = pipeline.search(question, filters=filters)
    telling.stages(screens, result.timings)
    if as_json:
        screens.print_document(json.search(result, settings))
    else:
        limit = len(result.candidates) if show_all else settings.retrieval.top_k
        terminal.print_search(
            screens.out, result, limit=limit, explain=explain, rrf_k=settings.retrieval.rrf_k
        )
    if not quiet:
        terminal.print_truncated(screens.err, result.truncated)
