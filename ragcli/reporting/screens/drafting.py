"""What `ragcli questions draft` says at its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ragcli.drafting.draft_file import Row, Written
from ragcli.drafting.drafts import Report
from ragcli.drafting.records import KINDS, REASONS
from ragcli.reporting import plain_text as words
from ragcli.reporting.screens.manage import print_table, table

MOST_SHOWN = 10
"""Of the new drafts: `ragcli questions review` shows all."""


def print_report(console: Console, path: Path, report: Report) -> None:
    """How many of each kind the file holds, what was not kept and why, and the latest drafts."""
    written = report.written
    kept, rejected = written.kept(), written.rejected()
    rows = table("Kept", "Drafts", right=("Drafts",))
    for kind in KINDS:
        if kept[kind]:
            rows.add_row(kind, str(kept[kind]))
    print_table(console, rows)
    if rejected:
        console.print()
        print_table(console, _rejections(written, rejected))
    console.print()
    if report.drafted:
        _print_latest(console, written.rows[-min(report.drafted, MOST_SHOWN) :])
    for line in _lines(path, report):
        console.print(line, soft_wrap=not console.is_terminal)


def _rejections(written: Written, counts: Mapping[str, int]) -> Table:
    """Each reason with the latest question that had it: what a filter drops shows whether it is right."""
    latest = {
        str(one.get("outcome")): str(one["question"]) for one in written.attempts if one.get("question")
    }
    rows = table("Not kept", "Drafts", "Such as", right=("Drafts",))
    for reason in REASONS:
        if counts.get(reason):
            example = Text(words.one_line(latest.get(reason, "")), style="quiet")
            rows.add_row(reason, str(counts[reason]), example)
    return rows


def _print_latest(console: Console, rows: Sequence[Row]) -> None:
    """Question, answer and document of each, on two lines."""
    for row in rows:
        answers = row.get("answers") or ["no answer in the documents"]
        facts = [str(answers[0]), str(row.get("drafted_from")), str(row.get("kind"))]
        console.print(Text(words.one_line(str(row.get("question")))), soft_wrap=not console.is_terminal)
        told = Text("  " + " · ".join(map(words.one_line, facts)), style="quiet")
        console.print(told, soft_wrap=not console.is_terminal)
    console.print()


def _lines(path: Path, report: Report) -> list[Text]:
    held = words.count(len(report.written.rows), "draft")
    first = Text(f"{words.one_line(str(path))} holds {held}", style="heading")
    if report.drafted:
        each = words.seconds(report.seconds / report.drafted)
        first.append(f", {report.drafted} of them new ({each} each)", style="")
    lines = [first]
    if further := _further_gold(report):
        lines.append(Text(f"Other passages that answer too: {further}"))
    if report.given_up:
        kinds = ", ".join(report.given_up)
        lines.append(Text(f"Given up (too many failures, or no passages left): {kinds}", style="warning"))
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
    answerable = [row for row in report.written.rows if row.get("evidence")]
    shares = [row["overlap"] for row in answerable if row.get("overlap") is not None]
    return mean(shares) if shares else None


def _further_gold(report: Report) -> int:
    return sum(max(0, len(row.get("evidence", ())) - 1) for row in report.written.rows)
