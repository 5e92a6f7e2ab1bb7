"""Nothing that comes from a document, a file's name, a server or a model reaches the terminal raw."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import evaluation_records
import hostile
import pytest
import records
from cli_helper import ANSI, Terminal, run
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ragcli.config.loading import Setting
from ragcli.encoders.calibration import Calibration
from ragcli.encoders.prior import Prior
from ragcli.evaluation.diff import compare_runs
from ragcli.evaluation.paired_tests import Difference
from ragcli.evaluation.summary import summarise
from ragcli.reporting.screens import comparison, evaluation, terminal, training
from ragcli.reporting.screens import manage as index
from ragcli.reporting.screens.live import IngestProgress, Stream, spinner
from ragcli.reporting.screens.progress import StagesBar
from ragcli.reporting.screens.terminal import PlainConsole
from ragcli.training.calibration import Bin
from ragcli.training.gain import Gain, SetGain
from ragcli.training.run import TrainingReport

RUN = evaluation_records.small_run()
SUMMARY = summarise(RUN)
DIFF = compare_runs(RUN, evaluation_records.small_run())
DIFFERENCE = Difference(0.1, 0.0, 0.2, 0.04, 3, 1, 2)


class Step:
    def __init__(self, text: str) -> None:
        self.stage, self.done, self.total, self.source, self.share = text, 1, 2, text, 0.5


def grow(console: PlainConsole, text: str) -> None:
    with Stream(console, console, waiting=text, quiet=False) as stream:
        stream.on_arm_text("base", text)
        stream.on_arm_text("reranked", text)
    stream.print_partials()


def advance(console: PlainConsole, text: str) -> None:
    with IngestProgress(console, quiet=False) as bars:
        bars.update(Step(text))
    with StagesBar(console, quiet=False) as bar:
        bar(text, 1, 2)
    with training.progress(console, quiet=False) as lines:
        lines.say(text)
    with spinner(console, text, quiet=False):
        pass


def report_training(console: PlainConsole, text: str) -> None:
    gain = Gain(Prior(4.0), (SetGain(text, 5, 0.1, 0.2, 0.3),), DIFFERENCE, DIFFERENCE, DIFFERENCE)
    training.print_report(
        console, TrainingReport(gain, Calibration(1.0, 0.0), (Bin(0, 1, 9, 0.5, 0.5),), Path(text), "f")
    )


def answer(console: PlainConsole, text: str) -> None:
    record = hostile.poisoned(records.reranked_answer(), text)
    terminal.print_answer(console, record)
    terminal.print_sources(console, record)
    terminal.print_context(console, record.context, text)
    terminal.print_notes(console, record)
    terminal.print_usage(console, record)
    terminal.print_timings(console, record.timings)


def manage(console: PlainConsole, text: str) -> None:
    index.print_sources(console, hostile.poisoned(records.sources(), text))
    index.print_settings(console, [Setting(text, text, text)])
    model = dict.fromkeys(("role", "name", "server", "state", "hint"), text)
    index.print_models(console, [model])
    row = {
        "collection": text,
        "sources": 1,
        "chunks": 2,
        "embedding_model": text,
        "chunk_size": 1,
        "chunk_overlap": 0,
    }
    index.print_status(console, text, text, [row])


SCREENS: dict[str, Callable[[PlainConsole, str], None]] = {
    "ask": answer,
    "ask --compare": lambda c, t: comparison.print_comparison(
        c, hostile.poisoned(records.comparison(), t), show_all=True
    ),
    "search": lambda c, t: terminal.print_search(
        c, hostile.poisoned(records.search_result(), t), limit=9, explain=False
    ),
    "search --explain": lambda c, t: terminal.print_search(
        c, hostile.poisoned(records.search_result(), t), limit=9, explain=True
    ),
    "ingest": lambda c, t: index.print_ingest(c, hostile.poisoned(records.ingest_report(), t), show_all=True),
    "list, config, models, status": manage,
    "eval": lambda c, t: evaluation.print_summary(c, hostile.poisoned(SUMMARY, t)),
    "eval diff": lambda c, t: evaluation.print_diff(c, hostile.poisoned(DIFF, t)),
    "train": report_training,
    "an answer that grows": grow,
    "progress": advance,
}


def console(stream: io.StringIO) -> PlainConsole:
    return PlainConsole(stream, {"COLUMNS": "90", "LINES": "40", "TERM": "xterm-256color"})


@pytest.mark.parametrize("name", SCREENS)
@settings(max_examples=8)
@given(text=hostile.texts)
@example(text="".join(hostile.TERMINAL))
@example(text="".join(reversed(hostile.TERMINAL)))
def test_no_screen_shows_anything_raw(name: str, text: str) -> None:
    pipe, screen = io.StringIO(), Terminal()
    SCREENS[name](console(pipe), text)
    SCREENS[name](console(screen), text)
    assert not hostile.RAW.search(pipe.getvalue())
    shown = ANSI.sub("", screen.getvalue())
    assert not hostile.RAW.search(
        shown.replace("\r", "") if name in ("an answer that grows", "progress") else shown
    )
    assert "\x1b]" not in screen.getvalue()


def draw_text(target: PlainConsole, text: str) -> None:
    target.print(Text(text))
    target.print(Text(text), soft_wrap=True)


def draw_table(target: PlainConsole, text: str) -> None:
    table = Table(text, title=text)
    table.add_row(text)
    target.print(table)
    # A title that is not a Text is markup to rich, whatever the console says: screens pass none.
    target.print(Panel(text, title=Text(text), subtitle=Text(text)))


@pytest.mark.parametrize(
    "draw",
    [lambda c, t: c.print(t), lambda c, t: c.print(t, style="error", soft_wrap=True), draw_text, draw_table],
)
@settings(max_examples=15)
@given(text=hostile.texts | st.text())
def test_what_a_screen_forgets_to_clean_the_console_does(
    draw: Callable[[PlainConsole, str], None], text: str
) -> None:
    pipe = io.StringIO()
    draw(console(pipe), text)
    assert not hostile.RAW.search(pipe.getvalue())


@settings(max_examples=15)
@given(text=hostile.texts.filter(lambda text: "\0" not in text))
@example(text="0")
def test_wrong_usage_repeats_nothing_raw(text: str) -> None:
    """The collection begins with a slash, because a valid name would not be wrong usage."""
    for args in (
        ("ask", text, f"--{text}"),
        (text,),
        ("list", "--collection", f"/{text}"),
        ("ask", "x", "--config", text),
    ):
        outcome = run(*args)
        assert outcome.status in (1, 2), outcome
        assert not hostile.RAW.search(outcome.stderr + outcome.stdout)
        assert "internal error" not in outcome.stderr
