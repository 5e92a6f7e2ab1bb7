"""What the peers make of files, in an environment of their own: paths on stdin, a line of JSON for each out.

python bench/peers/fidelity.py markitdown|kreuzberg|pypdfium2 < paths
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable

_TARGET = re.compile(r"\]\((?:[^()\s]|\([^()\s]*\))*(?:\s+\"[^\"]*\")?\)")
_TITLE = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
_FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)


def main() -> None:
    # What a library prints must not get between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    read = {"markitdown": markitdown, "kreuzberg": kreuzberg, "pypdfium2": pypdfium2}[sys.argv[1]]()
    for line in sys.stdin:
        started = time.perf_counter()
        try:
            text: str | None = read(line.rstrip("\n"))
        except Exception as problem:  # noqa: BLE001 - whatever a peer raises: it did not read the file
            print(f"{sys.argv[1]}: {line.strip()}: {type(problem).__name__}", file=sys.stderr)
            text = None
        seconds = time.perf_counter() - started
        headings = _TITLE.findall(_FENCE.sub("", text or ""))
        plain = None if text is None else _TARGET.sub("]", text).replace("\\", "")
        print(json.dumps({"text": plain, "headings": headings, "seconds": seconds}), file=answers, flush=True)


def markitdown() -> Callable[[str], str]:
    from markitdown import MarkItDown

    reader = MarkItDown()
    return lambda path: str(reader.convert(path).text_content)


def kreuzberg() -> Callable[[str], str]:
    from kreuzberg import ExtractionConfig, extract_file_sync

    config = ExtractionConfig(output_format="markdown")
    return lambda path: str(extract_file_sync(path, config=config).content)


def pypdfium2() -> Callable[[str], str]:
    from pypdfium2 import PdfDocument

    def read(path: str) -> str:
        with PdfDocument(path) as document:
            return "\n\n".join(page.get_textpage().get_text_range() for page in document)

    return read


if __name__ == "__main__":
    main()
