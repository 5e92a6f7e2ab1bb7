"""A row of the speed table, and the table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """`passed` None: there is no target, or it cannot be judged here (the figure says why)."""

    name: str
    target: str
    figure: str
    passed: bool | None = None


def line(row: Row) -> str:
    verdict = {True: "passed", False: "MISSED", None: ""}[row.passed]
    return f"| {row.name} | {row.target} | {row.figure} | {verdict} |"


HEADER = "| what | target | figure | |\n|---|---|---|---|"


def read(path: Path) -> list[Row]:
    """The rows of earlier runs; none where there is no file."""
    if not path.exists():
        return []
    return [Row(**row) for row in json.loads(path.read_text(encoding="utf-8"))["rows"]]


def write(rows: Sequence[Row], machine: str, path: Path) -> None:
    """Rows of an earlier run that this one did not measure are kept."""
    known = {row.name: row for row in (*read(path), *rows)}
    document = {"schema": 1, "machine": machine, "rows": [asdict(row) for row in known.values()]}
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
