"""Subtitles (SubRip, WebVTT): what is said, as paragraphs, each with the time at which it begins."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from ragcli.documents.decoding import decode
from ragcli.documents.outline import Outline
from ragcli.documents.text import read_text

_TIMES = re.compile(
    r"\s*(?:(\d+):)?(\d{1,2}):(\d{2})[.,]\d{1,3}\s*-->\s*(?:(\d+):)?(\d{1,2}):(\d{2})[.,]\d{1,3}"
)
# <i>, <c.yellow>, <00:01:02.000>, {\an8}; <v Ada> names who speaks.
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]+)>")
_MARKUP = re.compile(r"</?[a-z][^>]*>|<[\d:.]+>|\{\\[^}]*\}", re.IGNORECASE)
_ENDS = re.compile(r"""[.!?…:]["'”’)\]]*$""")
_BLOCKS = re.compile(r"(?:NOTE|STYLE|REGION|WEBVTT)\b")
# A pause begins a paragraph, and so does text that would make it very long.
_PAUSE_SECONDS = 3
_LONGEST = 600


@dataclass(frozen=True, slots=True)
class _Cue:
    text: str
    start: int
    end: int
    lines: tuple[int, int]


def read_subtitles(data: bytes, name: str) -> Outline:
    """Lines are those of the file. A file without times is read as text."""
    cues = _cues(decode(data).split("\n"))
    if not cues:
        return read_text(data, name)
    outline = Outline(name.lower().rpartition(".")[2])
    group: list[_Cue] = []
    for cue in cues:
        if group and _begins_paragraph(group, cue):
            _add(outline, group)
            group = []
        group.append(cue)
    _add(outline, group)
    return outline


def _cues(lines: list[str]) -> list[_Cue]:
    found: list[_Cue] = []
    place = 0
    while place < len(lines):
        match = _TIMES.match(lines[place])
        if _BLOCKS.match(lines[place]):
            place = _end_of_block(lines, place)
            continue
        place += 1
        if not match:
            continue
        end = _end_of_block(lines, place)
        text = " ".join(filter(None, map(_plain, lines[place:end])))
        if text:
            found.append(_Cue(text, _seconds(match, 1), _seconds(match, 4), (place, end)))
        place = end
    return found


def _end_of_block(lines: list[str], place: int) -> int:
    while place < len(lines) and lines[place].strip():
        place += 1
    return place


def _plain(line: str) -> str:
    return " ".join(html.unescape(_MARKUP.sub("", _VOICE.sub(r"\1: ", line))).split())


def _seconds(match: re.Match[str], group: int) -> int:
    return 3600 * int(match[group] or 0) + 60 * int(match[group + 1]) + int(match[group + 2])


def _begins_paragraph(group: list[_Cue], cue: _Cue) -> bool:
    said = sum(len(one.text) for one in group)
    return bool(
        cue.start - group[-1].end >= _PAUSE_SECONDS
        or said > _LONGEST
        or (said > _LONGEST // 2 and _ENDS.search(group[-1].text))
    )


def _add(outline: Outline, group: list[_Cue]) -> None:
    minutes, seconds = divmod(group[0].start, 60)
    hours, minutes = divmod(minutes, 60)
    time = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    said = " ".join(cue.text for cue in group)
    outline.add(f"[{time}] {said}", lines=(group[0].lines[0], group[-1].lines[1]))
