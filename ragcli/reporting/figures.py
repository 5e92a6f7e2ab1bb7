"""The format of figures in an evaluation, the same in every report."""

from __future__ import annotations

from collections.abc import Sequence

from ragcli.evaluation.missing import described
from ragcli.evaluation.paired_tests import Difference
from ragcli.evaluation.records import (
    Arm,
    Contrast,
    JudgedPassage,
    MissingGold,
    Moved,
    Standing,
    Step,
    Summary,
)
from ragcli.evaluation.steps import in_use
from ragcli.evaluation.verdict import p_text
from ragcli.reporting import plain_text as words

EIGHTHS = " ▏▎▍▌▋▊▉█"
LEVELS = "▁▂▃▄▅▆▇█"


def value(mean: float) -> str:
    return f"{mean:.3f}"


def signed(change: float) -> str:
    """ "+0.091", "−0.004"; values that round to zero have no sign."""
    text = f"{change:+.3f}"
    return "0.000" if text in ("+0.000", "-0.000") else text.replace("-", "−")


def interval(difference: Difference) -> str:
    return f"{signed(difference.low)} .. {signed(difference.high)}"


def p_value(p: float) -> str:
    return p_text(p).removeprefix("p ").removeprefix("= ")


def unbroken(sentence: str) -> str:
    """The per cent signs stay with their numbers."""
    return sentence.replace(" %", "\N{NO-BREAK SPACE}%")


def share(part: float | None) -> str:
    return "–" if part is None else f"{100 * part:.0f} %".replace("-", "−")


def milliseconds(seconds: float | None) -> str:
    return "–" if seconds is None else words.seconds(seconds)


def counts(difference: Difference) -> str:
    return f"{difference.won} won, {difference.lost} lost, {difference.tied} tied"


def missing_lines(missing: Sequence[MissingGold], most: int | None = None) -> list[str]:
    """Gold that is not in the index, one line each; beyond `most` the rest is counted."""
    lines = [words.one_line(described(gap)) for gap in missing[:most]]
    rest = len(missing) - len(lines)
    return [*lines, *([f"{rest} more: --json lists all"] if rest else [])]


def base_name(retrieval: str) -> str:
    """The name of a retrieval's base order, next to "Reranked"."""
    return {"dense": "Bi-encoder", "hybrid": "Hybrid"}[retrieval]


def arm_label(arm: Arm) -> str:
    """The retrieval, and the model that reranks it: "hybrid", "hybrid, reranked by ragcli"."""
    name = words.one_line(arm.name)
    return f"{arm.retrieval}, reranked by {name}" if arm.kind == "reranked" else arm.retrieval


def arms_in_use(summary: Summary) -> list[Arm]:
    """For each retrieval its own order, then the reranked ones."""
    names = dict.fromkeys(arm.retrieval for arm in summary.arms)
    return [arm for name in names for arm in in_use(summary.arms, name)]


def step_text(step: Step) -> str:
    text = words.one_line(step.text)
    return text[:1].upper() + text[1:]


def contrast_title(contrast: Contrast, summary: Summary) -> str:
    """Of a table of measures; the retrieval is named if there are several."""
    name = words.one_line(contrast.arm)
    several = bool(summary.steps)
    return f"{name} over {contrast.retrieval} retrieval" if several else name


def arm_name(arm: Arm) -> str:
    name = words.one_line(arm.name)
    return f"{name} (alone)" if arm.kind == "cross-encoder alone" else name


def standing_name(standing: Standing, *, short: bool = False) -> str:
    """A cross-encoder stands below the bi-encoder whose candidates it orders. `short`: without the owner or
    the folders before the model's name.
    """
    name = arm_name(standing.arm)
    name = name.rpartition("/")[2] if short else name
    return name if standing.arm.kind == "bi-encoder" else f"+ {name}"


def passage_name(passage: JudgedPassage) -> str:
    return words.one_line(passage.location) or words.one_line(passage.source)


def move(moved: Moved) -> str:
    """ "3 → 1"."""
    return f"{moved.before} → {moved.after}"


def bar(part: float, width: int) -> str:
    """A bar of eighths of a character; `part` is between 0 and 1."""
    eighths = round(max(0.0, min(1.0, part)) * width * 8)
    full, rest = divmod(eighths, 8)
    return "█" * full + (EIGHTHS[rest] if rest else "")


def sparkline(values: Sequence[float]) -> str:
    """One character per value, between the lowest and the highest of them."""
    if not values:
        return ""
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    return "".join(LEVELS[round((value - low) / span * (len(LEVELS) - 1))] for value in values)
