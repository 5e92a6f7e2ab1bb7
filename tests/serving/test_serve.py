"""`ragcli serve`, and the commands that use it: the same bytes with and without it, and no failure by it."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cli_helper
import pytest
from cli_helper import ANSI, Outcome
from fault_server import FaultServer, fault_server
from interruptible import interruptible
from served import announced, serve, serving, without_seconds

from ragcli.config.loading import load_config
from ragcli.errors import ExitCode, NothingFoundError
from ragcli.llm.reasoning import RESTART
from ragcli.pipeline import Pipeline
from ragcli.serving import client, notice
from ragcli.serving.client import ServedPipeline, running

ORBIT = "How long does Mercury take to go around the Sun? What is the fault {}?"
QUESTION = ORBIT.format("answers")
DOCUMENTS = {
    "planet.md": "# Mercury (planet)\n\n## Orbit\n\nMercury goes around the Sun once in 88 days.\n",
    "god.md": "# Mercury (god)\n\n## Worship\n\nThe festival of Mercury was held on the Ides of May.\n",
    "metal.md": "# Mercury (metal)\n\n## Melting\n\nMercury melts at 38.8 degrees below zero.\n",
}
HEAVY = {"chromadb", "httpx", "mcp", "numpy", "onnxruntime", "openai", "openvino", "tokenizers", "torch"}


def run(*arguments: str, **given: Any) -> Outcome:
    """With the settings that are in this process's variables."""
    settings = {name: value for name, value in os.environ.items() if name.startswith("RAGCLI_")}
    return cli_helper.run(*arguments, environ=settings, **given)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultServer]:
    """A working folder with an index, and an LLM whose answers the questions choose."""
    folder = tmp_path_factory.mktemp("library")
    with pytest.MonkeyPatch.context() as patch, fault_server() as llm:
        patch.chdir(folder)
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
        patch.setenv("RAGCLI_LLM_BASE_URL", llm.base_url)
        patch.setenv("RAGCLI_LLM_MODEL", "as-the-question-says")
        (folder / "notes").mkdir()
        for name, text in DOCUMENTS.items():
            (folder / "notes" / name).write_text(text, encoding="utf-8")
        for name in ("default", "other"):
            assert run("ingest", "notes", "--collection", name).status == 0
        asked = [f'{{"id": "q{n}", "question": "{QUESTION}"}}' for n in range(3)]
        asked.append(f'{{"id": "q3", "question": "{ORBIT.format("window-openai")}"}}')
        Path("questions.jsonl").write_text("\n".join(asked), encoding="utf-8")
        yield llm


@pytest.fixture(scope="module")
def server(library: FaultServer) -> Iterator[notice.Notice]:
    with serving(load_config()) as (_, found):
        yield found


@pytest.fixture
def nothing_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work of this process is a failure: the server is to do it."""

    def load(*_: object, **__: object) -> None:
        raise AssertionError("this process loads its own models")

    monkeypatch.setattr("ragcli.resources.Resources.load", load)
    monkeypatch.setattr("ragcli.resources.Resources.opened_llm", load)


COMMANDS: list[tuple[str, ...]] = [
    ("search", QUESTION),
    ("search", QUESTION, "--explain", "--all"),
    ("search", QUESTION, "--compare", "--explain"),
    ("search", QUESTION, "--no-rerank", "-k", "1"),
    ("search", QUESTION, "--candidates", "2", "--source", "*god*"),
    ("search", QUESTION, "--retrieval", "hybrid", "--explain"),
    ("search", QUESTION, "--json"),
    ("search", QUESTION, "--compare", "--json"),
    ("ask", QUESTION, "--show-context"),
    ("ask", QUESTION, "--compare"),
    ("ask", QUESTION, "--json"),
    ("ask", QUESTION, "--compare", "--json"),
    ("ask", ORBIT.format("thinks"), "--verbose"),
    ("ask", ORBIT.format("cut")),
    ("ask", ORBIT.format("cut"), "--json"),
    ("ask", ORBIT.format("http-401"), "--json"),
    ("search", QUESTION, "--source", "no-such-*"),
    ("explain", QUESTION, "--json"),
    ("search", "  "),
    ("batch", "questions.jsonl"),
    ("batch", "questions.jsonl", "--compare", "--jobs", "3", "--quiet"),
]
# With the blanks around it, which fill its column. A warm server loads nothing.
SECONDS = re.compile(r" *\b\d[\d.,]* m?s\b *")
LOADED = re.compile(r"^(?: *load |The models loaded in ).*\n", re.MULTILINE)
# A table of seconds is as wide as its figures.
COLUMNS = re.compile(r" +|─+")
CONVERSATION = f"{QUESTION}\n/explain 1\n/sources\n/compare\n/k 2\nand why?{ORBIT.format('answers')}\n/k\n"


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_prints_what_it_prints_without_a_server(
    server: notice.Notice, command: tuple[str, ...], request: pytest.FixtureRequest
) -> None:
    """On a terminal where nothing moves, too: what moves shows how long something took."""
    still = command[0] == "search"
    alone = run(*command, "--no-serve")
    drawn = run(*command, "--no-serve", "--quiet", terminal=True, columns=80) if still else alone
    request.getfixturevalue("nothing_loads")
    assert shown(run(*command)) == shown(alone)
    if still:
        assert shown(run(*command, "--quiet", terminal=True, columns=80)) == shown(drawn)


def shown(outcome: Outcome) -> tuple[str, str, int]:
    """All but what differs from run to run: seconds, and in JSON the setting that --no-serve changes."""
    if outcome.stdout.startswith("{"):
        printed = without_seconds(outcome.stdout).replace('"use": false', '"use": true')
    elif "total  " in outcome.stdout:
        plain = LOADED.sub("", ANSI.sub("", outcome.stdout))
        printed = COLUMNS.sub(" ", SECONDS.sub("SECONDS", plain))
    else:
        printed = outcome.stdout
    return printed, SECONDS.sub("SECONDS", LOADED.sub("", outcome.stderr)), outcome.status


def test_a_conversation_is_the_same(server: notice.Notice, request: pytest.FixtureRequest) -> None:
    alone = run("chat", "--no-serve", stdin=CONVERSATION)
    request.getfixturevalue("nothing_loads")
    assert shown(run("chat", stdin=CONVERSATION)) == shown(alone)
    assert alone.status == 0


@pytest.mark.parametrize("words", [["search", QUESTION], ["ask", QUESTION]])
def test_a_command_with_a_server_imports_nothing_heavy(server: notice.Notice, words: list[str]) -> None:
    probe = (
        f"import sys; from ragcli.cli.main import main; status = main({words!r})\n"
        "print(status, *{m.split('.')[0] for m in sys.modules}, file=sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    status, *modules = run.stderr.splitlines()[-1].split()
    assert status == "0"
    assert not set(modules) & HEAVY


def test_text_arrives_while_it_is_written(server: notice.Notice, nothing_loads: None) -> None:
    parts: list[str] = []
    with client.open_pipeline(load_config()) as pipeline:
        answer = pipeline.ask(QUESTION, on_text=parts.append)
    assert [part for part in parts if part] == ["The orbit ", "takes ", "88 days."]
    assert answer.text.startswith("The orbit takes 88 days.")


def test_other_settings_and_no_serve_do_not_use_it(server: notice.Notice) -> None:
    def opened(**overrides: object) -> type[Pipeline]:
        named = {key.replace("__", "."): value for key, value in overrides.items()}
        with client.open_pipeline(load_config(overrides=named)) as pipeline:
            return type(pipeline)

    assert opened() is opened(retrieval__top_k=1) is ServedPipeline
    assert opened(serve__use=False) is opened(collection="other") is opened(llm__model="x") is Pipeline


def test_a_change_of_the_llm_leaves_the_server(server: notice.Notice) -> None:
    config = load_config()
    with client.open_pipeline(config) as pipeline:
        pipeline.change(config.model_copy(update={"llm": config.llm.model_copy(update={"model": "cut"})}))
        with pytest.raises(Exception, match=r"before|broke|cut"):
            pipeline.ask(QUESTION)


def test_fifty_clients_at_once(server: notice.Notice, nothing_loads: None) -> None:
    def search(_: int) -> list[str]:
        with client.open_pipeline(load_config()) as pipeline:
            return [each.chunk.source for each in pipeline.search(QUESTION).candidates]

    with ThreadPoolExecutor(50) as pool:
        found = list(pool.map(search, range(50)))
    assert all(one == found[0] for one in found)
    assert found[0][0] == "notes/planet.md"


def test_clients_that_hang_hold_nobody_up(server: notice.Notice, nothing_loads: None) -> None:
    host, port = server.address.split(":")
    begun = (
        b"",
        b"POST /call HT",
        b"POST /call HTTP/1.1\r\nHost: localhost\r\n",
        f"POST /call HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {server.token}\r\n"
        "Content-Length: 9\r\n\r\n{".encode(),
    )
    hanging = [socket.create_connection((host, int(port))) for _ in range(20)]
    try:
        for number, each in enumerate(hanging):
            each.sendall(begun[number % len(begun)])
        assert run("search", QUESTION).status == 0
    finally:
        for each in hanging:
            each.close()


def test_three_hundred_silent_clients_do_not_keep_a_question_from_its_answer(
    server: notice.Notice, nothing_loads: None
) -> None:
    """They are more than the server has places for."""
    host, port = server.address.split(":")
    with ExitStack() as silent:
        for _ in range(300):
            silent.enter_context(socket.create_connection((host, int(port))))
        assert run("search", QUESTION).status == 0


def test_a_client_that_goes_away_in_mid_answer_frees_the_place(server: notice.Notice) -> None:
    """The LLM stalls for as long as the test's server lives; only this client is held up by it."""
    config = load_config()
    pipeline = ServedPipeline(config, server)
    arguments = {"question": ORBIT.format("stalls-later"), "rerank": True, "filters": client.EVERYTHING}
    connection = client._connected(server)
    connection.request("POST", "/call", pipeline._body("ask", arguments), client._headers(server))
    response = connection.getresponse()
    assert b'"text"' in response.readline()
    connection.close()
    assert run("ask", QUESTION).status == 0


def test_it_sees_what_another_process_does_to_the_index(server: notice.Notice, nothing_loads: None) -> None:
    Path("notes/late.md").write_text("# Mercury (car)\n\nThe marque ended in 2011.\n", encoding="utf-8")
    question = "When did the marque Mercury end?"
    in_other_process("ingest", "notes")
    assert "notes/late.md" in run("search", question, "-k", "1").stdout
    in_other_process("reset", "--yes")
    assert run("search", question).status == ExitCode.NOTHING_FOUND
    Path("notes/late.md").unlink()
    in_other_process("ingest", "notes")
    found = run("search", question, "--all")
    assert found.status == 0
    assert "late.md" not in found.stdout


def test_an_index_that_is_reset_while_clients_ask_is_there_or_is_not(
    server: notice.Notice, nothing_loads: None
) -> None:
    done = threading.Event()

    def keep_asking() -> None:
        while not done.wait(0.01):
            with client.open_pipeline(load_config()) as pipeline, suppress(NothingFoundError):
                pipeline.search(QUESTION)

    with ThreadPoolExecutor(3) as pool:
        asking = [pool.submit(keep_asking) for _ in range(3)]
        try:
            in_other_process("reset", "--yes")
            in_other_process("ingest", "notes")
        finally:
            done.set()
    for each in asking:
        each.result()
    assert "notes/planet.md" in run("search", QUESTION, "-k", "1").stdout


def in_other_process(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "ragcli", *arguments], check=True, capture_output=True)


def test_status_and_doctor_name_it(server: notice.Notice) -> None:
    assert server.address in run("status").stdout
    assert server.token not in run("status", "--json").stdout
    assert f'"pid": {server.pid}' in run("status", "--json").stdout
    assert server.address in run("doctor").stdout


@pytest.mark.parametrize("path", ["/call", "/stop", "/", "/prove"])
def test_a_page_in_a_browser_gets_nothing(server: notice.Notice, path: str) -> None:
    connection = http.client.HTTPConnection(server.address)
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
        connection.request("POST", path, "{}", headers)
        response = connection.getresponse()
        assert response.status in (403, 421)
        assert not response.getheader("Access-Control-Allow-Origin")
        response.read()


# -- beginning and end


def test_the_second_of_two_that_are_started_at_once_says_so(library: FaultServer) -> None:
    config = load_config(overrides={"collection": "other"})
    both = [serve("--collection", "other") for _ in range(2)]
    try:
        while all(each.poll() is None for each in both):
            time.sleep(0.05)
        loser, winner = sorted(both, key=lambda each: each.poll() is None)
        assert loser.returncode == ExitCode.FAILED
        assert "A server of these settings is running" in loser.communicate()[1]
        found = announced(winner, config)
        assert running(config) == found
        assert client.stop(config) == found
        assert winner.wait(30) == 0
        assert running(config) is None
        assert "has ended" in winner.communicate()[1]
        assert run("serve", "--stop", "--collection", "other").status == ExitCode.NOTHING_FOUND
    finally:
        for each in both:
            each.kill()
            each.communicate()


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_ended_by_the_system_it_takes_its_notice_away(library: FaultServer, sent: signal.Signals) -> None:
    config = load_config(overrides={"collection": "other"})
    process = serve("--collection", "other")
    announced(process, config)
    process.send_signal(sent)
    assert process.wait(30) == 0
    assert notice.find(config) is None
    process.communicate()


def test_killed_it_leaves_a_notice_that_harms_nobody(library: FaultServer) -> None:
    config = load_config(overrides={"collection": "other"})
    process = serve("--collection", "other")
    announced(process, config)
    process.kill()
    process.communicate()
    assert notice.find(config) is not None
    assert run("search", QUESTION, "--collection", "other").status == 0
    assert "Kept warm" not in run("status", "--collection", "other").stdout
    again = serve("--collection", "other")
    announced(again, config)
    again.kill()
    again.communicate()


def test_killed_in_mid_answer_it_costs_no_command_its_answer(library: FaultServer) -> None:
    config = load_config(overrides={"collection": "other"})
    process = serve("--collection", "other")
    announced(process, config)
    parts: list[str] = []

    def hear(text: str) -> None:
        parts.append(text)
        process.kill()

    with client.open_pipeline(config) as pipeline:
        answer = pipeline.ask(ORBIT.format("stalls-once"), on_text=hear)
    process.communicate()
    assert parts[:2] == ["The orbit ", RESTART]
    assert answer.text.startswith("The orbit takes 88 days.")


def test_it_ends_when_nobody_asks(library: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGCLI_SERVE_IDLE_MINUTES", "0.005")
    process = serve("--collection", "other")
    assert process.wait(120) == 0
    process.communicate()


def test_what_an_agent_has_started_ends_with_it(library: FaultServer) -> None:
    """All that is left of an agent that was killed is a stdin that has ended."""
    found = subprocess.run(
        interruptible("-m", "ragcli", "serve", "--stdio", "--collection", "other"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (found.stdout, found.stderr, found.returncode) == ("", "", 0)


def test_it_serves_nothing_without_an_index(library: FaultServer) -> None:
    found = run("serve", "--collection", "nothing")
    assert found.status == ExitCode.NOTHING_FOUND
    assert "ragcli ingest" in found.stderr


def test_others_reach_it_only_with_a_key(library: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("serve", "--host", "0.0.0.0").status == ExitCode.USAGE
    monkeypatch.setenv("RAGCLI_SERVE_API_KEY_ENV", "KEY_OF_AGENTS")
    found = run("serve", "--host", "0.0.0.0")
    assert found.status == ExitCode.USAGE
    assert "KEY_OF_AGENTS" in found.stderr


def test_a_port_that_is_taken_is_named(library: FaultServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = run("serve", "--port", str(port), "--collection", "other")
    assert found.status == ExitCode.FAILED
    assert f"127.0.0.1:{port}" in found.stderr


# -- a server that fails: a fake one, as a real one cannot be made to


Fault = Callable[[BaseHTTPRequestHandler], None]


class _Faulty(BaseHTTPRequestHandler):
    """Proves itself like a real server, then does `fault`. `heard` are the requests' lines and headers."""

    protocol_version = "HTTP/1.1"
    fault: Fault
    token = "secret"
    heard: list[str]

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""

    def do_GET(self) -> None:
        self.heard.append(f"{self.requestline} {self.headers}")
        content = notice.proof(self.token, self.headers["Challenge"]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        self.heard.append(f"{self.requestline} {self.headers}")
        self.rfile.read(int(self.headers["Content-Length"]))
        type(self).fault(self)
        self.close_connection = True


def _answering(*lines: bytes, then: Callable[[], None] = lambda: None, status: int = 200) -> Fault:
    def fault(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.end_headers()
        for line in lines:
            handler.wfile.write(line)
            handler.wfile.flush()
        then()

    return fault


FAULTS: dict[str, Fault] = {
    "drops the call": lambda _: None,
    "refuses": _answering(status=503),
    "ends without a result": _answering(b'{"text": ["reranked", "Half an"]}\n'),
    "ends in the middle of a line": _answering(b'{"text": ["reranked", "Half an"]}\n', b'{"result": {"ques'),
    "says nothing that is JSON": _answering(b"<html>\n"),
    "says what is no result": _answering(b'{"result": {"question": 5}}\n'),
    "says what is no error": _answering(b'{"error": {"type": "Unheard"}}\n'),
    "falls silent": _answering(b'{"text": ["reranked", "Half an"]}\n', then=lambda: time.sleep(1)),
}


@pytest.fixture
def faulty(library: FaultServer) -> Iterator[Any]:
    """A server that is announced for the settings, and whose fault is to be set."""
    handler = type("Handler", (_Faulty,), {"heard": []})
    fake = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    fake.daemon_threads = True
    threading.Thread(target=fake.serve_forever, args=(0.01,), daemon=True).start()
    config = load_config(overrides={"collection": "other"})
    with notice.announced(config) as path:
        notice.write(path, notice.Notice(f"127.0.0.1:{fake.server_address[1]}", "secret", 1, ""))
        yield handler
    fake.shutdown()
    fake.server_close()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_server_that_fails_makes_no_command_fail(
    faulty: Any, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "SECONDS_WITHOUT_A_SIGN", 0.3)
    faulty.fault = FAULTS[fault]
    parts: list[str] = []
    with client.open_pipeline(load_config(overrides={"collection": "other"})) as pipeline:
        answer = pipeline.ask(QUESTION, on_text=parts.append)
    assert answer.text.startswith("The orbit takes 88 days.")
    assert "".join(parts).split(RESTART)[-1] == "The orbit takes 88 days."
    assert len(faulty.heard) == 2


def test_who_has_taken_the_port_of_a_server_learns_nothing(faulty: Any) -> None:
    faulty.token = "guessed"
    assert run("search", QUESTION, "--collection", "other").status == 0
    assert len(faulty.heard) == 1
    assert "secret" not in faulty.heard[0]
    assert "Mercury" not in faulty.heard[0]


def test_a_server_of_another_version_is_not_asked(server: notice.Notice) -> None:
    connection = client._connected(server)
    connection.request("POST", "/call", b'{"key": "other", "method": "search"}', client._headers(server))
    assert connection.getresponse().status == 400
    connection.close()
