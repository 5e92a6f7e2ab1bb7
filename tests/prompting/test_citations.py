"""Citations resolve: each number leads to a sentence of the user's documents that supports the answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ragcli.config import PromptingConfig
from ragcli.prompting import Cited, cite
from ragcli.prompting.support import content_words, lexical_support
from ragcli.types import Candidate, Chunk, Context, Passage

MODEL = PromptingConfig(citations="model")
ATTRIBUTED = PromptingConfig(citations="attributed")

PLANET = "Mercury is the innermost planet.\nIt circles the Sun in 88 days.\n\nIt has no moons."
GOD = "Mercury was the messenger of the gods. He wore winged sandals."


def chunk(text: str, title: str, line_start: int = 1) -> Chunk:
    return Chunk(
        id=title,
        source=f"{title}.md",
        index=0,
        title=title,
        headings=("Facts",),
        text=text,
        start=100,
        end=100 + len(text),
        line_start=line_start,
        line_end=line_start + text.count("\n"),
        page_start=3,
        page_end=4,
        tokens=20,
    )


def context(*chunks: Chunk) -> Context:
    passages = tuple(
        Passage(number, Candidate(each, similarity=0.5, base_rank=number), each.text, 20)
        for number, each in enumerate(chunks, 1)
    )
    return Context(passages, (), 100, 1000)


BOTH = context(chunk(GOD, "god"), chunk(PLANET, "planet", line_start=11))


def numbers(cited: Cited) -> list[int]:
    return [citation.number for citation in cited.citations]


class TestAttribution:
    def test_marks_each_sentence_with_the_passage_that_supports_it(self) -> None:
        cited = cite("It circles the Sun in 88 days. The god wore winged sandals.", BOTH, ATTRIBUTED)
        assert cited.text == "It circles the Sun in 88 days. [2] The god wore winged sandals. [1]"
        assert numbers(cited) == [1, 2]
        assert all(citation.attributed for citation in cited.citations)

    def test_quotes_the_supporting_sentence_and_its_lines(self) -> None:
        (citation,) = cite("It circles the Sun in 88 days.", BOTH, ATTRIBUTED).citations
        assert citation.quote == "It circles the Sun in 88 days."
        assert (citation.line_start, citation.line_end) == (12, 12)
        assert (citation.source, citation.location) == ("planet.md", "planet > Facts")
        assert (citation.page_start, citation.page_end) == (3, 4)

    def test_names_the_chunks_lines_where_lines_cannot_be_counted(self) -> None:
        uneven = replace(chunk(PLANET, "planet", line_start=11), line_end=30)
        (citation,) = cite("It circles the Sun in 88 days.", context(uneven), ATTRIBUTED).citations
        assert (citation.line_start, citation.line_end) == (11, 30)

    def test_leaves_an_unsupported_sentence_unmarked(self) -> None:
        assert cite("Volcanoes erupt on Venus.", BOTH, ATTRIBUTED) == Cited(
            "Volcanoes erupt on Venus.", (), ()
        )

    def test_gives_no_support_to_a_wrong_figure(self) -> None:
        assert cite("It circles the Sun in 99 days.", BOTH, ATTRIBUTED).citations == ()

    def test_looks_at_what_the_answer_says_beyond_the_question(self) -> None:
        answer, asked = (
            "A lap of the smallest world lasts 88 days.",
            "How long is a lap of the smallest world?",
        )
        assert numbers(cite(answer, BOTH, ATTRIBUTED)) == []
        assert numbers(cite(answer, BOTH, ATTRIBUTED, question=asked)) == [2]
        wrong = answer.replace("88", "77")
        assert numbers(cite(wrong, BOTH, ATTRIBUTED, question=asked)) == []

    def test_drops_marks_that_the_llm_wrote(self) -> None:
        cited = cite("It circles the Sun in 88 days [7].", BOTH, ATTRIBUTED)
        assert cited.text == "It circles the Sun in 88 days. [2]"
        assert cited.unknown == ()

    def test_asks_the_question_when_passages_support_alike(self) -> None:
        twins = context(chunk("In 1911 rice was grown.", "a"), chunk("In 1911 the pole was reached.", "b"))
        assert numbers(cite("In 1911.", twins, ATTRIBUTED, question="When was the pole reached?")) == [2]

    def test_uses_only_what_the_llm_got_to_read(self) -> None:
        whole = context(chunk(PLANET, "planet"))
        part = replace(whole, passages=(replace(whole.passages[0], text="It has no moons."),))
        assert cite("It circles the Sun in 88 days.", part, ATTRIBUTED).citations == ()

    def test_of_nothing_is_nothing(self) -> None:
        assert cite("Anything.", context(), ATTRIBUTED) == Cited("Anything.", (), ())

    def test_takes_any_measure_of_support(self) -> None:
        cited = cite("Whatever.", BOTH, ATTRIBUTED, lambda claim, text: float("moons" in text))
        assert cited.citations[0].quote == "It has no moons."


LVM = context(
    chunk(GOD, "god"),
    chunk("To make a volume larger, use lvresize:\n\n    lvresize -L +10G vg/root\n\nBack up first.", "lvm"),
)


class TestAttributionOfCode:
    @pytest.mark.parametrize("answer", ["Use `lvresize`", "Use ``lvresize``", "Use `lvresize`."])
    def test_a_sentence_may_end_in_inline_code(self, answer: str) -> None:
        assert cite(answer, LVM, ATTRIBUTED).text == f"{answer} [2]"

    def test_no_mark_is_put_into_code(self) -> None:
        answer = "Winged sandals `lvresize. Winged sandals`"
        assert cite(answer, LVM, ATTRIBUTED).text == f"{answer} [1]"
        answer = "```\nHe wore winged sandals.\n```"
        assert cite(answer, LVM, ATTRIBUTED).text == answer

    @pytest.mark.parametrize("gap", ["\n", "\n\n"])
    @pytest.mark.parametrize("fence", ["```", "~~~"])
    def test_a_lead_in_is_supported_by_its_block(self, gap: str, fence: str) -> None:
        block = f"{gap}{fence}bash\nlvresize -L +10G vg/root\n{fence}"
        cited = cite(f"Run this command:{block}", LVM, ATTRIBUTED)
        assert cited.text == f"Run this command: [2]{block}"
        assert cited.citations[0].quote == "lvresize -L +10G vg/root"

    def test_a_block_with_another_figure_is_not_supported(self) -> None:
        answer = "Run this command:\n```bash\nlvresize -L +20G vg/root\n```"
        assert cite(answer, LVM, ATTRIBUTED) == Cited(answer, (), ())

    def test_a_supported_sentence_gets_the_only_mark(self) -> None:
        block = "\n\n```bash\nlvresize -L +10G vg/root\n```"
        assert (
            cite(f"He wore winged sandals.{block}", LVM, ATTRIBUTED).text
            == f"He wore winged sandals. [1]{block}"
        )


class TestAttributionBeyondOneSentence:
    JUPITER = context(
        chunk(GOD, "god"), chunk("It is the biggest planet of all. It has 95 moons.", "3. Jupiter")
    )

    def test_the_location_names_what_the_sentence_is_about(self) -> None:
        cited = cite("Jupiter is the largest planet", self.JUPITER, ATTRIBUTED)
        assert cited.text == "Jupiter is the largest planet [2]"
        assert cited.citations[0].quote == "It is the biggest planet of all."

    @pytest.mark.parametrize(
        "answer", ["Jupiter is blue.", "Jupiter.", "Jupiter has 3 moons.", "Jupiter is the 3 planet."]
    )
    def test_the_location_alone_supports_nothing(self, answer: str) -> None:
        assert cite(answer, self.JUPITER, ATTRIBUTED) == Cited(answer, (), ())

    @pytest.mark.parametrize("answer", ["Yes.", "No", "Yes, it does.", "**No.**"])
    def test_yes_and_no_claim_the_question(self, answer: str) -> None:
        both = context(chunk(GOD, "god"), chunk(PLANET, "Mercury (planet)"))
        cited = cite(answer, both, ATTRIBUTED, question="Does Mercury have any moons?")
        assert cited.text == f"{answer} [2]"
        assert cited.citations[0].quote == "It has no moons."
        assert cite(answer, BOTH, ATTRIBUTED, question="Is rice grown in Norway?").citations == ()
        assert cite(answer, BOTH, ATTRIBUTED).citations == ()
        assert cite(answer, context(), ATTRIBUTED, question="Is it so?").citations == ()

    def test_passages_that_support_a_question_alike_are_told_apart_by_their_other_sentences(self) -> None:
        assert numbers(cite("No.", BOTH, ATTRIBUTED, question="Does Mercury have moons?")) == [2]
        assert numbers(cite("Yes.", self.JUPITER, ATTRIBUTED, question="Does Jupiter have moons?")) == [2]

    def test_half_of_the_words_in_a_whole_passage_are_too_few(self) -> None:
        answer = "A messenger in winged boots, famed by poets, for gods."
        assert cite(answer, BOTH, ATTRIBUTED).citations == ()

    def test_a_sentence_may_sum_up_several(self) -> None:
        answer = "A messenger in sandals, winged, for gods, loved by poets."
        cited = cite(answer, BOTH, ATTRIBUTED)
        assert cited.text == f"{answer} [1]"
        assert cited.citations[0].quote == "He wore winged sandals."

    def test_a_figure_is_not_taken_from_another_sentence(self) -> None:
        assert cite("The innermost planet has 88 moons.", BOTH, ATTRIBUTED).citations == ()

    def test_the_quote_of_one_sentence_is_not_replaced_by_one_of_several(self) -> None:
        answer = "Mercury was a messenger. A messenger in sandals, winged, for gods, loved by poets."
        (citation,) = cite(answer, BOTH, ATTRIBUTED).citations
        assert citation.quote == "Mercury was the messenger of the gods."


class TestNumbersFromTheModel:
    def test_are_kept_where_the_context_holds_them(self) -> None:
        cited = cite("It takes 88 days [2].", BOTH, MODEL)
        assert cited.text == "It takes 88 days [2]."
        (citation,) = cited.citations
        assert (citation.number, citation.attributed) == (2, False)
        assert citation.quote == "It circles the Sun in 88 days."

    def test_are_dropped_and_reported_where_it_does_not(self) -> None:
        cited = cite("It takes 88 days [2][9]. He flew [7].", BOTH, MODEL)
        assert cited.text == "It takes 88 days [2]. He flew."
        assert cited.unknown == (7, 9)

    @pytest.mark.parametrize(
        ("written", "kept", "unknown"),
        [
            ("So [1, 2].", "So [1, 2].", ()),
            ("So [1,5].", "So [1].", (5,)),
            ("So [1-3].", "So [1, 2].", (3,)),
            ("So【1】.", "So[1].", ()),
            ("So [0].", "So.", (0,)),
        ],
    )
    def test_may_be_written_in_many_ways(self, written: str, kept: str, unknown: tuple[int, ...]) -> None:
        cited = cite(written, BOTH, MODEL)
        assert (cited.text, cited.unknown) == (kept, unknown)

    @pytest.mark.parametrize(
        "text", ["Call `xs[7]` now.", "```\nxs = a[9]\n```", "See [7](https://example.org)."]
    )
    def test_are_not_read_into_code_and_links(self, text: str) -> None:
        assert cite(text, BOTH, MODEL) == Cited(text, (), ())


class TestSupport:
    def test_is_the_share_of_content_words(self) -> None:
        assert lexical_support("winged sandals", GOD) == 1.0
        assert lexical_support("winged golden sandals today", GOD) == 0.5
        assert lexical_support("of the", GOD) == 0.0

    def test_sees_through_endings_numerals_and_separators(self) -> None:
        assert content_words("It orbits") == content_words("the orbit")
        assert content_words("1,600 cities") == content_words("1600 city")
        assert content_words("four") == content_words("4")

    @pytest.mark.parametrize("written", ["the eighth day", "the 8th day", "day eight", "day 8"])
    def test_reads_ordinals_as_figures(self, written: str) -> None:
        assert lexical_support(written, "It rained on day 8.") == 1.0
        assert lexical_support("day 8", written) == 1.0
        assert lexical_support(written, "It rained on the ninth day, day 9, the 18th.") == 0.0

    def test_keeps_ordinals_apart_from_each_other(self) -> None:
        assert lexical_support("the 2nd day", "the 3rd day") == 0.0
        assert lexical_support("First, wear sandals.", "Wear sandals.") > 0.5

    def test_does_not_take_a_list_number_for_a_figure(self) -> None:
        assert lexical_support("1. He wore winged sandals.", GOD) == 1.0
