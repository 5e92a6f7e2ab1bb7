"""roff within a line: escape sequences become the characters that they print."""

from __future__ import annotations

import re

_CHARACTERS = {
    "-": "-", "hy": "-", "em": "—", "en": "–", "bu": "•", "aq": "'", "dq": '"', "cq": "’", "oq": "‘",
    "lq": "“",
    "rq": "”", "co": "©", "rg": "®", "tm": "™", "ha": "^", "ti": "~", "ga": "`", "rs": "\\", "sl": "/",
    "ba": "|",
    "or": "|", "at": "@", "sh": "#", "Do": "$", "de": "°", "mu": "×", "di": "÷", "+-": "±", "->": "→",
    "<-": "←",
    "<=": "≤", ">=": "≥", "!=": "≠", "==": "≡", "~~": "≈", "if": "∞", "ss": "ß", "ae": "æ", "oe": "œ",
    "o/": "ø",
    "aa": "´", "lB": "[", "rB": "]", "lC": "{", "rC": "}", "la": "⟨", "ra": "⟩", "Fo": "«", "Fc": "»",
    "fo": "‹",
    "fc": "›", "Eu": "€", "Po": "£", "Ye": "¥", "sc": "§", "ps": "¶", "dg": "†", "dd": "‡", "12": "½",
    "14": "¼",
    "34": "¾", "S1": "¹", "S2": "²", "S3": "³", "mc": "µ", "*m": "μ", "*a": "α", "*b": "β", "*p": "π",
    "lh": "☜",
    "rh": "☞", "OK": "✓", "sq": "□", "ci": "○", "ct": "¢", "r!": "¡", "r?": "¿", "Bq": "„", "bq": "‚",
    "pl": "+",
    "mi": "−", "eq": "=", "fm": "′", "sd": "″", "br": "|", "ul": "_", "rn": "‾", "dA": "⇓", "uA": "⇑",
    "rA": "⇒",
    "lA": "⇐", "ua": "↑", "da": "↓", "<>": "↔", "bv": "|", "lt": "⎧",
}  # fmt: skip
_ACCENTS = {
    ":": "\u0308",
    "'": "\u0301",
    "`": "\u0300",
    "^": "\u0302",
    "~": "\u0303",
    ",": "\u0327",
    "o": "\u030a",
}
_STRINGS = {
    "R": "®",
    "Tm": "™",
    "lq": "“",
    "rq": "”",
    "(TM": "™",
    "--": "–",
    'L"': '"',
    'R"': '"',
    "C'": "'",
    "C`": "'",
}
_ESCAPE = re.compile(
    r"\\(?:"
    r"(?P<comment>[\"#].*$)"
    r"|\((?P<two>..)|\[(?P<long>[^\]]*)\]|C'(?P<named>[^']*)'"
    r"|[fFmMkgnVY](?:\[[^\]]*\]|\(..|[+-]?.)|s(?:\[[^\]]*\]|'[^']*'|\([+-]?\d\d|[+-]?\d{1,2})"
    r"|[hvwlLDbxNoABHSZRXz](?:'[^']*'|\S)"
    r"|\*(?:\[(?P<string>[^\]]*)\]|\((?P<string2>..)|(?P<string1>.))"
    r"|(?P<char>.)|$)"
)
_PLAIN = {
    "-": "-",
    "e": "\\",
    "\\": "\\",
    " ": " ",
    "~": " ",
    "0": " ",
    "'": "´",
    "`": "`",
    ".": ".",
    "t": " ",
    "_": "_",
}
_ARGUMENT = re.compile(r"\"((?:[^\"]|\"\")*)\"?|((?:\\.|[^\s\\])+)")
_LINK = re.compile(r"\\X'tty: link[^']*'")


def displayed(text: str) -> str:
    return _ESCAPE.sub(_shown, _LINK.sub("", text))


def arguments(text: str) -> list[str]:
    """Those of a macro: words, or what stands between quotation marks."""
    text = re.sub(r"(?<!\\)\\\".*$", "", text)
    return [
        match[1].replace('""', '"') if match[1] is not None else match[2]
        for match in _ARGUMENT.finditer(text)
    ]


def _shown(match: re.Match[str]) -> str:
    name = match["two"] or match["long"] or match["named"]
    if name:
        return _character(name)
    string = match["string"] or match["string2"] or match["string1"]
    if string:
        return _STRINGS.get(string, "")
    return _PLAIN.get(match["char"] or "", "")


def _character(name: str) -> str:
    if name in _CHARACTERS:
        return _CHARACTERS[name]
    if match := re.fullmatch(r"u([0-9A-F]{4,6})(?:_([0-9A-F]{4,6}))?", name):
        codes = [int(code, 16) for code in match.groups() if code]
        return "".join(chr(code) for code in codes if code < 0x110000)
    if len(name) == 2 and name[0] in _ACCENTS and name[1].isalpha():
        return name[1] + _ACCENTS[name[0]]
    return ""
