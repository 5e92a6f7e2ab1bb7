"""An LLM server that fails, over real HTTP: what `ask`, `ask --compare` and `batch` print, write and return.

Wherever it fails, a failure is never an answer: exit code 4, a line and a hint, and the text so far marked
as partial.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cli_helper import Outcome, run
from fault_server import ODD_PARTS, WORDS, FaultServer, fault_server

from ragcli.config import LLMConfig
from ragcli.config.loading import load_config
from ragcli.errors import LLMError
from ragcli.llm.client import MOST_CHARACTERS_PER_TOKEN, open_llm
from ragcli.pipeline import open_pipeline
from ragcli.servers.retrying import Backoff
from ragcli.text.printable import CONTROLS
from ragcli.types import Message

CORPUS = Path(__file__).parents[2] / "corpora" / "homonyms"
WHO = "Who did Atlas hold up above the Earth in 1962?"
QUESTION = "How long does Mercury take to go around the Sun?"
PLANET = "# Mercury\n\nMercury goes around the Sun once in 88 days.\n"
CANARY = "sk-canary-4f9a1c7e"


class Fault(NamedTuple):
    """A model of the fault server, what the error says, what its hint says, and the text so far."""

    model: str
    message: str
    hint: str
    partial: str = ""


BEGUN = WORDS[0].strip()
FAULTS = (
    Fault("refused", "Connection refused", "Start the server"),
    Fault("stalls-first", "did not answer in time", "llm.timeout_seconds"),
    Fault("stalls-empty", "sent nothing for 1 seconds", "llm.timeout_seconds"),
    Fault("stalls-later", "sent nothing more for 1 seconds", "llm.timeout_seconds", BEGUN),
    Fault("cut", "broke off before it was complete", "Ask again", BEGUN),
    Fault("http-401", "refused the key", "TEST_KEY"),
    Fault("http-404", "does not know the model 'http-404'", "llm.model"),
    Fault("http-429-wait", "no more requests for now", "Wait 7 seconds"),
    Fault("http-429-quota", "the quota is used up", "plan and bill"),
    Fault("http-500", "failed (HTTP 500)", "server's log"),
    Fault("malformed", "not an answer", "/v1", BEGUN),
    Fault("empty", "gave an empty answer", "Rephrase the question"),
    Fault("thinks", "all 128 tokens", "Raise llm.answer_tokens"),
    Fault("filtered", "its content filter", "Rephrase the question", "".join(WORDS)),
    Fault("window-openai", "too long for the window", "llm.context_tokens (now 2048) to 4097 or less"),
    Fault("window-llamacpp", "too long for the window", "llm.context_tokens (now 2048) to 4096 or less"),
    Fault("window-in-stream", "too long for the window", "to 4096 or less", BEGUN),
    Fault("endless", "far more than the 128 tokens", "llm.answer_tokens", f"{BEGUN} and so on"),
    Fault("elsewhere", "points to another address (HTTP 307)", "llm.base_url"),
)
NAMES = [fault.model for fault in FAULTS]


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with fault_server() as running:
        yield running


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faults")
    (folder / "planet.md").write_text(PLANET, encoding="utf-8")
    with open_pipeline(load_config(overrides={"store.path": str(folder / "index")})) as rag:
        rag.ingest([folder / "planet.md"])
    return folder / "index"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """One retry, without delay: a batch waits half a minute for a missing server, a test does not."""
    quick = partial(Backoff, first=0.01, longest=0.01, retries=1, patience=0.01)
    monkeypatch.setattr("ragcli.servers.retrying.Backoff", quick)
    monkeypatch.setenv("TEST_KEY", CANARY)


def unused_address() -> str:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}/v1"


def command(*args: str, index: Path, server: FaultServer, model: str, **more: str) -> Outcome:
    environ = {
        "RAGCLI_STORE_PATH": str(index),
        "RAGCLI_PROMPTING_STYLE": "passages",
        "RAGCLI_PROMPTING_MIN_PROBABILITY": "0",
        "RAGCLI_PROMPTING_MIN_SIMILARITY": "0",
        "RAGCLI_LLM_BASE_URL": unused_address() if model == "refused" else server.base_url,
        "RAGCLI_LLM_MODEL": model,
        "RAGCLI_LLM_API_KEY_ENV": "TEST_KEY",
        "RAGCLI_LLM_TIMEOUT_SECONDS": "1",
        "TEST_KEY": CANARY,
        **more,
    }
    return run(*args, environ=environ)


def check_lines(outcome: Outcome, fault: Fault) -> None:
    """The last two lines of stderr are the error and its hint."""
    error, hint = outcome.stderr.splitlines()[-2:]
    assert error.startswith("error: ")
    assert fault.message in error
    assert hint.startswith("hint: ")
    assert fault.hint in hint
    assert CANARY not in outcome.stdout + outcome.stderr


@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
def test_ask_ends_with_an_error_and_with_json_so_does_its_document(
    index: Path, server: FaultServer, fault: Fault
) -> None:
    outcome = command("ask", QUESTION, "--no-rerank", "--json", index=index, server=server, model=fault.model)
    assert outcome.status == 4
    check_lines(outcome, fault)
    found = json.loads(outcome.stdout)
    assert (found["schema"], found["kind"]) == (1, "error")
    assert fault.message in found["error"]["message"]
    assert found["error"]["exit_code"] == 4
    assert found["error"]["partial"].startswith(fault.partial)
    assert bool(found["error"]["partial"]) is bool(fault.partial)
    assert "answer" not in found
    marked = f"partial answer, not finished:\n{fault.partial}" in outcome.stderr
    assert marked is bool(fault.partial)


@pytest.mark.parametrize("model", ["cut", "http-401"])
def test_ask_without_json_writes_nothing_to_stdout(index: Path, server: FaultServer, model: str) -> None:
    outcome = command("ask", QUESTION, "--no-rerank", index=index, server=server, model=model)
    assert (outcome.stdout, outcome.status) == ("", 4)


@pytest.fixture(scope="module")
def reordered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where reranking changes the prompt for WHO: arms with the same prompt share one answer."""
    folder = tmp_path_factory.mktemp("reordered")
    with open_pipeline(load_config(overrides={"store.path": str(folder / "index")})) as rag:
        rag.ingest(sorted(CORPUS.glob("atlas-*.md")))
    return folder / "index"


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_a_comparison_whose_second_answer_fails_is_no_comparison(
    reordered: Path, server: FaultServer, flags: tuple[str, ...]
) -> None:
    """The first of the two was complete, and is distinguished from the one that was not."""
    server.requests.clear()
    outcome = command(
        "ask", WHO, "--compare", *flags, index=reordered, server=server, model="cut-from-the-second-on"
    )
    assert outcome.status == 4
    assert "broke off before it was complete" in outcome.stderr
    whole = "answer (without reranking) of a comparison that did not finish:\nThe orbit takes 88 days.\n"
    assert f"{whole}partial answer (with reranking), not finished:\nThe orbit\n" in outcome.stderr
    if flags:
        assert json.loads(outcome.stdout)["kind"] == "error"
    else:
        assert outcome.stdout == ""


@pytest.mark.parametrize("model", ["stalls-later", "window-openai"])
def test_a_comparison_whose_first_answer_fails_is_an_error(
    index: Path, server: FaultServer, model: str
) -> None:
    outcome = command("ask", QUESTION, "--compare", index=index, server=server, model=model)
    assert (outcome.stdout, outcome.status) == ("", 4)
    check_lines(outcome, FAULTS[NAMES.index(model)])


class TestABatch:
    """An error that every question would have ends the run with 4; others are records, and it ends with 1."""

    HOPELESS = ("refused", "http-401", "http-404", "http-429-quota", "elsewhere")

    def batch(
        self, folder: Path, index: Path, server: FaultServer, model: str, *questions: str
    ) -> tuple[Outcome, list[dict[str, Any]]]:
        asked, results = folder / "q.txt", folder / "results.jsonl"
        asked.write_text("".join(f"{question}\n" for question in questions), encoding="utf-8")
        args = ("batch", str(asked), "-o", str(results), "--no-rerank", "--jobs", "4")
        outcome = command(*args, index=index, server=server, model=model)
        content = results.read_text(encoding="utf-8")
        assert CANARY not in outcome.stderr + content
        return outcome, [json.loads(line) for line in content.splitlines()]

    def test_never_saves_a_failure_as_an_answer(
        self, tmp_path: Path, index: Path, server: FaultServer
    ) -> None:
        """One question for each fault; the server does what the question says."""
        faults = [fault for fault in FAULTS if fault.model not in self.HOPELESS]
        questions = [f"What is the fault {fault.model}?" for fault in faults]
        outcome, records = self.batch(tmp_path, index, server, "as-the-question-says", *questions)
        assert outcome.status == 1
        assert f"{len(faults)} failed: the same command tries these again" in outcome.stderr
        for fault, record in zip(faults, records, strict=True):
            assert (record["kind"], fault.model) == (
                "batch-error",
                record["question"].split()[-1].rstrip("?"),
            )
            assert "answer" not in record
            error = record["error"]
            assert fault.message in error["message"]
            assert fault.hint in error["hint"]
            assert error["partial"].startswith(fault.partial)
            assert bool(error["partial"]) is bool(fault.partial)

    @pytest.mark.parametrize("model", HOPELESS)
    def test_ends_at_once_where_every_question_would_fail(
        self, tmp_path: Path, index: Path, server: FaultServer, model: str
    ) -> None:
        outcome, records = self.batch(tmp_path, index, server, model, QUESTION, "And Venus?")
        assert (outcome.status, records) == (4, [])
        check_lines(outcome, FAULTS[NAMES.index(model)])

    def test_goes_on_after_a_server_s_fault_that_passes(
        self, tmp_path: Path, index: Path, server: FaultServer
    ) -> None:
        server.requests.clear()
        outcome, (record,) = self.batch(tmp_path, index, server, "http-500-then-fine", QUESTION)
        assert outcome.status == 0
        assert record["answer"].startswith("The orbit takes 88 days.")


@pytest.mark.parametrize(
    "address", ["nonsense", "ftp://host/v1", "http://", "http://me:pa/ss@host/v1", "file:///etc"]
)
def test_an_address_that_is_none_is_said_before_anything_is_loaded(
    index: Path, server: FaultServer, address: str
) -> None:
    outcome = command(
        "ask", QUESTION, index=index, server=server, model="answers", RAGCLI_LLM_BASE_URL=address
    )
    assert (outcome.stdout, outcome.status) == ("", 2)
    assert "llm.base_url is not an http or https address" in outcome.stderr
    assert "pa/ss" not in outcome.stderr


def test_what_a_refusal_says_cannot_steer_the_terminal(index: Path, server: FaultServer) -> None:
    outcome = command("ask", QUESTION, "--no-rerank", index=index, server=server, model="escapes-refusal")
    assert "refused the request (HTTP 422)" in outcome.stderr
    assert not CONTROLS.search(outcome.stderr)


# --- without a command: the stream itself


def stream(server: FaultServer, model: str, **settings: Any) -> str:
    config = LLMConfig(base_url=server.base_url, model=model, timeout_seconds=2, **settings)
    with open_llm(config, {}) as llm:
        generation = llm.stream((Message("user", QUESTION),))
        for _ in generation:
            pass
        return generation.text


@pytest.mark.parametrize("number", range(len(ODD_PARTS)))
def test_a_part_of_another_shape_is_an_error_or_nothing_and_never_a_crash(
    server: FaultServer, number: int
) -> None:
    found: list[str] = []
    try:
        found = [stream(server, f"odd-{number}")]
    except LLMError as error:
        found = [error.hint, error.partial]
    assert found[-1] in (WORDS[0], WORDS[0] + WORDS[2])
    assert all(found)


def test_an_answer_without_end_is_read_no_further_than_it_must(server: FaultServer) -> None:
    with pytest.raises(LLMError) as caught:
        stream(server, "endless", answer_tokens=10)
    assert len(caught.value.partial) == 10 * MOST_CHARACTERS_PER_TOKEN


def test_a_redirect_is_not_followed(server: FaultServer) -> None:
    server.requests.clear()
    with pytest.raises(LLMError, match="points to another address"):
        stream(server, "elsewhere")
    assert len(server.requests) == 1


@pytest.mark.parametrize("key", ["sk-one\nsk-two", "sk-schlüssel", "sk-\x07bell"])
def test_a_key_that_no_server_can_be_sent_is_said_and_not_shown(key: str) -> None:
    config = LLMConfig(base_url="http://127.0.0.1:9/v1", api_key_env="TEST_KEY")
    with pytest.raises(LLMError) as caught, open_llm(config, {"TEST_KEY": key}):
        pass
    assert "characters that a key cannot have" in caught.value.message
    assert key not in caught.value.message + caught.value.hint
