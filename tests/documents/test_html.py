"""HTML: what a reader of a page sees comes once, in order, with its role and its lines in the file."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragcli.documents import UnreadableFile, read
from ragcli.documents.html_pages.page import read_html
from ragcli.types import Document

Pieces = list[tuple[str, str]]


def page(html: str | bytes, name: str = "a.html") -> Pieces:
    """(heading path, text) of every piece of a page."""
    outline = read_html(html.encode() if isinstance(html, str) else html, name)
    return [(" > ".join(piece.headings), piece.text) for piece in outline.pieces]


def texts(html: str | bytes, name: str = "a.html") -> list[str]:
    return [text for _, text in page(html, name)]


def cell(content: str) -> str:
    """What one cell of a table shows."""
    (text,) = texts(f"<table><tr><th>A<th>B<tr><td>{content}<td>other</table>")
    return text.removeprefix("A: ").removesuffix(" | B: other")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make(folder: Path, content: str | bytes, name: str = "page.html") -> Document:
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return read(Path(name))


HOLIDAYS = """<!doctype html><html><head><title>Holidays | Acme</title><style>.x-hid { display: none }</style>
<script>var a = "script text";</script></head><body>
<header><p>Acme intranet</p></header><nav><a href="/">Home</a></nav>
<main><h1>Holidays</h1><p>First   paragraph<br>second line.</p>
<!-- comment text --><p hidden>hidden text</p><p class="x-hid">class text</p>
<div style="display:none">css text</div>
<h2>Dates</h2><table><caption>In 2026</caption><thead><tr><th>Date</th><th>Name</th></tr></thead>
<tr><td rowspan="2">1 May</td><td>Labour Day</td></tr><tr><td>Spring Day</td></tr></table>
<ul><li>One <b>bold</b></li><li>Two<ol><li>Inner</li></ol></li></ul>
<pre><code>def f():
    pass</code></pre><dl><dt>Term</dt><dd>Meaning</dd></dl></main>
<footer>Copyright text</footer></body></html>"""


class TestAPage:
    def test_headings_text_tables_lists_and_code_come_in_order(self) -> None:
        assert page(HOLIDAYS) == [
            ("Holidays", "First paragraph\nsecond line."),
            ("Holidays > Dates", "In 2026"),
            ("Holidays > Dates", "Date: 1 May | Name: Labour Day"),
            ("Holidays > Dates", "Date: 1 May | Name: Spring Day"),
            ("Holidays > Dates", "- One bold"),
            ("Holidays > Dates", "- Two"),
            ("Holidays > Dates", "  1. Inner"),
            ("Holidays > Dates", "def f():\n    pass"),
            ("Holidays > Dates", "- Term: Meaning"),
        ]

    def test_navigation_scripts_comments_and_hidden_text_are_dropped(self) -> None:
        whole = " ".join(texts(HOLIDAYS))
        for text in ("script", "Home", "intranet", "comment", "hidden", "class text", "css", "Copyright"):
            assert text not in whole

    @pytest.mark.parametrize(
        ("html", "title"),
        [
            ("<title>Holidays | Acme</title><h1>Holidays</h1><p>x", "Holidays"),
            ("<title>Dates - Docs 3.2</title><h1>Docs 3.2</h1><h1>Dates</h1><p>x", "Dates"),
            ("<title>Acme</title><h1>Holidays</h1><p>x", "Acme"),
            ("<h1>Holidays</h1><p>x", "Holidays"),
            ("<h3>Holidays</h3><p>x<h2>Later</h2><p>y", "Holidays"),
            ("<body><svg><title>An icon</title></svg><h2>Holidays</h2><p>x", "Holidays"),
            ("<p>x", ""),
        ],
    )
    def test_the_title_is_the_page_s_own_else_its_first_heading(self, html: str, title: str) -> None:
        assert read_html(html.encode(), "a.html").title == title

    @pytest.mark.parametrize(
        "html", ["", "  ", "</div>", "<!-- nothing -->", "<html></html>", "<table></table>"]
    )
    def test_a_page_without_text_has_no_pieces(self, html: str) -> None:
        assert page(html) == []

    def test_a_page_nested_absurdly_deep_is_refused_and_never_cut(self) -> None:
        for depth in (1500, 5000):
            with pytest.raises(UnreadableFile, match="nested too deeply"):
                page("<div>" * depth + "x")


class TestLists:
    @pytest.mark.parametrize(
        ("html", "lines"),
        [
            ("<ul><li>one</li><ul><li>two</li></ul><li>three</li></ul>", ["- one", "  - two", "- three"]),
            ("<ul><div><li>one</li></div><li>two</li></ul>", ["- one", "- two"]),
            ("<ul>bare<li>one</li><p>loose</p></ul>", ["bare", "- one", "  loose"]),
            ("<ul><li><p>one</p><p>more</p></li></ul>", ["- one", "  more"]),
            ("<ul><li><ul><li>deep</li></ul></li></ul>", ["- deep"]),
            ("<li>alone</li>", ["- alone"]),
            ("<ul><li><h2>Part</h2>text</li></ul>", ["text"]),
            ("<menu><li>Cut</li><li>Copy</li></menu>", ["- Cut", "- Copy"]),
        ],
    )
    def test_whatever_stands_in_a_list_is_kept(self, html: str, lines: list[str]) -> None:
        assert texts(html) == lines

    @pytest.mark.parametrize(
        ("html", "lines"),
        [
            ('<ol start="4"><li>d</li><li>e</li></ol>', ["4. d", "5. e"]),
            ('<ol type="a" start="26"><li>z</li><li>aa</li></ol>', ["z. z", "aa. aa"]),
            ('<ol type="I"><li>x</li><li value="9">y</li><li>z</li></ol>', ["I. x", "IX. y", "X. z"]),
            ("<ol reversed><li>three</li><li>two</li><li>one</li></ol>", ["3. three", "2. two", "1. one"]),
            ('<ol start="0"><li>x</li></ol>', ["0. x"]),
            ('<ol start="x"><li>y</li></ol>', ["1. y"]),
            ("<ol><li>a<ol><li>b</li></ol></li><li>c</li></ol>", ["1. a", "  1. b", "2. c"]),
            ("<ol><li><pre>x = 1</pre></li></ol>", ["1.", "x = 1"]),
        ],
    )
    def test_numbers_are_those_that_the_page_shows(self, html: str, lines: list[str]) -> None:
        assert texts(html) == lines


class TestDefinitions:
    def test_short_ones_are_lines(self) -> None:
        html = "<dl><dt>A<dd>one<dt>B<dt>C<dd>two<dt>D</dl>"
        assert texts(html) == ["- A: one", "- B, C: two", "- D"]

    def test_a_long_one_is_a_section_of_its_term(self) -> None:
        long = "word " * 100
        html = f"<h2>API</h2><dl><dt>f(x)<dd>{long}<dt>g(x)<dd>short</dl><p>after</p>"
        assert page(html) == [
            ("API > f(x)", long.strip()),
            ("API", "- g(x): short"),
            ("API", "after"),
        ]

    def test_code_tables_lists_and_inner_terms_stay_what_they_are_and_come_once(self) -> None:
        html = """<h1>pump</h1><dl class="function"><dt><code>pump.<b>start</b>(<i>rate</i>)</code></dt>
<dd><p>Starts it.</p><pre>with pump() as p:
    p.start(3)</pre><ul><li>slow</li><li>fast</li></ul>
<table><tr><th>code</th><th>meaning</th></tr><tr><td>7</td><td>jammed</td></tr></table>
<dl><dt>rate</dt><dd>litres a second</dd></dl></dd></dl><p>End.</p>"""
        path = "pump > pump.start(rate)"
        assert page(html) == [
            (path, "Starts it."),
            (path, "with pump() as p:\n    p.start(3)"),
            (path, "- slow"),
            (path, "- fast"),
            (path, "code: 7 | meaning: jammed"),
            (path, "- rate: litres a second"),
            ("pump", "End."),
        ]

    def test_terms_of_terms_and_headings_among_them_make_a_path(self) -> None:
        html = """<dl><dt>Class</dt><dd><p>About.</p><p>More.</p>
<dl><dt>method</dt><dd><pre>a
b</pre><h3>Note</h3><p>Careful.</p></dd></dl><p>Rest.</p></dd>
<h2>Second</h2><dt>other</dt><dd>thing</dd></dl>"""
        assert page(html) == [
            ("Class", "About."),
            ("Class", "More."),
            ("Class > method", "a\nb"),
            ("Class > method > Note", "Careful."),
            ("Class", "Rest."),
            ("Second", "- other: thing"),
        ]

    def test_groups_bare_text_and_definitions_without_a_term_are_kept(self) -> None:
        html = "<dl>loose<div><dt>A</dt><dd>one</dd></div><dd>alone</dd><p>para</p></dl>"
        found = " ".join(texts(html))
        assert [found.count(word) for word in ("loose", "A: one", "alone", "para")] == [1, 1, 1, 1]

    def test_a_table_of_contents_is_a_nested_list(self) -> None:
        html = (
            "<dl><dt>1 Start</dt><dd><dl><dt>1.1 First</dt><dt>1.2 Second</dt></dl></dd><dt>2 End</dt></dl>"
        )
        assert texts(html) == ["- 1 Start", "  - 1.1 First", "  - 1.2 Second", "- 2 End"]

    def test_a_term_with_a_heading_in_it_is_that_heading(self) -> None:
        assert page("<dl><dt><h3>Valves</h3></dt><dd>Open slowly.</dd></dl>") == [("Valves", "Open slowly.")]


class TestStyles:
    @pytest.mark.parametrize(
        ("rules", "is_shown"),
        [
            (".menu {display: none} @media screen { .menu {display: block} }", True),
            ("@media screen { .menu {display: none} }", False),
            ("@media print { .menu {display: none} }", True),
            ("@media screen and (max-width: 600px) { .menu {display: none} }", True),
        ],
    )
    def test_those_for_screens_count(self, rules: str, is_shown: bool) -> None:
        html = f'<style>{rules}</style><p>Text.</p><p class="menu">Parts</p>'
        assert ("Parts" in texts(html)) == is_shown

    def test_slides_that_a_script_shows_one_by_one_are_read(self) -> None:
        html = "<style>section {opacity: 0}</style>"
        html += "<section>One</section><section>Two <p hidden>no</p></section>"
        assert texts(html) == ["One", "Two"]

    @pytest.mark.parametrize("tag", ["section", "main", "article", "header", "custom-part", "p", "div"])
    def test_a_page_may_begin_without_its_body(self, tag: str) -> None:
        html = (
            f"<!DOCTYPE html><meta charset=utf-8><title>T</title>\n\n<{tag}><p>One</p></{tag}>Two<p>Three</p>"
        )
        assert texts(html) == ["One", "Two", "Three"]
        html += "\n<div>Four</div>"
        found = [piece.lines for piece in read_html(html.encode(), "a.html").pieces]
        assert found == [(3, 3), (3, 3), (3, 3), (4, 4)]


class TestCode:
    def test_it_keeps_its_lines_and_gets_no_spaces(self) -> None:
        html = "<pre>\n<span>def</span> <b>f</b>(<i>x</i>):<br>    <a>return</a>\n\n    x</pre>"
        assert texts(html) == ["def f(x):\n    return\n\n    x"]

    def test_numbers_beside_it_stand_before_its_lines(self) -> None:
        html = """<table class="highlighttable"><tr><td class="linenos"><pre> 9
10</pre></td><td class="code"><pre>a = 1
b = 2</pre></td></tr></table>"""
        assert texts(html) == [" 9 a = 1\n10 b = 2"]
        assert texts(html.replace("b = 2", "b = 2\nc = 3")) == [" 9 a = 1\n10 b = 2\n   c = 3"]
        assert texts('<pre><span class="lineno">1</span><b>int</b> a;\n</pre>') == ["1 int a;"]

    def test_numbers_whose_code_is_not_shown_are_text(self) -> None:
        html = "<table><tr><td><pre>1\n2</pre></td><td><div hidden><pre>a\nb</pre></div></td></tr></table>"
        assert texts(f"{html}<p>End.</p>") == ["End.", "1\n2"]

    def test_a_listing_of_doxygen_is_code(self) -> None:
        lines = ["int f()", "{", "  return 1;", "", "}"]
        rows = (
            f'<div class="line"><span class="lineno">    {at}</span>&#160;{line}</div>\n'
            for at, line in enumerate(lines, start=1)
        )
        html = f'<p>Code:</p><div class="fragment">{"".join(rows)}</div>'
        found = read_html(html.encode(), "a.html")
        assert [piece.code for piece in found.pieces] == [False, True]
        shown = found.document(source="a", fallback_title="", sha256="").text.split("\n\n", 1)[1]
        assert shown == "    1 int f()\n    2 {\n    3   return 1;\n    4\n    5 }"

    def test_in_a_cell_it_keeps_its_lines_below_the_column_s_name(self) -> None:
        html = (
            "<table><tr><th>What<th>Code<th>Since<tr><td>loop<td><pre>for a in b:\n  c</pre><td>3.1</table>"
        )
        assert texts(html) == ["What: loop", "Code:", "for a in b:\n  c", "Since: 3.1"]


class TestWords:
    @pytest.mark.parametrize(
        ("html", "text"),
        [
            ("H<sub>2</sub>O", "H2O"),
            ("10<sup>3</sup> kg, 10<sup>-6</sup>", "10^3 kg, 10^-6"),
            ("the 1<sup>st</sup> m<sup>2</sup>", "the 1st m2"),
            ("di<b>ox</b>ide un<wbr>break&shy;able", "dioxide unbreakable"),
            ("5&nbsp;%", "5 %"),
            ("<i>json</i>.<b>dump</b>(<i>obj</i>)", "json.dump(obj)"),
            ("say <q>yes</q>", "say \u201cyes\u201d"),
            ("<ruby>東<rp>(</rp><rt>とう</rt><rp>)</rp>京<rt>きょう</rt></ruby>へ", "東京(とうきょう)へ"),
            ("a<!-- b -->c", "ac"),
            ('see <img src="x.png" alt="a pump"> here', "see a pump here"),
            ("<math><mi>E</mi><mo>=</mo><mi>m</mi><msup><mi>c</mi><mn>2</mn></msup></math>", "E = mc2"),
            (
                "<math><mfrac><mrow><mi>a</mi><mo>+</mo><mn>1</mn></mrow><mi>b</mi></mfrac>"
                "<annotation encoding='application/x-tex'>\\frac</annotation></math>",
                "(a+1)/b",
            ),
            ("<svg><title>Plan</title><text>North</text><text>South</text></svg>", "North South"),
            ("<svg><title>Plan</title><path d=''/></svg>", "Plan"),
            ("&lt;user&gt; &amp; &euro;", "<user> & €"),
        ],
    )
    def test_are_whole_in_text_and_in_cells(self, html: str, text: str) -> None:
        assert texts(f"<p>{html}</p>") == [text]
        assert cell(html) == text

    @pytest.mark.parametrize(
        ("heading", "text"),
        [
            ('Install<a class="headerlink" href="#install" title="Permalink">¶</a>', "Install"),
            ('Install<a class="headerlink" href="#install" title="Permalink">\uf0c1</a>', "Install"),
            ('<a class="anchor" href="#install">#</a>Install', "Install"),
            ('Install <a href="#install">🔗</a>', "Install"),
            ('Install<a class="hash-link" href="#install" aria-label="Direct link"></a>', "Install"),
            ('<a class="anchor" href="#install">Install</a>', "Install"),
            ('<a href="#c">C# and F#</a>', "C# and F#"),
            ('C<a href="other.html">#</a>', "C#"),
            ("Two<br>lines", "Two lines"),
        ],
    )
    def test_the_sign_that_links_to_a_heading_is_not_in_it(self, heading: str, text: str) -> None:
        assert page(f"<h2>{heading}</h2><p>x</p>") == [(text, "x")]
        assert texts(f"<dl><dt>{heading}</dt><dd>x</dd></dl>") == [f"- {text}: x"]


class TestAbsurdNumbers:
    @pytest.mark.parametrize("number", ["9" * 5000, "-1", "0", "1e9", "\u0663", ""])
    def test_are_no_danger(self, number: str) -> None:
        cells = f"<table><tr><td colspan={number!r} rowspan={number!r}>first<td>second<tr><td>third</table>"
        items = f"<ol start={number!r} type=a><li>fourth<li value={number!r}>fifth</ol>"
        html = f"{cells}{items}<p role=heading aria-level={number!r}>sixth</p><p>end"
        found = [word for path, text in page(html) for word in re.findall(r"\w{3,}", f"{path} {text}")]
        assert list(dict.fromkeys(found)) == ["first", "second", "third", "fourth", "fifth", "sixth", "end"]


class TestTables:
    @pytest.mark.parametrize(
        ("html", "lines"),
        [
            pytest.param(
                "<tr><th><th>May<th>June<tr><th>Oslo<td>1<td>2",
                ["Oslo | May: 1 | June: 2"],
                id="empty corner",
            ),
            pytest.param(
                "<tr><th>Height<td>5 m<tr><th>Width:<td>2 m", ["Height: 5 m", "Width: 2 m"], id="pairs"
            ),
            pytest.param(
                "<thead><tr><th rowspan=2>City<th colspan=2>2025<tr><th>May<th>June</thead>"
                "<tr><td>Oslo<td>1<td>2",
                ["City: Oslo | 2025 May: 1 | 2025 June: 2"],
                id="two rows of headers",
            ),
            pytest.param(
                "<tr><th>A<th>B<tr><td colspan=2>Group<tr><td>1<td>2",
                ["Group", "A: 1 | B: 2"],
                id="title row",
            ),
            pytest.param(
                "<tr><td colspan=2>both<td>c<tr><td>1<td>2<td>3", ["both | c", "1 | 2 | 3"], id="colspan"
            ),
            pytest.param(
                "<tr><td><b>A</b><td><b>B</b><tr><td>1<td>2", ["A: 1 | B: 2"], id="header only drawn bold"
            ),
            pytest.param(
                "<tr><th>A<th>Notes<tr><td>1<td>", ["A | Notes", "A: 1"], id="name of an empty column"
            ),
            pytest.param("<tr><th>A<th>B", ["A | B"], id="header alone"),
            pytest.param(
                "<tr><th>A<th>B<tr><td>1<td>2<tr><th>C<th>D<tr><td>3<td>4",
                ["A: 1 | B: 2", "C: 3 | D: 4"],
                id="second header",
            ),
            pytest.param(
                "<tfoot><tr><td>sum<td>3</tfoot><tbody><tr><td>a<td>3</tbody>",
                ["a | 3", "sum | 3"],
                id="foot",
            ),
            pytest.param("<tr><td>1<td>2</tr><td>3<td>4", ["1 | 2", "3 | 4"], id="cells without a row"),
            pytest.param(
                "stray<form><tr><td>1<td>2</form>", ["stray", "1 | 2"], id="what does not belong there"
            ),
            pytest.param(
                "<tr><th>A<th>B<tr hidden><td>x<td>y<tr><td>1<td>2", ["A: 1 | B: 2"], id="hidden row"
            ),
        ],
    )
    def test_each_row_says_which_column_a_value_is_of(self, html: str, lines: list[str]) -> None:
        assert texts(f"<table>{html}</table>") == lines

    def test_one_within_another_keeps_its_rows(self) -> None:
        html = "<table><tr><th>A<th>B<tr><td>1<td><table><tr><td>x<td>y<tr><td>z<td>w</table></table>"
        assert texts(html) == ["A: 1", "B:", "x | y", "z | w"]

    def test_one_that_only_arranges_the_page_is_read_as_text(self) -> None:
        html = "<table><tr><td><h2>News</h2><p>One</p></td><td><p>Two</p></td></tr></table>"
        assert page(html) == [("News", "One"), ("News", "Two")]

    @pytest.mark.parametrize(
        ("content", "text"),
        [
            ('<img src="yes.png" alt="yes">', "yes"),
            ('<img src="yes.png" title="yes">', "yes"),
            ('<i class="icon-yes" aria-label="yes"></i>', "yes"),
            ("<svg><title>yes</title><path/></svg>", "yes"),
            ('<img src="yes.png">', "image"),
            ('<i class="icon-yes"></i>', "image"),
            ("<p>one</p><ul><li>two</li><li>three</li></ul>", "one two three"),
            ("<ol type=a><li>mix</li><li>wait</li></ol>", "a. mix b. wait"),
            ("daily<br>5", "daily 5"),
            ('<input type="checkbox" checked>', "[x]"),
        ],
    )
    def test_a_cell_says_what_it_shows(self, content: str, text: str) -> None:
        assert cell(content) == text


class TestWhatShows:
    @pytest.mark.parametrize(
        "hidden",
        [
            "<p hidden>secret</p>",
            '<p style="display: none">secret</p>',
            '<p style="visibility:hidden">secret</p>',
            '<div style="display:none"><p style="color:red">secret</p></div>',
            '<div hidden><div hidden><p class="gone">secret</p></div></div>',
            '<p class="gone">secret</p>',
            '<section class="part"><p class="gone">secret</p></section>',
            "<template><p>secret</p></template>",
            "<noscript><p>secret</p></noscript>",
            "<dialog><p>secret</p></dialog>",
            "<script>secret</script><style>.secret { color: red }</style>",
            '<input type="hidden" value="secret"><input type="password" value="secret">',
            '<iframe src="x">secret</iframe><video>secret</video><object data="x">secret</object>',
            "<!-- secret -->",
            '<span class="material-icons">secret</span>',
        ],
    )
    def test_what_the_page_hides_is_not_in_its_text(self, hidden: str) -> None:
        style = "<style>.gone { display: none } @media print { p { display: none } }</style>"
        assert texts(f"{style}<p>The limit is 260 EUR.</p>{hidden}<p>End.</p>") == [
            "The limit is 260 EUR.",
            "End.",
        ]

    @pytest.mark.parametrize(
        "shown",
        [
            "<details><summary>More</summary>word</details>",
            '<p aria-hidden="true">word</p>',
            '<dialog open="">word</dialog>',
            '<p class="tab active">word</p>',
            '<p style="font-size: 0.9em; opacity: 0.8">word</p>',
            "<blockquote><footer>word</footer></blockquote>",
            "<textarea>word</textarea>",
            "<button>word</button>",
            '<input value="word">',
            '<input placeholder="word">',
            '<input type="submit" value="word">',
            "<select><option>other</option><option>word</option></select>",
            '<select><optgroup label="word"><option>other</option></optgroup></select>',
            "<fieldset><legend>word</legend></fieldset>",
            "<article><aside>word</aside></article>",
            "<p><custom-tag>word</custom-tag></p>",
            "<frameset><noframes>word</noframes></frameset>",
        ],
    )
    def test_what_it_shows_is(self, shown: str) -> None:
        style = (
            "<style>.tab { display: none } .tab.active { display: block } p:hover { display: none }</style>"
        )
        assert " ".join(texts(f"{style}<p>Text.</p>{shown}")).split().count("word") == 1

    def test_neighbouring_fields_do_not_run_together(self) -> None:
        fields = (
            "<select><option>S</option><option>M</option></select><button>Go</button><button>Stop</button>"
        )
        html = f"<p>Size{fields}"
        assert texts(html) == ["Size S M Go Stop"]

    def test_a_page_may_name_selectors_that_nobody_knows(self) -> None:
        assert texts("<style>p:::x, >, [[ { display:none } } {</style><p>text") == ["text"]


class TestNavigation:
    def test_is_counted_in_a_note(self) -> None:
        outline = read_html(b"<nav><a href=x>Up</a> <a href=y>Next page</a></nav><p>Text.", "a.html")
        assert outline.notes == ["navigation of 3 words left out"]
        assert read_html(b"<p>Text.", "a.html").notes == []

    @pytest.mark.parametrize(
        "navigation",
        [
            '<div class="navheader"><h3>Guide</h3><p><a href=p>Prev</a></p></div>',
            '<div class="related"><h3>Links</h3><a href=n>next page</a> | <a href=i>index</a></div>',
            '<div class="sphinxsidebar"><h3>Contents</h3><p>Guide</p></div>',
            '<ul id="breadcrumbs"><li><a href=a>Home</a></li><li><a href=b>Guides</a></li></ul>',
            '<div class="spirit-nav"><a href=p><img alt="Prev"></a><a href=u><img alt="Up"></a></div>',
            '<a class="skip" href="#main">Skip to content</a>',
            "<footer>Copyright</footer>",
            "<pre><button>Copy</button></pre>",
            '<aside><a href="a">One</a> <a href="b">Two</a></aside>',
        ],
    )
    def test_of_well_known_programs_is_left_out(self, navigation: str) -> None:
        assert page(f"{navigation}<h1>Pumps</h1><p>Open the valve.</p>{navigation}") == [
            ("Pumps", "Open the valve.")
        ]

    @pytest.mark.parametrize(
        "content",
        [
            "<main><aside class=note><p>Never restart the array.</p></aside></main>",
            "<article><footer>Never restart the array.</footer></article>",
            "<aside><p>Never restart the array.</p></aside>",
            '<div class="sidebar"><p>Never restart the array. See <a href=x>why</a>.</p></div>',
            "<header><h1>Pumps</h1><p>Never restart the array.</p></header><main><p>Text.</p></main>",
            "<p>Never restart the array.</p><main><p>Text.</p></main>",
            "<nav>Never restart the array.</nav>",
            '<div class="related"><p>Never restart the array.</p></div>',
            '<h3 class="page-header"><a href="#x">Never restart the array.</a></h3><p>Text.</p>',
        ],
    )
    def test_content_is_never_taken_for_it(self, content: str) -> None:
        found = " ".join(f"{path} {text}" for path, text in page(content))
        assert found.count("Never restart the array.") == 1


class TestLines:
    def test_are_those_of_the_file(self) -> None:
        html = """<html>
<head><title>T</title>
<script>
one
</script></head>
<body><h1
 id="a">Title</h1>
<p>First <b>bold</b>
continues<!-- a
comment --> and on.</p>
<div hidden>
x
</div>
<table><tr><th>A</th><th>B</th></tr>
<tr><td>1</td>
<td>2</td></tr></table>
<pre>
def f():

    return 1
</pre>
<ul><li>item</li></ul> tail
text
<dl><dt>Term</dt>
<dd>Meaning</dd></dl></body></html>"""
        lines = {piece.text: piece.lines for piece in read_html(html.encode(), "a.html").pieces}
        assert lines == {
            "First bold continues and on.": (8, 10),
            "A: 1 | B: 2": (15, 16),
            "def f():\n\n    return 1": (18, 20),
            "- item": (22, 22),
            "tail text": (22, 23),
            "- Term: Meaning": (24, 25),
        }

    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_count_every_kind_of_line_end(self, folder: Path, end: str) -> None:
        document = make(folder, end.join(["<h1>T</h1>", "<p>one</p>", "", "<p>two</p>"]))
        assert [block.line_start for block in document.blocks] == [2, 4]

    @given(
        st.lists(st.sampled_from(["p", "li", "pre", "dd", "div", "td"]), min_size=1, max_size=12), st.data()
    )
    @settings(max_examples=60)
    def test_every_word_is_on_its_line(self, names: list[str], data: st.DataObject) -> None:
        gap = st.sampled_from(["", "\n", "\n\n", "<!--\n-->", "<b\n>", "<script>\n\n</script>"])
        html = "<html>"
        for place, name in enumerate(names):
            html += f"{data.draw(gap)}<{name}>{data.draw(gap)}w{place}{data.draw(gap)}</{name}>"
        lines = html.split("\n")
        for piece in read_html(html.encode(), "a.html").pieces:
            assert piece.lines is not None
            found = re.findall(r"w\d+", piece.text)
            assert all(word in "\n".join(lines[piece.lines[0] - 1 : piece.lines[1]]) for word in found)


class TestEncodings:
    @pytest.mark.parametrize(
        ("encoding", "declaration", "text"),
        [
            ("utf-8", "", "Größe 5 €"),
            ("utf-8", '<meta charset="iso-8859-1">', "Größe 5 €"),
            ("utf-8-sig", "", "Größe 5 €"),
            ("utf-16", "", "Größe 5 €"),
            ("cp1252", '<meta charset="iso-8859-1">', "Größe 5 €"),
            ("cp1252", "", "Größe “5” and more of a text that is mostly plain"),
            (
                "iso-8859-2",
                '<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-2">',
                "Łódź",
            ),
            ("cp1251", '<meta charset="windows-1251">', "Привет, мир"),
            ("shift_jis", '<meta charset="Shift_JIS">', "日本語の頁"),
            ("euc_kr", '<meta charset="euc-kr">', "한국어"),
            ("koi8-r", '<?xml version="1.0" encoding="koi8-r"?>', "Привет"),
        ],
    )
    def test_by_mark_declaration_or_guess(self, encoding: str, declaration: str, text: str) -> None:
        assert texts(f"{declaration}<p>{text}</p>".encode(encoding)) == [text]

    def test_one_bad_byte_spoils_no_other_letter(self) -> None:
        text = "Über die Größe der Bücher. " * 20
        assert texts(f"<p>{text}".encode() + b"\xff</p>")[0].startswith("Über die Größe")
        assert texts(f"<p>{text}".encode()[:-2] + "ß".encode()[:1])[0].startswith("Über die Größe")

    def test_an_unknown_name_is_no_declaration(self) -> None:
        assert texts('<meta charset="martian"><p>Größe</p>') == ["Größe"]


class TestXhtml:
    def test_is_read_as_what_it_says(self) -> None:
        html = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN"
 "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">
<html xmlns="http://www.w3.org/1999/xhtml"><head><title/><script src="x"/></head>
<body><h1><a id="top"/>Valves</h1><p>Open&nbsp;&uuml;ber 5 &lt; 6 <![CDATA[& <all>]]></p><p>End.</p></body>
</html>"""
        assert page(html) == [("Valves", "Open über 5 < 6 & <all>"), ("Valves", "End.")]
        assert [piece.lines for piece in read_html(html.encode(), "a.html").pieces] == [(5, 5), (5, 5)]

    def test_a_prefix_is_no_part_of_a_name(self) -> None:
        html = '<h:html xmlns:h="http://www.w3.org/1999/xhtml"><h:body><h:h1>T</h:h1><h:p>x</h:p></h:body></h:html>'
        assert page(html, "a.xhtml") == [("T", "x")]

    def test_what_is_not_well_formed_is_read_as_html(self) -> None:
        assert texts('<?xml version="1.0"?><html><body><p>one<p>two &nbsp; & three</body></html>') == [
            "one",
            "two & three",
        ]

    def test_entities_of_its_own_read_no_file_and_do_not_grow(self, folder: Path) -> None:
        (folder / "secret.txt").write_text("the canary sings")
        outside = (folder / "secret.txt").as_uri()
        bomb = "".join(f'<!ENTITY e{n} "&e{n - 1};&e{n - 1};&e{n - 1};&e{n - 1};">' for n in range(1, 20))
        for entities in (f'<!ENTITY e0 SYSTEM "{outside}">', f'<!ENTITY e0 "boom">{bomb}'):
            html = f"<?xml version='1.0'?><!DOCTYPE html [{entities}]><html><p>x &e0;&e19;</p></html>"
            found = " ".join(texts(html, "a.xhtml"))
            assert "canary" not in found
            assert len(found) < 3000


# --- every word of a page, whatever its tree

Words = Callable[[], str]
_INLINE = st.sampled_from(["b", "i", "code", "span", "a", "sub", "em", "label", "custom-x"])


@st.composite
def inline(draw: st.DrawFn, words: Words, depth: int = 2) -> str:
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        if depth and draw(st.booleans()):
            name = draw(_INLINE)
            parts.append(f"<{name}>{draw(inline(words, depth - 1))}</{name}>")
        else:
            parts.append(f" {words()} ")
    return "".join(parts)


@st.composite
def blocks(draw: st.DrawFn, words: Words, depth: int) -> str:
    kinds = ["p", "text", "pre", "ul", "ol", "dl", "table", "div", "blockquote", "details", "bare-list"]
    return "".join(
        draw(block(words, draw(st.sampled_from(kinds)), depth)) for _ in range(draw(st.integers(1, 3)))
    )


@st.composite
def block(draw: st.DrawFn, words: Words, kind: str, depth: int) -> str:
    def content() -> str:
        return draw(blocks(words, depth - 1)) if depth and draw(st.booleans()) else draw(inline(words))

    times = draw(st.integers(1, 3))
    match kind:
        case "ul" | "ol":
            wrapped = draw(st.booleans())
            items = [f"<li>{content()}</li>" for _ in range(times)]
            return (
                f"<{kind}>"
                + "".join(f"<div>{item}</div>" if wrapped else item for item in items)
                + f"</{kind}>"
            )
        case "bare-list":
            return f"<ul>{draw(inline(words))}<ul><li>{content()}</li></ul><p>{draw(inline(words))}</p></ul>"
        case "dl":
            pairs = [f"<dt>{draw(inline(words))}</dt><dd>{content()}</dd>" for _ in range(times)]
            return (
                "<dl>"
                + "".join(f"<div>{pair}</div>" if draw(st.booleans()) else pair for pair in pairs)
                + "</dl>"
            )
        case "table":
            name = draw(st.sampled_from(["td", "th"]))
            rows = [
                f"<tr><{name}>{draw(inline(words))}</{name}><td>{content()}</td></tr>" for _ in range(times)
            ]
            return f"<table>{''.join(rows)}</table>"
        case "pre":
            return f"<pre>{words()}\n  {draw(inline(words))}</pre>"
        case "text":
            return draw(inline(words))
        case "details":
            return f"<details><summary>{words()}</summary>{content()}</details>"
        case _:
            return f"<{kind}>{content()}</{kind}>"


@given(st.data())
@settings(max_examples=150)
def test_each_word_of_any_tree_comes_once_and_in_order(data: st.DataObject) -> None:
    made: list[str] = []

    def words() -> str:
        made.append(f"w{len(made)}x")
        return made[-1]

    html = f"<body><h1>Top</h1>{data.draw(blocks(words, 3))}</body>"
    found: list[str] = []
    last: tuple[str, ...] = ()
    outline = read_html(html.encode(), "a.html")
    for piece in outline.pieces:
        # A term that became a heading occurs once, where its section begins.
        shared = next((n for n, (a, b) in enumerate(zip(last, piece.headings, strict=False)) if a != b), None)
        new = piece.headings[min(len(last), len(piece.headings)) if shared is None else shared :]
        found += re.findall(r"w\d+x", " ".join([*new, piece.text]))
        last = piece.headings
    assert found == made
