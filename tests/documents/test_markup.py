"""AsciiDoc, LaTeX, manual pages and XML: the text that a reader sees, its headings and its tables."""

from __future__ import annotations

from pathlib import Path

import pytest
from outlines import make, sections, texts

from ragcli.documents import UnreadableFile
from ragcli.documents.asciidoc.asciidoc import read_asciidoc
from ragcli.documents.latex.latex import read_latex
from ragcli.types import Document


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lines(document: Document) -> dict[str, tuple[int, int]]:
    return {document.text[b.start : b.end]: (b.line_start, b.line_end) for b in document.blocks}


ASCIIDOC = """= Kiln guide
Ada Miller <ada@example.org>
v2, 4 March 2026
:toc:
:product: Brook
:keywords: clay, fire

Intro to *{product}* and `its` _parts_.footnote:[Raised
each January.]

== Firing

// a comment
.Programme
[cols="1,1",options="header"]
|===
|Step |Heat
|First
|600 C
2+|Wait an hour
|===

[NOTE]
====
Wear gloves, see <<cool,Cooling>> and https://example.org[the site].
====

* one
* two

[source,python]
----
fire(kiln)  # <1>
----
<1> Starts it.

////
hidden block
////

[[cool]]
=== Cooling

Term:: its meaning
image::kiln.png[A kiln]
include::more.adoc[]

Old style
~~~~~~~~~
Costs 2 * 3 * 4 euros and snake_case_name stays.
"""


class TestAsciiDoc:
    def test_what_is_displayed_under_its_headings(self, folder: Path) -> None:
        document = make(folder, "a.adoc", ASCIIDOC)
        assert document.title == "Kiln guide"
        firing, cooling = "Kiln guide > Firing", "Kiln guide > Firing > Cooling"
        assert sections(document) == [
            ("Kiln guide", "Ada Miller <ada@example.org>\nv2, 4 March 2026"),
            ("Kiln guide", "Intro to Brook and its parts. (Raised\neach January.)"),
            (firing, "Programme"),
            (firing, "Step: First | Heat: 600 C"),
            (firing, "Step: Wait an hour"),
            (firing, "Note:"),
            (firing, "Wear gloves, see Cooling and the site."),
            (firing, "* one\n* two"),
            (firing, "fire(kiln)  # <1>"),
            (firing, "<1> Starts it."),
            (cooling, "Term: its meaning\nA kiln"),
            ("Kiln guide > Firing > Old style", "Costs 2 * 3 * 4 euros and snake_case_name stays."),
        ]
        assert lines(document)["* one\n* two"] == (28, 29)

    def test_settings_are_no_text_and_includes_are_noted(self) -> None:
        outline = read_asciidoc(ASCIIDOC.encode(), "a.adoc")
        assert outline.metadata == {"keywords": "clay, fire"}
        assert outline.notes == ["1 included file is not read here"]

    def test_what_is_no_anchor_is_shown_and_styles_of_lists_are_not(self, folder: Path) -> None:
        text = (
            "= Kiln\nAda Miller <ada@example.org>\n\n[[fire-it]]\n== Firing\n\n"
            "By {author}, [[x]]here, and m[[0, 1]].\n\n"
            "[[fire slowly]]\n== Cooling\n\n. one\n[lowerroman, start=4]\n.. two\n"
        )
        assert sections(make(folder, "a.adoc", text)) == [
            ("Kiln", "Ada Miller <ada@example.org>"),
            ("Kiln > Firing", "By Ada Miller, here, and m[[0, 1]]."),
            ("Kiln > Firing", "[[fire slowly]]"),
            ("Kiln > Cooling", ". one\n.. two"),
        ]


LATEX = r"""\documentclass{article}
\usepackage{amsmath} % text that is not printed
\newcommand{\product}{Brook}
\title{The \product{} guide}
\author{Ada M\"uller \and Bob}
\begin{document}
\maketitle
\section*{Firing \emph{slowly}}\label{s}
Heat \textbf{it} to $x^2$ degrees\footnote{A note.} in the stra\ss e, 50\% % not printed
of ``\product'' --- see \cite[p.~3]{key}, \unknown{this}.

\begin{enumerate}
\item First
\item Second
\end{enumerate}
\begin{tabular}{l|l} City & Cost \\ \hline Oslo & 210 \\ \multicolumn{2}{c}{both} \\ \end{tabular}
\begin{lstlisting}[language=C]
int main() {
    return 0; }
\end{lstlisting}
\begin{equation}\label{e} c=d \end{equation}
\begin{tikzpicture}\node{kiln};\end{tikzpicture}
\subsection{Cooling}
\includegraphics[width=3cm]{a.png}\caption{A \emph{kiln}.}
\input{other}
\end{document}
never printed
"""


class TestLatex:
    def test_what_is_printed_under_its_headings(self, folder: Path) -> None:
        document = make(folder, "a.tex", LATEX)
        assert document.title == "The Brook guide"
        assert sections(document) == [
            ("", "Ada Müller, Bob"),
            (
                "Firing slowly",
                "Heat it to $x^2$ degrees (A note.) in the straße, 50% of “Brook” — see [key], this.",
            ),
            ("Firing slowly", "1. First"),
            ("Firing slowly", "2. Second"),
            ("Firing slowly", "City: Oslo | Cost: 210"),
            ("Firing slowly", "City: both"),
            ("Firing slowly", "int main() {\n    return 0; }"),
            ("Firing slowly", "\\begin{equation} c=d \\end{equation}"),
            ("Firing slowly > Cooling", "A kiln."),
        ]
        assert lines(document)["int main() {\n    return 0; }"] == (18, 19)
        assert lines(document)["2. Second"] == (14, 14)

    def test_what_is_left_out_is_noted(self) -> None:
        outline = read_latex(LATEX.encode(), "a.tex")
        assert outline.notes == ["1 drawing is left out (3 words)", "1 included file is left out"]
        assert outline.metadata == {"author": "Ada Müller, Bob"}

    def test_blocks_within_a_command_are_blocks(self, folder: Path) -> None:
        """As pandoc writes its sections, and as many authors shrink their tables."""
        text = (
            "\\hypertarget{cooling-down}{%\n\\section{Cooling down}\\label{cooling-down}}\n\n"
            "Wait an hour.\n\n"
            "\\resizebox{\\textwidth}{!}{\\begin{tabular}{ll}City & Cost\\\\ \\hline "
            "\\cellcolor[gray]{0.8}Oslo & 5\\\\ \\end{tabular}}\n"
        )
        assert sections(make(folder, "a.tex", text)) == [
            ("Cooling down", "Wait an hour."),
            ("Cooling down", "City: Oslo | Cost: 5"),
        ]

    def test_formulas_have_no_short_names_of_the_file(self, folder: Path) -> None:
        text = (
            "\\newcommand{\\G}{\\Gamma}\n\\def\\half{\\frac{1}{2}}\n\\newcommand{\\both}[1]{#1}\n\n"
            "\\section{One}\nFor $\\G_0(\\half)$ and $\\Gap \\both{x}$:\n\\[\\G + 1\\]\nLast."
        )
        document = make(folder, "a.tex", text)
        assert r"$\Gamma_0(\frac{1}{2})$ and $\Gap \both{x}$" in document.text
        assert r"\[\Gamma + 1\]" in document.text
        assert document.blocks[-1].line_end == 8

    def test_a_part_without_preamble_and_a_broken_one_are_read(self, folder: Path) -> None:
        assert sections(make(folder, "a.tex", "\\chapter{One}\nText {\\bf bold}.")) == [("One", "Text bold.")]
        assert "Text" in make(folder, "b.tex", "\\begin{itemize} Text } \\end{wrong} \\section{x").text


MAN = """.\\" a comment
.de XX
never shown
..
.ds tk Brook Toolkit
.TH FIRE 1 2026-03-04 "Kiln 2" "Kiln Manual"
.SH NAME
fire \\- heats the \\*(tk
.SH "SEE ALSO"
.B fire
.RI [ options ]
.I file...
.PP
It isn\\(aqt \\fBcold\\fP and
runs.
.TP
.BR \\-h ", " \\-\\-help
Shows help.
.IP \\(bu 2
A point.
.nf
  fire \\-x
    now
.fi
.SS Table
.TS
tab(;);
lb lb
l l.
Step;Heat
First;T{
600
.B C
T}
.TE
.if t only in print
.if n only here
"""

MDOC = """.Dd March 4, 2026
.Dt FIRE 1
.Os
.Sh NAME
.Nm fire
.Nd heats the kiln
.Sh DESCRIPTION
.Nm
.Op Fl h
.Ar file ...
is like
.Xr ls 1 .
.Bl -tag
.It Fl v
Says
.Dq more .
.El
"""


class TestManualPages:
    def test_man_is_read_without_its_macros(self, folder: Path) -> None:
        document = make(folder, "fire.1", MAN)
        assert document.title == "fire(1)"
        assert sections(document) == [
            ("NAME", "fire - heats the Brook Toolkit"),
            ("SEE ALSO", "fire [options] file..."),
            ("SEE ALSO", "It isn't cold and runs."),
            ("SEE ALSO", "- -h, --help"),
            ("SEE ALSO", "  Shows help."),
            ("SEE ALSO", "- •"),
            ("SEE ALSO", "  A point."),
            ("SEE ALSO", "  fire -x\n    now"),
            ("SEE ALSO > Table", "Step: First | Heat: 600 C"),
            ("SEE ALSO > Table", "only here"),
        ]
        assert lines(document)["It isn't cold and runs."] == (14, 15)

    def test_mdoc_too(self, folder: Path) -> None:
        document = make(folder, "fire.1", MDOC)
        assert document.title == "fire(1)"
        assert sections(document) == [
            ("NAME", "fire – heats the kiln"),
            ("DESCRIPTION", "fire [-h] file ... is like ls(1)."),
            ("DESCRIPTION", "- -v"),
            ("DESCRIPTION", "  Says “more”."),
        ]

    def test_a_page_that_only_names_another_says_so(self, folder: Path) -> None:
        with pytest.raises(UnreadableFile, match=r"only refers to man1/fire\.1"):
            make(folder, "burn.1", ".so man1/fire.1\n")

    def test_a_log_with_a_number_is_a_text(self, folder: Path) -> None:
        document = make(folder, "kiln.log.1", "2026-03-04 fired\n.hidden line\n")
        assert (document.format, document.text) == ("text", "2026-03-04 fired\n.hidden line")

    @pytest.mark.parametrize("name", ["Fire.3pm", "fire.1ssl", "fire.3x", "fire.8postfix"])
    def test_sections_of_a_package_are_read_by_their_first_line(self, folder: Path, name: str) -> None:
        assert make(folder, name, MAN).format == "man"
        assert make(folder, name, "Kiln 3 was fired.\n.TH is a macro.\n").format == "text"


DOCBOOK = """<?xml version="1.0"?><!DOCTYPE article [<!ENTITY co "Brook Ltd"><!ENTITY x SYSTEM "file:///etc/hostname">]>
<article xmlns="http://docbook.org/ns/docbook"><info><title>Guide</title>
<author><personname><firstname>Ada</firstname><surname>Miller</surname></personname></author></info>
<section><title>Firing</title><para>Heat the <emphasis>kiln</emphasis> of &co;&x; first.</para>
<itemizedlist><listitem><para>one</para></listitem><listitem><para>two</para></listitem></itemizedlist>
<programlisting>fire()
  now</programlisting>
<informaltable><tgroup cols="2"><thead><row><entry>City</entry><entry>Hotel</entry></row></thead>
<tbody><row><entry>Oslo</entry><entry><para>210</para></entry></row></tbody></tgroup></informaltable>
<figure><title>A kiln</title></figure></section><!-- hidden --></article>
"""


class TestXml:
    def test_docbook(self, folder: Path) -> None:
        document = make(folder, "a.xml", DOCBOOK)
        assert document.title == "Guide"
        assert sections(document) == [
            ("Guide", "Ada Miller"),
            ("Guide > Firing", "Heat the kiln of Brook Ltd first."),
            ("Guide > Firing", "- one"),
            ("Guide > Firing", "- two"),
            ("Guide > Firing", "fire()\n  now"),
            ("Guide > Firing", "City: Oslo | Hotel: 210"),
            ("Guide > Firing", "A kiln"),
        ]
        assert lines(document)["fire()\n  now"] == (6, 7)

    def test_fiction_book_and_its_pictures(self, folder: Path) -> None:
        content = (
            "<FictionBook><description><title-info><book-title>Clay</book-title></title-info></description><body>"
            "<section><title><p>One</p></title><p>Text.</p></section></body>"
            f"<binary id='a'>{'QUJD' * 200}</binary></FictionBook>"
        )
        document = make(folder, "a.fb2", content)
        assert (document.title, sections(document)) == ("Clay", [("Clay > One", "Text.")])

    def test_opml(self, folder: Path) -> None:
        content = (
            "<opml><head><title>Plan</title></head><body><outline text='Kiln'><outline text='Fire it' "
            "_note='slowly'/>"
            "<outline text='Cool it'/></outline></body></opml>"
        )
        document = make(folder, "a.opml", content)
        assert document.title == "Plan"
        assert sections(document) == [("Kiln", "- Fire it"), ("Kiln", "slowly"), ("Kiln", "- Cool it")]

    def test_data_are_rows(self, folder: Path) -> None:
        content = (
            "<shop><item id='1'><name>Bowl</name><price currency='EUR'>30</price></item>"
            "<rate from='EUR' to='NOK'/></shop>"
        )
        assert texts(make(folder, "a.xml", content)) == [
            "id: 1 | name: Bowl | price currency: EUR | price: 30",
            "from: EUR | to: NOK",
        ]

    def test_a_damaged_file_is_read_as_far_as_it_goes(self, folder: Path) -> None:
        assert "two" in make(folder, "a.xml", "<r><para>one</para><para>two <b>x</para></r>").text
        assert (
            "caf\u00e9 d\u00e9j\u00e0"
            in make(folder, "b.xml", b"<r><para>caf\xe9 d\xe9j\xe0 vu</para></r>").text
        )

    def test_entities_do_not_grow_without_bounds(self, folder: Path) -> None:
        grown = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 20}">' for n in range(1, 9))
        with pytest.raises(UnreadableFile):
            make(folder, "a.xml", f'<!DOCTYPE r [<!ENTITY e0 "aaaa">{grown}]><r><para>&e8;</para></r>')
