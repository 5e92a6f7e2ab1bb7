"""The format of figures in an evaluation, the same in every report."""

from __future__ import annotations

from collections.abc import Sequence

from ragcli.evaluation.comparisons import in_use
from ragcli.evaluation.measures import LABELS
from ragcli.evaluation.missing import described
from ragcli.evaluation.paired_tests import Difference
from ragcli.evaluation.records import JudgedPassage, MissingGold
from ragcli.evaluation.results import Arm, Contrast, Moved, Standing, Step, Stratified, Stratum, Summary
from ragcli.evaluation.stages import SUCCESSES
from ragcli.evaluation.verdict import p_text
from ragcli.reporting import plain_text as words

EIGHTHS = " ▏▎▍▌▋▊▉█"
LONGEST_NAME = 24
LEVELS = "▁▂▃▄▅▆▇█"
JUDGED = "judged@10"


def value(mean: float) -> str:
    return f"{mean:.3f}"


def signed(change: float) -> str:
    """ "+0.091", "−0.004"; values that round to zero have no sign."""
    text = f"{change:+.3f}"
    return "0.000" if text in ("+0.000", "-0.000") else text.replace("-", "−")


def interval(difference: Difference) -> str:
    """ "−0.012 .. +0.145"; "too few" where the questions that differ exclude no difference at all."""
    if difference.unbounded:
        return "too few"
    return f"{signed(difference.low)} .. {signed(difference.high)}"


def p_value(p: float) -> str:
    return p_text(p).removeprefix("p ").removeprefix("= ")


def unbroken(sentence: str) -> str:
    """The per cent signs stay with their numbers."""
    return sentence.replace(" %", "\N{NO-BREAK SPACE}%")


def share(part: float | None) -> str:
    return "–" if part is None else f"{100 * part:.0f} %".replace("-", "−")


def gap(closed: float, ceiling: float) -> str:
    """What reranking does to the distance from the base order to a perfect one, of nDCG `ceiling`."""
    perfect = f"to a perfect order of these candidates ({value(ceiling)})"
    part = share(abs(closed))
    if part == share(0.0):
        return f"Reranking neither closes nor widens the gap {perfect}."
    if closed < 0:
        return f"Reranking widens the gap {perfect} by {part}."
    return f"Reranking closes {part} of the gap {perfect}."


def milliseconds(seconds: float | None) -> str:
    return "–" if seconds is None else words.seconds(seconds)


def left_out(summary: Summary) -> list[str]:
    """How many questions ranking measures leave out, and why."""
    counts = (
        (summary.unjudged, "name none in the index"),
        (summary.none_relevant, "had no relevant passage among those judged"),
        (summary.not_judged_yet, "not judged yet"),
    )
    return [f"{number} {what}" for number, what in counts if number]


def missing_lines(missing: Sequence[MissingGold], most: int | None = None) -> list[str]:
    """Gold that is not in the index, one line each; beyond `most` the rest is counted."""
    lines = [words.one_line(described(gap)) for gap in missing[:most]]
    rest = len(missing) - len(lines)
    return [*lines, *([f"{rest} more: --json lists all"] if rest else [])]


def base_name(retrieval: str) -> str:
    """The name of a retrieval's base order, next to "Reranked"."""
    return {"dense": "Bi-encoder", "hybrid": "Hybrid"}.get(retrieval, words.one_line(retrieval))


def arm_heading(contrast: Contrast) -> str:
    """What stands above the figures of an arm, next to those of its base order."""
    return words.one_line(contrast.arm) if contrast.kind == "ranking" else "Reranked"


def order_names(summary: Summary) -> tuple[str, str]:
    """The two orders that the verdict speaks of; there is a contrast."""
    contrast = summary.contrasts[0]
    return base_name(summary.arms[0].retrieval), arm_heading(contrast)


def label(measure: str, summary: Summary) -> str:
    """Marked where some of the first ten passages were not judged: a note says what that means."""
    return LABELS[measure] + ("*" if judged_row(summary) else "")


def strata_title(found: Stratified) -> str:
    """ "nDCG@10 by grade"."""
    return f"{LABELS.get(found.measure, found.measure.capitalize())} by {words.one_line(found.by)}"


def stratum_name(stratum: Stratum) -> str:
    """Without the folders before a document's name."""
    name = words.one_line(stratum.name)
    return f"…/{name.rpartition('/')[2]}" if len(name) > LONGEST_NAME and "/" in name else name


def judged_row(summary: Summary) -> bool:
    """Whether the share of judged passages says something: there is a pool, and it is not all."""
    return any(share < 1 for share in summary.judged_share)


def judged_shares(contrast: Contrast, summary: Summary) -> tuple[str, str]:
    """Of the base order and of the arm, for the row JUDGED of a table; there is one (see `judged_row`)."""
    own = (contrast.arm, contrast.kind, contrast.retrieval)
    shares = list(zip(summary.arms, summary.judged_share, strict=True))
    after = next(share for arm, share in shares if (arm.name, arm.kind, arm.retrieval) == own)
    first = summary.arms[0].retrieval if contrast.kind == "ranking" else contrast.retrieval
    before = next(share for arm, share in shares if arm.retrieval == first)
    return value(before), value(after)


def some_failed(summary: Summary) -> bool:
    """Somewhere on the way, so that a table says where; both orders have to be there."""
    return bool(summary.contrasts) and any(count.stage not in SUCCESSES for count in summary.stages)


def floors(summary: Summary) -> str:
    """ "The same candidates in random order: 0.112, by BM25: 0.743."; empty where there are none."""
    parts = [f"{words.one_line(floor.name)} {value(floor.mean)}" for floor in summary.floors]
    if not parts:
        return ""
    line = f"The same candidates {', '.join(parts)}."
    beaten = all(floor.difference.sure and floor.difference.mean > 0 for floor in summary.floors)
    return line if beaten else f"{line} Reranking is not shown to be better than that."


def cost(summary: Summary) -> str:
    """ "The LLM's tokens for 1,000 questions cost 0.42 without reranking, 0.44 with." """
    if summary.cost is None:
        return ""
    before, after = (money(part) for part in (summary.cost.before, summary.cost.after))
    return f"The LLM's tokens for 1,000 questions cost {before} without reranking, {after} with."


def money(amount: float) -> str:
    """In the currency of the prices, with digits enough to tell two small amounts apart."""
    return f"{amount:,.2f}" if amount >= 1 else f"{amount:.4f}"


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
    """ "3 → 1"; "– → 4" for a passage that only the second order has."""
    return f"{moved.before or '–'} → {moved.after or '–'}"


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
