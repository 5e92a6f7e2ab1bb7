"""The pictures of an evaluation as SVG for an HTML page: drawn by matplotlib, coloured by the page's CSS.

Colours are placeholders while matplotlib draws and become CSS variables afterwards, so that one picture works
on light and dark backgrounds and on paper.
"""

from __future__ import annotations

import io
import random
import re
from collections.abc import Callable, Sequence
from typing import Any

from ragcli.evaluation.measures import LABELS, MAIN
from ragcli.evaluation.results import Summary
from ragcli.reporting import figures

INK, MUTED, GRID, ACCENT, WARN = "#101010", "#707070", "#d0d0d0", "#1060c0", "#c04010"
VARIABLES = {INK: "--ink", MUTED: "--muted", GRID: "--grid", ACCENT: "--accent", WARN: "--warn"}
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
MOST_LINES = 200
SEED = 7
# Ranks that nDCG@10 counts.
COUNTED = 10
BINS = 20


def slope_chart(summary: Summary) -> str:
    """Where the relevant passages moved: one line each, from the rank before to the rank after."""
    moves = relevant_moves(summary)
    depth = max((max(move) for move in moves), default=1)

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        for before, after in moves:
            colour = ACCENT if after < before else WARN if after > before else MUTED
            axes.plot([0, 1], [before, after], color=colour, linewidth=1.3, alpha=_alpha(len(moves)))
        axes.set_yscale("function", functions=(_compress, _expand))
        ticks = [rank for rank in (1, 2, 3, 5, 10, 20, 50, 100, 200, 500) if rank <= depth]
        axes.set_yticks(ticks, [str(rank) for rank in ticks])
        axes.set_ylim(depth * 1.12, 0.93)
        axes.set_xlim(-0.03, 1.03)
        axes.set_xticks([0, 1], [_base(summary), "reranked"])
        axes.tick_params(labelright=True)
        if depth > COUNTED:
            axes.axhline(COUNTED + 0.5, color=MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=0)
        axes.set_ylabel("rank")
        _plain(axes)

    return _svg(draw, (4.6, 4.4), f"Ranks of {len(moves)} relevant passages before and after reranking")


def relevant_moves(summary: Summary) -> list[tuple[int, int]]:
    """(rank before, rank after) of the relevant candidates; a seeded sample if there are too many to read."""
    if not summary.contrasts or summary.arms[1].kind == "ranking":
        return []
    moves = [
        (place + 1, rank)
        for question, order in zip(summary.judged, summary.arms[1].orders, strict=True)
        for rank, place in enumerate(order, start=1)
        if question.candidates[place].gain > 0
    ]
    return random.Random(SEED).sample(moves, MOST_LINES) if len(moves) > MOST_LINES else moves


def _base(summary: Summary) -> str:
    return figures.base_name(summary.arms[0].retrieval).lower()


def change_histogram(summary: Summary) -> str:
    """How many questions gained or lost how much nDCG@10; unchanged ones are left out and counted."""
    base, arm = summary.arms[:2]
    changes = [after - before for before, after in zip(base.values[MAIN], arm.values[MAIN], strict=True)]
    moved = [change for change in changes if abs(change) > 1e-9]

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        _, edges, bars = axes.hist(moved, bins=BINS, range=(-1, 1), rwidth=0.86)
        for edge, bar in zip(edges, bars, strict=False):
            bar.set_facecolor(ACCENT if edge >= -1e-9 else WARN)
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_xlabel(f"change of {LABELS[MAIN]}")
        axes.set_ylabel("questions")
        axes.yaxis.get_major_locator().set_params(integer=True)
        top = axes.get_ylim()[1]
        for x, side, colour, number in (
            (0.04, "left", ACCENT, sum(change > 0 for change in moved)),
            (-0.04, "right", WARN, sum(change < 0 for change in moved)),
        ):
            verb = "gained" if side == "left" else "lost"
            axes.text(x, top * 1.02, f"{number} {verb}", color=colour, ha=side, va="bottom")
        _plain(axes)

    return _svg(draw, (4.6, 2.9), f"{len(moved)} of {len(changes)} questions changed")


def depth_chart(summary: Summary) -> str:
    """nDCG@10 against the number of reranked candidates."""
    label = f"{LABELS[MAIN]} at {len(summary.depths)} numbers of candidates"
    return _quality_chart(summary, [row.depth for row in summary.depths], "candidates reranked", label)


def time_chart(summary: Summary) -> str:
    """nDCG@10 against the milliseconds of reranking one question, at each number of candidates."""
    places = [1000 * (row.seconds or 0.0) for row in summary.depths]
    label = f"{LABELS[MAIN]} by the time of reranking"
    return _quality_chart(summary, places, "ms a question", label, named=True)


def is_timed(summary: Summary) -> bool:
    return all(row.seconds is not None for row in summary.depths)


def _quality_chart(
    summary: Summary, places: Sequence[float], axis: str, label: str, *, named: bool = False
) -> str:
    """One point per depth, with the interval of its difference; `named` writes the depth next to each."""
    rows = summary.depths
    base = summary.arms[0].means[MAIN]

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        low = [max(0.0, base + row.difference.low) for row in rows]
        high = [min(1.0, base + row.difference.high) for row in rows]
        axes.axhline(base, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
        axes.fill_between(places, low, high, color=ACCENT, alpha=0.13, linewidth=0)
        axes.plot(places, [row.ndcg for row in rows], color=ACCENT, linewidth=1.8, marker="o", markersize=4)
        axes.text(max(places), base, _base(summary), color=MUTED, ha="right", va="bottom", fontsize=8)
        style = {"textcoords": "offset points", "ha": "center", "color": MUTED, "fontsize": 8}
        for place, row in zip(places, rows, strict=True) if named else ():
            axes.annotate(str(row.depth), (place, row.ndcg), (0, 6), **style)
        axes.set_xlabel(axis)
        axes.set_ylabel(LABELS[MAIN])
        axes.set_xlim(left=0)
        _plain(axes)

    return _svg(draw, (4.6, 2.9), label)


def _compress(ranks: Any) -> Any:
    import numpy as np

    return np.log(np.maximum(ranks, 1e-3))


def _expand(scaled: Any) -> Any:
    import numpy as np

    return np.exp(scaled)


def _alpha(lines: int) -> float:
    return max(0.25, min(0.9, 12 / max(1, lines) + 0.25))


def _plain(axes: Any) -> None:
    """No box and subtle ticks, to leave the focus on the data."""
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(length=0, colors=MUTED, labelsize=9)
    for axis in (axes.xaxis, axes.yaxis):
        axis.label.set_color(MUTED)
        axis.label.set_size(9)


def _svg(draw: Callable[[Any], None], inches: tuple[float, float], label: str) -> str:
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    settings = {"svg.fonttype": "none", "svg.hashsalt": label, "font.size": 9, "text.color": INK}
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=inches, layout="constrained")
        FigureCanvasSVG(figure)
        figure.patch.set_alpha(0)
        draw(figure)
        for axes in figure.axes:
            axes.patch.set_alpha(0)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    return _inline(out.getvalue(), label)


def _inline(svg: str, label: str) -> str:
    """Without prolog and metadata; scaled by the page; colours, fonts and ids do not clash with other
    pictures.
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    svg = re.sub(r"(font: [\d.]+px) [^;\"]*", rf"\1 {FONT}", svg)
    used = set(re.findall(r"url\(#([^)]+)\)", svg)) | set(re.findall(r'href="#([^"]+)"', svg))
    svg = re.sub(r' id="([^"]+)"', lambda found: found.group() if found.group(1) in used else "", svg)
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    return svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1).strip()
