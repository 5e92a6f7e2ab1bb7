"""The screens of `ragcli eval`: the verdict, the measures, the depths, the questions that changed most."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ragcli.evaluation.diff import RunDiff
from ragcli.evaluation.measures import FOUND, LABELS, MAIN
from ragcli.evaluation.paired_tests import Difference
from ragcli.evaluation.results import Contrast, MeasureContrast, QuestionChange, Summary
from ragcli.evaluation.verdict import counts_text
from ragcli.reporting import figures
from ragcli.reporting import plain_text as words
from ragcli.reporting.screens.manage import print_table, table
from ragcli.reporting.screens.retrievals import print_retrievals
from ragcli.reporting.screens.strata import print_stages, print_strata
from ragcli.reporting.screens.terminal import READING_WIDTH

BAR_WIDTH = 10
# Below this width there is no room for bars next to the figures.
WIDE = 100
COUNTS_WIDTH = 40
SHOWN_MOVES = 2
SHOWN_MISSING = 10


def print_summary(console: Console, summary: Summary) -> None:
    """Everything; what a screenshot should show comes first."""
    _print_verdict(console, summary)
    _print_findings(console, summary)
    if not summary.judged:
        return
    _print_measures(console, summary)
    print_retrievals(console, summary)
    _print_standings(console, summary)
    if summary.contrasts:
        _print_counts(console, summary)
        print_strata(console, summary)
        print_stages(console, summary)
    _print_depths(console, summary)
    _print_answers(console, summary)
    _print_latencies(console, summary)
    _print_changes(console, "Helped most", summary.helped)
    _print_changes(console, "Hurt most", summary.hurt)


def _print_verdict(console: Console, summary: Summary) -> None:
    width = min(console.width, READING_WIDTH) if console.is_terminal else None
    console.print(
        Text(figures.unbroken(summary.verdict), style="heading"), width=width, soft_wrap=width is None
    )
    asked = words.count(len(summary.run.questions), "question")
    parts = [f"{words.one_line(summary.run.title)}: {asked}, {len(summary.judged)} with judged passages"]
    parts += figures.left_out(summary)
    if own := summary.run.settings.get("left_out_of_their_own_ranking"):
        parts.append(f"{own} are documents too, each left out of its own ranking")
    if summary.failed:
        parts.append(f"{summary.failed} without an answer")
    console.print(Text("; ".join(parts), style="quiet"))
    for line in figures.missing_lines(summary.run.missing, SHOWN_MISSING):
        console.print(Text(f"not found: {line}", style="warning"), soft_wrap=True)


def _print_findings(console: Console, summary: Summary) -> None:
    for note in summary.notes:
        console.print(Text(f"note: {words.one_line(note)}", style="warning"))
    for finding in summary.findings:
        line = f"warning: {words.one_line(finding.arm)}: {words.one_line(finding.text)}."
        console.print(Text(line, style="warning"))


def _print_measures(console: Console, summary: Summary) -> None:
    console.print()
    if not summary.contrasts:
        base = figures.base_name(summary.arms[0].retrieval)
        rows = table("Measure", base, right=(base,))
        for measure, mean in summary.arms[0].means.items():
            rows.add_row(LABELS[measure], figures.value(mean))
        print_table(console, rows)
        return
    alone = next((c for c in summary.contrasts if c.kind == "cross-encoder alone"), None)
    rows = _measures_table(summary, alone, wide=console.width >= WIDE)
    if figures.judged_row(summary):
        of_alone = figures.judged_shares(alone, summary)[1:] if alone else ()
        rows.add_row(figures.JUDGED, *figures.judged_shares(summary.contrasts[0], summary), *of_alone)
    print_table(console, rows)


def _measures_table(summary: Summary, alone: Contrast | None, *, wide: bool) -> Table:
    contrast = summary.contrasts[0]
    extra = ("CE alone",) if alone else ()
    numbers = (*figures.order_names(summary), *extra, "Change")
    rows = table("", *numbers, *(("",) if wide else ()), "95 % interval", "p", right=(*numbers, "p"))
    rows.padding = (0, 2, 0, 0)
    largest = max((abs(row.difference.mean) for row in contrast.measures), default=0.0)
    for place, row in enumerate(contrast.measures):
        style = "heading" if row.measure == MAIN else ""
        cells: list[Text | str] = [
            Text(figures.label(row.measure, summary), style=style),
            Text(figures.value(row.before), style=style),
            Text(figures.value(row.after), style=style),
        ]
        if alone:
            cells.append(Text(figures.value(alone.measures[place].after), style="quiet"))
        cells += _difference_cells(row, largest, wide=wide)
        rows.add_row(*cells)
    return rows


def _difference_cells(row: MeasureContrast, largest: float, *, wide: bool) -> list[Text | str]:
    found = row.difference
    if not (found.won or found.lost):
        return [Text("equal", style="quiet"), *([""] if wide else []), "", ""]
    style = ("good" if found.mean > 0 else "bad") if found.sure else "quiet"
    cells: list[Text | str] = [Text(figures.signed(found.mean), style=style)]
    if wide:
        part = abs(found.mean) / largest if largest else 0.0
        cells.append(Text(figures.bar(part, BAR_WIDTH), style=style))
    return [*cells, Text(figures.interval(found), style="quiet"), Text(figures.p_value(found.p_value))]


def _print_standings(console: Console, summary: Summary) -> None:
    """One line for each model: the bi-encoders, and below each the cross-encoders over its candidates."""
    if not summary.standings:
        return
    console.print()
    wide = console.width >= WIDE or not console.is_terminal
    recall = (LABELS[FOUND],) if summary.run.others else ()
    interval = ("95 % interval",) if wide else ()
    numbers = (LABELS[MAIN], *recall, "Change", "p", "A question")
    rows = table("Model", *numbers[:-2], *interval, *numbers[-2:], right=numbers)
    rows.padding = (0, 2, 0, 0)
    for standing in summary.standings:
        found, means = standing.difference, standing.arm.means
        rows.add_row(
            Text(figures.standing_name(standing, short=not wide)),
            figures.value(means[MAIN]),
            *((figures.value(means[FOUND]),) if recall else ()),
            figures.signed(found.mean) if found else "",
            *((Text(figures.interval(found) if found else "", style="quiet"),) if wide else ()),
            figures.p_value(found.p_value) if found else "",
            figures.milliseconds(standing.seconds),
        )
    print_table(console, rows)


def _print_counts(console: Console, summary: Summary) -> None:
    console.print()
    contrast = summary.contrasts[0]
    found = contrast.measures[0].difference
    console.print(_counts_bar(found))
    if contrast.gap_closed is not None:
        console.print(Text(figures.gap(contrast.gap_closed, summary.ceiling)))
    if line := figures.floors(summary):
        console.print(Text(line, style="quiet"))
    if summary.milliseconds_per_point is not None:
        cost = words.seconds(summary.milliseconds_per_point / 1000)
        console.print(Text(f"A point of nDCG (0.01) costs {cost} a question.", style="quiet"))


def _counts_bar(found: Difference) -> Text:
    """Won, tied and lost questions as parts of one bar, each with its number."""
    total = max(1, found.won + found.tied + found.lost)
    won, lost = (round(COUNTS_WIDTH * part / total) for part in (found.won, found.lost))
    won, lost = max(won, found.won > 0), max(lost, found.lost > 0)
    bar = Text("█" * won, style="good")
    bar.append("░" * max(0, COUNTS_WIDTH - won - lost), style="quiet")
    bar.append("▓" * lost, style="bad")
    return bar.append(f"  {counts_text(found)}", style="default")


def _print_depths(console: Console, summary: Summary) -> None:
    if not summary.depths:
        return
    console.print()
    right = ("Candidates", LABELS[MAIN], "Change", "Of the gain", "A question", "Of the time")
    rows = table(*right, right=right)
    for row in summary.depths:
        rows.add_row(
            str(row.depth),
            figures.value(row.ndcg),
            figures.signed(row.difference.mean),
            figures.share(row.share_of_gain),
            figures.milliseconds(row.seconds),
            figures.share(row.share_of_time),
        )
    print_table(console, rows)
    line = Text(figures.unbroken(summary.advice))
    if len(summary.depths) > 2:
        line.append(f"  {figures.sparkline([row.ndcg for row in summary.depths])}", style="reranked")
    console.print(line)


def _print_answers(console: Console, summary: Summary) -> None:
    if not summary.answers:
        return
    console.print()
    wide = console.width >= WIDE
    right = ("Questions", figures.base_name(summary.arms[0].retrieval), "Reranked", "Change", "p")
    interval = ("95 % interval",) if wide else ()
    rows = table("Answers", *right[:4], *interval, right[4], right=right)
    rows.padding = (0, 2, 0, 0)
    for row in summary.answers:
        rows.add_row(
            row.measure,
            str(row.questions),
            figures.value(row.before),
            figures.value(row.after),
            figures.signed(row.difference.mean),
            *((Text(figures.interval(row.difference), style="quiet"),) if wide else ()),
            figures.p_value(row.difference.p_value),
        )
    print_table(console, rows)


def _print_latencies(console: Console, summary: Summary) -> None:
    parts = [
        f"{latency.stage} {words.seconds(latency.p50)} (p95 {words.seconds(latency.p95)})"
        for latency in summary.latencies
    ]
    lines = [f"One question, models loaded: {' · '.join(parts)}"] if parts else []
    if money := figures.cost(summary):
        lines.append(money)
    for number, line in enumerate(lines):
        if not number:
            console.print()
        console.print(Text(line, style="quiet"))


def _print_changes(console: Console, title: str, changes: Sequence[QuestionChange]) -> None:
    if not changes:
        return
    console.print()
    console.print(Text(title, style="heading"))
    for change in changes:
        style = "good" if change.after > change.before else "bad"
        line = Text(f"{figures.signed(change.after - change.before)}  ", style=style)
        line.append(words.one_line(change.question.text), style="default")
        console.print(
            line, overflow="ellipsis", no_wrap=console.is_terminal, soft_wrap=not console.is_terminal
        )
        for moved in change.moved[:SHOWN_MOVES]:
            mark = "relevant" if moved.passage.gain > 0 else "not relevant"
            text = Text(f"{figures.move(moved):>11}  {figures.passage_name(moved.passage)}, {mark}", "quiet")
            console.print(text, soft_wrap=True)


def print_diff(console: Console, diff: RunDiff) -> None:
    """What changed from one run to another, for the questions that they share."""
    shared = words.count(diff.shared, "shared question")
    console.print(
        Text(f"{words.one_line(diff.before)} → {words.one_line(diff.after)}, {shared}", style="heading")
    )
    if diff.only_before or diff.only_after:
        console.print(
            Text(
                f"left out: {diff.only_before} only in the first, {diff.only_after} only in the second",
                "quiet",
            )
        )
    for arm in diff.arms:
        console.print()
        names = (
            f"{arm.name_before} → {arm.name_after}" if arm.name_before != arm.name_after else arm.name_after
        )
        numbers = ("Before", "After", "Change", "p")
        rows = table(
            f"{arm.kind.capitalize()}: {words.one_line(names)}",
            *numbers[:3],
            "95 % interval",
            "p",
            right=numbers,
        )
        for row in arm.measures:
            cells = _difference_cells(row, 0.0, wide=False)
            rows.add_row(LABELS[row.measure], figures.value(row.before), figures.value(row.after), *cells)
        print_table(console, rows)
    if diff.questions:
        console.print()
        console.print(Text(f"Questions that changed most ({LABELS[MAIN]})", style="heading"))
        for question in diff.questions:
            change = f"{figures.value(question.before)} → {figures.value(question.after)}  "
            style = "good" if question.after > question.before else "bad"
            console.print(Text(change, style=style).append(words.one_line(question.text), style="default"))
    if diff.settings:
        console.print()
        console.print(Text("Settings that differ", style="heading"))
        for setting in diff.settings:
            line = f"{setting.key}: {setting.before} → {setting.after}"
            console.print(Text(words.one_line(line), style="quiet"), soft_wrap=True)
