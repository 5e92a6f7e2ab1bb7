"""What the tests of agents search."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cli_helper
import pytest
from fault_server import fault_server
from served import DOCUMENTS


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The working folder: an index of two documents, a file that is not in it, and an LLM that answers."""
    folder = tmp_path_factory.mktemp("library")
    (folder / "notes").mkdir()
    for name, text in DOCUMENTS.items():
        (folder / "notes" / name).write_text(text, encoding="utf-8")
    (folder / "secret.txt").write_text("not ingested", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch, fault_server() as llm:
        patch.chdir(folder)
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
        patch.setenv("RAGCLI_LLM_BASE_URL", llm.base_url)
        patch.setenv("RAGCLI_LLM_MODEL", "answers")
        assert cli_helper.run("ingest", "notes").status == 0
        yield folder
