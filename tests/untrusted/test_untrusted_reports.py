"""Reports with other people's text: HTML runs and requests nothing, Markdown and CSV are only text."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import evaluation_records
import hostile
import pytest
from hypothesis import example, given, settings
from markdown_it import MarkdownIt

from ragcli.batch.gold import Gold
from ragcli.batch.outcome import Models, Outcome
from ragcli.encoders.prior import Prior
from ragcli.errors import LLMError
from ragcli.evaluation.questions import Question
from ragcli.evaluation.summary import summarise
from ragcli.reporting import as_json_batch
from ragcli.reporting.as_json_evaluation import evaluation
from ragcli.reporting.files.csv_report import FORMULA, report_csv
from ragcli.reporting.files.html_report import report_html
from ragcli.reporting.files.markdown_report import report_markdown

SUMMARY = summarise(evaluation_records.small_run())
# Without pictures: matplotlib takes a second for each page, and gets no foreign text.
PLAIN = replace(SUMMARY, contrasts=(), depths=())
EVERYTHING = "".join(hostile.PIECES)
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Skeleton(HTMLParser):
    """The tags and attributes of a page, without its text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.comments: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


@settings(max_examples=6)
@given(text=hostile.texts)
@example(text=EVERYTHING)
def test_html_has_the_same_tags_whatever_the_texts_say(text: str) -> None:
    page, benign = (report_html(hostile.poisoned(PLAIN, words)) for words in (f"x{text}x", "words"))
    assert [t for t in Skeleton(page).tags if t[0] != "span"] == [
        t for t in Skeleton(benign).tags if t[0] != "span"
    ]
    assert not Skeleton(page).comments
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", page)


def test_html_forbids_scripts_and_requests_itself() -> None:
    page = report_html(PLAIN)
    assert "default-src 'none'; style-src 'unsafe-inline'" in page
    # The policy applies from its place on, so it comes before everything that it covers.
    assert page.index("Content-Security-Policy") < page.index("<style>")


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: install the package chromium")
@pytest.mark.slow
def test_in_a_browser_no_script_of_a_document_runs(tmp_path: Path) -> None:
    page = report_html(hostile.poisoned(SUMMARY, f"{EVERYTHING}<script>document.title='owned'</script>"))
    # If the escaping failed, the policy would still apply: this one is not escaped.
    unescaped = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    (tmp_path / "report.html").write_text(page.replace("</main>", f"{unescaped}</main>"), encoding="utf-8")
    flags = (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--virtual-time-budget=2000",
    )
    command = [str(CHROMIUM), *flags, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"]
    done = subprocess.run(
        [*command, (tmp_path / "report.html").as_uri()],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    (title,) = re.findall(r"<title>(.*?)</title>", done.stdout, flags=re.DOTALL)
    assert title != "owned"
    assert title.endswith("what reranking contributes")


@settings(max_examples=20)
@given(text=hostile.texts)
@example(text=EVERYTHING)
def test_markdown_has_the_same_blocks_and_no_link_picture_or_tag(text: str) -> None:
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    summary = hostile.poisoned(SUMMARY, f"x{text}")
    tokens = parser.parse(report_markdown(summary))
    benign = parser.parse(report_markdown(hostile.poisoned(SUMMARY, "words")))
    assert [token.type for token in tokens] == [token.type for token in benign]
    inline = {child.type for token in tokens for child in token.children or ()}
    assert inline <= {"text", "text_special", "strong_open", "strong_close", "softbreak", "entity"}
    assert not hostile.RAW.search(report_markdown(summary))


@settings(max_examples=20)
@given(text=hostile.texts)
@example(text=EVERYTHING)
@example(text="x;=1+1")
def test_csv_holds_no_formula_and_no_further_cell(text: str) -> None:
    written = report_csv(hostile.poisoned(SUMMARY, text))
    for row in csv.reader(io.StringIO(written, newline="")):
        assert len(row) == 7
        assert not any(cell.startswith(tuple(FORMULA)) for cell in row[:5])
    # In another country the spreadsheet splits at semicolons.
    for row in csv.reader(io.StringIO(written, newline=""), delimiter=";"):
        assert not any(
            cell.lstrip(" \"'").startswith(tuple(FORMULA)) and not cell.startswith("'") for cell in row
        )


@settings(max_examples=20)
@given(text=hostile.texts)
def test_json_is_one_document_of_printable_text(text: str) -> None:
    error = LLMError(text, hint=text, partial=text)
    outcome = Outcome(Question(text, text, (text,), (text,), (text,), grade=text), None, error)
    gold = Gold([outcome.question], ())
    line = as_json_batch.line(outcome, gold, Models(text, text, Prior(1.0), text), "f", {"model": text})
    assert not hostile.RAW.search(line)
    assert "\n" not in line
    assert json.loads(line)["question"] == text
    whole = evaluation(hostile.poisoned(PLAIN, text), with_run=True)
    assert not hostile.RAW.search(whole)
    assert json.loads(whole)["run"]["title"] == text
