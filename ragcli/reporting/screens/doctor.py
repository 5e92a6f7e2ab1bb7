"""The screen of `ragcli doctor`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from ragcli.doctor.finding import Finding, State
from ragcli.reporting import plain_text as words

STYLES: dict[State, str] = {"ok": "good", "warning": "warning", "broken": "bad"}
# State and part come before the detail, if the terminal has room for it.
STATE_WIDTH, PART_WIDTH = 9, 15


def print_finding(console: Console, finding: Finding) -> None:
    """State, part and detail; below that the fix."""
    head = Text(f"{finding.state:<{STATE_WIDTH}}", style=STYLES[finding.state])
    head.append(f"{finding.part:<{PART_WIDTH}}", style="heading")
    detail, fix = words.one_line(finding.detail), words.one_line(finding.fix)
    indent = STATE_WIDTH + PART_WIDTH
    if not console.is_terminal:
        console.print(head.append(detail, style="default"), soft_wrap=True)
        if fix:
            console.print(Text(f"{'':<{indent}}fix: {fix}"), soft_wrap=True)
        return
    body = Text(detail, style="default")
    if fix:
        body.append("\nfix: ", style="quiet").append(fix, style="hint")
    lines = body.wrap(console, max(20, console.width - indent))
    console.print(head.append_text(lines[0]), soft_wrap=True)
    for line in lines[1:]:
        console.print(Padding(line, (0, 0, 0, indent)))


def print_sum(console: Console, findings: Sequence[Finding]) -> None:
    counts = Counter(finding.state for finding in findings)
    shown = {
        "ok": f"{counts['ok']} ok",
        "warning": words.count(counts["warning"], "warning"),
        "broken": f"{counts['broken']} broken",
    }
    console.print(Text("\n" + ", ".join(shown[state] for state in STYLES if counts[state])))
