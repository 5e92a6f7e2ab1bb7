"""The tree keeps its rules: one direction, no heavy imports before --help, one module for the screen."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
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
    "tokenizers",
    "torch",
    "transformers",
    "xllamacpp",
    "yaml",
}
SCREEN = {"prompt_toolkit", "rich", "typer"}
# What each stage may take from the package. The pipeline wires the stages; they do not know each other.
COMMON = {
    "ragcli",
    "ragcli.types",
    "ragcli.errors",
    "ragcli.config",
    "ragcli.embedded_llms",
    "ragcli.letters",
    "ragcli.prior",
    "ragcli.redaction",
}
LLM_PARTS = {"ragcli.llm_endings", "ragcli.llm_errors", "ragcli.llm_parts", "ragcli.llm_reasoning"}
STAGES = {
    "ragcli.documents": {"ragcli.documents"},
    "ragcli.sentences": set(),
    "ragcli.code_lines": set(),
    "ragcli.chunking": {"ragcli.code_lines", "ragcli.sentences"},
    "ragcli.models": set(),
    "ragcli.bert": {"ragcli.models", "ragcli.bert"},
    "ragcli.server_words": set(),
    "ragcli.endpoints": {"ragcli.server_words"},
    "ragcli.retrying": set(),
    "ragcli.model_server": {
        "ragcli.endpoints",
        "ragcli.known_pair",
        "ragcli.server_words",
        "ragcli.retrying",
    },
    "ragcli.known_pair": set(),
    "ragcli.pair_window": set(),
    "ragcli.embedding": {"ragcli.models", "ragcli.bert", "ragcli.embedding_server", "ragcli.model_server"},
    "ragcli.embedding_server": {"ragcli.models", "ragcli.bert", "ragcli.model_server", "ragcli.known_pair"},
    "ragcli.lexical": set(),
    "ragcli.fusion": set(),
    "ragcli.store": {"ragcli.store", "ragcli.endpoints", "ragcli.lexical", "ragcli.names"},
    "ragcli.calibration": set(),
    "ragcli.score_settings": {"ragcli.models", "ragcli.calibration"},
    "ragcli.cross_encoder": {"ragcli.models", "ragcli.bert"},
    "ragcli.reranking": {
        "ragcli.models",
        "ragcli.bert",
        "ragcli.calibration",
        "ragcli.cross_encoder",
        "ragcli.pair_window",
        "ragcli.reranking_server",
        "ragcli.score_settings",
        "ragcli.model_server",
    },
    "ragcli.reranking_server": {
        "ragcli.known_pair",
        "ragcli.models",
        "ragcli.bert",
        "ragcli.pair_window",
        "ragcli.model_server",
    },
    "ragcli.prompting": {"ragcli.prompting", "ragcli.sentences"},
    "ragcli.llm": {
        "ragcli.models",
        "ragcli.local_server",
        "ragcli.endpoints",
        "ragcli.llm_request",
        *LLM_PARTS,
    },
    "ragcli.llm_request": {"ragcli.server_words"},
    "ragcli.llm_errors": {"ragcli.endpoints", "ragcli.server_words", "ragcli.llm_endings"},
    "ragcli.llm_parts": {"ragcli.server_words"},
    "ragcli.llm_reasoning": set(),
    "ragcli.llm_endings": set(),
    "ragcli.local_server": set(),
    "ragcli.comparison": set(),
}


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in FILES}


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def statements(node: ast.AST, *, into_functions: bool) -> Iterator[ast.AST]:
    """All nodes below `node` that run: what stands under TYPE_CHECKING never does."""
    for child in ast.iter_child_nodes(node):
        if is_type_checking(child):
            continue
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and not into_functions:
            continue
        yield child
        yield from statements(child, into_functions=into_functions)


def imported(name: str, *, into_functions: bool) -> set[str]:
    """What a module imports; `from ragcli import x` is the module ragcli.x where there is one."""
    found: set[str] = set()
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    for node in statements(tree, into_functions=into_functions):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: imports are absolute"
            origin = node.module or ""
            full = {f"{origin}.{alias.name}" for alias in node.names}
            found.update(dotted if dotted in MODULES else origin for dotted in full)
    return found


def of_package(names: set[str]) -> set[str]:
    return {name for name in names if name.split(".")[0] == "ragcli"}


def test_no_modules_import_each_other() -> None:
    graph = {name: of_package(imported(name, into_functions=True)) - {name} for name in MODULES}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join([*trail[trail.index(name) :], name])
        if name in done:
            return
        for target in sorted(graph.get(name, ())):
            visit(target, (*trail, name))
        done.add(name)

    for name in MODULES:
        visit(name, ())


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
    stage = ".".join(name.split(".")[:2])
    if stage not in STAGES:
        return
    for target in of_package(imported(name, into_functions=True)) - COMMON:
        owner = ".".join(target.split(".")[:2])
        assert owner in STAGES[stage], f"{name} imports {target}"


@pytest.mark.parametrize("name", MODULES)
def test_everything_below_the_commands_can_be_used_without_them(name: str) -> None:
    if name.startswith("ragcli.cli") or name == "ragcli.__main__":
        return
    targets = imported(name, into_functions=True)
    assert not {target for target in targets if target.startswith("ragcli.cli")}
    if not name.startswith("ragcli.reporting"):
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
