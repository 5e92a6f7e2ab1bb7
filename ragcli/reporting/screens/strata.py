"""For whom and why, on one screen: the questions in groups, and the stages at which they ended."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from ragcli.evaluation.results import Stratified, Summary
from ragcli.reporting import figures
from ragcli.reporting import plain_text as words
from ragcli.reporting.screens.manage import print_table, table


def print_strata(console: Console, summary: Summary) -> None:
    for found in summary.strata:
        console.print()
        _print_stratified(console, found, figures.order_names(summary))


def _print_stratified(console: Console, found: Stratified, orders: tuple[str, str]) -> None:
    console.print(Text(figures.strata_title(found), style="heading"))
    numbers = ("n", *orders, "Change")
    rows = table("", *numbers, "95 % interval", "Won / lost", right=(*numbers, "Won / lost"))
    rows.padding = (0, 2, 0, 0)
    for column in rows.columns[1:]:
        column.no_wrap = True
    for stratum in found.strata:
        difference = stratum.difference
        style = ("good" if difference.mean > 0 else "bad") if difference.sure else "quiet"
        rows.add_row(
            figures.stratum_name(stratum),
            str(stratum.questions),
            figures.value(stratum.before),
            figures.value(stratum.after),
            Text(figures.signed(difference.mean), style=style),
            Text(figures.interval(difference), style="quiet"),
            f"{difference.won} / {difference.lost}",
        )
    print_table(console, rows)


def print_stages(console: Console, summary: Summary) -> None:
    """Nothing where no question failed."""
    if not figures.some_failed(summary):
        return
    console.print()
    orders = figures.order_names(summary)
    rows = table("Where the questions ended", *orders, right=orders)
    for count in summary.stages:
        rows.add_row(words.one_line(count.stage), str(count.before), str(count.after))
    print_table(console, rows)
