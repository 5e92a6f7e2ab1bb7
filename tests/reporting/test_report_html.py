"""The HTML report: self-contained, safe with any text, and fit for a phone, checked in a real browser."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ragcli.evaluation.records import Run
from ragcli.evaluation.summary import summarise
from ragcli.reporting import figures
from ragcli.reporting.files.html_report import report_html
from ragcli.reporting.files.pictures import MOST_LINES, relevant_moves
from tests.evaluation_records import PARROT, models_run, random_run, small_run

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync --hide-scrollbars --proxy-server=127.0.0.1:9"
)


class Page(HTMLParser):
    """What a page asks for, and its headings."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.headings: list[str] = []
        self.tags: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [
            value or "" for name, value in attrs if name.rpartition(":")[2] in ("src", "href", "data")
        ]
        if tag in ("h1", "h2"):
            self.headings.append("")

    def handle_data(self, data: str) -> None:
        if self.headings and not self.headings[-1]:
            self.headings[-1] = data.strip()


@pytest.fixture(scope="module")
def html() -> str:
    return report_html(summarise(random_run(60, 20, answers=True)))


class TestThePage:
    def test_it_asks_for_nothing_from_elsewhere(self, html: str) -> None:
        page = Page(html)
        assert all(address.startswith("#") for address in page.addresses)
        assert all(address.startswith("#") for address in re.findall(r"url\(([^)]*)\)", html))
        assert not {"script", "link", "iframe", "img", "object", "embed"} & set(page.tags)
        assert "@import" not in html

    def test_its_sections(self, html: str) -> None:
        assert Page(html).headings[1:] == [
            "Measures",
            "ragcli, the cross-encoder alone",
            "Pictures",
            "Answers",
            "Time of one question",
            "Helped most",
            "Hurt most",
            "Every question",
        ]

    def test_the_floors_stand_once_below_the_first_table_of_measures(self, html: str) -> None:
        line = figures.floors(summarise(random_run(60, 20, answers=True)))
        assert line.startswith("The same candidates in random order 0.")
        assert html.count(line) == 1
        assert html.index("<h2>Measures</h2>") < html.index(line) < html.index("the cross-encoder alone</h2>")

    def test_it_says_where_reranking_is_not_above_its_floors(self) -> None:
        page = report_html(summarise(random_run(60, 20, strength=0.0)))
        assert "Reranking is not shown to be better than that." in page

    def test_the_same_run_gives_the_same_page(self, html: str) -> None:
        assert report_html(summarise(random_run(60, 20, answers=True))) == html

    def test_its_pictures_are_whole_and_share_no_id(self, html: str) -> None:
        drawn = re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL)
        assert len(drawn) == 4
        ids = [name for svg in drawn for name in re.findall(r' id="([^"]+)"', svg)]
        assert len(ids) == len(set(ids))
        for svg in drawn:
            ET.fromstring(svg)
            assert "#" not in re.sub(r"url\(#[^)]*\)|href=\"#[^\"]*\"", "", svg), (
                "a colour the page cannot change"
            )

    def test_each_picture_says_what_it_shows(self, html: str) -> None:
        assert all('role="img" aria-label="' in svg for svg in re.findall(r"<svg[^>]*>", html))

    @pytest.mark.parametrize("text", ["<script>alert(1)</script>", "\x1b[31m\u202egnp.exe", "{{ 7 * 7 }}"])
    def test_no_text_of_others_acts_in_it(self, text: str) -> None:
        run = small_run()
        question = run.questions[0]
        hostile = replace(
            question,
            text=text,
            candidates=tuple(replace(c, text=text, location=text, source=text) for c in question.candidates),
        )
        answers = tuple(replace(a, base=a.base and replace(a.base, text=text)) for a in run.answers)
        page = report_html(
            summarise(replace(run, title=text, questions=(hostile, *run.questions[1:]), answers=answers))
        )
        assert "<script" not in page
        assert not re.search("[\x1b\u202e]", page)
        assert "49" not in re.findall(r"<title>(.*?)</title>", page)[0]

    @pytest.mark.parametrize(
        "run",
        [
            replace(small_run(), scorings=()),
            replace(small_run(), questions=(PARROT,), scorings=(), answers=()),
            replace(small_run(), depths=(), seconds=(), answers=()),
            models_run(),
        ],
        ids=["no cross-encoder", "nothing judged", "nothing beside", "several models"],
    )
    def test_it_is_made_of_what_there_is(self, run: Run) -> None:
        assert summarise(run).verdict[:20] in report_html(summarise(run))

    def test_a_question_opens_to_both_answers_and_what_each_prompt_held(self) -> None:
        page = report_html(summarise(small_run()))
        mercury = page[page.index("<span>How long does Mercury take") :]
        base, reranked = mercury[: mercury.index("</details>")].split("<h3>Reranked")
        assert "The element is liquid. [1]" in base
        assert re.findall(r"<li.*?\d\. (\w+)</span>.*in the prompt", base) == ["Element"]
        assert "Mercury takes 88 days. [1]" in reranked
        assert re.findall(r"<li.*?\d\. (\w+)</span>.*in the prompt", reranked) == ["Planet"]

    def test_several_models_have_a_table(self, html: str) -> None:
        page = report_html(summarise(models_run()))
        assert Page(page).headings[1] == "Models"
        assert "+ cross-encoder/ms-marco-MiniLM-L6-v2</th>" in page
        assert "Models" not in Page(html).headings

    def test_many_lines_are_a_draw_of_them(self) -> None:
        summary = summarise(random_run(120, 30))
        assert len(relevant_moves(summary)) == MOST_LINES
        assert f"{MOST_LINES} passages, drawn at random" in report_html(summary)

    def test_three_hundred_questions_stay_below_two_megabytes(self) -> None:
        assert len(report_html(summarise(random_run(300, 30, answers=True)))) < 2_000_000


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: install the package chromium")
class TestInABrowser:
    """A page with the report in a frame of the given width measures it and records the result."""

    SCRIPT = """
    <!doctype html><iframe id="frame" style="width:{width}px;height:900px;border:0" srcdoc="{page}"></iframe>
    <pre id="found"></pre><script>
    document.getElementById("frame").onload = function () {{
      const page = this.contentDocument, root = page.documentElement;
      const shown = (e) => e.getBoundingClientRect().width > 0 && e.getBoundingClientRect().height > 0;
      const found = {{
        scroll: root.scrollWidth, width: root.clientWidth,
        headings: [...page.querySelectorAll("h2")].filter(shown).length,
        pictures: [...page.querySelectorAll("svg")].filter(shown).map((e) => e.getBoundingClientRect().width),
        requests: this.contentWindow.performance.getEntriesByType("resource").length,
        ink: getComputedStyle(page.body).color, ground: getComputedStyle(page.body).backgroundColor,
        scale: Math.min(...[...page.querySelectorAll("svg")].map(
          (e) => e.getBoundingClientRect().width / e.viewBox.baseVal.width)),
      }};
      page.querySelectorAll("details").forEach((e) => {{ e.open = true; }});
      found.cut = [...page.querySelectorAll(".scroll")].filter((e) => e.scrollWidth > e.clientWidth)
        .map((e) => `${{e.getAttribute("aria-label")}}: ${{e.scrollWidth}} of ${{e.clientWidth}}`);
      document.getElementById("found").textContent = btoa(JSON.stringify(found));
    }};
    </script>
    """

    def found(self, html: str, folder: Path, width: int, *more: str) -> dict[str, object]:
        page = html.replace("&", "&amp;").replace('"', "&quot;")
        (folder / "frame.html").write_text(self.SCRIPT.format(width=width, page=page), encoding="utf-8")
        command = [str(CHROMIUM), *FLAGS.split(), *more, f"--user-data-dir={folder / 'profile'}"]
        command += ["--virtual-time-budget=5000", "--dump-dom", (folder / "frame.html").as_uri()]
        dom = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
        written = re.search(r'<pre id="found">([^<]+)</pre>', dom)
        assert written, dom[-500:]
        seen: dict[str, object] = json.loads(base64.b64decode(written.group(1)))
        return seen

    @pytest.mark.parametrize("width", [360, 500, 700, 1280])
    def test_nothing_is_wider_than_the_window_and_everything_is_there(
        self, html: str, tmp_path: Path, width: int
    ) -> None:
        seen = self.found(html, tmp_path, width)
        assert seen["scroll"] == seen["width"] == width
        assert (seen["headings"], seen["requests"]) == (8, 0)
        # Narrower than that a table scrolls.
        assert width < 500 or seen["cut"] == []
        pictures = seen["pictures"]
        assert isinstance(pictures, list)
        assert len(pictures) == 4
        assert all(200 < drawn <= width for drawn in pictures)
        # What the viewport's scale leaves of the smallest text in a picture.
        assert isinstance(seen["scale"], float)
        assert 8 * seen["scale"] > 7

    def test_it_follows_the_reader_into_the_dark(self, html: str, tmp_path: Path) -> None:
        light = self.found(html, tmp_path, 800, "--blink-settings=preferredColorScheme=1")
        dark = self.found(html, tmp_path, 800, "--blink-settings=preferredColorScheme=0")
        assert brightness(light["ground"]) > 200 > 60 > brightness(light["ink"])
        assert brightness(dark["ground"]) < 60 < 200 < brightness(dark["ink"])


def brightness(colour: object) -> float:
    parts = [float(part) for part in re.findall(r"[\d.]+", str(colour))[:3]]
    return sum(parts) / len(parts)
