"""Whether the title of a PDF is a real one: many programs write something if nobody gave one."""

from __future__ import annotations

import re

_NO_TITLES = ("untitled", "microsoft word", "microsoft powerpoint", "document", "presentation", "slide")
_NAMES = frozenset(
    {"name", "title", "none", "unknown", "null", "template", "default", "blank", "print", "pdf"}
)
_FILE_NAME = re.compile(r".*\.[a-z][a-z0-9]{1,4}", re.IGNORECASE)


def is_title(text: str) -> bool:
    lowered = text.lower()
    return (
        any(map(str.isalpha, text))
        and not lowered.startswith(_NO_TITLES)
        and lowered not in _NAMES
        and not _FILE_NAME.fullmatch(text)
    )
