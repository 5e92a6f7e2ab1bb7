"""Who is served when: the encoders and the embedded LLM do one thing at a time, in the order of asking."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn, TypeVar

from ragcli.config import Config
from ragcli.errors import ServerError
from ragcli.pipeline import Pipeline
from ragcli.resources import Resources
from ragcli.serving import notice
from ragcli.serving.client import ServedPipeline
from ragcli.types import Answer, Comparison, Filters

MOST_WAITING = 64
"""Questions that wait or are being worked on; who comes then is told so."""

MOST_SECONDS = 900.0
"""For one question, the wait for its turn included."""


class UnservedError(ServerError):
    """The question was not answered here, and nothing is wrong with it."""


Result = TypeVar("Result")
Hear = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Question:
    """What `ask` takes, in one order or (`compare`) in both."""

    text: str
    filters: Filters
    rerank: bool | None = None
    compare: bool = False


class Desk:
    """What is opened once, and the threads that use it. All but `close` belongs to one event loop."""

    def __init__(self, config: Config, *, asks_server: bool = False) -> None:
        """`asks_server`: another process may do the work, as it does for the commands."""
        self.config = config
        self._asks_server = asks_server and config.serve.use
        self._resources = Resources(config)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ragcli-serve")
        # Two heavy works at once take far more than twice the time of one: threads wait for each other.
        # The LLM of an endpoint works elsewhere, and takes many questions at a time.
        self._answers = (
            self._thread
            if config.llm.embedded
            else ThreadPoolExecutor(MOST_WAITING, thread_name_prefix="ragcli-answer")
        )
        self._waiting = 0
        self._last = time.monotonic()

    def close(self) -> None:
        """Waits for what is being done; what waits is not begun."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._answers.shutdown(wait=True, cancel_futures=True)
        self._resources.close()

    @property
    def idle_seconds(self) -> float:
        """How long nobody has asked anything; 0 while someone waits."""
        return 0.0 if self._waiting else time.monotonic() - self._last

    def pipeline(self, config: Config) -> Pipeline:
        """The same models and index, with the other numbers of these settings."""
        kept = {name: getattr(self.config, name) for name in notice.KEPT}
        enabled = {"enabled": config.reranking.enabled}
        kept["reranking"] = self.config.reranking.model_copy(update=enabled)
        settings = config.model_copy(update=kept)
        server = notice.find(settings) if self._asks_server else None
        if server is None:
            return Pipeline(settings, resources=self._resources)
        return ServedPipeline(settings, server, resources=self._resources)

    def warm(self) -> None:
        """Loads everything, before anyone asks. What is missing the first question will say."""
        self._thread.submit(self.pipeline(self.config).warm)

    async def do(self, work: Callable[[], Result]) -> Result:
        """One piece of work in the encoders' thread. Raises UnservedError where too many wait."""
        return await self._run(self._thread, work)

    async def ask(self, pipeline: Pipeline, question: Question, hear: Hear) -> Answer | Comparison:
        """`Pipeline.ask` or `compare`. `hear` gets the text as it arrives, in another thread."""
        prepared = await self.do(
            lambda: pipeline.prepare(
                question.text, compare=question.compare, rerank=question.rerank, filters=question.filters
            )
        )
        return await self.answer(lambda heard: pipeline.finish(prepared, on_text=heard), hear)

    async def answer(self, work: Callable[[Hear], Result], hear: Hear) -> Result:
        """Work that lets an LLM write. Cancelled, it ends with the next piece of text."""
        stop = threading.Event()

        def heard(arm: str, text: str) -> None:
            if stop.is_set():
                _stop()
            hear(arm, text)

        try:
            return await self._run(self._answers, lambda: work(heard))
        finally:
            stop.set()

    async def _run(self, executor: Executor, work: Callable[[], Result]) -> Result:
        """Cancelled before its turn, the work is not begun."""
        if self._waiting >= MOST_WAITING:
            raise UnservedError("The server has too many questions waiting.", hint="Ask again later.")
        loop = asyncio.get_running_loop()
        future = executor.submit(work)
        self._waiting += 1
        future.add_done_callback(lambda _: self._done(loop))
        try:
            async with asyncio.timeout(MOST_SECONDS):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            raise UnservedError("The question took too long.", hint="Ask again later.") from None

    def _done(self, loop: asyncio.AbstractEventLoop) -> None:
        """In whatever thread did the work, which may outlive the loop."""
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(self._one_less)

    def _one_less(self) -> None:
        self._waiting -= 1
        self._last = time.monotonic()


def _stop() -> NoReturn:
    raise UnservedError("Nobody waits for the answer any more.")
