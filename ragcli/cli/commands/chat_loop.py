"""Reading, doing and showing, line by line, until the lines end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.text import Text

from ragcli.chat.commands import Command, parse
from ragcli.chat.session import Session
from ragcli.cli.commands.chat_lines import Lines
from ragcli.cli.editor import edit, editor_of, is_text
from ragcli.cli.interrupts import no_interrupt, one_interrupt
from ragcli.cli.session import Screens
from ragcli.errors import LLMError, RagcliError, UsageError
from ragcli.reporting.files.transcript import transcript
from ragcli.reporting.plain_text import count
from ragcli.reporting.screens import chat as screen
from ragcli.reporting.screens import terminal
from ragcli.reporting.screens.comparison import print_comparison
from ragcli.reporting.screens.live import Stream, spinner
from ragcli.text.printable import one_line
from ragcli.types import Answer


def read_all(chat: Chat, lines: Lines) -> int:
    """Every line of a pipe. Returns how many failed; Ctrl-C ends the program."""
    failed = 0
    while (line := _next(lines)) is not None:
        try:
            if not chat.handle(line):
                break
        except RagcliError as error:
            failed += 1
            chat.show_problem(error)
    return failed


def talk(chat: Chat, lines: Lines) -> int:
    """A conversation at a terminal. Ctrl-C stops what is being done, or clears the line; Ctrl-D ends it."""
    failed = 0
    while True:
        try:
            if (line := _next(lines)) is None:
                return failed
            with one_interrupt():
                try:
                    if not chat.handle(line):
                        return failed
                except RagcliError as error:
                    failed += 1
                    chat.show_problem(error)
                except KeyboardInterrupt:
                    chat.show_stopped()
        except KeyboardInterrupt:
            continue


def _next(lines: Lines) -> str | None:
    """The next line that is not empty; None after the last."""
    try:
        while not (line := lines.read().strip()):
            pass
    except EOFError:
        return None
    return line


class Chat:
    """Does what a line says and shows what came of it. Answers go to stdout, all else to stderr."""

    def __init__(
        self,
        session: Session,
        screens: Screens,
        lines: Lines,
        *,
        environ: Mapping[str, str],
        timings: bool,
        quiet: bool,
    ) -> None:
        self._session = session
        self._out, self._err = screens.out, screens.err
        self._lines = lines
        self._editor = editor_of(environ) if screens.environment.stdin.isatty() else ()
        self._flush = screens.environment.stdout.flush
        self._timings = timings
        self._quiet = quiet
        self._loading: Future[None] = Future()
        self._loading.set_result(None)
        self._saved: set[Path] = set()
        self._not_sent: tuple[str, ...] = ()
        self._commands: dict[str, Callable[[Command], None]] = {
            "compare": self._compare,
            "sources": self._sources,
            "open": self._open,
            "explain": self._explain,
            "k": lambda command: self._number(command, "retrieval.top_k"),
            "candidates": lambda command: self._number(command, "retrieval.candidates"),
            "filter": self._filter,
            "model": self._model,
            "save": self._save,
            "help": self._help,
        }

    def wait_for(self, loading: Future[None]) -> None:
        """The pipeline is another thread's until then; whether it failed, the next question will say."""
        self._loading = loading

    def handle(self, line: str) -> bool:
        """False where the line asks to leave. Raises RagcliError, and KeyboardInterrupt when stopped."""
        wanted = parse(line)
        if isinstance(wanted, str):
            self._ask(wanted)
        elif wanted.name == "quit":
            return False
        else:
            self._load()
            self._commands[wanted.name](wanted)
        return True

    def show_problem(self, error: RagcliError) -> None:
        screen.print_problem(self._err, error.message, error.hint)

    def show_stopped(self) -> None:
        self._err.print(Text("stopped", style="warning"))

    def _end_screen(self) -> None:
        """A blank line between what stands on stdout; a program at the other end of a pipe gets it now."""
        self._out.print()
        self._flush()

    def _say(self, line: str) -> None:
        """What a command has done."""
        if self._quiet:
            return
        self._err.print(Text(one_line(line), style="quiet"), soft_wrap=not self._err.is_terminal)

    def _load(self) -> None:
        if not self._loading.done():
            with spinner(self._err, "Loading the models …", quiet=self._quiet):
                wait([self._loading])

    def _ask(self, question: str) -> None:
        self._load()
        quoted = self._session.quotes
        body = Text if quoted else screen.answer_body
        with self._stream(body) as stream:
            exchange = self._session.ask(question, on_question=self._rewritten, on_text=stream.on_text)
        answer = exchange.answer
        assert answer is not None
        screen.print_chat_answer(self._out, answer, quoted=quoted)
        terminal.print_sources(self._out, answer)
        self._notes(answer)
        if self._timings:
            terminal.print_timings(self._err, answer.timings)
            terminal.print_usage(self._err, answer)
        self._end_screen()

    def _notes(self, answer: Answer) -> None:
        if self._quiet:
            return
        terminal.print_notes(self._err, answer, nearest="/sources")
        if answer.not_sent != self._not_sent:
            terminal.print_not_sent(self._err, answer)
            self._not_sent = answer.not_sent

    def _rewritten(self, question: str) -> None:
        if not self._quiet:
            screen.print_rewritten(self._err, question)
        self._lines.remember(question)

    def _compare(self, command: Command) -> None:
        if command.text not in ("", "all"):
            raise UsageError(f"/compare does not know {command.text!r}.", hint="Write: /compare [all]")
        with self._stream(Text) as stream:
            comparison = self._session.compare(on_text=stream.on_arm_text)
        print_comparison(self._out, comparison, show_all=command.text == "all", more="/compare all")
        for answer in (comparison.base, comparison.reranked):
            if answer is not None and not answer.abstained:
                self._notes(answer)
        self._end_screen()

    def _sources(self, _: Command) -> None:
        screen.print_chat_sources(self._out, self._session.sources())
        self._end_screen()

    def _help(self, _: Command) -> None:
        screen.print_help(self._out)
        self._end_screen()

    def _open(self, command: Command) -> None:
        source = self._session.source(command.number or 0)
        chunk = source.candidate.chunk
        if self._editor and chunk.line_start is not None and is_text(Path(chunk.source)):
            with no_interrupt():
                edit(self._editor, Path(chunk.source), chunk.line_start)
        else:
            screen.print_surroundings(self._out, self._session.surroundings(source))
            self._end_screen()

    def _explain(self, command: Command) -> None:
        source = self._session.source(command.number or 0)
        with spinner(self._err, "Scoring …", quiet=self._quiet):
            explanation = self._session.explain(source)
        screen.print_explanation(self._out, explanation)
        self._end_screen()

    def _number(self, command: Command, key: str) -> None:
        if command.number is not None:
            self._session.set_number(key, command.number, command=f"/{command.name}")
        self._say(f"{key} = {self._session.number(key)}")

    def _filter(self, command: Command) -> None:
        documents = self._session.set_filter(command.text)
        self._say(f"{count(documents, 'document')} to search{'' if command.text else ': all'}")

    def _model(self, command: Command) -> None:
        if command.text:
            self._session.set_model(command.text)
        self._say(f"llm.model = {self._session.pipeline.config.llm.model}")

    def _save(self, command: Command) -> None:
        """Over a file of this session, and over no other."""
        path = Path(command.text).expanduser()
        text = transcript(self._session.exchanges)
        try:
            with path.open("w" if path.resolve() in self._saved else "x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            raise UsageError(f"{path} exists already.", hint="Name another file.") from None
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}.", hint="Name another.") from None
        self._saved.add(path.resolve())
        self._say(f"wrote {path}")

    @contextmanager
    def _stream(self, body: Callable[[str], Any]) -> Iterator[Stream]:
        """Shows the answer growing. What had arrived when it broke off is shown as partial, on stderr."""
        stream = Stream(self._out, self._err, waiting="Searching …", quiet=self._quiet, body=body)
        try:
            with stream:
                yield stream
        except (KeyboardInterrupt, LLMError):
            stream.print_partials()
            raise
