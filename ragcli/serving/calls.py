"""What commands ask of a server: one method of a pipeline, answered by lines of JSON.

POST /call   {"key": ..., "method": "ask", "config": {...}, "arguments": {...}}
->           {"text": ["reranked", "It takes"]}   as the LLM writes
             (an empty line)                      a sign of life, while there is nothing to say
             {"result": {...}} or {"error": {...}}
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ragcli.config import Config
from ragcli.errors import RagcliError
from ragcli.pipeline import Pipeline
from ragcli.serving import wire
from ragcli.serving.desk import Desk, Hear, Question, UnservedError
from ragcli.serving.notice import key

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

SECONDS_BETWEEN_SIGNS = 2.0


class Calls:
    """An ASGI application over a desk. A client that goes away is noticed, and its question dropped."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._key = key(desk.config)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from starlette.requests import Request
        from starlette.responses import Response

        try:
            method, pipeline, arguments = self._read(await Request(scope, receive).json())
        except (ValueError, KeyError, TypeError) as error:
            return await Response(f"not a call: {error}", 400)(scope, receive, send)
        lines: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        work = asyncio.create_task(self._work(method, pipeline, arguments, lines))
        watch = asyncio.create_task(_gone(receive))
        watch.add_done_callback(lambda _: work.cancel())
        try:
            await _write(lines, send)
        finally:
            work.cancel()
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await work

    def _read(self, asked: dict[str, Any]) -> tuple[str, Pipeline, dict[str, Any]]:
        if asked["key"] != self._key:
            raise ValueError("other settings")
        method = asked["method"]
        kinds = wire.CALLS[method].arguments
        arguments = {name: wire.decode(value, kinds[name]) for name, value in asked["arguments"].items()}
        return method, self._desk.pipeline(Config.model_validate(asked["config"])), arguments

    async def _work(
        self, method: str, pipeline: Pipeline, arguments: dict[str, Any], lines: asyncio.Queue[dict[str, Any]]
    ) -> None:
        """The last line is the result or the error. Without one, the command does its work itself."""
        loop = asyncio.get_running_loop()

        def hear(arm: str, text: str) -> None:
            loop.call_soon_threadsafe(lines.put_nowait, {"text": [arm, text]})

        try:
            found = await self._do(method, pipeline, arguments, hear)
            lines.put_nowait({"result": wire.encode(found, wire.CALLS[method].result)})
        except UnservedError:
            pass
        except RagcliError as error:
            lines.put_nowait({"error": wire.encode_error(error)})
        finally:
            lines.put_nowait({})

    async def _do(self, method: str, pipeline: Pipeline, arguments: dict[str, Any], hear: Hear) -> Any:
        if method in ("ask", "compare"):
            given = dict(arguments)
            question = Question(given.pop("question"), **given, compare=method == "compare")
            return await self._desk.ask(pipeline, question, hear)
        if method == "finish":
            return await self._desk.answer(lambda heard: pipeline.finish(**arguments, on_text=heard), hear)
        if method == "complete":
            return await self._desk.answer(lambda _: pipeline.complete(**arguments), hear)
        return await self._desk.do(lambda: _called(pipeline, method, arguments))


def _called(pipeline: Pipeline, method: str, arguments: dict[str, Any]) -> Any:
    found = getattr(pipeline, method)
    return found(**arguments) if callable(found) else found


async def _gone(receive: Callable[[], Any]) -> None:
    """Returns when the client has."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _write(lines: asyncio.Queue[dict[str, Any]], send: Callable[[Any], Any]) -> None:
    headers = [(b"content-type", b"application/x-ndjson")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    while True:
        try:
            line = await asyncio.wait_for(lines.get(), SECONDS_BETWEEN_SIGNS)
        except TimeoutError:
            text = ""
        else:
            if not line:
                break
            text = json.dumps(line)
        await send({"type": "http.response.body", "body": f"{text}\n".encode(), "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
