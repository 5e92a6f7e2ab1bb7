"""An occlusion as HTML: each word on the shade of what it does to the score, with the figure as its title."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ragcli.encoders.occlusion import Occlusion, Reading, WordChange
from ragcli.reporting import plain_text as words
from ragcli.reporting.occlusion_text import LEVELS, largest, pieces, strongest
from ragcli.types import Candidate

STYLE = """
.readings { display: grid; gap: 0 2rem; }
@media (min-width: 48rem) { .readings { grid-template-columns: 1fr 1fr; } }
.reading { font-size: .95rem; line-height: 1.7; white-space: pre-line; }
.reading .q { font-style: italic; }
.reading b { font-weight: 400; border-radius: .2rem; padding: 0 .1rem; }
.reading .u1 { background: color-mix(in srgb, var(--accent) 15%, transparent); }
.reading .u2 { background: color-mix(in srgb, var(--accent) 32%, transparent); }
.reading .u3 { background: color-mix(in srgb, var(--accent) 55%, transparent); font-weight: 650; }
.reading .d1 { background: color-mix(in srgb, var(--warn) 15%, transparent); }
.reading .d2 { background: color-mix(in srgb, var(--warn) 32%, transparent); }
.reading .d3 { background: color-mix(in srgb, var(--warn) 55%, transparent); font-weight: 650; }
"""
_FIRST, _SECOND, _THIRD = (f"{share * 100:.0f}" for share in LEVELS)
SCALE = f"""
<p class="quiet reading">Each word was left out once: it <b class="u2">raised</b> or <b class="d2">lowered</b>
the score. The three shades begin at {_FIRST}, {_SECOND} and {_THIRD} % of the text's largest change.
Rest the pointer on a word for the figure.</p>
"""
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
:root {{ --ink: #1a1c1f; --muted: #5f6670; --paper: #fff; --accent: #0b62c4; --warn: #b3400b; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --ink: #e8eaed; --muted: #a0a7b1; --paper: #15171a; --accent: #6cb0ff; --warn: #ff9d66; }}
}}
body {{ margin: 0 auto; padding: 2rem 1.25rem; max-width: 66rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere; }}
h1 {{ font-size: 1.4rem; }} h2 {{ font-size: 1.1rem; margin: 2rem 0 .25rem; }} h3 {{ font-size: .95rem; }}
.quiet {{ color: var(--muted); font-size: .875rem; margin: .25rem 0; }}
{style}</style></head>
<body><h1>{title}</h1>{scale}{passages}
</body></html>
"""


def explanation_html(question: str, found: Sequence[tuple[Candidate, Occlusion]], of: int) -> str:
    """A page of its own that needs nothing else."""
    passages = "\n".join(_passage(candidate, occlusion, of) for candidate, occlusion in found)
    return _PAGE.format(title=_escaped(words.one_line(question)), style=STYLE, scale=SCALE, passages=passages)


def readings_html(occlusion: Occlusion) -> str:
    """Both readings of one pair, for a page that has STYLE and SCALE."""
    cross, similarity = occlusion.cross_encoder, occlusion.bi_encoder
    return (
        '<div class="readings">'
        + _reading(f"Cross-encoder: logit {words.decimal(cross.score)}", occlusion, cross, 2)
        + _reading(f"Bi-encoder: similarity {words.decimal(similarity.score, 3)}", occlusion, similarity, 3)
        + "</div>"
    )


def _passage(candidate: Candidate, occlusion: Occlusion, of: int) -> str:
    return (
        f"<section><h2>{_escaped(words.chunk_title(candidate.chunk))}</h2>"
        f'<p class="quiet">{_escaped(words.chunk_place(candidate.chunk))}</p>'
        f'<p class="quiet">{_escaped(words.ranks(candidate, of))}</p>{readings_html(occlusion)}</section>'
    )


def _reading(title: str, occlusion: Occlusion, reading: Reading, digits: int) -> str:
    question = _marked(occlusion.question, reading.question, digits)
    passage = _marked(occlusion.passage, reading.passage, digits)
    named = strongest(occlusion.passage, reading.passage)
    figures = ", ".join(f"{word} {words.signed(change, digits)}" for word, change in named)
    asked, most = (words.decimal(largest(changes), digits) for changes in (reading.question, reading.passage))
    return (
        f'<div><h3>{_escaped(title)}</h3><p class="reading q">{question}</p><p class="reading">{passage}</p>'
        f'<p class="quiet">Largest change: {asked} in the question, {most} in the passage.</p>'
        f'<p class="quiet">{_escaped(words.one_line(figures))}</p></div>'
    )


def _marked(text: str, changes: Sequence[WordChange], digits: int) -> str:
    shown = []
    for piece in pieces(text, changes):
        body = _escaped(words.clean(piece.text))
        if piece.shade:
            kind = f"{'u' if piece.shade > 0 else 'd'}{abs(piece.shade)}"
            body = f'<b class="{kind}" title="{words.signed(piece.change, digits)}">{body}</b>'
        shown.append(body)
    return "".join(shown)


def _escaped(text: str) -> str:
    return escape(text, quote=True)
