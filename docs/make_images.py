"""Draws docs/images/compare.svg: a real `ragcli ask QUESTION --compare`. Run by `make images`."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ragcli import Comparison, open_pipeline
from ragcli.reporting.comparison import print_comparison
from ragcli.reporting.terminal import PlainConsole

TARGET = Path(__file__).parent / "images" / "compare.svg"
COLUMNS = 112
# The picture must not fetch fonts from a server when it is looked at.
FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def draw(question: str, compared: Comparison) -> str:
    environment = {"COLUMNS": str(COLUMNS), "FORCE_COLOR": "1", "TERM": "xterm-256color"}
    console: Console = PlainConsole(io.StringIO(), environment)
    console.record = True
    console.print(Text(f'$ ragcli ask "{question}" --compare\n', style="bold"))
    print_comparison(console, compared, show_all=False)
    return FONT_FACE.sub("", console.export_svg(title="ragcli"))


def main() -> None:
    question = sys.argv[1]
    with open_pipeline() as rag:
        compared = rag.compare(question)
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(draw(question, compared), encoding="utf-8")


if __name__ == "__main__":
    main()
