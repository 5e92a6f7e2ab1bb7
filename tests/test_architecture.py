"""The tree follows its rules: one direction, no heavy imports before --help, one module for the screen."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "ragcli"
FILES = sorted(PACKAGE.rglob("*.py"))

HEAVY = {
    "charset_normalizer",
    "chromadb",
    "cssselect",
    "huggingface_hub",
    "jinja2",
    "lxml",
    "matplotlib",
    "mcp",
    "mcp_types",
    "mdit_py_plugins",
    "numpy",
    "onnxruntime",
    "openai",
    "prompt_toolkit",
    "pptx",
    "pylatexenc",
    "pypdfium2",
    "python_calamine",
    "safetensors",
    "scipy",
    "sentence_transformers",
    "sklearn",
    "starlette",
    "tokenizers",
    "torch",
    "transformers",
    "uvicorn",
    "xllamacpp",
    "yaml",
}
SCREEN = {"prompt_toolkit", "rich", "typer"}
# What any module may import from the package.
COMMON = (
    "ragcli.types",
    "ragcli.errors",
    "ragcli.config",
    "ragcli.text",
    "ragcli.encoders.prior",
    "ragcli.models.embedded_llms",
    "ragcli.servers.redaction",
)
# What each stage may import as well. The pipeline wires the stages; they do not know each other.
STAGES = {
    "ragcli.text": (),
    "ragcli.documents": ("ragcli.documents",),
    "ragcli.models.locate": (),
    "ragcli.models.fetching": ("ragcli.models.fetching",),
    "ragcli.servers": ("ragcli.servers",),
    "ragcli.encoders": ("ragcli.encoders", "ragcli.models.locate", "ragcli.servers"),
    "ragcli.retrieval.fusion": (),
    "ragcli.retrieval.lexical": (),
    "ragcli.store": ("ragcli.store", "ragcli.servers", "ragcli.retrieval.lexical"),
    "ragcli.prompting": ("ragcli.prompting",),
    "ragcli.llm": ("ragcli.llm", "ragcli.models.locate", "ragcli.servers"),
    "ragcli.comparison": (),
}
# Next to the readers, but above the stages: a document as the index has it, or as it would be cut.
WIRING = {"ragcli.documents.inspection"}
# From a path on disk to a cited answer: docs/architecture.md begins with these, in this order.
CORE = (
    "ragcli.types",
    "ragcli.documents.reading",
    "ragcli.documents.chunking",
    "ragcli.encoders.bi_encoder",
    "ragcli.store.folder.collection",
    "ragcli.ingestion.ingest",
    "ragcli.encoders.reranking",
    "ragcli.prompting.context",
    "ragcli.answering",
    "ragcli.pipeline",
)
BEYOND_THE_CORE = (
    "evaluation",
    "judging",
    "drafting",
    "training",
    "doctor",
    "batch",
    "chat",
    "reporting",
    "serving",
    "cli",
)


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in FILES}


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def statements(node: ast.AST, *, into_functions: bool, types_too: bool) -> Iterator[ast.AST]:
    """All nodes below `node`. Code under TYPE_CHECKING never runs, but still ties modules together."""
    for child in ast.iter_child_nodes(node):
        if is_type_checking(child) and not types_too:
            continue
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and not into_functions:
            continue
        yield child
        yield from statements(child, into_functions=into_functions, types_too=types_too)


def imported(name: str, *, into_functions: bool, types_too: bool = False) -> set[str]:
    """What a module imports; `from ragcli import x` is the module ragcli.x if there is one."""
    found: set[str] = set()
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    for node in statements(tree, into_functions=into_functions, types_too=types_too):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: imports are absolute"
            origin = node.module or ""
            full = {f"{origin}.{alias.name}" for alias in node.names}
            found.update(dotted if dotted in MODULES else origin for dotted in full)
    return found


def within(name: str, packages: Iterable[str]) -> str:
    """The one of `packages` that the module is, or is in; "" if there is none."""
    return next((p for p in packages if name == p or name.startswith(f"{p}.")), "")


def of_package(names: set[str]) -> set[str]:
    return {name for name in names if name.split(".")[0] == "ragcli"}


def test_no_modules_import_each_other() -> None:
    # The package itself names its exports for type checkers, and imports them at the first use.
    graph = {
        name: of_package(imported(name, into_functions=True, types_too=True)) - {name, "ragcli"}
        for name in MODULES
        if name != "ragcli"
    }
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join([*trail[trail.index(name) :], name])
        if name in done:
            return
        for target in sorted(graph.get(name, ())):
            visit(target, (*trail, name))
        done.add(name)

    for name in graph:
        visit(name, ())


@pytest.mark.parametrize("name", CORE)
def test_the_core_can_be_read_without_what_is_built_on_it(name: str) -> None:
    for target in of_package(imported(name, into_functions=True, types_too=True)):
        assert not within(target, (f"ragcli.{package}" for package in BEYOND_THE_CORE)), target


def test_the_core_is_what_the_architecture_begins_with() -> None:
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    places = [page.index(f"`{name.removeprefix('ragcli.').replace('.', '/')}`") for name in CORE]
    assert places == sorted(places)


def test_a_file_is_found_where_its_name_is_looked_for() -> None:
    assert len([path for path in FILES if path.parent == PACKAGE]) <= 10
    names = Counter(path.stem for path in FILES if path.stem != "__init__")
    assert [name for name, count in names.items() if count > 2] == []
    parts = {part for path in FILES for part in path.relative_to(PACKAGE).with_suffix("").parts}
    assert parts & sys.stdlib_module_names == {"types"}


@pytest.mark.parametrize("name", MODULES)
def test_heavy_libraries_are_imported_where_they_are_used(name: str) -> None:
    roots = {dotted.split(".")[0] for dotted in imported(name, into_functions=False)}
    assert not roots & HEAVY


@pytest.mark.parametrize("name", MODULES)
def test_only_the_commands_and_the_reports_know_the_screen(name: str) -> None:
    if name.startswith(("ragcli.cli", "ragcli.reporting")):
        return
    roots = {dotted.split(".")[0] for dotted in imported(name, into_functions=True)}
    assert not roots & SCREEN
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    calls = [
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    assert "print" not in calls


@pytest.mark.parametrize("name", MODULES)
def test_stages_do_not_know_each_other(name: str) -> None:
    stage = within(name, STAGES)
    if not stage or name in WIRING:
        return
    for target in of_package(imported(name, into_functions=True, types_too=True)) - {"ragcli"}:
        assert within(target, (*COMMON, *STAGES[stage])), f"{name} imports {target}"


@pytest.mark.parametrize("name", MODULES)
def test_everything_below_the_commands_can_be_used_without_them(name: str) -> None:
    if name.startswith("ragcli.cli") or name == "ragcli.__main__":
        return
    targets = imported(name, into_functions=True)
    assert not {target for target in targets if target.startswith("ragcli.cli")}
    # What agents get are the records and the words that the commands print.
    if not name.startswith(("ragcli.reporting", "ragcli.serving")):
        assert not {target for target in targets if target.startswith("ragcli.reporting")}


@pytest.mark.parametrize("name", MODULES)
def test_no_catch_all_goes_on(name: str) -> None:
    if name.startswith("ragcli.cli"):
        return
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = ast.unparse(node.type) if node.type else "everything"
            ends_in_raise = isinstance(node.body[-1], ast.Raise)
            assert caught not in {"everything", "Exception", "BaseException"} or ends_in_raise, (
                f"{name}:{node.lineno} catches {caught}"
            )


@pytest.mark.parametrize("statement", ["import ragcli", "import ragcli.cli", "import ragcli.cli.main"])
def test_the_way_to_help_is_short(statement: str) -> None:
    probe = f"import sys; {statement}; print(*sorted({{m.split('.')[0] for m in sys.modules}}))"
    run = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert not set(run.stdout.split()) & HEAVY


def test_help_itself_imports_nothing_heavy() -> None:
    probe = (
        "import sys; sys.argv = ['ragcli', '--help']\n"
        "from ragcli.cli.main import main\n"
        "try:\n    main()\n"
        "except SystemExit:\n    pass\n"
        "print(*sorted({m.split('.')[0] for m in sys.modules}), file=sys.stderr)\n"
    )
    run = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert "Usage" in run.stdout
    assert not set(run.stderr.split()) & HEAVY
