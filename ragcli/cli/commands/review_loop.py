"""Keystrokes become decisions on questions, until none is left or the reader has had enough."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from ragcli import store
from ragcli.chat.turns import Surroundings, surroundings
from ragcli.cli.keystrokes import ENTER, SPACE, Keystrokes
from ragcli.config import Config
from ragcli.drafting.draft_file import Row
from ragcli.drafting.review import Review, passage_of
from ragcli.reporting.screens import review as screen
from ragcli.reporting.screens.terminal import PlainConsole
from ragcli.types import Chunk


class Passages:
    """The index, read when a passage is first opened: reviewing needs none."""

    def __init__(self, config: Config) -> None:
        self._config = config

    @cached_property
    def _chunks(self) -> Sequence[Chunk]:
        with store.open_store(self._config, create=False) as index:
            return store.all_chunks(index)

    def around(self, row: Row) -> Surroundings | None:
        """The question's passage with its neighbours; None where the index does not hold it."""
        chunk = passage_of(row, self._chunks)
        if chunk is None:
            return None
        return surroundings(chunk, [other for other in self._chunks if other.source == chunk.source])


def review_by_keys(review: Review, passages: Passages, keys: Keystrokes, console: PlainConsole) -> None:
    """Returns where all are reviewed and where the reader quits; what was decided is saved."""
    try:
        while _review_on(review, passages, keys, console) and review.can_undo:
            screen.print_end(console)
            if keys.key({ENTER, SPACE, "q", "u"}) != "u":
                return
            review.undo()
    except EOFError:
        return


def _review_on(review: Review, passages: Passages, keys: Keystrokes, console: PlainConsole) -> bool:
    """Until none is left; False where the reader quits."""
    while (row := review.row) is not None:
        screen.print_question(console, row, review.counts)
        while (key := keys.key(screen.KEYS)) == "o":
            screen.print_passage(console, row, passages.around(row))
        if key == "q":
            return False
        screen.print_said(console, _decide(review, row, key, keys))
    return True


def _decide(review: Review, row: Row, key: str, keys: Keystrokes) -> str:
    """Returns what was done."""
    if key == "u":
        if not review.can_undo:
            return "nothing to undo"
        review.undo()
        return "undone"
    if key == "k":
        review.keep()
        return "kept"
    if key == "d":
        review.drop()
        return "dropped"
    question = keys.line("Question: ", str(row["question"]))
    answers = row.get("answers")
    answer = keys.line("Answer: ", str(answers[0])) if isinstance(answers, list) and answers else ""
    review.edit(question or str(row["question"]), answer)
    return "edited"
