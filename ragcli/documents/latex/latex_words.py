"""LaTeX within a paragraph: commands become the words that they print. Formulas stay as they are written."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from ragcli.documents.name_lists import names

if TYPE_CHECKING:
    from pylatexenc.macrospec import LatexContextDb

Node = Any
"""A node of pylatexenc's tree."""

# Commands that print nothing themselves, with the arguments that they consume: * [ {.
_SILENT_NAMES = {
    "{": "label pagestyle thispagestyle bibliographystyle bibliography input include index glossary "
    "usetikzlibrary "
    "pagenumbering hyphenation geometry hypersetup tikzset pgfplotsset lstset graphicspath theoremstyle "
    "noalign "
    "setmainfont setsansfont setmonofont linespread addbibresource includeonly captionsetup sisetup "
    "tightlist "
    "pdfbookmark markboth markright phantom vphantom hphantom vskip fontfamily fontseries fontshape "
    "arraystretch",
    "[{": "usepackage RequirePackage documentclass includegraphics includesvg includepdf bibitem "
    "PassOptionsToPackage "
    "usetheme usecolortheme printbibliography columnbreak cellcolor rowcolor columncolor pagecolor color "
    "arrayrulecolor",
    "*{": "vspace hspace",
    "{{": "setlength addtolength setcounter addtocounter numberwithin counterwithin fontsize "
    "setbeamertemplate",
    "{{{": "definecolor addcontentsline",
    "*{[[{": "newcommand renewcommand providecommand",
    "{[{": "newtheorem rule",
    "{[[{{": "newenvironment renewenvironment",
    "*{{": "DeclareMathOperator",
}
_NO_ARGUMENT = (
    "tightlist maketitle centering raggedright raggedleft noindent indent clearpage newpage "
    "cleardoublepage pagebreak "
    "tableofcontents listoffigures listoftables appendix frontmatter mainmatter backmatter bfseries "
    "itshape ttfamily "
    "scshape rmfamily sffamily mdseries upshape slshape normalfont tiny scriptsize footnotesize small "
    "normalsize large "
    "Large LARGE huge Huge hline toprule midrule bottomrule cline endhead endfirsthead endfoot endlastfoot "
    "hfill vfill "
    "smallskip medskip bigskip par protect relax makeatletter makeatother item it bf tt em rm sf sc "
    "printindex phantomsection "
    "columnbreak centerline leavevmode ignorespaces sloppy fussy allowbreak nobreak linebreak nolinebreak"
)
# For commands that print an argument; the number says which one, from the end.
_PRINTING = {
    "*[{": "section subsection subsubsection chapter part paragraph subparagraph caption title frametitle "
    "framesubtitle",
    "{{": "href hypertarget hyperlink textcolor colorbox texorpdfstring scalebox rotatebox foreignlanguage",
    "[{": "hyperref footnote footnotetext author date thanks subtitle institute abstract underline "
    "nolinkurl parbox",
    "{{{": "multicolumn multirow fcolorbox resizebox",
    "*[[{": "cite citep citet parencite textcite autocite footcite citeauthor citeyear nocite",
    "*{": "ref eqref pageref autoref cref Cref nameref vref",
}
_PRINTED_FIRST = frozenset(["texorpdfstring"])
_ENVIRONMENTS = {
    "[{": "tabular array supertabular longtable longtabu tblr",
    "{[{": "tabularx tabulary tabu",
    "[": "table figure wraptable theorem lemma proof definition corollary proposition example remark",
    "[{{": "minipage",
    "{": "thebibliography multicols frame",
}
_WORDS = {
    "LaTeX": "LaTeX", "TeX": "TeX", "LaTeXe": "LaTeX2e", "BibTeX": "BibTeX", "S": "§", "P": "¶",
    "copyright": "©",
    "euro": "€", "EUR": "€", "pounds": "£", "dots": "…", "ldots": "…", "textellipsis": "…", "\\": "\n",
    " ": " ",
    "newline": "\n", "tabularnewline": "\n", "linebreak": "\n", ",": " ", ";": " ", ":": " ", "!": "",
    "/": "", "-": "",
    "@": "", "quad": " ", "qquad": " ", "today": "", "textbackslash": "\\", "textbar": "|", "textless": "<",
    "textgreater": ">", "textregistered": "®", "texttrademark": "™", "slash": "/", "space": " ", "and": ", ",
    "checkmark": "✓", "degree": "°", "textdegree": "°", "par": "\n\n", "enspace": " ", "thinspace": " ",
    "xspace": "",
}  # fmt: skip
_ACCENTS = {
    "'": "\u0301", "`": "\u0300", "^": "\u0302", '"': "\u0308", "~": "\u0303", "=": "\u0304", ".": "\u0307",
    "u": "\u0306", "v": "\u030c", "H": "\u030b", "c": "\u0327", "k": "\u0328", "r": "\u030a", "d": "\u0323",
    "b": "\u0331",
}  # fmt: skip
_SPECIALS = {"~": " ", "``": "“", "''": "”", "--": "–", "---": "—", "!`": "¡", "?`": "¿", "&": " "}


@lru_cache(maxsize=1)
def context() -> LatexContextDb:
    """pylatexenc's knowledge of which arguments commands take, and ours."""
    from pylatexenc.latexwalker import get_default_latex_context_db
    from pylatexenc.macrospec import std_environment, std_macro

    database = get_default_latex_context_db()
    macros = [
        std_macro(name, arguments)
        for table in (_SILENT_NAMES, _PRINTING)
        for arguments, names in table.items()
        for name in names.split()
    ]
    macros += [std_macro(name, "") for name in _NO_ARGUMENT.split() if name != "item"]
    environments = [
        std_environment(name, arguments)
        for arguments, names in _ENVIRONMENTS.items()
        for name in names.split()
    ]
    database.add_context_category("ragcli", macros=macros, environments=environments, prepend=True)
    return database


SILENT = frozenset(" ".join(_SILENT_NAMES.values()).split())
"""Commands that print neither their name nor an argument."""


def words(nodes: Iterable[Node], known: Mapping[str, str]) -> str:
    """The text of nodes; `known` are the commands without arguments that the file defines."""
    parts: list[str] = []
    was_group = False
    for node in nodes:
        is_group = type(node).__name__ == "LatexGroupNode"
        # The arguments of an unknown command are placed side by side.
        parts.append(" " if is_group and was_group else "")
        parts.append("" if node is None else _word(node, known))
        was_group = is_group
    return "".join(parts)


def _word(node: Node, known: Mapping[str, str]) -> str:
    kind = type(node).__name__
    if kind == "LatexCharsNode":
        return str(node.chars)
    if kind == "LatexGroupNode":
        return words(node.nodelist, known)
    if kind == "LatexMathNode":
        return str(node.latex_verbatim())
    if kind == "LatexSpecialsNode":
        return _SPECIALS.get(node.specials_chars, str(node.specials_chars))
    if kind == "LatexEnvironmentNode":
        return f"\n{words(node.nodelist, known)}\n"
    if kind == "LatexMacroNode":
        return _command(node, known)
    return ""


def arguments(node: Node) -> list[Node]:
    return list(node.nodeargd.argnlist) if node.nodeargd and node.nodeargd.argnlist else []


def last_argument(node: Node, known: Mapping[str, str]) -> str:
    return words(arguments(node)[-1:], known)


def _command(node: Node, known: Mapping[str, str]) -> str:
    name = node.macroname
    space = node.macro_post_space if name.isalpha() and "\n" in (node.macro_post_space or "") else ""
    if name in known:
        return known[name] + space
    if name in _ACCENTS:
        letter = last_argument(node, known).replace("ı", "i").replace("ȷ", "j") or " "
        return unicodedata.normalize("NFC", letter[:1] + _ACCENTS[name]) + letter[1:]
    if name in _WORDS:
        return _WORDS[name] + space
    if name in ("verb", "lstinline"):
        return str(getattr(node.nodeargd, "verbatim_text", "") or last_argument(node, known))
    if name in ("footnote", "footnotetext"):
        return f" ({last_argument(node, known).strip()})"
    if name == "href":
        return last_argument(node, known)
    if name in _CITES:
        return f"[{last_argument(node, known)}]"
    if name in SILENT:
        return ""
    if name in _PRINTED_FIRST:
        return words(arguments(node)[:1], known)
    if name in _SYMBOLS_OF_LETTERS or not arguments(node):
        return _symbol(name) + space
    return last_argument(node, known)


_CITES = frozenset(_PRINTING["*[[{"].split())
_SYMBOLS_OF_LETTERS = names("o O l L i j aa AA ae AE oe OE ss")


@cache
def _symbol(name: str) -> str:
    """What a command without arguments prints, as pylatexenc knows it: \\alpha, \\ss, \\%."""
    from pylatexenc.latex2text import get_default_latex_context_db

    if name in _NO_ARGUMENT.split():
        return ""
    specification = get_default_latex_context_db().get_macro_spec(name)
    shown = getattr(specification, "simplify_repl", None)
    if isinstance(shown, str) and "%" not in shown:
        return shown
    return name if not name.isalpha() else ""
