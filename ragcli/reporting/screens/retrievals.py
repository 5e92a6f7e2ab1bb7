"""Several retrieval methods on one screen: each order with its figures, and what each change does."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from ragcli.evaluation.measures import LABELS, MAIN
from ragcli.evaluation.results import Summary
from ragcli.reporting import figures
from ragcli.reporting.screens.manage import print_table, table

# recall@candidates is what a retrieval passes to the reranker at all.
SHOWN = (MAIN, "mrr@10", "recall@5", "recall@candidates")


def print_retrievals(console: Console, summary: Summary) -> None:
    """Nothing if there is only one retrieval."""
    if not summary.steps:
        return
    console.print()
    labels = [LABELS[measure] for measure in SHOWN]
    orders = table("Order", *labels, right=labels)
    for arm in figures.arms_in_use(summary):
        orders.add_row(figures.arm_label(arm), *(figures.value(arm.means[measure]) for measure in SHOWN))
    print_table(console, orders)
    console.print()
    changes = table(f"What it does to {LABELS[MAIN]}", "Change", "95 % interval", "p", right=("Change", "p"))
    for step in summary.steps:
        found = step.row.difference
        style = ("good" if found.mean > 0 else "bad") if found.sure else "quiet"
        changes.add_row(
            figures.step_text(step),
            Text(figures.signed(found.mean), style=style),
            Text(figures.interval(found), style="quiet"),
            figures.p_value(found.p_value),
        )
    print_table(console, changes)
