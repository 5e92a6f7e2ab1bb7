"""The encoding of a text that is not UTF-8: a detector's guess, helped by the letters of languages."""

from __future__ import annotations

import codecs
import re
import unicodedata

# Python's name of a codec -> the name that people know. With rare ones as well, a detector errs far more.
NAMES = {
    "cp1252": "Windows-1252",
    "cp1250": "Windows-1250",
    "iso8859_2": "ISO 8859-2",
    "cp1254": "Windows-1254",
    "cp1257": "Windows-1257",
    "cp1251": "Windows-1251",
    "koi8_r": "KOI8-R",
    "koi8_u": "KOI8-U",
    "iso8859_5": "ISO 8859-5",
    "cp866": "IBM 866",
    "cp1253": "Windows-1253",
    "iso8859_7": "ISO 8859-7",
    "cp1255": "Windows-1255",
    "cp1256": "Windows-1256",
    "cp874": "Windows-874",
    "cp932": "Shift-JIS",
    "euc_jp": "EUC-JP",
    "gb18030": "GB 18030",
    "big5": "Big5",
    "cp949": "EUC-KR",
    "iso2022_jp": "ISO-2022-JP",
    "utf_16_le": "UTF-16",
    "utf_16_be": "UTF-16",
}
_DETECTED = [name for name in NAMES if not name.startswith(("utf", "iso2022"))]

# The letters of languages beyond ASCII, one word each, by the code page that they are written in. Letters
# that another language needs much more are left out (the ð of Icelandic is the ğ of Turkish).
_CENTRAL = "ąćęłńóśźż áčďéěíňóřšťúůýž áäčďéíľňóôšťúýž áéíóöőúüű ăâîşţ čćđšž čšž äöüß"
_ALPHABETS = {
    "cp1252": "äöüß àâæçéèêëîïôœùûüÿ áéíñóúüªº ãáâàçéêíóôúªº åäöé æøåé àèéìòù éëïöüè áéíóúæö àçèéíïòóúü·",
    "cp1250": _CENTRAL,
    "iso8859_2": _CENTRAL,
    "cp1254": "âçğıİîöşûü",
    "cp1257": "ąčęėįšųūž āčēģīķļņšūž äõöüšž",
}
# Where two code pages fit equally well: French and German are read far more often than rare Czech.
_COMMON_LETTERS = "äöüßàâçèéêëîïôûù"

# In the wrong one of these, lower case becomes upper case, and common letters become rare ones.
_CYRILLIC = ("cp1251", "koi8_r", "koi8_u", "iso8859_5", "cp866")
_CYRILLIC_LETTERS = re.compile("[абвгдежзийклмнопрстуфхцчшщъыьэюяёіїєґ]", re.IGNORECASE)
_CAPITAL_WITHIN = re.compile("(?<=[а-яё])[А-ЯЁ]")

_SAMPLE_BYTES = 65536
# charset-normalizer's "mess", up to which a text is one; more than its default for texts of a few words.
_MOST_MESS = 0.5
# Japanese has this share of Hiragana at least; texts of single bytes have more lone "ideographs" than this.
_LEAST_HIRAGANA = 0.2
_MOST_ALONE = 0.3

_LINE_BEYOND_ASCII = re.compile(rb"[^\r\n]*[\x80-\xff][^\r\n]*[\r\n]*")
# Signs that never come before a letter, and controls: a letter of another code page.
_STRAY = re.compile(r"[¢-¦¨©¬-¯±-´¶¸¹¼-¾](?=[^\W\d_])|[\x80-\x9f\ufffd]")
_HIRAGANA = re.compile("[\u3041-\u3096]")
_EASTERN = re.compile("[\u2e80-\uffef]")
_EASTERN_ALONE = re.compile("(?<![\u2e80-\uffef])[\u2e80-\uffef](?![\u2e80-\uffef])")
_HALF_WIDTH_KANA = re.compile("[\uff61-\uff9f]")


def guess_encoding(data: bytes) -> str | None:
    """The codec of text that is not UTF-8, by its lines that are not ASCII; None if it is not text."""
    from charset_normalizer import from_bytes

    sample = _sample(data)
    for codec in ("euc_jp", "cp932"):
        if _is_japanese(sample, codec):
            return codec
    matches = from_bytes(sample, cp_isolation=_DETECTED, threshold=_MOST_MESS)
    found = [match.encoding for match in matches if not _only_looks_eastern(str(match))]
    if found and found[0] in _ALPHABETS:
        return _by_letters(sample, found[0])
    if found and found[0] in _CYRILLIC:
        return _by_case(sample, found[0])
    return found[0] if found else None


def unmarked_utf_16(data: bytes) -> str | None:
    """The codec if NUL bytes are only in every second place, and the result is text."""
    odd, even = data[1::2].count(0), data[::2].count(0)
    if bool(odd) == bool(even) or len(data) % 2:
        return None
    codec = "utf_16_le" if odd else "utf_16_be"
    try:
        text = data.decode(codec)
    except UnicodeDecodeError:
        return None
    kinds = {unicodedata.category(character) for character in set(text) - set("\t\n\r\f")}
    return None if kinds & {"Cc", "Cn", "Co"} else codec


def _sample(data: bytes) -> bytes:
    """Whole lines only: the last one may be cut within a character."""
    lines: list[bytes] = []
    size = 0
    for match in _LINE_BEYOND_ASCII.finditer(data):
        lines.append(match[0][:_SAMPLE_BYTES])
        size += len(lines[-1])
        if size >= _SAMPLE_BYTES:
            break
    if len(lines) > 1 and not lines[-1].endswith((b"\n", b"\r")):
        lines.pop()
    return b"".join(lines)


def _is_japanese(sample: bytes, codec: str) -> bool:
    """By its Hiragana, which the bytes of no other language become. The end may be cut within a character."""
    try:
        text = codecs.getincrementaldecoder(codec)().decode(sample)
    except UnicodeDecodeError:
        return False
    return len(_HIRAGANA.findall(text)) > _LEAST_HIRAGANA * len(_EASTERN.findall(text))


def _only_looks_eastern(text: str) -> bool:
    """Bytes of a Western text make an ideograph here and there; those of KOI8 half-width Katakana."""
    eastern = len(_EASTERN.findall(text))
    strange = max(len(_EASTERN_ALONE.findall(text)), len(_HALF_WIDTH_KANA.findall(text)))
    return strange > _MOST_ALONE * eastern


def _by_letters(sample: bytes, first: str) -> str:
    """The code page of Latin letters in which most belong to one language; else `first`."""

    def rank(codec: str) -> tuple[int, bool, bool]:
        text = sample.decode(codec, "replace").lower()
        letters = [character for character in text if not character.isascii() and character.isalpha()]
        misfits = (sum(letter not in known for letter in letters) for known in _ALPHABETS[codec].split())
        common = codec == "cp1252" and all(letter in _COMMON_LETTERS for letter in letters)
        return min(misfits) + len(_STRAY.findall(text)), not common, codec != first

    return min(_ALPHABETS, key=rank)


def _by_case(sample: bytes, first: str) -> str:
    """The Cyrillic code page that makes words: no capitals inside, no other letters."""

    def rank(codec: str) -> tuple[int, bool]:
        text = sample.decode(codec, "replace")
        letters = sum(not character.isascii() for character in text)
        misfits = letters - len(_CYRILLIC_LETTERS.findall(text)) + len(_CAPITAL_WITHIN.findall(text))
        return misfits, codec != first

    return min(_CYRILLIC, key=rank)
