"""mdoc's macros within a line: which of its words are macros, and what they add."""

from __future__ import annotations

import re

from ragcli.documents.manual_pages.roff import arguments, displayed
from ragcli.documents.name_lists import names

# What they put around their words; those that add nothing, and others that only set a font.
_AROUND = {
    "Op": ("[", "]"), "Oo": ("[", ""), "Oc": ("]", ""), "Dq": ("“", "”"), "Do": ("“", ""), "Dc": ("”", ""),
    "Sq": ("‘", "’"), "So": ("‘", ""), "Sc": ("’", ""), "Ql": ("‘", "’"), "Qq": ('"', '"'), "Qo": ('"', ""),
    "Qc": ('"', ""), "Pq": ("(", ")"), "Po": ("(", ""), "Pc": (")", ""), "Bq": ("[", "]"), "Bo": ("[", ""),
    "Bc": ("]", ""), "Brq": ("{", "}"), "Bro": ("{", ""), "Brc": ("}", ""), "Aq": ("<", ">"), "Ao": ("<", ""),
    "Ac": (">", ""),
}  # fmt: skip
_PLAIN = names(
    "Ar Cm Ic Ev Va Vt Fa Ft Fn Em Sy Li Pa Tn An Ad Ux Xr Cd Dv Er Lb St Lk Mt Nm Fl In Fd Ns No Pf Ms Sx "
    "Xo Xc D1 Dl "
    "At Bx Fx Nx Ox Dx Rv Ex Hf %A %B %T %J %D %P %V %N %R %I %O %U %C %Q Tg Ta Eo Ec Fo Fc Bl Nd"
)
_SYSTEMS = {
    "Ux": "UNIX",
    "Fx": "FreeBSD",
    "Nx": "NetBSD",
    "Ox": "OpenBSD",
    "Dx": "DragonFly",
    "Bx": "BSD",
    "At": "AT&T UNIX",
}
_CLOSING = re.compile(r"[.,:;)\]?!]")
_OPENING = re.compile(r"[(\[]+")


def displayed_line(text: str, name: str) -> str:
    """`name` is that of the page, which Nm without words prints."""
    return _Line(name).read(arguments(text))


class _Line:
    def __init__(self, name: str) -> None:
        self.name = name
        self.shown = ""
        self.glue = True
        self.ends: list[str] = []
        self.dashes = False

    def read(self, parts: list[str]) -> str:
        place = 0
        while place < len(parts):
            part = parts[place]
            place += 1
            following = parts[place] if place < len(parts) else ""
            if part in _AROUND:
                before, after = _AROUND[part]
                self._open(before) if len(part) < 3 and part[1] != "c" else self._close_mark(before)
                if after:
                    self.ends.append(after)
            elif part in ("Ns", "Ta", "Pf") or part == "Xc":
                if part == "Pf":
                    self._say(displayed(following))
                    place += 1
                self.glue = part != "Ta"
            elif part == "Nm" and (
                not following or following in _PLAIN or following in _AROUND or _is_mark(following)
            ):
                self._say(self.name)
            elif part == "Fl":
                self.dashes = True
                if not following or following in _PLAIN or following in _AROUND:
                    self._say("-")
                    self.glue = following in _PLAIN
                    self.dashes = False
            elif part == "Xr":
                section = (
                    parts[place + 1] if place + 1 < len(parts) and parts[place + 1][:1].isdigit() else ""
                )
                self._say(f"{displayed(following)}({section})" if section else displayed(following))
                place += 2 if section else 1
            elif part in _SYSTEMS:
                self._say(_SYSTEMS[part])
            elif part in _PLAIN:
                self.dashes = False
            else:
                self._word(part)
        return self.shown + "".join(reversed(self.ends))

    def _word(self, part: str) -> None:
        if _is_mark(part):
            # A full stop at the end comes after what closes there.
            self.shown += "".join(reversed(self.ends))
            self.ends.clear()
            self.shown += part
        elif _OPENING.fullmatch(part):
            self._open(part)
        else:
            self._say(f"-{displayed(part)}" if self.dashes else displayed(part))

    def _open(self, mark: str) -> None:
        self._say(mark)
        self.glue = True

    def _close_mark(self, mark: str) -> None:
        self.shown += mark

    def _say(self, text: str) -> None:
        self.shown += text if self.glue else f" {text}"
        self.glue = False


def _is_mark(part: str) -> bool:
    return bool(_CLOSING.fullmatch(part))
