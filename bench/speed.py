"""The speed of ragcli against its targets and against the plain script: `make bench`.

Every figure is a ratio of two things run in turn, the median over --rounds, or an amount of memory. The rows
are printed as a Markdown table and kept in bench/results.json; rows of sections that were not run come last.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from pathlib import Path

from speed_cold import search_rows, start_rows
from speed_large import large_rows
from speed_peers import peer_rows
from speed_place import Place
from speed_rows import HEADER, Row, line, read, write
from speed_scale import million_rows, scale_rows
from speed_warm import warm_rows
from speed_work import compare_rows, explain_rows, ingest_rows, memory_rows, reranking_rows

SECTIONS = {
    "start": start_rows,
    "search": search_rows,
    "warm": warm_rows,
    "ingest": ingest_rows,
    "reranking": reranking_rows,
    "explain": explain_rows,
    "compare": compare_rows,
    "large": large_rows,
    "memory": memory_rows,
    "scale": scale_rows,
    "million": million_rows,
    "peers": peer_rows,
}
# Long, or in need of other environments; only by name.
BY_NAME = {"memory", "scale", "million", "peers"}
RESULTS = Path(__file__).with_name("results.json")


def machine() -> str:
    """The processor and what it multiplies natively."""
    try:
        facts = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    name = next((row.partition(":")[2].strip() for row in facts.splitlines() if "model name" in row), "?")
    units = [unit for unit in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if f" {unit}" in facts]
    return f"{name}, {os.cpu_count()} cores, {' '.join(units)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "sections", nargs="*", choices=[[], *SECTIONS], metavar="SECTION", help=", ".join(SECTIONS)
    )
    parser.add_argument("--data", type=Path, help="folder with beir/; without it the bundled articles")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--chunks", type=int, default=2000, help="chunks in the index")
    options = parser.parse_args()
    chosen = options.sections or [name for name in SECTIONS if name not in BY_NAME]
    print(f"{machine()}\n\n{HEADER}")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder), options.data, options.chunks)
        for name in chosen:
            for row in SECTIONS[name](place, options.rounds):
                print(line(row), flush=True)
                rows.append(row)
                write(rows, machine(), RESULTS)
    measured = {row.name for row in rows}
    if kept := [row for row in read(RESULTS) if row.name not in measured]:
        print(f"\nNot measured now, of earlier runs:\n\n{HEADER}")
        print("\n".join(map(line, kept)))


if __name__ == "__main__":
    main()
