"""Draws the pictures of the README from what the README's own commands print. Run by `make images`.

    make_images.py QUESTION REPORT.json ...

The first is `ragcli ask QUESTION --compare`, run again; then, for each report of `ragcli eval --depths`, its
screen and its charts of ranks, of depths and of time, named after the report.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ragcli import open_pipeline
from ragcli.evaluation.results import Summary
from ragcli.evaluation.run_files import read_run
from ragcli.evaluation.summary import summarise
from ragcli.reporting.files.pictures import depth_chart, slope_chart, time_chart
from ragcli.reporting.screens.comparison import print_comparison
from ragcli.reporting.screens.evaluation import print_summary
from ragcli.reporting.screens.terminal import PlainConsole

IMAGES = Path(__file__).parent / "images"
COLUMNS = 112
# The picture must not fetch fonts from a server when it is looked at.
FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
# The report's page gives its pictures their colours; here they stand alone, on light and on dark ground.
COLOURS = """<style>
:root { --ink: #1a1c1f; --muted: #5f6670; --grid: #d5d9de; --accent: #0b62c4; --warn: #b3400b; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eaed; --muted: #a0a7b1; --grid: #3a4048; --accent: #6cb0ff; --warn: #ff9d66; }
}
</style>"""


def screen(command: str, show: Callable[[Console], None]) -> str:
    """What a terminal shows after the command, as SVG."""
    environment = {"COLUMNS": str(COLUMNS), "FORCE_COLOR": "1", "TERM": "xterm-256color"}
    console: Console = PlainConsole(io.StringIO(), environment)
    console.record = True
    console.print(Text(f"$ {command}\n", style="bold"))
    show(console)
    return FONT_FACE.sub("", console.export_svg(title="ragcli"))


def alone(picture: str) -> str:
    """A report's picture as a file of its own."""
    opening = picture.index(">") + 1
    return picture[:opening] + COLOURS + picture[opening:]


def comparison(question: str) -> str:
    with open_pipeline() as rag:
        compared = rag.compare(question)
    command = f'ragcli ask "{question}" --compare'
    return screen(command, lambda console: print_comparison(console, compared, show_all=False))


def evaluation(name: str, summary: Summary) -> dict[str, str]:
    depths = ",".join(str(row.depth) for row in summary.depths)
    command = f"ragcli eval {summary.run.title} --depths {depths}"
    return {
        f"{name}.svg": screen(command, lambda console: print_summary(console, summary)),
        f"{name}-ranks.svg": alone(slope_chart(summary)),
        f"{name}-depths.svg": alone(depth_chart(summary)),
        f"{name}-time.svg": alone(time_chart(summary)),
    }


def main() -> None:
    question, *reports = sys.argv[1:]
    drawn = {"compare.svg": comparison(question)}
    for path in map(Path, reports):
        drawn |= evaluation(path.stem, summarise(read_run(path)))
    IMAGES.mkdir(exist_ok=True)
    for file, svg in drawn.items():
        (IMAGES / file).write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
