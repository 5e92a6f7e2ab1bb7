"""`ragcli chat` with the real encoders: from a pipe, at a terminal, commands, failures, Ctrl-C."""

from __future__ import annotations

import io
import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_helper import ANSI, Outcome, Terminal, library_in, run
from fault_server import FaultServer, fault_server
from interruptible import interruptible

from ragcli.chat.session import Session
from ragcli.cli.editor import arguments, editor_of, is_text
from ragcli.cli.environment import Environment
from ragcli.cli.main import main
from ragcli.config.loading import changed, load_config
from ragcli.errors import ExitCode, UsageError
from ragcli.pipeline import EVERYTHING, open_pipeline

QUESTION = "How long does Mercury take to go around the Sun?"
PLANET = "# Mercury (planet)\n\n## Orbit\n\nMercury goes around the Sun once: the orbit takes 88 days.\n"
GOD = "# Mercury (god)\n\n## Worship\n\nThe festival of Mercury was held on the Ides of May.\n"
LONG = "# Long\n\n" + "\n\n".join(f"Paragraph {n}: {'filler words without end ' * 30}." for n in range(4))


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with three documents in its index; the working folder of each test here."""
    notes = {"planet": PLANET, "god": GOD, "long": LONG}
    with library_in(tmp_path_factory.mktemp("library"), notes) as folder:
        yield folder


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with fault_server() as running:
        yield running


def piped(server: FaultServer, *lines: str, model: str = "answers", **variables: str) -> Outcome:
    """The lines as standard input of a chat that does not rerank and uses the fault server."""
    options = ("--no-rerank", "--base-url", server.base_url, "--model", model)
    variables = {"RAGCLI_PROMPTING_MIN_SIMILARITY": "0", **variables}
    return run("chat", *options, stdin="\n".join(lines) + "\n", environ=variables)


def asked(server: FaultServer) -> list[str]:
    """The question at the end of each request."""
    users = [[m["content"] for m in body["messages"] if m["role"] == "user"][-1] for body in server.requests]
    return [content.rpartition("uestion: ")[2] for content in users]


# --- from a pipe


def test_a_pipe_gets_an_answer_a_question_and_nothing_else(library: Path, server: FaultServer) -> None:
    outcome = piped(server, QUESTION, "", f"  {QUESTION}  ")
    answer = (
        "The orbit takes 88 days. [1]\n\nSources\n [1] notes/planet.md > Mercury (planet) > Orbit, line 5\n\n"
    )
    assert outcome == Outcome(2 * answer, "", 0)
    assert asked(server) == [QUESTION, QUESTION]


def test_a_terminal_at_the_other_end_gets_no_escape_sequences_from_a_pipe(
    library: Path, server: FaultServer
) -> None:
    streams = (io.StringIO(f"{QUESTION}\n/sources\n"), Terminal(), Terminal())
    environment = Environment(*streams, {"COLUMNS": "80", "TERM": "xterm-256color"})
    options = ["chat", "--no-rerank", "--base-url", server.base_url, "--model", "answers"]
    assert main(options, environment) == 0
    assert "88 days" in streams[1].getvalue()
    assert "\x1b" not in streams[1].getvalue() + streams[2].getvalue()


@pytest.mark.parametrize("fault", ["http-429", "cut", "http-500", "empty"])
def test_a_failed_answer_is_one_line_and_the_next_question_is_asked(
    library: Path, server: FaultServer, fault: str
) -> None:
    outcome = piped(server, QUESTION, "/model answers", QUESTION, model=fault)
    assert outcome.stdout.count("88 days") == 1
    assert len(re.findall("^error: ", outcome.stderr, re.MULTILINE)) == 1
    assert ("partial answer, not finished:\nThe orbit\n" in outcome.stderr) is (fault == "cut")
    assert outcome.status == ExitCode.FAILED


def test_wrong_commands_are_lines_and_the_session_goes_on(library: Path, server: FaultServer) -> None:
    wrong = ("/sources", "/foo", "/k 0", "/k x", "/filter nowhere*", "/save no/such/folder/x.md")
    outcome = piped(server, *wrong, QUESTION, "/open 9", "/compare some")
    assert "88 days" in outcome.stdout
    lines = outcome.stderr.splitlines()
    assert len(lines) == len(wrong) + 2
    assert all(line.startswith("error: ") for line in lines)
    assert "Nothing has been asked yet." in lines[0]
    assert "retrieval.top_k = 0 (from /k)" in lines[2]
    assert outcome.status == ExitCode.FAILED


def test_what_every_question_lacks_is_said_before_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = run("chat", stdin=f"{QUESTION}\n{QUESTION}\n")
    assert outcome.status == ExitCode.NOTHING_FOUND
    assert outcome.stderr.count("There is no index default") == 1


def test_quit_ends_a_pipe_too(library: Path, server: FaultServer) -> None:
    assert piped(server, "/quit", QUESTION) == Outcome("", "", 0)


# --- follow-ups


def test_a_follow_up_is_searched_for_with_its_subject_and_says_so(library: Path, server: FaultServer) -> None:
    outcome = piped(server, QUESTION, "How fast is it?", "Who is the god of merchants?")
    assert asked(server)[1:] == ["How fast is it? (Mercury (planet))", "Who is the god of merchants?"]
    assert outcome.stderr == "asking: How fast is it? (Mercury (planet))\n"


def test_without_rewriting_or_without_history_a_question_stays_as_typed(
    library: Path, server: FaultServer
) -> None:
    piped(server, QUESTION, "How fast is it?", RAGCLI_CHAT_REWRITE="off")
    piped(server, QUESTION, "How fast is it?", RAGCLI_CHAT_HISTORY="0")
    assert asked(server) == 2 * [QUESTION, "How fast is it?"]


def test_an_llm_that_is_to_rewrite_is_asked_for_follow_ups_alone(library: Path, server: FaultServer) -> None:
    outcome = piped(server, QUESTION, "How fast is it?", RAGCLI_CHAT_REWRITE="llm")
    assert asked(server) == [QUESTION, "How fast is it?", "The orbit takes 88 days."]
    assert "Conversation:" in server.requests[1]["messages"][1]["content"]
    assert outcome.stderr == "asking: The orbit takes 88 days.\n"


def test_a_stopped_or_failed_answer_is_no_history(library: Path, server: FaultServer) -> None:
    piped(server, QUESTION, "How fast is it?", model="cut")
    assert asked(server)[1] == "How fast is it?"


# --- commands on the last answer


def test_the_passages_of_a_failed_answer_are_there_all_the_same(library: Path, server: FaultServer) -> None:
    outcome = piped(server, QUESTION, "/sources", "/explain 1", "/open 1", model="http-500")
    sources, explained, opened = outcome.stdout.split("\n\n", 2)
    assert "[1]  Mercury (planet) > Orbit" in sources
    assert "read" in sources
    assert "Simil." in explained
    assert "by the bi-encoder; in the prompt, not cited." in opened
    assert "┃ Mercury goes around the Sun once" in opened


def test_in_hybrid_mode_the_base_order_is_that_of_both(library: Path, server: FaultServer) -> None:
    options = ("--base-url", server.base_url, "--model", "answers", "--no-rerank")
    hybrid = {"RAGCLI_RETRIEVAL_METHOD": "hybrid"}
    outcome = run("chat", *options, environ=hybrid, stdin=f"{QUESTION}\n/explain 1\n/sources\n")
    assert "by hybrid retrieval; in the prompt" in outcome.stdout
    assert "bi-encoder" not in outcome.stdout
    assert "Fused" in outcome.stdout


def test_more_than_there_is_changes_nothing_and_says_so(library: Path, server: FaultServer) -> None:
    outcome = piped(server, "/candidates 5000", "/candidates", "/k 51", "/k")
    assert outcome.stderr.splitlines() == [
        "error: /candidates 5000 is more than the 6 passages in the index. retrieval.candidates stays 50.",
        "retrieval.candidates = 50",
        "error: /k 51 is more than there are candidates: 50."
        " retrieval.top_k stays 5; raise /candidates N first.",
        "retrieval.top_k = 5",
    ]


def test_settings_hold_from_the_next_question_on(library: Path, server: FaultServer) -> None:
    outcome = piped(server, "/k 2", "/candidates 1", "/filter *god*", QUESTION, "/sources", "/k", "/filter")
    assert "planet" not in outcome.stdout
    assert outcome.stdout.count("[1]  Mercury (god)") == 1
    assert "[2]" not in outcome.stdout
    assert outcome.stderr.splitlines() == [
        "retrieval.top_k = 2",
        "retrieval.candidates = 1",
        "1 document to search",
        "retrieval.top_k = 2",
        "3 documents to search: all",
    ]


def test_both_orders_of_the_last_question(library: Path, server: FaultServer) -> None:
    options = ("--base-url", server.base_url, "--model", "answers")
    outcome = run("chat", *options, stdin=f"{QUESTION}\n/compare\n/compare all\n/explain 1\n")
    assert outcome.status == 0, outcome.stderr
    assert outcome.stdout.count("With reranking") == 2
    assert "/compare all shows them" in outcome.stdout
    assert "Its sentences, by logit + prior" in outcome.stdout
    # Passages in one order make one prompt: both arms of a comparison share its answer.
    assert len(server.requests) == 3


def test_the_embedded_server_has_the_models_that_it_knows(library: Path) -> None:
    outcome = run("chat", "--no-rerank", stdin="/model gpt-4.1\n")
    assert "The embedded server has SmolLM2-135M-Instruct and Qwen2.5" in outcome.stderr
    assert outcome.status == ExitCode.FAILED


def test_a_conversation_is_saved_over_its_own_file_and_no_other(
    library: Path, server: FaultServer, tmp_path: Path
) -> None:
    own, other = tmp_path / "own file.md", tmp_path / "other.md"
    other.write_text("mine", encoding="utf-8")
    outcome = piped(server, QUESTION, f"/save {own}", f"/save {own}", f"/save {other}")
    assert own.read_text(encoding="utf-8").startswith(f"# Conversation\n\n## {QUESTION}\n\nThe orbit takes")
    assert other.read_text(encoding="utf-8") == "mine"
    assert outcome.stderr.count(f"wrote {own}\n") == 2
    assert f"error: {other} exists already." in outcome.stderr


def test_a_passage_is_shown_between_what_stands_around_it(library: Path) -> None:
    config = changed(
        load_config(), {"reranking.enabled": False, "llm.base_url": "http://127.0.0.1:9/v1"}, "x"
    )
    with open_pipeline(config) as pipeline:
        session = Session(pipeline, EVERYTHING)
        session.set_filter("*long*")
        with pytest.raises(Exception, match="Nothing answers"):
            session.ask("Paragraph 1", on_question=lambda _: None)
        chunks = {source.candidate.chunk.index: source for source in session.sources()}
        around = session.surroundings(chunks[1])
    document = LONG.split("\n\n", 1)[1]
    assert around.before.startswith("Paragraph 0")
    assert " ".join(f"{around.before} {around.chunk.text} {around.after}".split()) in " ".join(
        document.split()
    )


# --- an editor


@pytest.mark.parametrize(
    ("editor", "command"),
    [
        ("vim", ["vim", "+12", "/x/a b.md"]),
        ("/usr/bin/emacs -nw", ["/usr/bin/emacs", "-nw", "+12", "/x/a b.md"]),
        ("code --wait", ["code", "--wait", "-g", "/x/a b.md:12"]),
        ("hx", ["hx", "/x/a b.md:12"]),
    ],
)
def test_an_editor_gets_the_line_as_it_wants_it(editor: str, command: list[str]) -> None:
    assert arguments(editor_of({"EDITOR": editor}), Path("/x/a b.md"), 12) == command


def test_a_file_s_name_cannot_pass_for_an_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert arguments(("vim",), Path("-c:q.md"), 1)[-1] == str(tmp_path / "-c:q.md")


def test_what_an_editor_cannot_show_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("naïve", encoding="utf-8")
    (tmp_path / "a.docx").write_bytes(b"PK\3\4\0\0")
    assert [is_text(tmp_path / name) for name in ("a.md", "a.docx", "missing.md")] == [True, False, False]


def test_no_editor_and_a_broken_one() -> None:
    assert editor_of({}) == ()
    with pytest.raises(UsageError, match="EDITOR"):
        editor_of({"EDITOR": "vim 'x"})


# --- at a terminal


class Screen:
    """A chat in a separate process, on a terminal of 80 columns."""

    def __init__(self, *options: str, **variables: str) -> None:
        self.text = ""
        self._master, slave = pty.openpty()
        environ = {**os.environ, "TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1", **variables}
        self.process = subprocess.Popen(
            interruptible("-m", "ragcli", "chat", "--no-rerank", *options),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**environ, "COLUMNS": "80", "LINES": "40"},
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(slave)

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def wait_for(self, pattern: str, seconds: float = 90) -> str:
        """Everything up to the end of the match, which the next call does not see again."""
        deadline = time.monotonic() + seconds
        while not (match := re.search(pattern, ANSI.sub("", self.text))):
            assert time.monotonic() < deadline, f"no {pattern!r} in {self.text!r}"
            ready, _, _ = select.select([self._master], [], [], 0.2)
            if ready:
                self.text += os.read(self._master, 4096).decode(errors="replace")
        seen = ANSI.sub("", self.text)
        self.text = seen[match.end() :]
        return seen[: match.end()]

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)


def _take_terminal() -> None:
    """Ctrl-C reaches only the processes of their controlling terminal."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.fixture
def screen(library: Path, server: FaultServer, tmp_path: Path) -> Iterator[Screen]:
    editor = tmp_path / "editor"
    editor.write_text(f'#!/bin/sh\necho "$@" > "{tmp_path}/opened"\n', encoding="utf-8")
    editor.chmod(0o755)
    options = ("--base-url", server.base_url, "--model", "stalls-later")
    opened = Screen(*options, EDITOR=str(editor), RAGCLI_CACHE_DIR=str(tmp_path))
    yield opened
    opened.close()


def test_a_conversation_at_a_terminal(
    screen: Screen, library: Path, server: FaultServer, tmp_path: Path
) -> None:
    screen.wait_for("Ctrl-D leaves")
    screen.type(f"{QUESTION}\r")
    screen.wait_for("The orbit")
    screen.type("\x03")
    stopped = screen.wait_for("stopped")
    assert "partial answer, not finished:" in stopped
    screen.type("/model answers\r")
    screen.wait_for("llm.model = answers")
    screen.type(f"{QUESTION}\r")
    screen.wait_for(r"takes 88 days. \[1\](?s:.)*planet.md")
    screen.type("How fast is it?\r")
    screen.wait_for(r"asking: How fast is it\? \(Mercury \(planet\)\)(?s:.)*Sources(?s:.)*line 5")
    screen.type("\x1b[A")
    screen.wait_for(r"How fast is it\? \(Mercury \(planet\)\)")
    screen.type("\x03/op\t")
    screen.wait_for("/open")
    screen.type(" 1\r/save out.md\r")
    # Not before the prompt: until then the prompt does not own the terminal, and Ctrl-D would be lost.
    screen.wait_for(r"wrote out.md\s+>")
    screen.type("\x04")
    assert screen.process.wait(timeout=30) == 0
    assert (tmp_path / "opened").read_text() == f"+5 {library}/notes/planet.md\n"
    saved = (library / "out.md").read_text(encoding="utf-8")
    assert f"## {QUESTION}\n\n*Stopped before there was an answer.*" in saved
    history = tmp_path / "chat-history"
    assert QUESTION in history.read_text(encoding="utf-8")
    assert history.stat().st_mode & 0o077 == 0


TWO_INTERRUPTS = """
import os, signal
from ragcli.cli.interrupts import one_interrupt

before = signal.getsignal(signal.SIGINT)
with one_interrupt():
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        print("stopped")
    os.kill(os.getpid(), signal.SIGINT)
    print("tidied up")
print(signal.getsignal(signal.SIGINT) is before)
"""


def test_a_second_interrupt_does_not_hit_what_tidies_up_after_the_first() -> None:
    """In a separate process: a signal must not reach the one that runs all tests."""
    done = subprocess.run(interruptible("-c", TWO_INTERRUPTS), capture_output=True, text=True, check=False)
    assert (done.stdout.splitlines(), done.stderr) == (["stopped", "tidied up", "True"], "")
    assert done.returncode == 0


# --- the local LLM


def test_the_local_llm_answers_a_follow_up_about_what_was_asked_before(library: Path) -> None:
    outcome = run(
        "chat", "--no-rerank", stdin="How many days does the orbit of Mercury take?\nAnd its festival?\n"
    )
    assert outcome.status == 0, outcome.stderr
    assert "88 days" in outcome.stdout
    assert "asking: And its festival? (Mercury (planet))" in outcome.stderr
