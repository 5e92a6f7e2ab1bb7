"""What `ragcli questions draft` says at its end."""

from __future__ import annotations

from pathlib import Path
from statistics import mean
from typing import Any

from rich.console import Console
from rich.text import Text

from ragcli.drafting.drafts import Report
from ragcli.drafting.records import KINDS, REASONS
from ragcli.reporting import plain_text as words
from ragcli.reporting.screens.manage import print_table, table


def print_report(console: Console, path: Path, report: Report, wanted: int) -> None:
    """How many of each kind the file holds, what was not kept and why, and what to do next."""
    written = report.written
    kept, rejected = written.kept(), written.rejected()
    rows = table("Kept", "Drafts", right=("Drafts",))
    for kind in KINDS:
        if kept[kind]:
            rows.add_row(kind, str(kept[kind]))
    print_table(console, rows)
    if rejected:
        console.print()
        rows = table("Not kept", "Drafts", right=("Drafts",))
        for reason in REASONS:
            if rejected[reason]:
                rows.add_row(reason, str(rejected[reason]))
        print_table(console, rows)
    console.print()
    for line in _lines(path, report, wanted):
        console.print(line, soft_wrap=not console.is_terminal)


def _lines(path: Path, report: Report, wanted: int) -> list[Text]:
    held = words.count(len(report.written.rows), "draft")
    first = Text(f"{words.one_line(str(path))} holds {held}", style="heading")
    if report.drafted:
        each = words.seconds(report.seconds / report.drafted)
        first.append(f", {report.drafted} of them new ({each} each)", style="")
    lines = [first]
    if further := _further_gold(report):
        lines.append(Text(f"Other passages that answer too: {further}"))
    if report.given_up and len(report.written.rows) < wanted:
        given_up = ", ".join(report.given_up)
        lines.append(Text(f"Not enough passages, or too many failures in a row: {given_up}", style="warning"))
    if (overlap := mean_overlap(report)) is not None:
        lines.append(Text(f"Word overlap with the passage: {overlap:.2f} on average", style="quiet"))
    lines.append(Text(f"Read them: ragcli questions review {words.one_line(str(path))}", style="hint"))
    return lines


def report_fields(path: Path, report: Report) -> dict[str, Any]:
    written = report.written
    return {
        "file": str(path),
        "drafts": len(written.rows),
        "drafted": report.drafted,
        "seconds": report.seconds,
        "kinds": {kind: written.kept()[kind] for kind in KINDS},
        "rejected": {reason: written.rejected()[reason] for reason in REASONS},
        "further_gold": _further_gold(report),
        "overlap": mean_overlap(report),
        "given_up": list(report.given_up),
    }


def mean_overlap(report: Report) -> float | None:
    """Of the answerable questions."""
    shares = [row["overlap"] for row in report.written.rows if row.get("evidence") and row.get("overlap")]
    return mean(shares) if shares else None


def _further_gold(report: Report) -> int:
    return sum(max(0, len(row.get("evidence", ())) - 1) for row in report.written.rows)
