"""Questions are prepared one by one in this thread, and answered by the LLM in several others.

Results come out in the order of the questions.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import NoReturn, Protocol

from ragcli.batch.outcome import Outcome
from ragcli.errors import LLMError, NothingFoundError, RagcliError, ServerError, StoreError
from ragcli.evaluation.questions import Question
from ragcli.pipeline import OnArmText, Prepared
from ragcli.servers.retrying import Backoff, Stopped, with_retries
from ragcli.types import Answer, Comparison

# Questions that are prepared in advance, so that no job waits for the encoders.
AHEAD = 2


class Answering(Protocol):
    """The two halves of answering; a `pipeline.Pipeline` has them."""

    def finish(self, prepared: Prepared, *, on_text: OnArmText | None = None) -> Answer | Comparison: ...


def run(
    questions: Sequence[Question],
    prepare: Callable[[Question], Prepared],
    answering: Answering,
    *,
    jobs: int,
    backoff: Backoff,
) -> Generator[Outcome, None, None]:
    """One outcome per question. A failure is an outcome too, unless every other question would fail as well:
    then the error is raised, after the outcomes before it.
    """
    stop = threading.Event()
    waiting: deque[tuple[Question, Future[Answer | Comparison] | RagcliError]] = deque()
    pool = ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="ragcli-batch")
    try:
        for question in questions:
            try:
                found = _start(question, prepare, answering, pool, backoff, stop)
            except RagcliError:
                # Every other question would fail too, but those before it are being answered.
                while waiting:
                    yield _outcome(*waiting.popleft())
                raise
            waiting.append((question, found))
            while waiting and (len(waiting) >= jobs + AHEAD or _is_done(waiting[0][1])):
                yield _outcome(*waiting.popleft())
        while waiting:
            yield _outcome(*waiting.popleft())
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _start(
    question: Question,
    prepare: Callable[[Question], Prepared],
    answering: Answering,
    pool: ThreadPoolExecutor,
    backoff: Backoff,
    stop: threading.Event,
) -> Future[Answer | Comparison] | RagcliError:
    def hear(_arm: str, _piece: str) -> None:
        if stop.is_set():
            _stop()

    try:
        prepared = prepare(question)
    except (StoreError, NothingFoundError):
        raise
    except ServerError as error:
        if error.hopeless:
            raise
        return error
    except RagcliError as error:
        return error
    work = partial(answering.finish, prepared, on_text=hear)
    return pool.submit(with_retries, work, backoff, stop)


def _stop() -> NoReturn:
    raise Stopped


def _is_done(found: Future[Answer | Comparison] | RagcliError) -> bool:
    return isinstance(found, RagcliError) or found.done()


def _outcome(question: Question, found: Future[Answer | Comparison] | RagcliError) -> Outcome:
    if isinstance(found, RagcliError):
        return Outcome(question, None, found)
    try:
        return Outcome(question, found.result(), None)
    except LLMError as error:
        if error.hopeless:
            raise
        return Outcome(question, None, error)
    except RagcliError as error:
        return Outcome(question, None, error)
