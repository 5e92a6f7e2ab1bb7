"""Ingest, search and ask with the local models, while every connection out of the machine is watched.

Run as a program in an empty folder. An audit hook sees the requests to Python's sockets: an address that is
not the loopback's, or any name to look up, is noted and refused. It does not see native code; files that this
leaves in the home folder are noted. Prints the notes, a JSON object.
"""

from __future__ import annotations

import io
import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

LOOPBACK = ("127.0.0.1", "::1", "localhost")
WATCHED = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname")
attempts: list[str] = []


def watch(event: str, args: tuple[Any, ...]) -> None:
    if event not in WATCHED:
        return
    where = args[0] if event.startswith("socket.get") else args[1]
    host = where[0] if isinstance(where, tuple) else where
    # A path is a socket of this machine; None means this machine itself.
    if host is None or host in LOOPBACK or (event == "socket.connect" and not isinstance(where, tuple)):
        return
    attempts.append(f"{event} {where}")
    raise OSError(f"no network in this test: {event} {where}")


def main() -> None:
    sys.addaudithook(watch)
    from ragcli.cli.environment import Environment
    from ragcli.cli.main import main as command

    Path("notes").mkdir()
    Path("notes/planet.md").write_text("# Mercury\n\nIt goes around the Sun in 88 days.\n", encoding="utf-8")
    found: dict[str, Any] = {"attempts": attempts, "runs": []}
    question = "How long does Mercury take to go around the Sun?"
    for args in (["ingest", "notes"], ["search", question], ["ask", question, "--json"]):
        out, err = io.StringIO(), io.StringIO()
        status = command(args, Environment(io.StringIO(), out, err, os.environ))
        found["runs"].append({"status": int(status), "stdout": out.getvalue(), "stderr": err.getvalue()})
    found["telemetry"] = sorted({"posthog", "openvino_telemetry"} & sys.modules.keys())
    found["left_in_home"] = sorted(str(path) for path in Path.home().rglob("*") if path.is_file())
    found["interfaces"] = [name for _, name in socket.if_nameindex()]
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
