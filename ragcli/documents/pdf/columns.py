"""The reading order of a page: column by column, but tables row by row. Pure, without any PDF library."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import mean, median

from ragcli.documents.pdf.lines import Line, Segment, line_of

_Rows = Sequence[Sequence[Segment]]

# How many lines side by side make a column, and how many left edges are tried.
_FEWEST_LINES = 3
_CANDIDATES = 6
# In points: left edges of one column; in units of the size: how far a line may reach into the gutter.
_EDGE = 3.0
_OVERHANG = 1.5
# Prose fills its column with words; cells do not. The second of each applies if the page is drawn row by
# row, like most tables, so that there must be more evidence for columns.
_WORDS_PER_LINE = (2.5, 4.0)
_FILL = (0.5, 0.6)
_MOST_NUMBERS = 0.3
# The cells of tables have common baselines; few tables with this many rows are drawn column by column.
_ALIGNED = 0.6
_LONG_COLUMN = 20
# Of the usual distance between lines: a distance that separates the rows of a table, or paragraphs.
_BAND_GAP = 1.3
# Of the usual distance: one that separates parts of a page that are below each other.
_REGION_GAP = 2.5


def in_reading_order(rows: _Rows) -> list[Line]:
    """`rows`: the segments of each baseline, from the top down, from left to right."""
    cut = _columns(rows) if len(rows) >= _FEWEST_LINES else None
    if cut is None:
        return [line_of(row) for row in rows]
    return [line for part in cut for line in in_reading_order(part)]


def _columns(rows: _Rows) -> tuple[_Rows, _Rows, _Rows, _Rows] | None:
    """What is above two columns, the left one, the right one, what is below; None if there are none."""
    best: tuple[float, float, int, int] | None = None
    for x in _left_edges(rows):
        for first, end in _runs(rows, x):
            left, right = _sides(rows[first:end], x)
            if _are_columns(left, right):
                size = float(sum(len(cell.text) for row in rows[first:end] for cell in row))
                if best is None or size > best[0] or (size == best[0] and x < best[1]):
                    best = size, x, first, end
    if best is None:
        return None
    _, x, first, end = best
    return rows[:first], *_sides(rows[first:end], x), rows[end:]


def _left_edges(rows: _Rows) -> list[float]:
    """Where the right one of two columns may begin."""
    cells = [cell for row in rows for cell in row]
    least = min(cell.left for cell in cells) + 5 * median(cell.size for cell in cells)
    counts = Counter(round(cell.left / _EDGE) for cell in cells if cell.left > least)
    frequent = [edge for edge, count in counts.most_common(_CANDIDATES) if count >= 2]
    return [edge * _EDGE - _EDGE for edge in frequent]


def _runs(rows: _Rows, x: float) -> Iterator[tuple[int, int]]:
    """[first, end) of the rows in which nothing reaches across `x`."""
    first = 0
    for number in range(len(rows) + 1):
        if number == len(rows) or any(
            _reaches_across(rows[number], at, x) for at in range(len(rows[number]))
        ):
            yield from _regions(rows, first, number)
            first = number + 1


def _regions(rows: _Rows, first: int, end: int) -> Iterator[tuple[int, int]]:
    """All rows, and the parts between wide distances: there may be a table below two columns."""
    gaps = [above[0].y - below[0].y for above, below in pairwise(rows[first:end])]
    wide = _REGION_GAP * median(gaps) if gaps else 0.0
    cuts = [first, *(first + at for at, gap in enumerate(gaps, start=1) if gap > wide), end]
    for region in dict.fromkeys([(first, end), *pairwise(cuts)]):
        if region[1] - region[0] >= _FEWEST_LINES:
            yield region


def _reaches_across(row: Sequence[Segment], place: int, x: float) -> bool:
    cell = row[place]
    if cell.left >= x or cell.right <= x:
        return False
    # A long line of the left column extends into the gutter, where there is nothing next to it.
    return not (cell.right < x + _OVERHANG * cell.size and cell.left < x - 5 * cell.size)


def _sides(rows: _Rows, x: float) -> tuple[_Rows, _Rows]:
    left = [[cell for cell in row if cell.left < x] for row in rows]
    right = [[cell for cell in row if cell.left >= x] for row in rows]
    return [row for row in left if row], [row for row in right if row]


def _are_columns(left: _Rows, right: _Rows) -> bool:
    fewest = min(len(left), len(right))
    if fewest < _FEWEST_LINES or not _are_side_by_side(left, right):
        return False
    switches = _switches(left, right)
    if switches <= max(1, fewest / 8):
        if fewest >= _LONG_COLUMN or _aligned(left, right) < _ALIGNED:
            return True
        return _is_prose(left, 0) and _is_prose(right, 0)
    if switches < fewest:
        # Drawn cell by cell: a table with cells of several lines.
        return False
    return (
        fewest > _FEWEST_LINES and _is_prose(left, 1) and _is_prose(right, 1) and not _has_bands(left, right)
    )


def _are_side_by_side(left: _Rows, right: _Rows) -> bool:
    top = min(left[0][0].y, right[0][0].y)
    bottom = max(left[-1][0].y, right[-1][0].y)
    beside = [sum(bottom <= row[0].y <= top for row in rows) for rows in (left, right)]
    return min(beside) >= _FEWEST_LINES


def _switches(left: _Rows, right: _Rows) -> int:
    """How often the drawing goes from one side to the other."""
    drawn = sorted(
        [(cell.order, 0) for row in left for cell in row] + [(cell.order, 1) for row in right for cell in row]
    )
    return sum(before[1] != after[1] for before, after in pairwise(drawn))


def _aligned(left: _Rows, right: _Rows) -> float:
    """The share of the shorter side's lines that have another line on the same baseline."""
    fewer, more = sorted((left, right), key=len)
    heights = [row[0].y for row in more]
    return mean(any(abs(row[0].y - y) < 1.0 for y in heights) for row in fewer)


def _is_prose(rows: _Rows, strictness: int) -> bool:
    widths = [row[-1].right - row[0].left for row in rows]
    words = [word.text for row in rows for cell in row for word in cell.words]
    numbers = sum(not any(map(str.isalpha, word)) for word in words)
    cells = sum(len(row) for row in rows)
    return (
        len(words) / cells >= _WORDS_PER_LINE[strictness]
        and mean(widths) / max(widths) >= _FILL[strictness]
        and numbers / len(words) <= _MOST_NUMBERS
    )


def _has_bands(left: _Rows, right: _Rows) -> bool:
    """Whether both sides have their wide distances at the same heights, like the rows of a table."""
    wide = [_wide_gaps(left), _wide_gaps(right)]
    fewer, more = sorted(wide, key=len)
    return len(fewer) >= 1 and all(any(abs(y - other) < 2.0 for other in more) for y in fewer)


def _wide_gaps(rows: _Rows) -> list[float]:
    gaps = [(above[0].y - below[0].y, below[0].y) for above, below in pairwise(rows)]
    usual = min(gap for gap, _ in gaps)
    return [y for gap, y in gaps if gap > _BAND_GAP * usual]
