"""What an agent sees that is not written in Python: the command line of the MCP inspector, from npm.

It reads the configuration that docs/how-to/agents.md shows, over both transports.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from served import QUESTION, documented, documented_program, serving

from ragcli.config.loading import load_config
from ragcli.serving import notice
from ragcli.serving.agents import SCHEME
from ragcli.serving.passages import UNTRUSTED

INSPECTOR = "@modelcontextprotocol/inspector@2.12.0"
KEY = "open-sesame"
SECONDS = 120
# Exit codes of the inspector.
AUTHENTICATION_REQUIRED, TOOL_ERROR = 3, 5
# What each tool is given, the kind of its record, and what its text says.
CALLS: list[tuple[str, dict[str, Any], str, str]] = [
    ("search", {"question": QUESTION, "candidates": 2, "limit": 1}, "search", "[1] notes/planet.md > Merc"),
    ("ask", {"question": QUESTION}, "answer", "The orbit takes 88 days. [1]\n\nSources\n[1] notes/planet.md"),
    (
        "compare",
        {"question": QUESTION, "source": "*"},
        "comparison",
        "Without reranking:\nThe orbit takes 88",
    ),
    ("show", {"document": "notes/planet.md", "passage": 0}, "chunks", "goes around the Sun once in 88 days."),
    ("list_documents", {"source": "*planet*"}, "sources", "1 document\nnotes/planet.md (1 passage): Mercury"),
    ("status", {}, "status", "Collection default: 2 documents, 2 passages."),
]

pytestmark = pytest.mark.long

Inspect = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The inspector, installed once, and run in a folder that has nothing to do with the documents."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    folder = tmp_path_factory.mktemp("inspector")
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        done = run([npm, "install", "--prefix", str(folder), *options, INSPECTOR])
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm has not installed {INSPECTOR} after {SECONDS} seconds")
    if done.returncode:
        pytest.skip(f"npm cannot install {INSPECTOR}: {done.stderr.splitlines()[:1]}")
    return folder / "node_modules" / ".bin" / "mcp-inspector"


@pytest.fixture(scope="module")
def server(notes: Path) -> Iterator[notice.Notice]:
    """It wants a key, and does the work of the programs that agents start as well."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAGCLI_SERVE_API_KEY_ENV", "KEY_OF_AGENTS")
        patch.setenv("KEY_OF_AGENTS", KEY)
        with serving(load_config()) as (_, found):
            yield found


@pytest.fixture(params=["stdio", "http"])
def inspect(request: pytest.FixtureRequest, program: Path, server: notice.Notice, tmp_path: Path) -> Inspect:
    """Runs a method of the server that the documentation's configuration names."""
    if request.param == "stdio":
        entry = documented_program()
    else:
        entry = documented("http", {"127.0.0.1:7466": server.address, "KEY": KEY})
    config = tmp_path / "mcp.json"
    config.write_text(json.dumps({"mcpServers": {"notes": entry}}), encoding="utf-8")
    command = [str(program), "--cli", "--config", str(config), "--server", "notes", "--format", "json"]
    return lambda *arguments: run([*command, "--method", *arguments], cwd=tmp_path)


def run(command: list[str], **given: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS, **given)


def result(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["result"]


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_every_tool_is_listed(inspect: Inspect, era: str) -> None:
    found = result(inspect("tools/list", "--strict", "--protocol-era", era))["tools"]
    assert [tool["name"] for tool in found] == [call[0] for call in CALLS]
    assert all(tool["annotations"]["readOnlyHint"] for tool in found)


@pytest.mark.parametrize(("tool", "given", "kind", "text"), CALLS, ids=[call[0] for call in CALLS])
def test_a_tool_gives_its_text_and_its_record(
    inspect: Inspect, tool: str, given: dict[str, Any], kind: str, text: str
) -> None:
    found = result(inspect("tools/call", "--tool-name", tool, "--tool-args-json", json.dumps(given)))
    (content,) = found["content"]
    assert content["type"] == "text"
    assert text in content["text"]
    assert (UNTRUSTED in content["text"]) == (tool in ("search", "show"))
    assert found["structuredContent"]["schema"] == 1
    assert found["structuredContent"]["kind"] == kind
    assert not found.get("isError")


def test_a_document_is_read(inspect: Inspect) -> None:
    (found,) = result(inspect("resources/read", "--uri", f"{SCHEME}notes%2Fplanet.md"))["contents"]
    assert found["text"] == "Mercury goes around the Sun once in 88 days."


def test_a_tool_that_fails_says_why(inspect: Inspect) -> None:
    done = inspect("tools/call", "--tool-name", "show", "--tool-arg", "document=secret.txt")
    assert done.returncode == TOOL_ERROR
    assert "secret.txt is not in the index." in done.stdout


def test_without_the_key_nothing_is_said(program: Path, server: notice.Notice, tmp_path: Path) -> None:
    at = [f"http://{server.address}/mcp", "--transport", "http", "--stored-auth-only"]
    done = run(
        [str(program), "--cli", *at, "--method", "tools/list"], env={**os.environ, "HOME": str(tmp_path)}
    )
    assert done.returncode == AUTHENTICATION_REQUIRED
    assert not done.stdout
