"""What the documents say of the tree is true."""

from __future__ import annotations

import re
import runpy
import shutil
from pathlib import Path

import pytest
from answer_server import answer_server
from docs_blocks import PAGES, ROOT, blocks, parse, ragcli_calls, run_blocks
from drafting_llm import scripted

from ragcli.errors import ExitCode
from ragcli.models.embedded_llms import LARGE
from ragcli.models.locate import cache_folder

LINK = re.compile(r"\]\((?!https?://)([^)#]*)(?:#([^)]+))?\)")
# The tutorial's evaluation on all 48 would take most of the test's time.
TUTORIAL_QUESTIONS = 12
WITHOUT_QUESTIONS = "docs/how-to/without-questions.md"
DRAFTS = 3
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


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


def test_what_is_looked_for_is_where_contributing_says() -> None:
    rows = re.findall(r"^\| .*\?\s+\| `([\w/.]+)`, `(\w+)` \|", text("CONTRIBUTING.md"), re.MULTILINE)
    assert len(rows) == 10
    for path, name in rows:
        source = (ROOT / "ragcli" / path).read_text(encoding="utf-8")
        assert re.search(rf"^\s*(?:def|class) {name}\b|^{name}\b", source, re.MULTILINE), (path, name)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    for target, heading in LINK.findall(text(page)):
        path = (ROOT / page).parent / target if target else ROOT / page
        assert path.exists(), target
        if heading:
            assert heading in anchors(path.read_text(encoding="utf-8")), f"{target}#{heading}"


def anchors(markdown: str) -> set[str]:
    """What a link may name: headings in lower case, without punctuation, with hyphens for spaces."""
    bare = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(markdown))
    return {heading.strip().replace(" ", "-") for heading in bare}


@pytest.mark.parametrize("page", PAGES)
def test_no_figure_is_left_to_do(page: str) -> None:
    assert "TODO" not in text(page)


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_is_one(page: str) -> None:
    for block in blocks(text(page)):
        for arguments in ragcli_calls(block):
            parse(arguments)


def test_the_commands_of_the_pages_are_found() -> None:
    """In all the ways in which a page writes them; otherwise the test above is true of nothing."""
    page = """
```
ragcli ask "Why?" --json > answer.json   # a comment
RAGCLI_LLM_MODEL=m ragcli status && ragcli batch - < q.txt | jq -r .answer
docker run --rm -v index:/index ragcli doctor
```
```yaml
      - run: ragcli ingest docs
```
```text
ragcli is only shown here
```
"""
    found = [arguments for block in blocks(page) for arguments in ragcli_calls(block)]
    assert [arguments[0] for arguments in found] == ["ask", "status", "batch", "doctor", "ingest"]
    assert len([call for name in PAGES for block in blocks(text(name)) for call in ragcli_calls(block)]) > 80


@pytest.mark.parametrize("wrong", [["ask", "Why?", "--no-such"], ["ask"], ["models", "lost"], ["--lost"]])
def test_a_wrong_command_is_not_one(wrong: list[str]) -> None:
    with pytest.raises(Exception):  # noqa: B017 - the parser's own kinds
        parse(wrong)


def test_every_page_is_in_the_index() -> None:
    linked = {target for target, _ in LINK.findall(text("docs/README.md"))}
    pages = {str(Path(page).relative_to("docs")) for page in PAGES if page.startswith("docs/")}
    assert pages - {"README.md"} <= linked
    assert "(docs/README.md)" in text("README.md")


def test_the_reference_is_up_to_date() -> None:
    """`make reference` writes it."""
    pages = runpy.run_path(str(ROOT / "docs" / "make_reference.py"))["pages"]()
    assert len(pages) == 2
    for path, generated in pages.items():
        assert path.read_text(encoding="utf-8") == generated, path.name


@pytest.mark.slow
def test_the_tutorial_works(tmp_path: Path) -> None:
    """Its blocks run as they stand, in order, but for those that install ragcli. What no model decides
    comes out as the page says.
    """
    page = text("docs/tutorial.md").partition("## 1. ")[2]
    shutil.copytree(ROOT / "corpora" / "handbook", tmp_path / "handbook")
    questions = text("corpora/handbook-questions.jsonl").splitlines(keepends=True)
    (tmp_path / "handbook-questions.jsonl").write_text(
        "".join(questions[:TUTORIAL_QUESTIONS]), encoding="utf-8"
    )
    said = run_blocks(page, tmp_path, typed={"ragcli judge": "\n" + "rnnn" * 10})
    for line in (
        "Wrote config.toml.",
        "18 files: 18 added",
        "handbook/leave.pdf",
        " passages: the five best of bi-encoder, reranked and cross-encoder",
        "Too few questions to tell: 3.",
    ):
        assert line in page
        assert line in said
    assert "3 questions judged by a person; always-valid 95 % interval" in said
    assert (tmp_path / "report.html").exists()


@pytest.mark.slow
def test_a_folder_of_pdfs_without_any_question_leads_to_a_decision(tmp_path: Path) -> None:
    """The page as it stands, with an endpoint in place of the larger LLM."""
    with answer_server() as server:
        server.refuses = scripted(server)
        page = text(WITHOUT_QUESTIONS).replace(f"{LARGE.prepare}\n", "")
        check_decision(
            page.replace("--profile local-large", f"--base-url {server.base_url} --model m"), tmp_path
        )


@pytest.mark.long
def test_it_does_with_the_larger_llm(tmp_path: Path) -> None:
    if not (cache_folder() / LARGE.file).exists():
        pytest.skip(f"{LARGE.release} is not here: {LARGE.prepare}")
    check_decision(text(WITHOUT_QUESTIONS), tmp_path)


def check_decision(page: str, folder: Path) -> None:
    """With fewer drafts; the reader keeps the first and edits the second, then judges the passages of all."""
    assert "--number 40" in page
    (folder / "documents").mkdir()
    for pdf in (ROOT / "corpora" / "handbook").glob("*.pdf"):
        shutil.copy(pdf, folder / "documents")
    fewer = page.replace("--number 40", f"--number {DRAFTS} --shares easy=1,confusable=1")
    typed = {
        "ragcli questions review": "ke\nWhat is it that I need to know?\n\nkkk",
        "ragcli judge": "\n" + "rnnn" * 30,
    }
    said = run_blocks(fewer, folder, typed=typed)
    assert "3 files: 3 added" in page
    assert "3 files: 3 added" in said
    assert f"{DRAFTS - 1} kept, 1 edited, 0 dropped, 0 left" in said
    assert f"questions-drafted.jsonl: {DRAFTS} questions, {DRAFTS} with gold in the index" in said
    assert said.count(f"Too few questions to tell: {DRAFTS}.") == 2, "of the drafts, and of what was judged"
    assert "All that the verdict needs is judged." in said
    assert f"{DRAFTS} questions judged by a person; always-valid 95 % interval" in said
    assert "Not settled: about " in said
    assert (folder / "report.html").exists()
