"""A package index on the loopback, which can break off, ignore ranges and speak JSON or HTML."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Index:
    """`files` by name; `breaks` says after how many bytes each of the next downloads ends.

    `before_file` is called with the file's name before a download is answered, in its thread.
    """

    files: dict[str, bytes]
    speaks: str = "json"
    hashes: bool = True
    ranges: bool = True
    breaks: list[int] = field(default_factory=list)
    status: int = 200
    asked: list[tuple[str, str]] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    url: str = ""
    before_file: Callable[[str], object] = lambda _: None

    def page(self) -> tuple[str, str]:
        rows = []
        for name, data in self.files.items():
            sha256 = hashlib.sha256(data).hexdigest() if self.hashes else ""
            rows.append((name, sha256, len(data)))
        if self.speaks == "json":
            files = [
                {
                    "filename": name,
                    "url": f"../../files/{name}",
                    "size": size,
                    "hashes": {"sha256": sha256} if sha256 else {},
                }
                for name, sha256, size in rows
            ]
            return "application/vnd.pypi.simple.v1+json", json.dumps({"files": files})
        anchors = [
            f'<a href="../../files/{name}{f"#sha256={sha256}" if sha256 else ""}">{name}</a>'
            for name, sha256, _ in rows
        ]
        return "text/html", "<!DOCTYPE html><html><body>" + "<br>".join(anchors) + "</body></html>"


@contextmanager
def package_index(files: dict[str, bytes], **ways: object) -> Iterator[Index]:
    index = Index(files, **ways)  # type: ignore[arg-type]

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            return

        def do_GET(self) -> None:
            index.asked.append((self.path, self.headers.get("range", "")))
            index.seen.append(self.headers.get("authorization", ""))
            if index.status != 200:
                self.send_error(index.status)
            elif self.path.startswith("/simple/"):
                kind, text = index.page()
                self.answer(200, text.encode(), {"content-type": kind})
            else:
                index.before_file(self.path.rpartition("/")[2])
                self.file(index.files[self.path.rpartition("/")[2]])

        def file(self, data: bytes) -> None:
            wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("range", ""))
            start = int(wanted[1]) if wanted and index.ranges else 0
            if start >= len(data) > 0:
                return self.answer(416, b"", {})
            marks = {"content-range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if start else {}
            return self.answer(206 if start else 200, data[start:], marks, index.breaks)

        def answer(
            self, status: int, body: bytes, marks: dict[str, str], breaks: list[int] | None = None
        ) -> None:
            self.send_response(status)
            for name, value in marks.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: breaks.pop(0)] if breaks else body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        index.url = f"http://127.0.0.1:{server.server_port}/simple"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield index
        finally:
            server.shutdown()
