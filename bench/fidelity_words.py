"""How the words of two texts differ: lost, added, cut otherwise, in another order. Pure."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# A hyphen between letters counts for nothing, at the end of a line or not: whether "well-" and "known" were
# one word or two nobody can tell from the page, and no reader is to be blamed for either.
_HYPHENS = re.compile(r"(?<=\w)[-\u00ad\u2010\u2011]+\s*\n?\s*(?=\w)")
_INSIDE = re.compile(r"(?<=\w)[\u00ad\u200b-\u200d\u2060\ufeff'\u2019](?=\w)")
# How many digits of a fraction a cell shows depends on its width.
_FRACTION = re.compile(r"\d+\.\d{6,}")
_WORD = re.compile(r"[^\W_]+")


_GREEK = [
    "alpha",
    "beta",
    "gamma",
    "delta",
    "epsilon",
    "zeta",
    "eta",
    "theta",
    "iota",
    "kappa",
    "lamda",
    "mu",
    "nu",
    "xi",
    "omicron",
    "pi",
    "rho",
    "sigma",
    "tau",
    "upsilon",
    "phi",
    "chi",
    "psi",
    "omega",
]
_LETTERS = {
    name.replace("lamda", "lambda"): unicodedata.lookup(f"GREEK SMALL LETTER {name}") for name in _GREEK
}
_LETTERS |= {name.title(): letter.upper() for name, letter in _LETTERS.items()}
_STYLES = re.compile(r"\{?\\(?:mathbb|mathcal|mathrm|text|overline)\b\s*\{?")
_COMMAND = re.compile(r"\\(?:var)?([A-Za-z]+)[ \t]*")


def letters_of_formulas(text: str) -> str:
    """LaTeX's `2\\pi x` as "2πx": a formula that is kept as it is written has lost nothing."""
    return _COMMAND.sub(lambda name: _LETTERS.get(name[1], f" {name[0]} "), _STYLES.sub("", text))


@dataclass(frozen=True, slots=True)
class Difference:
    """`lost` and `added` are words; `cut` counts those that only stand apart or together otherwise."""

    reference: int
    lost: Counter[str]
    added: Counter[str]
    cut: int
    moved: int
    anchors: int


def words(text: str) -> list[str]:
    """Letters and digits, whatever their case, their forms and hyphens: what people take for one word."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    plain = _FRACTION.sub(lambda number: f"{float(number[0]):.5f}".rstrip("0").rstrip("."), plain)
    return _WORD.findall(_INSIDE.sub("", _HYPHENS.sub("", plain)))


def agreed(texts: Sequence[list[str]]) -> Counter[str]:
    """Each word as often as at least two of the texts have it, or the only text."""
    if len(texts) == 1:
        return Counter(texts[0])
    counts = [Counter(text) for text in texts]
    every: set[str] = set().union(*counts)
    return Counter({word: n for word in every if (n := sorted(c[word] for c in counts)[-2])})


def difference(
    references: Sequence[list[str]], found: list[str], spare: Iterable[str] = (), unseen: Iterable[str] = ()
) -> Difference:
    """`spare` are words that the reader has apart from its text, such as a title: they are not lost. `unseen`
    are words that only the document has, and not the references, such as item numbers: they are not added."""
    wanted, have = agreed(references), Counter(found)
    # What any reference has was not invented.
    known: Counter[str] = Counter()
    for text in references:
        known |= Counter(text)
    known += Counter(unseen)
    lost, added = wanted - have - Counter(spare), have - known
    cut = _pair_off(references[0], lost, added) + _pair_off(found, added, lost)
    moved, anchors = _moved(references[0], found)
    return Difference(wanted.total(), lost, added, cut, moved, anchors)


def _pair_off(text: list[str], apart: Counter[str], together: Counter[str]) -> int:
    """Take neighbours out of `apart` that stand joined in `together`; how many words that were."""
    paired = 0
    for length in (2, 3):
        for at in range(len(text) - length + 1):
            parts = text[at : at + length]
            joined = "".join(parts)
            if together[joined] > 0 and all(apart[part] >= parts.count(part) for part in parts):
                together[joined] -= 1
                for part in parts:
                    apart[part] -= 1
                paired += 1
    for counts in (apart, together):
        for word in [word for word, n in counts.items() if n <= 0]:
            del counts[word]
    return paired


def _moved(reference: list[str], found: list[str]) -> tuple[int, int]:
    """Of the words that stand exactly once in both, how many are not in the longest sequence in order."""
    once = {word for word, n in Counter(reference).items() if n == 1}
    once &= {word for word, n in Counter(found).items() if n == 1}
    place = {word: at for at, word in enumerate(reference) if word in once}
    ends: list[int] = []
    for word in found:
        if word in once:
            at = bisect_left(ends, place[word])
            ends[at : at + 1] = [place[word]]
    return len(once) - len(ends), len(once)


def contexts(reference: list[str], lost: Counter[str], width: int = 12) -> list[str]:
    """Where in the reference the lost words stand closest together: runs of words, the longest first."""
    left, runs, run = Counter(lost), [], []
    gap = 0
    for word in reference:
        if left[word] > 0:
            left[word] -= 1
            run.append(word)
            gap = 0
        elif run and gap < 1:
            run.append(word)
            gap += 1
        else:
            if run:
                runs.append(run)
            run, gap = [], 0
    runs.append(run)
    return [" ".join(run[:width]) for run in sorted(runs, key=len, reverse=True) if run]


def headings_missed(wanted: Sequence[str], found: Sequence[str]) -> list[str]:
    """Headings of the document that the reader did not take for headings, whatever number they begin with."""
    have = {_heading(text) for text in found}
    return [text for text in wanted if _heading(text) not in have]


_NUMBER = re.compile(
    r"^(?:(?:chapter|appendix|section|part)?\s*(?:[a-z]|[\divxlc]+)(?:\.\d+)*[.:)]?\s+)", re.IGNORECASE
)


def _heading(text: str) -> str:
    plain = " ".join(text.split())
    return "".join(words(_NUMBER.sub("", plain) or plain))
