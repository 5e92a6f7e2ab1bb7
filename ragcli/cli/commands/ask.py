"""`ragcli ask`: an answer with its sources, or both answers side by side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from ragcli.cli import options
from ragcli.cli.environment import Environment
from ragcli.cli.grouping import grouped
from ragcli.cli.session import Screens, environment_of
from ragcli.cli.verbosity import BI_ENCODER, CROSS_ENCODER, LLM, Telling
from ragcli.errors import ExitCode, LLMError

if TYPE_CHECKING:
    from ragcli.config import Config
    from ragcli.reporting.screens.live import Stream
    from ragcli.types import Answer, Comparison, Filters

ShowContext = Annotated[
    bool,
    typer.Option("--show-context", help="Show the exact prompt as well.", rich_help_panel=options.OUTPUT),
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict", help="Exit with 3 when the documents hold no answer.", rich_help_panel=options.OUTPUT
    ),
]


@grouped
def ask(
    ctx: typer.Context,
    question: options.Question,
    *,
    compare: options.Compare = False,
    ranking: options.RankingOptions,
    which: options.FilterOptions,
    llm: options.LLMOptions,
    as_json: options.Json = False,
    show_context: ShowContext = False,
    show_all: options.ShowAll = False,
    strict: Strict = False,
    telling: Telling,
    given: options.ConfigOptions,
    serving: options.ServeOptions,
) -> None:
    """Answer a question from the ingested documents, with the places that the answer rests on."""
    environment = environment_of(ctx)
    settings = given.load(
        environment, ranking.overrides(compare=compare), llm.overrides(), serving.overrides()
    )
    filters = which.filters()
    view = _View(environment, as_json, show_context, show_all, telling)
    roles = [BI_ENCODER, LLM] if ranking.no_rerank else [BI_ENCODER, CROSS_ENCODER, LLM]
    view.telling.models(view.screens, settings, *roles)
    if compare:
        comparison = view.compare(question, settings, filters)
        answered = comparison.reranked is not None and not comparison.reranked.abstained
    else:
        answered = not view.answer(question, settings, filters).abstained
    if strict and not answered:
        raise typer.Exit(ExitCode.NOTHING_FOUND)


class _View:
    """Runs a question and shows its result as the output options say."""

    def __init__(
        self,
        environment: Environment,
        as_json: bool,
        show_context: bool,
        show_all: bool,
        telling: Telling,
    ) -> None:
        self.screens = Screens(environment)
        self.as_json = as_json
        self.show_context = show_context
        self.show_all = show_all
        self.telling = telling

    def answer(self, question: str, config: Config, filters: Filters) -> Answer:
        from ragcli.reporting import as_json as json
        from ragcli.reporting.screens import terminal
        from ragcli.serving.client import open_pipeline

        with open_pipeline(config) as pipeline, self._stream("Searching …") as stream:
            answer = pipeline.ask(question, filters=filters, on_text=stream.on_text)
        self.telling.stages(self.screens, answer.timings)
        out, err = self.screens.out, self.screens.err
        if not self.telling.quiet:
            terminal.print_not_sent(err, answer)
        if self.telling.verbose:
            terminal.print_reasoning(err, answer)
        if self.as_json:
            self.screens.print_document(json.answer(answer, config))
            return answer
        terminal.print_answer(out, answer)
        terminal.print_sources(out, answer)
        if self.show_context:
            terminal.print_context(out, answer.context)
        if not self.telling.quiet:
            terminal.print_notes(err, answer)
            if config.llm.embedded:
                terminal.print_larger_llm(err, answer)
        if self.telling.timings or self.telling.verbose:
            terminal.print_usage(err, answer)
        return answer

    def compare(self, question: str, config: Config, filters: Filters) -> Comparison:
        from ragcli.reporting import as_json as json
        from ragcli.reporting.screens import comparison as view
        from ragcli.reporting.screens import terminal
        from ragcli.serving.client import open_pipeline

        with open_pipeline(config) as pipeline, self._stream("Searching …") as stream:
            comparison = pipeline.compare(question, filters=filters, on_text=stream.on_arm_text)
        self.telling.stages(self.screens, comparison.timings)
        for arm, answer in (("base", comparison.base), ("reranked", comparison.reranked)):
            if answer is not None:
                self.telling.stages(self.screens, answer.timings, view.TITLES[arm].lower())
            if answer is not None and self.telling.verbose:
                terminal.print_reasoning(self.screens.err, answer, view.TITLES[arm].lower())
        if comparison.reranked is not None and not self.telling.quiet:
            terminal.print_not_sent(self.screens.err, comparison.reranked)
        if self.as_json:
            self.screens.print_document(json.comparison(comparison, config))
            return comparison
        view.print_comparison(self.screens.out, comparison, show_all=self.show_all)
        for arm, answer in (("base", comparison.base), ("reranked", comparison.reranked)):
            if answer is not None and self.show_context:
                terminal.print_context(
                    self.screens.out, answer.context, f"Prompt, {view.TITLES[arm].lower()}"
                )
            if answer is not None and not self.telling.quiet and not answer.abstained:
                terminal.print_notes(self.screens.err, answer)
        if not self.telling.quiet:
            terminal.print_truncated(self.screens.err, comparison.truncated)
        return comparison

    @contextmanager
    def _stream(self, waiting: str) -> Iterator[Stream]:
        """Shows the answer growing. What had arrived when it broke off is shown as partial, on stderr."""
        from ragcli.reporting.screens.live import Stream

        stream = Stream(
            self.screens.out, self.screens.err, waiting=waiting, quiet=self.telling.quiet, hidden=self.as_json
        )
        try:
            with stream:
                yield stream
        except (KeyboardInterrupt, LLMError):
            stream.print_partials()
            raise
