"""The screens of `ragcli chat`: answers, and what its commands show about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from ragcli.chat.commands import COMMANDS, MARK
from ragcli.chat.turns import Explanation, Source, Surroundings
from ragcli.reporting import plain_text as words
from ragcli.reporting.screens.answer_markdown import AnswerMarkdown
from ragcli.reporting.screens.explain import explain_table, prior_formula, ranking_figure
from ragcli.reporting.screens.manage import PIPE_WIDTH
from ragcli.reporting.screens.occlusion import print_readings, print_scale
from ragcli.reporting.screens.terminal import READING_WIDTH, answer_text, print_answer
from ragcli.types import Answer


def answer_body(text: str) -> RenderableType:
    """An LLM's own words, as Markdown."""
    return AnswerMarkdown(text)


def print_chat_answer(console: Console, answer: Answer, *, quoted: bool) -> None:
    """As Markdown on a terminal. Text `quoted` from a document is not Markdown and does not change."""
    if quoted or answer.abstained or not console.is_terminal:
        print_answer(console, answer)
    else:
        console.print(answer_body(answer.text), width=min(console.width, READING_WIDTH))


def print_rewritten(console: Console, question: str) -> None:
    """How a follow-up was understood."""
    line = Text(f"asking: {words.one_line(question)}", style="quiet")
    console.print(line, soft_wrap=not console.is_terminal)


def print_problem(console: Console, message: str, hint: str) -> None:
    """An error on one line: the conversation continues."""
    line = Text.assemble(("error: ", "error"), f"{words.one_line(message)} {words.one_line(hint)}".rstrip())
    console.print(line, soft_wrap=not console.is_terminal)


def print_welcome(console: Console, collection: str, documents: int, model: str) -> None:
    held = words.count(documents, "document")
    line = f"{words.one_line(collection)}: {held}, answers by {words.one_line(model)}"
    console.print(Text(line, style="heading"))
    console.print(
        Text(f"{MARK}help lists the commands. Ctrl-C stops an answer, Ctrl-D leaves.", style="quiet")
    )


def print_help(console: Console) -> None:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for usage in COMMANDS.values():
        grid.add_row(Text(f"{MARK}{usage.name} {usage.shown}", style="number"), Text(usage.help))
    console.print(grid)


def print_chat_sources(console: Console, sources: Sequence[Source]) -> None:
    """The numbers for /open and /explain, and how each passage was used."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="heading", show_edge=False)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("Passage", ratio=1, overflow="fold")
    title, figure = ranking_figure([source.candidate for source in sources])
    table.add_column(title, justify="right", no_wrap=True)
    table.add_column("Prompt", no_wrap=True)
    for source in sources:
        body = Text(words.chunk_title(source.candidate.chunk))
        body.append(f"\n{words.chunk_place(source.candidate.chunk)}", style="quiet")
        number = Text(f"[{source.number}]", style="number")
        table.add_row(number, body, figure(source.candidate), _prompt(source))
    console.print(table, width=min(console.width, READING_WIDTH))


def _prompt(source: Source) -> Text:
    if source.cited:
        return Text("cited", style="good")
    return Text("read") if source.in_prompt else Text("not in it", style="quiet")


def print_surroundings(console: Console, surroundings: Surroundings) -> None:
    """The passage, marked with a bar, between the texts before and after it."""
    chunk = surroundings.chunk
    console.print(Text(words.chunk_title(chunk), style="heading"))
    console.print(Text(words.chunk_place(chunk), style="quiet"))
    width = min(console.width, READING_WIDTH) if console.is_terminal else PIPE_WIDTH
    bar = "| " if console.options.ascii_only else "┃ "
    for mark, text in (("  ", surroundings.before), (bar, chunk.text), ("  ", surroundings.after)):
        shown = words.clean(text).strip()
        if shown:
            console.print()
            style = "" if mark == bar else "quiet"
            console.print(_Marked(Text(shown, style=style), mark), width=width, crop=False)


@dataclass(frozen=True)
class _Marked:
    """Every line of a text after a mark of two characters."""

    body: Text
    mark: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        inner = options.update(width=options.max_width - len(self.mark))
        for line in console.render_lines(self.body, inner, pad=False):
            yield Segment(self.mark)
            yield from line
            yield Segment.line()


def print_explanation(console: Console, explanation: Explanation) -> None:
    """Scores and ranks of a passage, then its sentences, best first."""
    source = explanation.source
    width = min(console.width, READING_WIDTH) if console.is_terminal else PIPE_WIDTH
    console.print(explain_table([source.candidate], console.width))
    if explanation.prior.weight:
        formula = prior_formula(explanation.prior, explanation.question, [source.candidate])
        console.print(Text(formula, style="quiet"), width=width, crop=False)
    console.print()
    console.print(Text(_standing(explanation)), width=width, crop=False)
    if explanation.sentences:
        _print_sentences(console, explanation)
    if explanation.occlusion is not None:
        console.print()
        print_readings(console, explanation.occlusion)
        console.print()
        print_scale(console)


def _print_sentences(console: Console, explanation: Explanation) -> None:
    measure = "logit + prior" if explanation.reranked else "similarity"
    console.print()
    console.print(Text(f"Its sentences, by {measure}", style="heading"))
    console.print(_sentences_table(explanation), width=min(console.width, READING_WIDTH))
    if _some_chosen(explanation):
        console.print(Text("* is in the prompt", style="quiet"))


def _standing(explanation: Explanation) -> str:
    candidate = explanation.source.candidate
    retrieval = "the bi-encoder" if candidate.fused is None else "hybrid retrieval"
    ranks = f"rank {candidate.base_rank} of {explanation.of} by {retrieval}"
    if candidate.rank is not None:
        ranks += f", {candidate.rank} after reranking"
    place = "not in the prompt"
    if explanation.source.in_prompt:
        place = "in the prompt and cited" if explanation.source.cited else "in the prompt, not cited"
    return f"Passage {explanation.source.number}: {ranks}; {place}."


def _sentences_table(explanation: Explanation) -> Table:
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    marked = _some_chosen(explanation)
    for sentence in sorted(explanation.sentences, key=lambda sentence: -sentence.score):
        digits = 2 if explanation.reranked else 3
        mark = "*" if marked and sentence.chosen else ""
        body = answer_text(words.one_line(sentence.text))
        grid.add_row(words.decimal(sentence.score, digits), Text(mark, style="good"), body)
    return grid


def _some_chosen(explanation: Explanation) -> bool:
    """With whole passages in the prompt, a mark at each sentence would say nothing."""
    return len({sentence.chosen for sentence in explanation.sentences}) == 2
