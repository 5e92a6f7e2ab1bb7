"""The parts of a server, each alone: the notice, the records, the guard, the desk. No model is loaded."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import records
from hypothesis import given
from hypothesis import strategies as st

from ragcli import errors
from ragcli.config import Config
from ragcli.config.loading import changed
from ragcli.errors import LLMError, RagcliError
from ragcli.pipeline import Arm, Prepared
from ragcli.serving import guard, notice, wire
from ragcli.serving.desk import MOST_WAITING, Desk, UnservedError
from ragcli.serving.guard import Entry, Guard
from ragcli.stopwatch import Stopwatch
from ragcli.types import Answer, Candidate, Comparison, Filters, SearchResult, Timing

NOTICE = notice.Notice("127.0.0.1:1", "secret", 1, "2026-01-01T00:00:00+00:00")


# -- the notice


def with_settings(**changes: object) -> Config:
    return changed(Config(), {name.replace("__", "."): value for name, value in changes.items()}, "test")


@pytest.mark.parametrize(
    "change",
    [
        {"retrieval__top_k": 3},
        {"retrieval__candidates": 7},
        {"reranking__enabled": False},
        {"prompting__sentences": 3},
        {"chat__history": 1},
        {"serve__port": 0},
        {"serve__use": False},
    ],
)
def test_numbers_of_a_question_do_not_need_another_server(change: dict[str, object]) -> None:
    assert notice.key(with_settings(**change)) == notice.key(Config())


@pytest.mark.parametrize(
    "change",
    [
        {"collection": "other"},
        {"store__path": "elsewhere"},
        {"embedding__model": "other"},
        {"reranking__model": "other"},
        {"reranking__max_tokens": 100},
        {"llm__model": "other"},
        {"llm__answer_tokens": 5},
    ],
)
def test_what_a_server_opens_needs_another_one(change: dict[str, object]) -> None:
    assert notice.key(with_settings(**change)) != notice.key(Config())


def test_the_index_is_the_one_of_this_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = notice.key(Config())
    monkeypatch.chdir(tmp_path)
    assert notice.key(Config()) != here
    assert notice.key(with_settings(store__path=str(tmp_path / ".ragcli"))) == notice.key(Config())


def test_another_key_for_the_llm_needs_another_server() -> None:
    config = with_settings(llm__api_key_env="NAME_OF_KEY")
    assert notice.key(config, {"NAME_OF_KEY": "a"}) != notice.key(config, {"NAME_OF_KEY": "b"})


def test_a_notice_is_found_while_it_is_held_and_only_by_its_user(tmp_path: Path) -> None:
    environ = {"XDG_RUNTIME_DIR": str(tmp_path)}
    with notice.announced(Config(), environ) as path:
        assert notice.find(Config(), environ) is None
        notice.write(path, NOTICE)
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert notice.find(Config(), environ) == NOTICE
        path.chmod(0o644)
        assert notice.find(Config(), environ) is None
        path.chmod(0o600)
        path.write_text('{"address": 1', encoding="utf-8")
        assert notice.find(Config(), environ) is None
    assert not path.exists()


def test_two_servers_of_the_same_settings_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notice, "SECONDS_TO_START", 0.01)
    environ = {"XDG_RUNTIME_DIR": str(tmp_path)}
    with notice.announced(Config(), environ) as path:
        notice.write(path, NOTICE)
        with pytest.raises(RagcliError, match=r"running at 127\.0\.0\.1:1 \(process 1\)"):
            notice.announced(Config(), environ).__enter__()
        with notice.announced(with_settings(collection="other"), environ):
            pass


def test_without_a_runtime_folder_the_cache_holds_the_notice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notice, "RUNTIME_FOLDERS", tmp_path / "user")
    monkeypatch.setenv("RAGCLI_CACHE_DIR", str(tmp_path))
    with notice.announced(Config(), {}) as path:
        assert path.parent == tmp_path / "serving"


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="there are no such folders")
def test_an_agent_that_passes_no_variables_on_finds_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / str(os.getuid())
    folder.mkdir()
    monkeypatch.setattr(notice, "RUNTIME_FOLDERS", tmp_path)
    with notice.announced(Config(), {"XDG_RUNTIME_DIR": str(folder)}) as path:
        notice.write(path, NOTICE)
        assert notice.find(Config(), {}) == NOTICE


# -- records as JSON


def there_and_back(record: Any, kind: Any) -> Any:
    return wire.decode(json.loads(json.dumps(wire.encode(record, kind))), kind)


RECORDS: list[tuple[Any, Any]] = [
    (records.search_result(), SearchResult),
    (records.hybrid_search_result(), SearchResult),
    (records.reranked_answer(), Answer),
    (records.comparison(), Comparison),
    (records.comparison(answers=False), Comparison),
    (records.reranked_answer(), Answer | Comparison),
    (records.comparison(), Answer | Comparison),
    (Filters(("a*",), (("year", 2020), ("rate", 1.0), ("open", True), ("name", "1"))), Filters),
]


@pytest.mark.parametrize(("record", "kind"), RECORDS)
def test_a_record_is_the_same_after_the_wire(record: Any, kind: Any) -> None:
    found = there_and_back(record, kind)
    assert found == record
    assert repr(found) == repr(record)


@given(st.floats(allow_nan=False), st.text(st.characters(codec="utf-8")))
def test_a_record_is_the_same_to_the_last_bit(number: float, text: str) -> None:
    timing = Timing(text, number, (text,))
    assert repr(there_and_back(timing, Timing)) == repr(timing)


def test_a_prepared_question_keeps_its_stopwatches() -> None:
    candidates: tuple[Candidate, ...] = records.reranked_candidates()
    shared, own = Stopwatch([Timing("embed", 0.5, ("index",))]), Stopwatch([Timing("context", 0.25)])
    arms = (
        Arm("base", candidates, None, own),
        Arm("reranked", candidates, records.context(candidates), own, 2),
    )
    found = there_and_back(Prepared("why?", candidates, shared, 3, arms), Prepared)
    assert (found.question, found.candidates, found.truncated) == ("why?", candidates, 3)
    assert found.watch.timings == shared.timings
    assert [arm.watch.timings for arm in found.arms] == [own.timings] * 2
    assert [(a.name, a.candidates, a.context, a.truncated) for a in found.arms] == [
        (a.name, a.candidates, a.context, a.truncated) for a in arms
    ]


ERRORS = sorted(
    (kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, RagcliError)),
    key=lambda kind: kind.__name__,
)


@pytest.mark.parametrize("kind", ERRORS)
def test_every_error_is_the_same_after_the_wire(kind: type[RagcliError]) -> None:
    error = kind("What is wrong.", hint="The fix.")
    found = wire.decode_error(json.loads(json.dumps(wire.encode_error(error))))
    assert type(found) is kind
    assert vars(found) == vars(error)
    assert str(found) == str(error)


def test_an_error_of_the_llm_keeps_what_had_arrived() -> None:
    error = LLMError("gone", partial="Half an", transient=True, retry_after=2.5, hopeless=True)
    assert vars(wire.decode_error(wire.encode_error(error))) == vars(error)


# -- the guard


async def _echo(scope: Any, receive: Any, send: Any) -> None:
    body = (await receive())["body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


ENTRY = Entry(guard.LOOPBACK, token="the commands'", api_key="")
WITH_KEY = Entry(guard.LOOPBACK, token="the commands'", api_key="the agents'")


def status(
    entry: Entry, path: str, body: list[bytes] | None = None, method: str = "POST", **headers: str
) -> int:
    """What a request is answered with; without `body`, it has none, and its Host is the loopback's."""
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": [
            (name.encode(), value.encode()) for name, value in ({"host": "127.0.0.1:7466"} | headers).items()
        ],
    }
    parts = body if body is not None else [b""]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if not parts:
            return {"type": "http.disconnect"}
        part = parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": body is not None and part != b""}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(Guard(_echo, entry)(scope, receive, send))  # type: ignore[arg-type]
    return int(sent[0]["status"])


@pytest.mark.parametrize("host", ["127.0.0.1:7466", "localhost:7466", "LOCALHOST", "[::1]:7466", "127.0.0.1"])
def test_the_names_of_the_loopback_are_answered(host: str) -> None:
    assert status(ENTRY, "/mcp", host=host) == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:7466", "127.0.0.1.evil.example", "localhost.evil:1", "", "[::2]:1"]
)
@pytest.mark.parametrize("path", ["/mcp", "/call", "/prove", "/stop"])
def test_a_name_that_was_made_to_point_here_is_not_answered(host: str, path: str) -> None:
    assert status(ENTRY, path, host=host, authorization="Bearer the commands'") == 421


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("https://evil.example", 403),
        ("http://127.0.0.1.evil.example", 403),
        ("null", 403),
        ("file://", 403),
        ("http://localhost:6274", 200),
    ],
)
def test_a_page_of_another_origin_is_refused(origin: str, expected: int) -> None:
    assert status(ENTRY, "/mcp", origin=origin) == expected


@pytest.mark.parametrize("path", ["/call", "/stop", "/", "/else", "/mcp/", "/mcpx"])
@pytest.mark.parametrize("given_token", ["", "Bearer", "Bearer x", "the commands'", "Bearer the agents'"])
def test_everything_else_is_for_who_has_the_commands_token(path: str, given_token: str) -> None:
    assert status(WITH_KEY, path, authorization=given_token) == 401
    assert status(WITH_KEY, path, authorization="Bearer the commands'") == 200


def test_agents_need_the_key_where_there_is_one() -> None:
    assert status(ENTRY, "/mcp") == 200
    assert status(WITH_KEY, "/mcp") == 401
    assert status(WITH_KEY, "/mcp", authorization="Bearer the commands'") == 401
    assert status(WITH_KEY, "/mcp", authorization="Bearer the agents'") == 200


@pytest.mark.parametrize("method", ["GET", "DELETE", "OPTIONS"])
def test_an_agent_cannot_open_a_stream_that_never_ends(method: str) -> None:
    assert status(ENTRY, "/mcp", method=method) == 405
    assert status(WITH_KEY, "/mcp", method=method) == 401


def test_a_request_is_bounded_in_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "MOST_BYTES", 10)
    assert status(ENTRY, "/mcp", [b"12345", b"67890", b""]) == 200
    assert status(ENTRY, "/mcp", [b"12345", b"678901", b""]) == 413


def test_half_a_request_is_not_handed_on() -> None:
    assert status(ENTRY, "/mcp", [b"12345"]) == 413


# -- the desk


def at_a_desk(work: Callable[[Desk], Awaitable[Any]], config: Config | None = None) -> Any:
    async def run() -> Any:
        desk = Desk(config or Config())
        try:
            return await work(desk)
        finally:
            desk.close()

    return asyncio.run(run())


def test_one_thing_is_done_at_a_time_in_the_order_of_asking() -> None:
    running, most, order = 0, 0, []

    def work(number: int) -> Callable[[], int]:
        def done() -> int:
            nonlocal running, most
            running += 1
            most = max(most, running)
            time.sleep(0.002)
            order.append(number)
            running -= 1
            return number

        return done

    async def many(desk: Desk) -> list[int]:
        return await asyncio.gather(*(desk.do(work(number)) for number in range(30)))

    assert at_a_desk(many) == order == list(range(30))
    assert most == 1


def test_too_many_are_told_so_at_once() -> None:
    release = threading.Event()

    async def many(desk: Desk) -> tuple[int, float]:
        waiting = [asyncio.create_task(desk.do(release.wait)) for _ in range(MOST_WAITING)]
        await asyncio.sleep(0.01)
        with pytest.raises(UnservedError):
            await desk.do(lambda: None)
        idle = desk.idle_seconds
        release.set()
        await asyncio.gather(*waiting)
        return await desk.do(lambda: 7), idle

    assert at_a_desk(many) == (7, 0.0)


def test_a_question_that_nobody_waits_for_is_not_begun_and_an_answer_is_broken_off() -> None:
    begun: list[str] = []
    writing = threading.Event()

    def write(hear: Callable[[str, str], None]) -> None:
        for number in range(1000):
            begun.append(f"piece {number}")
            hear("base", "text")
            writing.set()
            time.sleep(0.005)

    async def leave(desk: Desk) -> int:
        answer = asyncio.create_task(desk.answer(write, lambda *_: None))
        await asyncio.to_thread(writing.wait)
        waiting = asyncio.create_task(desk.do(lambda: begun.append("waiting")))
        await asyncio.sleep(0)
        for task in (waiting, answer):
            task.cancel()
        await asyncio.gather(answer, waiting, return_exceptions=True)
        return await desk.do(lambda: len(begun))

    assert at_a_desk(leave) < 100
    assert "waiting" not in begun


def test_answers_of_an_endpoint_are_written_beside_each_other() -> None:
    together = threading.Barrier(3, timeout=10)

    async def three(desk: Desk) -> None:
        await asyncio.gather(*(desk.answer(lambda _: together.wait(), lambda *_: None) for _ in range(3)))

    at_a_desk(three, with_settings(llm__base_url="http://127.0.0.1:9/v1"))


def test_a_question_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ragcli.serving.desk.MOST_SECONDS", 0.02)

    async def slow(desk: Desk) -> None:
        with pytest.raises(UnservedError, match="too long"):
            await desk.do(lambda: time.sleep(0.2))

    at_a_desk(slow)


def test_settings_of_a_question_change_numbers_and_nothing_that_is_open() -> None:
    mine = with_settings(retrieval__top_k=2, reranking__enabled=False, store__path=os.path.abspath(".ragcli"))
    desk = Desk(Config())
    found = desk.pipeline(mine).config
    assert (found.retrieval.top_k, found.reranking.enabled) == (2, False)
    assert found.store == Config().store
    desk.close()
