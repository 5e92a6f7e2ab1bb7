"""What the documents say of the tree is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ragcli.errors import ExitCode

ROOT = Path(__file__).parent.parent
PAGES = (
    *("README.md", "CONTRIBUTING.md", "CHANGELOG.md"),
    *("docs/architecture.md", "docs/reliability.md", "docs/security.md"),
    "docs/reference/json.md",
    "docs/how-to/chat.md",
    *("docs/scaling.md", "docs/how-to/chroma-server.md"),
)
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)\)")


def text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def test_the_readme_names_every_exit_code_and_no_other() -> None:
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", text("README.md"), re.MULTILINE)}
    assert documented == {int(code) for code in ExitCode}


def test_the_architecture_names_every_module() -> None:
    table = text("docs/architecture.md")
    modules = {path.stem for path in (ROOT / "ragcli").glob("*.py") if not path.stem.startswith("__")}
    packages = {path.parent.name for path in (ROOT / "ragcli").glob("*/__init__.py")}
    assert {name for name in modules | packages if f"`{name}`" not in table} == set()


def test_the_architecture_names_no_module_that_is_not_there() -> None:
    rows = re.findall(r"^\| (`[^|]+) \|", text("docs/architecture.md"), re.MULTILINE)
    for name in re.findall(r"`(\w+)`", " ".join(rows)):
        assert (ROOT / "ragcli" / f"{name}.py").exists() or (
            ROOT / "ragcli" / name / "__init__.py"
        ).exists(), name


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    for target in LINK.findall(text(page)):
        assert (ROOT / page).parent.joinpath(target).exists(), target


@pytest.mark.parametrize("page", PAGES)
def test_no_figure_is_left_to_do(page: str) -> None:
    assert "TODO" not in text(page)
