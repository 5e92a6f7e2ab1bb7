"""Numbers as lists show them: 3, c, iii."""

from __future__ import annotations

_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"),
    (50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip
_LARGEST_ROMAN = 3999
_LETTERS = 26
_MOST_LETTERS = 30


def roman(number: int) -> str:
    """In lower case; in digits if there is no such numeral."""
    if not 0 < number <= _LARGEST_ROMAN:
        return str(number)
    parts = []
    for value, letters in _ROMAN:
        parts.append(letters * (number // value))
        number %= value
    return "".join(parts)


def letters(number: int) -> str:
    """a to z, then aa, ab, as HTML counts."""
    if number < 1:
        return str(number)
    found = ""
    while number:
        number, place = divmod(number - 1, _LETTERS)
        found = chr(ord("a") + place) + found
    return found


def repeated_letter(number: int) -> str:
    """a to z, then aa, bb, as Word counts."""
    if not 0 < number <= _MOST_LETTERS * _LETTERS:
        return str(number)
    times, place = divmod(number - 1, _LETTERS)
    return chr(ord("a") + place) * (times + 1)
