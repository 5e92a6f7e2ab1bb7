"""Where sentences begin and end: pure, by rules, for prose, lists and table rows."""

from __future__ import annotations

import re

# Never the end of a sentence: a name or an explanation follows.
_TITLE_WORDS = (
    "mr mrs ms mx dr prof sr jr st ste rev fr gen col lt capt sgt maj adm gov pres sen rep hon mt ft messrs "
    "mme mlle e.g i.e eg ie cf vs viz approx ca esp incl resp al ed eds trans cit ibid bzw z.b d.h"
)
# An abbreviation only before a number: "No. 5", but "She said no. Then ...".
_NUMBERED_WORDS = (
    "no nos nr fig figs vol vols p pp pg ch chap sec sect art par eq ex app ver ext tel "
    "jan feb mar apr jun jul aug sep sept oct nov dec"
)
# May end a sentence too: they do where a word follows that begins one.
_ENDING_WORDS = (
    "etc inc ltd co corp llc plc bros dept univ assn a.m p.m am pm u.s u.k u.n e.u u.s.a d.c ph.d b.c a.d"
)
_STARTING_WORDS = (
    "the a an this that these those it its he his she her they their we our you your i in on at by for from "
    "with as if when while after before since although because however but and or so then there here what "
    "who where why how all some many most each every no not another one two both"
)
# These too in a text without upper-case letters, where the next word cannot show that the sentence goes on.
_CLIPPED_WORDS = "min max avg temp std misc orig est tech spec ref refs def desc abbr lit hist geogr"
_TITLES = frozenset(_TITLE_WORDS.split())
_BEFORE_NUMBERS = frozenset(_NUMBERED_WORDS.split())
_MAY_END = frozenset(_ENDING_WORDS.split())
_CLIPPED = frozenset(_CLIPPED_WORDS.split())
_STARTERS = frozenset(_STARTING_WORDS.split())

_END = re.compile(r"(?:(?<![.!?…])[.!?…]+[\"'”’»)\]]*(?=\s)|[。！？][”’」』）]*)")
_LIST_ITEM = re.compile(r"[ \t]*(?:[-*+•–]|\(?\d{1,3}[.)]|\(?[a-zA-Z][.)])[ \t]+\S")
_ROW_SEPARATOR = " | "
_LAST_WORD = re.compile(r"[^\s(\[\"'“‘]*$")
_LETTERS = re.compile(r"[^\W\d_](?:\.[^\W\d_])+$")
_NEXT_WORD = re.compile(r"\s*[\"'“‘«(\[]*([^\s.,;:!?\"'”’)\]]*)")
# Looking further back for the word before a full stop would make a text without spaces quadratic.
_LONGEST_WORD = 40


def split_sentences(text: str) -> list[tuple[int, int]]:
    """The (start, end) of each sentence, without the white space around it; together they hold all the rest.

    A blank line ends a sentence, and so does the end of a line before a list item and at a table row. In a
    paragraph, item or row without upper-case letters, a sentence may begin with a lower-case letter.
    """
    spans: list[tuple[int, int]] = []
    for start, end in _units(text):
        spans.extend(_in_unit(text, start, end))
    return spans


def _units(text: str) -> list[tuple[int, int]]:
    """Runs of lines that may hold a sentence running over: paragraphs, list items, table rows."""
    units: list[tuple[int, int]] = []
    position, start, previous_is_row = 0, 0, False
    for line in text.split("\n"):
        is_row = _ROW_SEPARATOR in line
        if not line.strip() or is_row or previous_is_row or _LIST_ITEM.match(line):
            units.append((start, position))
            start = position
        previous_is_row = is_row
        position += len(line) + 1
    units.append((start, len(text)))
    return units


def _in_unit(text: str, start: int, end: int) -> list[tuple[int, int]]:
    spans = []
    marker = _LIST_ITEM.match(text, start, end)
    first = marker.end() if marker else start
    cased = any(character.isupper() for character in text[first:end])
    for match in _END.finditer(text, first, end):
        if _ends_sentence(text, start, match, cased):
            spans.append((start, match.end()))
            start = match.end()
    spans.append((start, end))
    stripped = ((_skip_space(text, a, b), b) for a, b in spans)
    return [(a, a + len(text[a:b].rstrip())) for a, b in stripped if text[a:b].strip()]


def _skip_space(text: str, start: int, end: int) -> int:
    return start + len(text[start:end]) - len(text[start:end].lstrip())


def _ends_sentence(text: str, start: int, match: re.Match[str], cased: bool) -> bool:
    mark = match.group()
    if mark[0] in "。！？":
        return True
    rest = text[match.end() : match.end() + _LONGEST_WORD]
    following = _NEXT_WORD.match(rest)
    word = following[1] if following else ""
    stops = mark.rstrip("\"'”’»)]")
    if word[:1].islower() and (cased or _may_go_on(mark, stops)):
        return False
    if not mark.startswith(".") or len(stops) > 1:
        return True
    found = _LAST_WORD.search(text[max(start, match.start() - _LONGEST_WORD) : match.start()])
    before = found[0] if found else ""
    if word[:1].islower() and _is_clipped(before, word):
        return False
    return _full_stop_ends(before, word, cased)


def _may_go_on(mark: str, stops: str) -> bool:
    """Whether a sentence often goes on after this mark: 'well ... maybe', 'he asked "why?" and left'."""
    return stops[0] == "…" or stops.startswith("..") or (stops != mark and stops[-1] in "!?")


def _is_clipped(before: str, after: str) -> bool:
    """Whether this is an abbreviation ("a.k.a", "max", "no" of) or the folder "." rather than a last word."""
    lower = before.lower()
    if lower in _BEFORE_NUMBERS and after == "of":
        return True
    return not before or ((lower in _CLIPPED or _LETTERS.match(lower) is not None) and after not in _STARTERS)


def _full_stop_ends(before: str, after: str, cased: bool) -> bool:
    """Whether the full stop between these words ends a sentence."""
    lower = before.lower()
    starts = after.lower() in _STARTERS
    if lower in _TITLES:
        return False
    if lower in _BEFORE_NUMBERS:
        return not after[:1].isdigit()
    if lower in _MAY_END:
        return starts or (lower == "etc" and after[:1].isupper())
    if len(before) == 1 and before.isalpha() and (before.isupper() or not cased):
        return starts
    return True
