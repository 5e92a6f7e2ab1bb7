"""Consoles, and the screens of `ask` and `search`.

Colours are few and from the terminal's own palette (no white, black or yellow), so that they work on light
and dark backgrounds; a word or a glyph always says the same as a colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TextIO

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

from ragcli.config import RetrievalConfig
from ragcli.encoders.prior import Prior
from ragcli.models.embedded_llms import LARGE, SMALL
from ragcli.reporting import plain_text as words
from ragcli.reporting.screens.explain import (
    explain_table,
    fusion_formula,
    prior_formula,
    ranked_table,
    ranking_figure,
)
from ragcli.types import Answer, Candidate, Citation, Comparison, Context, SearchResult, Timing

READING_WIDTH = 100
TAB_WIDTH = 8
WHY_DECLINED = {
    "prompting.min_similarity": "no passage is similar enough to the question",
    "prompting.min_probability": "no passage is likely enough to be relevant",
    "prompting.min_answerable": "the LLM is not sure enough that the passages answer it",
}
SNIPPET_LINES = 2
# The width of breaks between words and of ellipses.
RAGGED = 16
THEME = Theme(
    {
        "heading": "bold",
        "number": "bold cyan",
        "quiet": "dim",
        "good": "green",
        "bad": "red",
        "error": "bold red",
        "hint": "cyan",
        "warning": "magenta",
        "base": "magenta",
        "reranked": "cyan",
        # Progress bars and spinners, which have their own colours.
        "bar.back": "dim",
        "bar.complete": "cyan",
        "bar.finished": "green",
        "bar.pulse": "cyan",
        "progress.percentage": "default",
        "progress.remaining": "dim",
        "progress.elapsed": "dim",
        "status.spinner": "cyan",
        # Markdown, which has colours for a dark background.
        "markdown.code": "cyan",
        "markdown.code_block": "cyan",
        "markdown.hr": "dim",
        "markdown.item.bullet": "bold",
        "markdown.item.number": "cyan",
        **{f"markdown.h{level}": "bold" for level in range(1, 7)},
    }
)


class PlainConsole(Console):
    """A console that interprets nothing: no markup, no emoji codes, no automatic highlighting.

    Screens clean foreign text themselves. This is a second guard: of all printed text, only the console's own
    sequences reach the terminal.
    """

    def __init__(self, stream: TextIO, environ: Mapping[str, str]) -> None:
        super().__init__(
            file=stream,
            theme=THEME,
            markup=False,
            emoji=False,
            highlight=False,
            _environ=environ,
            soft_wrap=False,
        )

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control or not words.NOT_PRINTED.search(segment.text):
                yield segment
            else:
                yield Segment(words.clean(segment.text).expandtabs(TAB_WIDTH), segment.style)

    def on_broken_pipe(self) -> None:
        """Let the program decide; rich would end the process with status 1."""
        raise BrokenPipeError

    @property
    def bar_width(self) -> int:
        """Columns for a progress bar: a narrow terminal needs them for the words next to it."""
        return 24 if self.width >= 80 else 8

    @property
    def animated(self) -> bool:
        return self.is_terminal and not self.is_dumb_terminal


def answer_text(text: str, *, abstained: bool = False) -> Text:
    return Text(words.clean(text).strip(), style="italic" if abstained else "")


def print_keys(console: Console, keys: Mapping[str, str]) -> None:
    """The keys that may be pressed, and what each does."""
    line = Text()
    for key, meaning in keys.items():
        line.append(f"{key} ", style="number").append(f"{meaning}  ")
    console.print(line)


def sources_list(citations: Sequence[Citation]) -> RenderableType | None:
    """One line for each cited number; None if nothing is cited."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(overflow="fold")
    for number, place in _places(citations).items():
        grid.add_row(Text(f"[{number}]", style="number"), Text(place))
    return grid if grid.row_count else None


def _places(citations: Sequence[Citation]) -> dict[int, str]:
    return {
        citation.number: words.citation_place(citation)
        for citation in sorted(citations, key=lambda c: c.number)
    }


def answer_body(answer: Answer) -> RenderableType:
    """Answer and sources as one block, for a panel."""
    sources = sources_list(answer.citations)
    parts: list[RenderableType] = [answer_text(answer.text, abstained=answer.abstained)]
    if answer.abstained:
        parts.append(Text(f"Why: {_why_declined(answer)}", style="quiet"))
    if sources is not None:
        parts += [Text(), Text("Sources", style="heading"), sources]
    return Group(*parts)


def print_answer(console: Console, answer: Answer) -> None:
    """The answer's text. A pipe gets it as it is; a terminal gets lines of a readable width."""
    text = answer_text(answer.text, abstained=answer.abstained)
    if console.is_terminal:
        console.print(text, width=min(console.width, READING_WIDTH))
    else:
        console.print(text, soft_wrap=True)


def print_sources(console: Console, answer: Answer) -> None:
    """The list below an answer. In a pipe each source stays on one line, whatever its length."""
    places = _places(answer.citations)
    if not places:
        return
    console.print()
    console.print(Text("Sources", style="heading"))
    if console.is_terminal:
        console.print(Padding(sources_list(answer.citations) or "", (0, 0, 0, 1)))
        return
    for number, place in places.items():
        console.print(Text(f" [{number}] {place}"), soft_wrap=True)


def print_notes(console: Console, answer: Answer, *, nearest: str = "ragcli search") -> None:
    """What the reader must know about an answer but would not see: for stderr.

    `nearest` is the command that shows the passages if there is no answer.
    """
    if answer.unknown_citations:
        numbers = ", ".join(f"[{number}]" for number in answer.unknown_citations)
        console.print(Text(f"note: the LLM cited {numbers}, not in the prompt; dropped.", style="warning"))
    if answer.context.left_out:
        left_out = words.count(answer.context.left_out, "passage")
        console.print(
            Text(
                f"note: {left_out} of the best did not fit the prompt's {answer.context.budget:,} tokens.",
                "warning",
            )
        )
    if answer.cut_off:
        limit = words.count(answer.usage.completion_tokens, "token")
        console.print(Text(f"note: the LLM was stopped after {limit}: llm.answer_tokens.", "warning"))
    print_truncated(console, answer.truncated)
    if answer.abstained:
        console.print(Text(f"note: {_why_declined(answer)}.", style="quiet"))
        console.print(Text(f"hint: {nearest} shows the passages that came nearest.", style="hint"))


def _why_declined(answer: Answer) -> str:
    missed = answer.declined_by
    if missed is None:
        return "the LLM found no answer in the passages"
    return f"{WHY_DECLINED[missed.setting]} ({missed.value:.2g}; {missed.setting} is {missed.least:.2g})"


def print_not_sent(console: Console, answer: Answer) -> None:
    """Which settings the LLM's server refused: once per run, for stderr."""
    if answer.not_sent:
        names = ", ".join(answer.not_sent)
        line = f"note: the LLM's server refuses {names}, and was asked without them; llm.extra can omit them."
        console.print(Text(line, style="warning"), soft_wrap=not console.is_terminal)


def print_larger_llm(console: Console, answer: Answer) -> None:
    """A hint for people who got an answer from the small embedded LLM: for a terminal's stderr."""
    if console.is_terminal and answer.model == SMALL.name and not answer.abstained:
        line = f"hint: this LLM is small and quotes a sentence. For real answers: {LARGE.prepare}"
        console.print(Text(f"{line} ({LARGE.bytes / 1e9:.1f} GB), then --profile local-large.", style="hint"))


def print_reasoning(console: Console, answer: Answer, of: str = "") -> None:
    """What the LLM thought before it answered: for stderr, as it is not part of the answer."""
    if answer.reasoning:
        console.print(Text(f"reasoning{f' ({of})' if of else ''}:", style="heading"))
        console.print(Text(words.clean(answer.reasoning), style="quiet"), soft_wrap=not console.is_terminal)


def print_truncated(console: Console, truncated: int) -> None:
    """Texts that an encoder could not read in full: for stderr."""
    if truncated:
        cut = words.count(truncated, "text")
        console.print(
            Text(f"note: {cut} longer than an encoder's window; only the beginning counted.", "warning")
        )


def print_timings(console: Console, timings: Sequence[Timing], of: str = "") -> None:
    """One line; `of` says what was timed, if there are several."""
    if timings:
        line = f"{of}: {words.timings_line(timings)}" if of else words.timings_line(timings)
        console.print(Text(line, style="quiet"), soft_wrap=not console.is_terminal)


def print_stages(console: Console, timings: Sequence[Timing], of: str = "") -> None:
    """A line for each stage, with what was loaded in it."""
    stages = words.summed(timings)
    if of and stages:
        console.print(Text(of, style="quiet"))
    width = max(map(len, stages), default=0)
    for name, value in stages.items():
        cold = words.loaded_in(timings, name)
        note = f"   cold: {', '.join(cold)}" if cold else ""
        console.print(Text(f"{name:<{width}}  {words.seconds(value):>8}{note}", "quiet"), soft_wrap=True)


def print_usage(console: Console, answer: Answer) -> None:
    tokens = f"{answer.usage.prompt_tokens:,} prompt + {answer.usage.completion_tokens:,} answer tokens"
    console.print(Text(f"{tokens}, {words.one_line(answer.model)}", "quiet"))


def print_context(console: Console, context: Context, title: str = "Prompt") -> None:
    """The exact messages, never wrapped, so that they can be copied."""
    console.print()
    console.print(Text(f"{title}, {context.tokens:,} of {context.budget:,} tokens", style="heading"))
    for message in context.messages:
        console.print(Text(f"── {message.role} ──", style="quiet"))
        console.print(Text(words.clean(message.content)), soft_wrap=True)


def print_search(
    console: Console,
    result: SearchResult,
    *,
    limit: int,
    explain: bool,
    rrf_k: float = RetrievalConfig().rrf_k,
) -> None:
    """The first `limit` candidates, in the final order of the arm."""
    shown = result.candidates[:limit]
    console.print(
        explain_table(shown, console.width)
        if explain
        else _snippet_table(shown, result.question, console.width)
    )
    if len(result.candidates) > len(shown):
        rest = f"{len(shown)} of {len(result.candidates)} candidates; --all shows the rest"
        console.print(Text(rest, style="quiet"))
    if explain:
        _print_formulas(console, shown, result.question, result.prior, rrf_k)


def print_explained_orders(
    console: Console, comparison: Comparison, *, limit: int, prior: Prior, rrf_k: float
) -> None:
    """The best `limit` of both orders, with every number of the ranking."""
    scored = comparison.reranked_order
    in_base_order = sorted(scored, key=lambda candidate: candidate.base_rank)
    for title, order, base in (
        ("Without reranking", in_base_order, True),
        ("With reranking", scored, False),
    ):
        console.print()
        console.print(Text(title, style="heading"))
        console.print(explain_table(order[:limit], console.width, base=base))
    _print_formulas(console, scored[:limit], comparison.question, prior, rrf_k)


def _print_formulas(
    console: Console, shown: Sequence[Candidate], question: str, prior: Prior, rrf_k: float
) -> None:
    if prior.weight:
        console.print(Text(prior_formula(prior, question, shown), style="quiet"))
    if any(candidate.fused is not None for candidate in shown):
        console.print(Text(fusion_formula(rrf_k), style="quiet"))


def _snippet_table(candidates: Sequence[Candidate], question: str, width: int) -> Table:
    title, figure = ranking_figure(candidates)
    table = ranked_table()
    table.add_column("Passage", ratio=1, overflow="fold")
    table.add_column(title, justify="right", no_wrap=True)
    length = max(40, (min(width, READING_WIDTH) - 18) * SNIPPET_LINES - RAGGED)
    for rank, candidate in enumerate(candidates, start=1):
        body = Text()
        body.append(words.chunk_title(candidate.chunk), style="heading")
        body.append(f"\n{words.chunk_place(candidate.chunk)}\n", style="quiet")
        body.append_text(_marked(words.snippet(candidate.chunk.text, question, length), question))
        body.append("\n" if rank < len(candidates) else "")
        table.add_row(Text(str(rank), style="number"), body, figure(candidate))
    return table


def _marked(snippet: str, question: str) -> Text:
    """The snippet with the question's words in bold."""
    marked = Text(snippet)
    wanted = {word.lower() for word in words.WORD.findall(question)}
    for match in words.WORD.finditer(snippet):
        if match.group().lower() in wanted:
            marked.stylize("bold", match.start(), match.end())
    return marked
