"""An evaluation as Markdown, for a pull request or a wiki."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ragcli.evaluation.measures import FOUND, LABELS, MAIN
from ragcli.evaluation.results import Contrast, QuestionChange, Summary
from ragcli.reporting import figures
from ragcli.reporting import plain_text as words
from ragcli.reporting.screens.retrievals import SHOWN


def report_markdown(summary: Summary) -> str:
    return "\n".join(_lines(summary)) + "\n"


def _lines(summary: Summary) -> Iterator[str]:
    yield f"# {_text(summary.run.title)}"
    yield ""
    yield f"**{_text(summary.verdict)}**"
    yield ""
    counts = [f"{len(summary.judged)} with judged passages", *figures.left_out(summary)]
    yield f"{len(summary.run.questions)} questions, {', '.join(counts)}."
    for line in figures.missing_lines(summary.run.missing):
        yield f"\n> Not found: {_text(line)}"
    for note in summary.notes:
        yield f"\n> Note: {_text(note)}"
    for finding in summary.findings:
        yield f"\n> **Warning**: {_text(finding.arm)}: {_text(finding.text)}."
    yield from _retrievals(summary)
    yield from _standings(summary)
    for contrast in summary.contrasts:
        yield from _contrast(contrast, summary)
    if summary.contrasts:
        closed = figures.share(summary.contrasts[0].gap_closed)
        best = figures.value(summary.ceiling)
        if summary.contrasts[0].gap_closed is not None:
            yield f"\nA perfect order of the same candidates: {best} (gap closed: {closed})."
        if floors := figures.floors(summary):
            yield f"\n{_text(floors)}"
    yield from _strata(summary)
    yield from _stages(summary)
    yield from _depths(summary)
    yield from _answers(summary)
    if cost := figures.cost(summary):
        yield f"\n{_text(cost)}"
    yield from _changes("Helped most", summary.helped)
    yield from _changes("Hurt most", summary.hurt)


def _standings(summary: Summary) -> Iterator[str]:
    if not summary.standings:
        return
    yield "\n## Models\n"
    yield from _table(
        ("Model", LABELS[MAIN], LABELS[FOUND], "Change", "95 % interval", "p", "A question"),
        [
            (
                _text(figures.standing_name(standing)),
                figures.value(standing.arm.means[MAIN]),
                figures.value(standing.arm.means[FOUND]),
                figures.signed(standing.difference.mean) if standing.difference else "",
                figures.interval(standing.difference) if standing.difference else "",
                figures.p_value(standing.difference.p_value) if standing.difference else "",
                figures.milliseconds(standing.seconds),
            )
            for standing in summary.standings
        ],
    )


def _retrievals(summary: Summary) -> Iterator[str]:
    if not summary.steps:
        return
    yield "\n## Retrieval and reranking\n"
    yield from _table(
        ("Order", *(LABELS[measure] for measure in SHOWN)),
        [
            (_text(figures.arm_label(arm)), *(figures.value(arm.means[measure]) for measure in SHOWN))
            for arm in figures.arms_in_use(summary)
        ],
    )
    yield ""
    yield from _table(
        (f"What it does to {LABELS[MAIN]}", "Change", "95 % interval", "p", "Won / lost / tied"),
        [
            (
                _text(figures.step_text(step)),
                figures.signed(step.row.difference.mean),
                figures.interval(step.row.difference),
                figures.p_value(step.row.difference.p_value),
                f"{step.row.difference.won} / {step.row.difference.lost} / {step.row.difference.tied}",
            )
            for step in summary.steps
        ],
    )


def _contrast(contrast: Contrast, summary: Summary) -> Iterator[str]:
    beside = " alone" if contrast.kind == "cross-encoder alone" else ""
    base = figures.base_name(contrast.retrieval)
    yield f"\n## {_text(figures.contrast_title(contrast, summary))}{beside}\n"
    yield from _table(
        (
            "Measure",
            base,
            _text(figures.arm_heading(contrast)),
            "Change",
            "95 % interval",
            "p",
            "Won / lost / tied",
        ),
        [
            (
                _text(figures.label(row.measure, summary)),
                figures.value(row.before),
                figures.value(row.after),
                figures.signed(row.difference.mean),
                figures.interval(row.difference),
                figures.p_value(row.difference.p_value),
                f"{row.difference.won} / {row.difference.lost} / {row.difference.tied}",
            )
            for row in contrast.measures
        ],
    )
    if figures.judged_row(summary):
        before, after = figures.judged_shares(contrast, summary)
        yield f"| {figures.JUDGED} | {before} | {after} | | | | |"


def _strata(summary: Summary) -> Iterator[str]:
    orders = tuple(map(_text, figures.order_names(summary))) if summary.strata else ()
    for found in summary.strata:
        yield f"\n## {_text(figures.strata_title(found))}\n"
        yield from _table(
            ("Group", "Questions", *orders, "Change", "95 % interval", "Won / lost"),
            [
                (
                    _text(stratum.name),
                    str(stratum.questions),
                    figures.value(stratum.before),
                    figures.value(stratum.after),
                    figures.signed(stratum.difference.mean),
                    figures.interval(stratum.difference),
                    f"{stratum.difference.won} / {stratum.difference.lost}",
                )
                for stratum in found.strata
            ],
        )


def _stages(summary: Summary) -> Iterator[str]:
    if not figures.some_failed(summary):
        return
    yield "\n## Where the questions ended\n"
    yield from _table(
        ("Stage", *map(_text, figures.order_names(summary))),
        [(_text(count.stage), str(count.before), str(count.after)) for count in summary.stages],
    )


def _depths(summary: Summary) -> Iterator[str]:
    if not summary.depths:
        return
    yield "\n## Candidates\n"
    yield from _table(
        ("Candidates", LABELS[MAIN], "Change", "Of the gain", "A question", "Of the time"),
        [
            (
                str(row.depth),
                figures.value(row.ndcg),
                figures.signed(row.difference.mean),
                figures.share(row.share_of_gain),
                figures.milliseconds(row.seconds),
                figures.share(row.share_of_time),
            )
            for row in summary.depths
        ],
    )
    yield f"\n{_text(summary.advice)}"


def _answers(summary: Summary) -> Iterator[str]:
    if not summary.answers:
        return
    yield "\n## Answers\n"
    base = figures.base_name(summary.arms[0].retrieval)
    yield from _table(
        ("Measure", "Questions", base, "Reranked", "Change", "95 % interval", "p"),
        [
            (
                row.measure,
                str(row.questions),
                figures.value(row.before),
                figures.value(row.after),
                figures.signed(row.difference.mean),
                figures.interval(row.difference),
                figures.p_value(row.difference.p_value),
            )
            for row in summary.answers
        ],
    )


def _changes(title: str, changes: Sequence[QuestionChange]) -> Iterator[str]:
    if not changes:
        return
    yield f"\n## {title}\n"
    for change in changes:
        yield f"- {figures.signed(change.after - change.before)} {_text(change.question.text)}"
        for moved in change.moved:
            mark = "relevant" if moved.passage.gain > 0 else "not relevant"
            yield f"  - {figures.move(moved)} {_text(figures.passage_name(moved.passage))} ({mark})"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"|---|{'---:|' * (len(header) - 1)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _text(text: str) -> str:
    """On one line, without anything that Markdown or HTML would interpret."""
    return words.markdown_literal(text)
