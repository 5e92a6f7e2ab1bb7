"""The screens, as pictures kept in tests/golden (RAGCLI_UPDATE_GOLDEN=1 updates them), and the JSON."""

from __future__ import annotations

import io
import json as standard_json
import os
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import records
from cli_helper import ANSI, Terminal

from ragcli.config import Config
from ragcli.config.loading import Setting
from ragcli.encoders.prior import Prior
from ragcli.prompting import NO_ANSWER
from ragcli.reporting import as_json, plain_text
from ragcli.reporting.screens import comparison, manage, occlusion, terminal
from ragcli.reporting.screens.live import IngestProgress, Stream, spinner
from ragcli.reporting.screens.terminal import PlainConsole
from ragcli.types import MissedThreshold, Movement, Usage

GOLDEN = Path(__file__).parents[1] / "golden"
WIDTHS = (80, 120)


def console(width: int = 80, *, stream: io.StringIO | None = None, **environ: str) -> PlainConsole:
    variables = {"COLUMNS": str(width), "LINES": "40", "TERM": "xterm-256color", **environ}
    return PlainConsole(io.StringIO() if stream is None else stream, variables)


def shown(target: PlainConsole) -> str:
    assert isinstance(target.file, io.StringIO)
    return target.file.getvalue()


def draw_answer(target: PlainConsole) -> None:
    terminal.print_answer(target, records.reranked_answer())
    terminal.print_sources(target, records.reranked_answer())


def draw_explanation(target: PlainConsole) -> None:
    occlusion.print_passage(target, records.reranked_candidates()[0], records.occlusion(), of=50)
    occlusion.print_scale(target)


SCREENS: dict[str, Callable[[PlainConsole], None]] = {
    "answer": draw_answer,
    "context": lambda c: terminal.print_context(c, records.reranked_answer().context),
    "comparison": lambda c: comparison.print_comparison(c, records.comparison(), show_all=False),
    "comparison-search": lambda c: comparison.print_comparison(
        c, records.comparison(answers=False), show_all=True
    ),
    "search": lambda c: terminal.print_search(c, records.search_result(), limit=3, explain=False),
    "search-explain": lambda c: terminal.print_search(c, records.search_result(), limit=3, explain=True),
    "search-explain-headings": lambda c: terminal.print_search(
        c, records.search_with_near_headings(), limit=1, explain=True
    ),
    "search-explain-hybrid": lambda c: terminal.print_search(
        c, records.hybrid_search_result(), limit=4, explain=True, rrf_k=60.0
    ),
    "search-hybrid": lambda c: terminal.print_search(
        c, records.hybrid_search_result(reranked=False), limit=2, explain=False
    ),
    "comparison-explained": lambda c: terminal.print_explained_orders(
        c, records.comparison(answers=False), limit=3, prior=Prior(7.5), rrf_k=60.0
    ),
    "explanation": draw_explanation,
    "ingest": lambda c: manage.print_ingest(c, records.ingest_report(), show_all=False),
    "ingest-dry-run": lambda c: manage.print_ingest(c, records.ingest_report(dry_run=True), show_all=True),
    "sources": lambda c: manage.print_sources(c, records.sources()),
}


# --- pictures


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", SCREENS)
def test_the_screen_is_the_golden_one(name: str, width: int) -> None:
    target = console(width, stream=Terminal(), NO_COLOR="1", TERM="dumb")
    SCREENS[name](target)
    picture = "\n".join(line.rstrip() for line in ANSI.sub("", shown(target)).splitlines()) + "\n"
    file = GOLDEN / f"{name}-{width}.txt"
    if os.environ.get("RAGCLI_UPDATE_GOLDEN"):
        file.write_text(picture, encoding="utf-8")
    assert picture == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", [name for name in SCREENS if name != "context"])
def test_no_line_is_wider_than_the_terminal(name: str, width: int) -> None:
    target = console(width, stream=Terminal())
    SCREENS[name](target)
    assert max(len(line) for line in ANSI.sub("", shown(target)).splitlines()) <= width


@pytest.mark.parametrize("name", SCREENS)
def test_a_pipe_gets_no_escape_sequences(name: str) -> None:
    target = console()
    SCREENS[name](target)
    assert "\x1b" not in shown(target)


@pytest.mark.parametrize("name", SCREENS)
def test_no_color_means_no_colour(name: str) -> None:
    target = console(stream=Terminal(), NO_COLOR="1")
    SCREENS[name](target)
    codes = {code for run in ANSI.findall(shown(target)) for code in run[2:-1].split(";")}
    assert codes <= {"0", "1", "2", "3"}  # reset, bold, dim, italic


@pytest.mark.parametrize("name", SCREENS)
def test_colours_are_readable_on_light_and_dark_ground(name: str) -> None:
    target = console(stream=Terminal())
    SCREENS[name](target)
    codes = {code for run in ANSI.findall(shown(target)) for code in run[2:-1].split(";")}
    assert codes <= {"0", "1", "2", "3", "31", "32", "35", "36", "39"}  # red, green, magenta, cyan, default


def test_the_two_answers_stand_side_by_side_where_there_is_room() -> None:
    for width, together in ((99, False), (100, True)):
        target = console(width)
        comparison.print_comparison(target, records.comparison(), show_all=False)
        first = shown(target).splitlines()[0]
        assert ("Without reranking" in first and "With reranking" in first) is together


def test_a_terminal_that_knows_only_ascii_gets_ascii() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="replace")
    target = PlainConsole(stream, {"COLUMNS": "100"})
    terminal_table = comparison.movement_table(
        records.comparison().movements, 100, unicode=not target.options.ascii_only
    )
    target.print(terminal_table)
    stream.flush()
    picture = stream.buffer.getvalue().decode("ascii")  # type: ignore[attr-defined]
    assert "3 -> 1" in picture
    assert "+2" in picture


# --- what the comparison shows


def test_only_passages_of_a_prompt_are_shown_unless_all_are_asked_for() -> None:
    record = records.comparison()
    last = record.movements[-1]
    outside = replace(last, in_prompt_before=False)
    record = replace(record, movements=(*record.movements[:-1], outside))
    few, every = console(), console()
    comparison.print_comparison(few, record, show_all=False)
    comparison.print_comparison(every, record, show_all=True)
    assert "mercury-element.md" not in shown(few)
    assert "1 more candidate in neither prompt; --all shows them" in shown(few)
    assert "mercury-element.md" in shown(every)


def test_two_prompts_without_a_passage_have_no_table() -> None:
    record = records.comparison()
    outside = tuple(replace(move, in_prompt_before=False, in_prompt_after=False) for move in record.movements)
    target = console()
    comparison.print_comparison(target, replace(record, movements=outside), show_all=False)
    below = shown(target).split("How passages moved\n")[1]
    assert below.startswith(f"{len(outside)} candidates in neither prompt; --all shows them\n")


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [(True, True, "stays"), (False, True, "enters"), (True, False, "leaves"), (False, False, "out")],
)
def test_a_row_says_what_became_of_the_passage(before: bool, after: bool, word: str) -> None:
    target = console()
    candidate = records.reranked_candidates()[0]
    target.print(comparison.movement_table([Movement(candidate, 3, 3, before, after)], 80))
    assert word in shown(target)
    assert "=" in shown(target)


def test_the_base_arm_does_not_pay_for_the_reranker() -> None:
    target = console()
    target.print(comparison.cost_table(records.comparison()))
    rows = {line.split()[0]: line.split()[1:] for line in shown(target).splitlines()[1:]}
    assert rows["rerank"] == ["–", "0.84", "s"]
    assert rows["total"] == ["1.28", "s", "2.12", "s"]


def test_explain_adds_up() -> None:
    target = console(120)
    terminal.print_search(target, records.search_result(), limit=1, explain=True)
    row = shown(target).splitlines()[1].split()
    logit, prior, score = (float(value) for value in row[-5:-2])
    assert logit + prior == pytest.approx(score)
    assert prior == pytest.approx(2.0 * 0.5871, abs=0.01)


@pytest.mark.parametrize(
    ("prior", "question", "said"),
    [
        (Prior(2.0), "why? " * 40, "Prior is 2 × similarity (reranking.prior_weight)."),
        (Prior(2.0, 20), "why? " * 20, "more for a question of over 20 words (reranking.prior_words)."),
        (
            Prior(16.0, 20),
            "why? " * 34,
            "Prior is 27.2 × similarity: reranking.prior_weight 16 × 34 words / reranking.prior_words 20.",
        ),
    ],
)
def test_explain_says_what_makes_the_prior(prior: Prior, question: str, said: str) -> None:
    target = console(120)
    result = replace(records.search_result(), prior=prior, question=question)
    terminal.print_search(target, result, limit=1, explain=True)
    assert said in " ".join(shown(target).split())


def test_the_order_of_the_bi_encoder_has_no_prior_to_explain() -> None:
    target = console(120)
    terminal.print_search(target, records.hybrid_search_result(reranked=False), limit=1, explain=True)
    assert "Prior is" not in shown(target)


# --- untrusted text


def hostile_comparison_screens() -> str:
    hostile = records.ESCAPE
    chunk = replace(records.CHUNKS[0], source=hostile, title=hostile, headings=(hostile,), text=hostile)
    candidate = replace(records.reranked_candidates()[0], chunk=chunk)
    answer = replace(
        records.answer(hostile, (candidate,), reranked=True),
        model=hostile,
        usage=Usage(1, 1),
        question=hostile,
    )
    result = replace(records.search_result(), candidates=(candidate,), question=hostile)
    record = replace(
        records.comparison(),
        base=answer,
        reranked=answer,
        summary=hostile,
        movements=(Movement(candidate, 1, 1, True, True),),
    )
    target = console(120, stream=Terminal(), NO_COLOR="1", TERM="dumb")
    comparison.print_comparison(target, record, show_all=True)
    terminal.print_answer(target, answer)
    terminal.print_sources(target, answer)
    terminal.print_context(target, answer.context)
    terminal.print_usage(target, answer)
    terminal.print_search(target, result, limit=9, explain=True)
    terminal.print_search(target, result, limit=9, explain=False)
    report = records.ingest_report()
    files = tuple(replace(file, source=hostile, reason=hostile) for file in report.files)
    manage.print_ingest(target, replace(report, files=files), show_all=True)
    manage.print_sources(target, [replace(records.sources()[0], source=hostile, title=hostile)])
    manage.print_settings(target, [Setting("llm.model", hostile, hostile)])
    return shown(target)


def test_a_document_cannot_steer_the_terminal() -> None:
    screen = ANSI.sub("", hostile_comparison_screens())
    assert not plain_text.CONTROLS.search(screen)
    assert "\x1b" not in screen


def test_a_document_cannot_style_the_screen() -> None:
    screen = hostile_comparison_screens()
    assert "[bold]markup[/bold]" in screen
    assert ":smile:" in screen
    assert "title" not in screen.replace("Title", "")  # the window title of the escape sequence is gone


def test_clean_keeps_what_a_text_is_made_of() -> None:
    assert plain_text.clean("naïve 日本語 🙂\n\tindented") == "naïve 日本語 🙂\n\tindented"
    assert plain_text.clean(records.ESCAPE) == "red [bold]markup[/bold] :smile: gnp.exe"
    assert plain_text.clean("a\x9b31mb\x1b(0c\udc80d\r\n") == "abcd\n"


# --- words


def test_a_snippet_is_cut_around_the_words_of_the_question() -> None:
    filler = "nothing of interest stands here at all " * 10
    found = plain_text.snippet(
        f"{filler}Mercury orbits the Sun in 88 days. {filler}", "days of Mercury's orbit", 80
    )
    assert "88 days" in found
    assert found.startswith("… ")
    assert found.endswith(" …")
    assert len(found) <= 90


def test_a_short_text_is_its_own_snippet() -> None:
    assert plain_text.snippet("Two\nlines.", "lines", 80) == "Two lines."


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.0004, "0 ms"), (0.031, "31 ms"), (0.84, "0.84 s"), (1.234, "1.23 s"), (12.54, "12.5 s")],
)
def test_seconds_are_short(value: float, words: str) -> None:
    assert plain_text.seconds(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "–"), (0.0, "0 %"), (0.001, "<1 %"), (0.47, "47 %"), (0.999, ">99 %"), (1.0, "100 %")],
)
def test_a_probability_is_never_rounded_to_certainty(value: float | None, words: str) -> None:
    assert plain_text.percent(value) == words


def test_pages_are_named_where_the_format_has_them() -> None:
    def place(*span: int | None, format: str = "") -> str:
        first, last, page_start, page_end = span
        chunk = replace(records.CHUNKS[0], line_start=first, line_end=last, format=format)
        return plain_text.place(replace(chunk, page_start=page_start, page_end=page_end))

    assert place(12, 18, None, None) == "lines 12-18"
    assert place(12, 12, None, None) == "line 12"
    assert place(None, None, 3, 3) == "page 3"
    assert place(None, None, 3, 4) == "pages 3-4"
    assert place(None, None, 3, 3, format="pptx") == "slide 3"
    assert place(None, None, 3, 4, format="ipynb") == "cells 3-4"
    assert place(None, None, 7, 7, format="mbox") == "message 7"
    assert place(2, 40, None, None, format="xlsx") == "rows 2-40"
    assert place(None, None, None, None, format="docx") == ""


# --- what grows


def test_a_pipe_sees_nothing_of_a_growing_answer() -> None:
    out, err = console(), console()
    with Stream(out, err, waiting="Searching …", quiet=False) as stream:
        stream.on_text("Mercury ")
        stream.on_text("takes 88 days.")
    assert shown(out) + shown(err) == ""
    assert stream.partial() == "Mercury takes 88 days."


def test_a_terminal_sees_the_answer_grow() -> None:
    out, err = console(stream=Terminal()), console(stream=Terminal())
    with Stream(out, err, waiting="Searching …", quiet=False) as stream:
        stream.on_text("Mercury takes")
        stream.on_text(" 88 days.")
    assert "Mercury takes" in shown(out)
    assert "Searching …" in shown(err)


def test_a_dumb_terminal_gets_no_animation() -> None:
    out, err = console(stream=Terminal(), TERM="dumb"), console(stream=Terminal(), TERM="dumb")
    with (
        Stream(out, err, waiting="Searching …", quiet=False) as stream,
        spinner(err, "Working …", quiet=False),
    ):
        stream.on_arm_text("base", "Mercury")
    assert shown(out) + shown(err) == ""


def test_a_broken_answer_is_marked_as_partial() -> None:
    out, err = console(), console()
    with Stream(out, err, waiting="", quiet=False) as stream:
        stream.on_arm_text("reranked", "Mercury takes")
    stream.print_partials()
    assert shown(out) == ""
    assert shown(err) == "partial answer (with reranking), not finished:\nMercury takes\n"


@pytest.mark.parametrize("width", [80, 120])
def test_a_list_folds_names_between_their_folders(width: int) -> None:
    name = "packages/documentation/handbook-of-everything/chapters/chapter-number-1-of-many.md"
    source = replace(
        records.sources()[0], source=name, title="A title of quite a few words, all of them long"
    )
    target = console(width, stream=Terminal(), NO_COLOR="1", TERM="dumb")
    manage.print_sources(target, [source])
    lines = shown(target).splitlines()
    pieces = [line.split("   ")[0].strip() for line in lines[1:] if line[:1].strip()]
    assert "".join(pieces[:-1]) == name
    assert all(piece.endswith("/") for piece in pieces[:-2])


def test_progress_shows_on_a_terminal_only() -> None:
    class Step:
        stage, done, total, source, share = "embed", 1, 2, "notes/[bold]x.md", 0.43

    for stream, visible in ((Terminal(), True), (io.StringIO(), False)):
        target = console(120, stream=stream)
        with IngestProgress(target, quiet=False) as bar:
            bar.update(Step())
        assert ("notes/[bold]x.md" in shown(target)) is visible
        assert ("43%" in shown(target)) is visible


# --- JSON


def loaded(document: str) -> dict[str, object]:
    found = standard_json.loads(document)
    assert isinstance(found, dict)
    assert found["schema"] == 1
    return found


def test_json_of_an_answer_holds_what_it_rests_on() -> None:
    found = loaded(as_json.answer(records.reranked_answer(), Config()))
    assert found["kind"] == "answer"
    assert found["answer"] == records.reranked_answer().text
    assert found["citations"][0]["source"] == "corpora/homonyms/mercury-planet.md"  # type: ignore[index]
    assert found["candidates"][0]["logit"] == 7.43  # type: ignore[index]
    assert found["context"]["messages"][1]["content"].endswith(records.QUESTION)  # type: ignore[index]
    assert found["config"]["retrieval"]["candidates"] == 50  # type: ignore[index]
    assert found["timings"] == {"pack": 0.0042, "generate": 1.234}


def test_json_of_a_comparison_names_each_candidate_once() -> None:
    found = loaded(as_json.comparison(records.comparison(), Config()))
    rows = found["candidates"]
    assert isinstance(rows, list)
    assert [(row["before"], row["after"]) for row in rows] == [(3, 1), (4, 2), (1, 3), (2, 4)]
    assert [row["in_prompt_after"] for row in rows] == [True, True, False, False]
    assert found["summary"] == records.comparison().summary
    assert loaded(as_json.comparison(records.comparison(answers=False), Config()))["base"] is None


def test_json_of_the_other_records() -> None:
    assert loaded(as_json.search(records.search_result(), Config()))["kind"] == "search"
    assert loaded(as_json.ingest(records.ingest_report()))["chunks_written"] == 15
    assert loaded(as_json.sources("default", records.sources()))["collection"] == "default"


def test_json_holds_the_text_unchanged_and_no_control_character() -> None:
    hostile = records.ESCAPE + "\u2028\udc80 naïve"
    document = as_json.document("answer", {"answer": hostile})
    assert standard_json.loads(document)["answer"] == hostile
    assert not plain_text.CONTROLS.search(document)
    assert "naïve" in document


def test_json_refuses_what_is_no_number() -> None:
    with pytest.raises(ValueError, match="JSON"):
        as_json.document("x", {"score": float("nan")})


def test_json_hides_the_password_of_a_url() -> None:
    config = Config.model_validate({"llm": {"base_url": "http://me:secret@host/v1"}})
    assert "secret" not in as_json.answer(records.reranked_answer(), config)


# --- nothing is cut silently


@pytest.mark.parametrize(
    ("missed", "why"),
    [
        (
            MissedThreshold("prompting.min_similarity", 0.2123, 0.3),
            "no passage is similar enough to the question (0.21; prompting.min_similarity is 0.3)",
        ),
        (
            MissedThreshold("prompting.min_probability", 0.0012, 0.003),
            "no passage is likely enough to be relevant (0.0012; prompting.min_probability is 0.003)",
        ),
        (
            MissedThreshold("prompting.min_answerable", 0.4, 0.45),
            "the LLM is not sure enough that the passages answer it (0.4; prompting.min_answerable is 0.45)",
        ),
        (None, "the LLM found no answer in the passages"),
    ],
)
def test_what_declined_to_answer_is_told(missed: MissedThreshold | None, why: str) -> None:
    declined = replace(records.reranked_answer(), text=NO_ANSWER, abstained=True, declined_by=missed)
    notes = console()
    terminal.print_notes(notes, declined)
    assert f"note: {why}." in " ".join(shown(notes).split())
    panel = console()
    panel.print(terminal.answer_body(declined))
    assert f"Why: {why}" in " ".join(shown(panel).split())
    found = loaded(as_json.answer(declined, Config()))["declined_by"]
    assert found == (asdict(missed) if missed else None)


def test_what_was_cut_left_out_or_dropped_is_told() -> None:
    whole = records.reranked_answer()
    quiet = console()
    terminal.print_notes(quiet, whole)
    assert shown(quiet) == ""
    loud = console()
    packed = replace(whole.context, left_out=2)
    cut = replace(whole, unknown_citations=(7,), context=packed, cut_off=True, truncated=3)
    terminal.print_notes(loud, cut)
    assert "the LLM cited [7], not in the prompt" in shown(loud)
    assert "2 passages of the best did not fit the prompt's 1,792 tokens" in shown(loud)
    assert "the LLM was stopped after 18 tokens" in shown(loud)
    assert "3 texts" in shown(loud)
    found = loaded(as_json.answer(cut, Config()))
    assert (found["cut_off"], found["truncated"], found["unknown_citations"]) == (True, 3, [7])
