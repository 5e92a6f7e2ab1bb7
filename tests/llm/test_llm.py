"""Talking to an OpenAI-compatible server: what arrives, and the error if nothing does."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from fault_server import USAGE, WORDS, FaultServer, fault_server

from ragcli.config import LLMConfig
from ragcli.errors import LLMError
from ragcli.llm.client import Generation, check, estimate_tokens, open_llm
from ragcli.types import Message, Usage

KEY = "sk-a-secret-of-the-test"
QUESTION = (Message("system", "Be short."), Message("user", "How long is the orbit?"))


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with fault_server() as running:
        yield running


def config(server: FaultServer, model: str, **settings: object) -> LLMConfig:
    return LLMConfig.model_validate(
        {
            "base_url": server.base_url,
            "model": model,
            "api_key_env": "TEST_KEY",
            "timeout_seconds": 0.4,
            **settings,
        }
    )


def generate(settings: LLMConfig) -> Generation:
    with open_llm(settings, {"TEST_KEY": KEY}) as llm:
        generation = llm.stream(QUESTION)
        for _ in generation:
            pass
        return generation


def failure(settings: LLMConfig) -> LLMError:
    with pytest.raises(LLMError) as caught:
        generate(settings)
    error = caught.value
    assert error.hint
    assert "\n" not in error.message + error.hint
    assert KEY not in error.message + error.hint
    return error


class TestAnAnswer:
    def test_ends_before_the_texts_that_the_caller_names(self, server: FaultServer) -> None:
        with open_llm(config(server, "answers"), {"TEST_KEY": KEY}) as llm:
            for stop in ((), ("\n",)):
                assert tuple(llm.stream(QUESTION, stop=stop)) == WORDS
        without, with_stop = server.requests[-2:]
        assert "stop" not in without
        assert with_stop["stop"] == ["\n"]

    def test_arrives_in_pieces_with_its_usage(self, server: FaultServer) -> None:
        with open_llm(config(server, "answers"), {"TEST_KEY": KEY}) as llm:
            generation = llm.stream(QUESTION)
            assert tuple(generation) == WORDS
        assert generation.text == "".join(WORDS)
        assert generation.finish_reason == "stop"
        assert generation.usage == Usage(USAGE["prompt_tokens"], USAGE["completion_tokens"])
        assert not generation.usage_estimated

    def test_is_asked_for_with_the_configured_settings_and_key(self, server: FaultServer) -> None:
        generate(config(server, "answers", seed=11, answer_tokens=99, temperature=0.5))
        sent = server.requests[-1]
        assert (sent["seed"], sent["max_tokens"], sent["temperature"]) == (11, 99, 0.5)
        assert sent["messages"][1] == {"role": "user", "content": "How long is the orbit?"}
        assert server.keys[-1] == f"Bearer {KEY}"

    def test_that_hit_the_limit_says_so(self, server: FaultServer) -> None:
        assert generate(config(server, "long")).finish_reason == "length"

    def test_without_a_count_from_the_server_has_an_estimated_one(self, server: FaultServer) -> None:
        generation = generate(config(server, "no-usage"))
        assert generation.usage_estimated
        assert generation.usage.completion_tokens == estimate_tokens("".join(WORDS))

    def test_comes_from_servers_that_know_the_limit_by_its_newer_name(self, server: FaultServer) -> None:
        assert generate(config(server, "newer-limit")).text == "".join(WORDS)
        assert "max_tokens" not in server.requests[-1]

    def test_cannot_steer_the_terminal(self, server: FaultServer) -> None:
        text = generate(config(server, "escapes")).text
        assert "\x1b" not in text
        assert "\u202e" not in text


class TestAFailure:
    @pytest.mark.parametrize(
        ("model", "message", "hint"),
        [
            ("http-401", "refused the key", "TEST_KEY"),
            ("http-403", "refused the key", "TEST_KEY"),
            ("http-404", "does not know the model 'http-404'", "llm.model"),
            ("http-429", "no more requests", "Wait"),
            ("http-500", "failed (HTTP 500)", "server's log"),
            ("http-422", "refused the request", "ragcli config show"),
            ("stalls-first", "did not answer in time", "llm.timeout_seconds"),
            ("not-a-stream", "broke off before its first word", "/v1"),
            ("empty", "empty answer", "Rephrase the question"),
        ],
    )
    def test_before_the_first_word(self, server: FaultServer, model: str, message: str, hint: str) -> None:
        error = failure(config(server, model))
        assert message in error.message
        assert hint in error.hint
        assert error.partial == ""

    @pytest.mark.parametrize(
        ("model", "message"),
        [
            ("cut", "broke off before it was complete"),
            ("reset", "broke off before it was complete"),
            ("stalls-later", "sent nothing more for 0.4 seconds"),
            ("malformed", "not an answer"),
            ("error-event", "out of memory"),
        ],
    )
    def test_in_mid_answer_keeps_what_had_arrived_as_partial(
        self, server: FaultServer, model: str, message: str
    ) -> None:
        error = failure(config(server, model))
        assert message in error.message
        assert error.partial == WORDS[0]

    def test_to_reach_the_server(self) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
            error = failure(LLMConfig(base_url=f"http://me:{KEY}@127.0.0.1:{port}/v1", timeout_seconds=0.4))
        assert f"Nothing answers at http://127.0.0.1:{port}/v1" in error.message

    def test_of_a_missing_key_is_said_before_anything_is_sent(self) -> None:
        settings = LLMConfig(base_url="http://127.0.0.1:9/v1", api_key_env="TEST_KEY")
        for attempt in (lambda: check(settings, {}), lambda: open_llm(settings, {}).__enter__()):
            with pytest.raises(LLMError, match="TEST_KEY is not set") as caught:
                attempt()
            assert caught.value.hint == "export TEST_KEY=..."


def test_a_server_without_a_key_is_asked_without_one(server: FaultServer) -> None:
    generate(config(server, "answers", api_key_env=""))
    assert server.keys[-1] == "Bearer none"


def test_the_estimate_errs_on_the_safe_side() -> None:
    text = "The quick brown fox jumps over the lazy dog, and nobody knows why it bothers. "
    assert estimate_tokens(text) > len(text.split())
