"""A pipeline whose work a warm process does, as long as there is one.

The commands that ask open their pipeline here. What the server cannot do, or can no longer, this process does
itself: a server makes a command faster, and never makes it fail.
"""

from __future__ import annotations

import http.client
import json
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from ragcli.config import Config
from ragcli.encoders.occlusion import Occlusion
from ragcli.encoders.prior import Prior
from ragcli.errors import RagcliError
from ragcli.llm.reasoning import RESTART
from ragcli.pipeline import EVERYTHING, OnArmText, Pipeline, Prepared, whatever_arm
from ragcli.resources import Resources
from ragcli.serving import notice, wire
from ragcli.serving.notice import Notice
from ragcli.types import Answer, Candidate, Comparison, Filters, Message, SearchResult

SECONDS_TO_PROVE = 2.0
SECONDS_TO_END = 30.0
SECONDS_WITHOUT_A_SIGN = 15.0
"""A server gives a sign of life every two seconds; loading a model may hold it up for some."""


class NoServerError(Exception):
    """There is no server, or none any more, or it will not take this call."""


@contextmanager
def open_pipeline(config: Config, *, bulk: bool = False) -> Iterator[Pipeline]:
    """As `pipeline.open_pipeline`, with the server of these settings where one runs (`serve.use`)."""
    server = notice.find(config) if config.serve.use else None
    pipeline = Pipeline(config, bulk=bulk) if server is None else ServedPipeline(config, server, bulk=bulk)
    try:
        yield pipeline
    finally:
        pipeline.close()


def running(config: Config) -> Notice | None:
    """The server of these settings, if it answers."""
    server = notice.find(config)
    try:
        if server is not None:
            _connected(server).close()
    except NoServerError:
        return None
    return server


class ServedPipeline(Pipeline):
    """Asks the server first. Where that fails, it is what any pipeline is, and stays it.

    What is missing is said by this process, from its own files and variables, as it is without a server.
    """

    def __init__(
        self, config: Config, server: Notice, *, bulk: bool = False, resources: Resources | None = None
    ) -> None:
        super().__init__(config, bulk=bulk, resources=resources)
        self._server: Notice | None = server
        self._key = notice.key(config)

    def search(
        self, question: str, *, rerank: bool | None = None, filters: Filters = EVERYTHING
    ) -> SearchResult:
        reranked = self._reranked(rerank)
        self.check(question, reranker=reranked)
        found = self._call("search", question=question, rerank=reranked, filters=filters)
        return found or super().search(question, rerank=rerank, filters=filters)

    def compare_search(self, question: str, *, filters: Filters = EVERYTHING) -> Comparison:
        self.check(question, reranker=True)
        found = self._call("compare_search", question=question, filters=filters)
        return found or super().compare_search(question, filters=filters)

    def ask(
        self,
        question: str,
        *,
        rerank: bool | None = None,
        filters: Filters = EVERYTHING,
        on_text: Callable[[str], None] | None = None,
    ) -> Answer:
        reranked = self._reranked(rerank)
        self.check(question, reranker=reranked, answers=True)
        asked = {"question": question, "rerank": reranked, "filters": filters}
        found = self._call("ask", whatever_arm(on_text), **asked)
        return found or super().ask(question, rerank=rerank, filters=filters, on_text=on_text)

    def compare(
        self, question: str, *, filters: Filters = EVERYTHING, on_text: OnArmText | None = None
    ) -> Comparison:
        self.check(question, reranker=True, answers=True)
        found = self._call("compare", on_text, question=question, filters=filters)
        return found or super().compare(question, filters=filters, on_text=on_text)

    def prepare(
        self,
        question: str,
        *,
        compare: bool = False,
        rerank: bool | None = None,
        filters: Filters = EVERYTHING,
    ) -> Prepared:
        reranked = self._reranked(rerank)
        self.check(question, reranker=compare or reranked, answers=True)
        asked = {"question": question, "compare": compare, "rerank": reranked, "filters": filters}
        found = self._call("prepare", **asked)
        return found or super().prepare(question, compare=compare, rerank=rerank, filters=filters)

    def finish(self, prepared: Prepared, *, on_text: OnArmText | None = None) -> Answer | Comparison:
        return self._call("finish", on_text, prepared=prepared) or super().finish(prepared, on_text=on_text)

    def complete(self, messages: Sequence[Message]) -> str:
        found = self._call("complete", messages=tuple(messages))
        return super().complete(messages) if found is None else found

    def score_sentences(self, question: str, candidate: Candidate) -> tuple[tuple[str, float], ...]:
        found = self._call("score_sentences", question=question, candidate=candidate)
        return super().score_sentences(question, candidate) if found is None else found

    def explain(self, question: str, candidate: Candidate) -> Occlusion:
        found = self._call("explain", question=question, candidate=candidate)
        return found or super().explain(question, candidate)

    def warm(self) -> None:
        """A server is warm."""
        if self._server is None:
            super().warm()

    def change(self, config: Config) -> None:
        super().change(config)
        if notice.key(config) != self._key:
            self._server = None

    @property
    def prior(self) -> Prior:
        return self._call("prior") or super().prior

    def _call(self, method: str, on_text: OnArmText | None = None, /, **arguments: Any) -> Any:
        """What the server found; None where there is none (any more). Raises the error that it raised."""
        if self._server is None:
            return None
        begun: set[str] = set()

        def hear(arm: str, text: str) -> None:
            begun.add(arm)
            if on_text is not None:
                on_text(arm, text)

        try:
            return _called(self._server, self._body(method, arguments), wire.CALLS[method].result, hear)
        except NoServerError:
            self._server = None
            for arm in begun:
                hear(arm, RESTART)
            return None

    def _body(self, method: str, arguments: dict[str, Any]) -> bytes:
        kinds = wire.CALLS[method].arguments
        asked = {
            "key": self._key,
            "method": method,
            "config": self.config.model_dump(mode="json"),
            "arguments": {name: wire.encode(value, kinds[name]) for name, value in arguments.items()},
        }
        return json.dumps(asked).encode()


def stop(config: Config) -> Notice | None:
    """Ends the server of these settings and waits for its end. None where there is none.

    Raises RagcliError for one that does not end.
    """
    server = notice.find(config)
    if server is None:
        return None
    try:
        connection = _connected(server)
        with closing(connection):
            connection.request("POST", "/stop", headers=_headers(server))
            connection.getresponse().read()
    except (NoServerError, OSError, http.client.HTTPException):
        return None
    deadline = time.monotonic() + SECONDS_TO_END
    while notice.find(config) == server:
        if time.monotonic() > deadline:
            raise RagcliError(f"The server at {server.address} does not end.", hint=f"Run: kill {server.pid}")
        time.sleep(0.05)
    return server


def _called(server: Notice, body: bytes, kind: Any, hear: OnArmText) -> Any:
    connection = _connected(server)
    try:
        connection.request("POST", "/call", body, _headers(server))
        response = connection.getresponse()
        if response.status != http.client.OK:
            raise NoServerError
        for line in response:
            if not line.strip():
                continue
            said = json.loads(line)
            if "text" in said:
                hear(*said["text"])
            elif "error" in said:
                raise wire.decode_error(said["error"])
            else:
                return wire.decode(said["result"], kind)
    except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
        raise NoServerError from error
    finally:
        connection.close()
    raise NoServerError


def _connected(server: Notice) -> http.client.HTTPConnection:
    """A connection to the one that wrote the notice. Whoever took its port after it died gets no token and
    no question: it cannot prove that it knows the token.
    """
    challenge = secrets.token_hex(16)
    connection = http.client.HTTPConnection(server.address, timeout=SECONDS_TO_PROVE)
    try:
        connection.request("GET", "/prove", headers={"Challenge": challenge})
        said = connection.getresponse().read(100).decode("ascii", "replace")
        if not secrets.compare_digest(said.encode(), notice.proof(server.token, challenge).encode()):
            raise NoServerError
        if connection.sock is None:
            raise NoServerError
        connection.sock.settimeout(SECONDS_WITHOUT_A_SIGN)
        # Another connection might reach another process.
        connection.auto_open = 0
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        raise NoServerError from error
    except NoServerError:
        connection.close()
        raise
    return connection


def _headers(server: Notice) -> dict[str, str]:
    return {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}
