"""The screens of `ragcli questions`."""

from __future__ import annotations

from itertools import groupby

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ragcli.evaluation.checking import Check
from ragcli.evaluation.missing import described, guess
from ragcli.evaluation.records import MissingGold
from ragcli.reporting import plain_text as words
from ragcli.reporting.screens.terminal import READING_WIDTH

INDENT = 4


def print_check(console: Console, name: str, check: Check) -> None:
    """Each question with gold that is not found, and how many no ranking measure can count. In a pipe a line
    each.
    """
    if not console.is_terminal:
        for gap in check.gaps:
            console.print(Text(words.one_line(described(gap))), soft_wrap=True)
        console.print(_outcome(name, check), soft_wrap=True)
        return
    width = min(console.width, READING_WIDTH)
    texts = {question.id: question.text for question in check.questions}
    for question_id, gaps in groupby(check.gaps, key=lambda gap: gap.question_id):
        heading = Text.assemble(
            (words.one_line(question_id), "number"), "  ", words.one_line(texts[question_id])
        )
        console.print(heading, width=width)
        console.print(Padding(_gaps_table(list(gaps)), (0, 0, 1, INDENT)), width=width)
    console.print(_outcome(name, check), width=width)


def _gaps_table(gaps: list[MissingGold]) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for gap in gaps:
        lines = (
            Text(words.one_line(gap.gold) if gap.gold != gap.key else ""),
            Text(gap.reason, style="warning"),
            Text(words.one_line(guess(gap)), style="quiet"),
        )
        grid.add_row(Text(words.one_line(gap.key), "quiet"), Text("\n").join(line for line in lines if line))
    return grid


def _outcome(name: str, check: Check) -> Text:
    asked = words.count(len(check.questions), "question")
    unanswerable = sum(not question.answerable for question in check.questions)
    held = len(check.questions) - unanswerable - len(check.left_out)
    line = Text(f"{words.one_line(name)}: {asked}, {held} with gold in the index", style="heading")
    if unanswerable:
        line.append(f", {unanswerable} without an answer on purpose")
    if check.left_out:
        line.append(f"; left out of the ranking measures: {len(check.left_out)}", style="bad")
    return line
