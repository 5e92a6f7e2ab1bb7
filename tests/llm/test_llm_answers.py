"""What real servers send, over real HTTP: reasoning, ends, refused fields, odd shapes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from answer_server import AnswerServer, answer_server, delta, end, text
from cli_helper import Outcome, run

from ragcli.config import LLMConfig
from ragcli.config.loading import load_config
from ragcli.errors import ConfigError, LLMError
from ragcli.llm.client import Generation, open_llm
from ragcli.pipeline import open_pipeline
from ragcli.types import Message

ANSWER = "It takes 88 days [1]."
THOUGHT = "Passage [2] is about the god."
QUESTION = "How long does Mercury take to go around the Sun?"


@pytest.fixture
def server() -> Iterator[AnswerServer]:
    with answer_server() as running:
        yield running


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("answers")
    (folder / "planet.md").write_text("# Mercury\n\nMercury goes around the Sun in 88 days.\n")
    (folder / "god.md").write_text("# Mercury\n\nMercury was the messenger of the gods.\n")
    with open_pipeline(load_config(overrides={"store.path": str(folder / "index")}, environ={})) as rag:
        rag.ingest([folder / "planet.md", folder / "god.md"])
    return folder / "index"


def generate(server: AnswerServer, *parts: Any, **settings: Any) -> Generation:
    if parts:
        server.parts = list(parts)
    with open_llm(LLMConfig(base_url=server.base_url, model="m", timeout_seconds=5, **settings), {}) as llm:
        generation = llm.stream((Message("user", QUESTION),))
        for _ in generation:
            pass
        return generation


def failure(server: AnswerServer, *parts: Any, **settings: Any) -> LLMError:
    with pytest.raises(LLMError) as caught:
        generate(server, *parts, **settings)
    assert caught.value.hint
    assert "\n" not in caught.value.message + caught.value.hint
    return caught.value


def command(*args: str, index: Path, server: AnswerServer, **more: str) -> Outcome:
    environ = {
        "RAGCLI_STORE_PATH": str(index),
        "RAGCLI_PROMPTING_STYLE": "passages",
        "RAGCLI_PROMPTING_CITATIONS": "model",
        "RAGCLI_PROMPTING_MIN_PROBABILITY": "0",
        "RAGCLI_LLM_BASE_URL": server.base_url,
        "RAGCLI_LLM_MODEL": "m",
        **more,
    }
    return run(*args, environ=environ)


REASONING: dict[str, list[dict[str, Any]]] = {
    "think": [text(f"<think>\n{THOUGHT}\n</think>\n\n{ANSWER}")],
    "think, in pieces": [text(c) for c in f"<think>{THOUGHT}</think>{ANSWER}"],
    "thinking": [text(f" <thinking>{THOUGHT}</thinking>{ANSWER}")],
    "THINK in brackets": [text("[TH"), text(f"INK]{THOUGHT}[/TH"), text(f"INK]{ANSWER}")],
    "only a closing mark": [text(f"{THOUGHT}\n"), text("</thi"), text(f"nk>\n\n{ANSWER}")],
    "harmony": [
        text(f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|chan"),
        text(f"nel|>final<|message|>{ANSWER}<|return|>"),
    ],
    "reasoning_content": [delta({"reasoning_content": THOUGHT, "content": None}), text(ANSWER)],
    "reasoning": [delta({"reasoning": THOUGHT}), text(ANSWER)],
    "both fields of the same text": [
        delta({"reasoning": THOUGHT, "reasoning_content": THOUGHT}),
        text(ANSWER),
    ],
    "parts of a content": [
        text([{"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]}]),
        text([{"type": "text", "text": ANSWER[:5]}, {"type": "text", "text": ANSWER[5:]}]),
    ],
}


class TestReasoning:
    @pytest.mark.parametrize("kind", REASONING)
    def test_is_no_part_of_the_answer(self, server: AnswerServer, kind: str) -> None:
        found = generate(server, *REASONING[kind], end())
        assert (found.text, found.reasoning) == (ANSWER, THOUGHT)
        assert found.usage.completion_tokens == generate(server, text(ANSWER), end()).usage.completion_tokens

    @pytest.mark.parametrize("kind", ["think", "only a closing mark", "reasoning"])
    def test_is_shown_with_verbose_and_in_json_and_is_never_cited(
        self, server: AnswerServer, index: Path, kind: str
    ) -> None:
        server.parts = [*REASONING[kind], end()]
        plain = command("ask", QUESTION, index=index, server=server)
        assert plain.stdout.startswith(f"{ANSWER}\n\nSources\n [1] ")
        assert "[2]" not in plain.stdout
        assert THOUGHT not in plain.stdout + plain.stderr
        verbose = command("ask", QUESTION, "--verbose", index=index, server=server)
        assert verbose.stdout == plain.stdout
        assert f"reasoning:\n{THOUGHT}\n" in verbose.stderr
        found = json.loads(command("ask", QUESTION, "--json", index=index, server=server).stdout)
        assert (found["answer"], found["reasoning"]) == (ANSWER, THOUGHT)
        assert [citation["number"] for citation in found["citations"]] == [1]

    def test_does_not_hide_that_there_is_no_answer(self, server: AnswerServer, index: Path) -> None:
        server.parts = [text(f"<think>{THOUGHT} It takes 88 days.</think>NO_ANSWER"), end()]
        assert command("ask", QUESTION, "--strict", index=index, server=server).status == 3

    @pytest.mark.parametrize("begun", [f"<think>{THOUGHT}", f"<|channel|>analysis<|message|>{THOUGHT}"])
    def test_that_reaches_the_limit_is_an_error(self, server: AnswerServer, begun: str) -> None:
        error = failure(server, text(begun), end("length"), answer_tokens=99)
        assert "used all 99 tokens of its answer on its reasoning" in error.message
        assert "Raise llm.answer_tokens" in error.hint
        assert error.partial == ""

    def test_without_an_answer_is_an_error(self, server: AnswerServer) -> None:
        for parts in ([delta({"reasoning_content": THOUGHT})], [text(f"<think>{THOUGHT}</think>\n")]):
            assert "its reasoning but no answer" in failure(server, *parts, end()).message

    def test_can_be_stopped_while_it_is_written(self, server: AnswerServer) -> None:
        """A piece for each part, even an empty one: an interrupted batch does not wait for the end."""
        server.parts = [text("<think>a"), text("b"), delta({"reasoning": "c"}), text("</think>It is."), end()]
        with open_llm(LLMConfig(base_url=server.base_url, model="m"), {}) as llm:
            assert list(llm.stream((Message("user", QUESTION),))) == ["", "", "", "It is."]

    def test_that_breaks_off_is_no_partial_answer(self, server: AnswerServer) -> None:
        assert failure(server, text(f"<think>{THOUGHT}")).partial == ""
        assert failure(server, text(f"{THOUGHT}\n</think>It takes")).partial == "It takes"


ENDS = {
    "whole": [
        "stop",
        "STOP",
        "eos",
        "eos_token",
        "stop_sequence",
        "end_turn",
        "COMPLETE",
        "FinishReason.STOP",
    ],
    "cut off": ["length", "max_tokens", "MAX_TOKENS", "model_length", "model_context_window_exceeded"],
    "failed": [
        "error",
        "abort",
        "content_filter",
        "SAFETY",
        "insufficient_system_resource",
        "tool_calls",
        "new",
    ],
}


class TestTheEnd:
    @pytest.mark.parametrize("reason", ENDS["whole"])
    def test_of_a_whole_answer(self, server: AnswerServer, reason: str) -> None:
        assert not generate(server, text(ANSWER), end(reason)).cut_off

    @pytest.mark.parametrize("reason", ENDS["cut off"])
    def test_at_a_limit_is_cut_off(self, server: AnswerServer, reason: str) -> None:
        assert generate(server, text(ANSWER), end(reason)).cut_off

    def test_at_a_limit_is_told(self, server: AnswerServer, index: Path) -> None:
        server.parts = [text(ANSWER), end("MAX_TOKENS")]
        outcome = command("ask", QUESTION, index=index, server=server)
        assert outcome.status == 0
        assert "note: the LLM was stopped after" in outcome.stderr

    @pytest.mark.parametrize("reason", ENDS["failed"])
    def test_for_any_other_reason_is_an_error_with_what_had_arrived(
        self, server: AnswerServer, reason: str
    ) -> None:
        error = failure(server, text("It takes"), end(reason))
        assert "stopped the answer" in error.message
        assert reason.lower() in error.message
        assert error.partial == "It takes"

    def test_for_another_reason_leaves_nothing_on_stdout(self, server: AnswerServer, index: Path) -> None:
        server.parts = [text("It takes"), end("abort")]
        outcome = command("ask", QUESTION, index=index, server=server)
        assert (outcome.status, outcome.stdout) == (4, "")
        assert "partial answer, not finished:\nIt takes\n" in outcome.stderr

    def test_that_is_not_sent_is_none(self, server: AnswerServer) -> None:
        for parts in ([text(ANSWER)], [text(ANSWER, "")], [text(ANSWER, "null")]):
            assert failure(server, *parts).partial == ANSWER

    def test_in_a_refusal_of_the_model_quotes_it(self, server: AnswerServer) -> None:
        error = failure(server, delta({"content": None, "refusal": "I cannot help with that."}), end())
        assert "declined to answer: I cannot help with that." in error.message


def refusing(*names: str, status: int = 422, shape: str = "fastapi") -> Any:
    """A server that refuses fields of the request, with the words and the shape of a real one."""

    def refuse(body: dict[str, Any]) -> tuple[int, Any] | None:
        found = [name for name in names if name in body]
        if not found:
            return None
        faults = [
            {"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs are not permitted"}
            for name in found
        ]
        first = f"Unsupported parameter: '{found[0]}' is not supported with this model."
        shapes: dict[str, Any] = {
            "fastapi": {"detail": faults},
            "nested": {"object": "error", "message": {"detail": faults}, "type": "invalid_request_error"},
            "openai": {"error": {"message": first, "param": found[0], "code": "unsupported_parameter"}},
            "message": {"message": f"the field {found[0]} is unknown"},
            "error": {"error": f"unknown field {found[0]}"},
            "text": f"{found[0]} is not supported by this backend",
        }
        return status, shapes[shape]

    return refuse


SHAPES = ["fastapi", "nested", "openai", "message", "error", "text"]


class TestARefusedField:
    @pytest.mark.parametrize("status", [400, 422])
    @pytest.mark.parametrize("shape", SHAPES)
    def test_is_left_out_and_that_is_remembered(self, server: AnswerServer, shape: str, status: int) -> None:
        server.refuses = refusing("seed", "stream_options", status=status, shape=shape)
        server.parts = [text(ANSWER), end()]
        with open_llm(LLMConfig(base_url=server.base_url, model="m"), {}) as llm:
            for _ in range(2):
                assert "".join(llm.stream((Message("user", QUESTION),))) == ANSWER
            assert llm.refused_fields == ("seed", "stream_options")
        *_, before, last = server.requests
        assert last == before
        assert not {"seed", "stream_options"} & set(last)
        assert {"temperature", "max_tokens"} <= set(last)

    def test_of_the_limit_has_another_name(self, server: AnswerServer) -> None:
        server.refuses = refusing("max_tokens", "temperature", status=400, shape="openai")
        generate(server, text(ANSWER), end(), answer_tokens=77)
        assert server.requests[-1]["max_completion_tokens"] == 77
        assert not {"max_tokens", "temperature"} & set(server.requests[-1])

    def test_is_told_once_a_run(self, server: AnswerServer, index: Path, tmp_path: Path) -> None:
        server.refuses = refusing("seed")
        server.parts = [text(ANSWER), end()]
        note = "note: the LLM's server refuses seed, and was asked without them"
        asked = tmp_path / "questions.txt"
        asked.write_text(f"{QUESTION}\nWho was the messenger of the gods?\n")
        results = str(tmp_path / "results.jsonl")
        for args in (("ask", QUESTION), ("ask", QUESTION, "--compare"), ("batch", str(asked), "-o", results)):
            outcome = command(*args, index=index, server=server)
            assert outcome.status == 0, outcome.stderr
            assert outcome.stderr.count(note) == 1
        found = json.loads(command("ask", QUESTION, "--json", index=index, server=server).stdout)
        assert found["not_sent"] == ["seed"]

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            ("max_tokens is too large: 4096. This model supports at most 2048.", "max_tokens is too large"),
            ("seed or not, the prompt exceeds the context window of 512", "too long for the window"),
            ("the messages must alternate", "the messages must alternate"),
        ],
    )
    def test_is_told_from_a_request_that_is_wrong(
        self, server: AnswerServer, words: str, message: str
    ) -> None:
        server.refuses = lambda _: (400, {"error": {"message": words}})
        assert message in failure(server, text(ANSWER), end()).message
        assert len(server.requests) == 1

    def test_that_makes_no_difference_is_asked_without_once(self, server: AnswerServer) -> None:
        server.refuses = lambda _: (400, {"detail": "the field seed is unknown"})
        error = failure(server, text(ANSWER), end())
        assert "refused the request (HTTP 400): the field seed is unknown." in error.message
        assert len(server.requests) == 2


class TestExtraFields:
    def test_are_added_and_empty_ones_left_out(self, server: AnswerServer) -> None:
        extra = {"top_p": 0.5, "seed": "", "chat_template_kwargs": {"enable_thinking": False}}
        generate(server, text(ANSWER), end(), extra=extra)
        (sent,) = server.requests
        assert "seed" not in sent
        assert (sent["top_p"], sent["chat_template_kwargs"]) == (0.5, {"enable_thinking": False})

    def test_come_from_the_file_and_from_the_environment(self, tmp_path: Path) -> None:
        file = tmp_path / "config.toml"
        file.write_text('[llm.extra]\ntop_p = 0.5\nseed = ""\n')
        assert load_config(file, environ={}).llm.extra == {"top_p": 0.5, "seed": ""}
        table = {"RAGCLI_LLM_EXTRA": '{ top_k = 20, seed = "" }'}
        assert load_config(file, environ=table).llm.extra == {"top_k": 20, "seed": ""}
        with pytest.raises(ConfigError, match="RAGCLI_LLM_EXTRA is not a table"):
            load_config(file, environ={"RAGCLI_LLM_EXTRA": "top_k"})

    @pytest.mark.parametrize("name", ["model", "messages"])
    def test_are_not_what_has_a_setting_of_its_own(self, server: AnswerServer, name: str) -> None:
        with pytest.raises(ConfigError, match=f"may not hold {name}"):
            generate(server, text(ANSWER), end(), extra={name: "x"})


WHOLE = {"message": {"role": "assistant", "content": ANSWER}, "finish_reason": "stop"}


class TestAServerThatDoesNotStream:
    def test_is_read(self, server: AnswerServer) -> None:
        usage = {"prompt_tokens": 5, "completion_tokens": 7}
        server.whole = ("application/json; charset=utf-8", {"choices": [WHOLE], "usage": usage})
        found = generate(server)
        assert (found.text, found.usage.completion_tokens) == (ANSWER, 7)

    def test_may_think(self, server: AnswerServer) -> None:
        message = {"content": f"<think>{THOUGHT}</think>{ANSWER}"}
        server.whole = ("application/json", {"choices": [{"message": message, "finish_reason": "stop"}]})
        assert (generate(server).text, generate(server).reasoning) == (ANSWER, THOUGHT)

    def test_may_send_its_whole_message_as_a_part(self, server: AnswerServer) -> None:
        assert generate(server, {"choices": [WHOLE]}).text == ANSWER

    def test_may_call_a_stream_json(self, server: AnswerServer) -> None:
        events = f"data: {json.dumps(text(ANSWER))}\n\ndata: {json.dumps(end())}\n\ndata: [DONE]\n\n"
        server.whole = ("application/json", events)
        assert generate(server).text == ANSWER

    @pytest.mark.parametrize(
        "answer",
        [{"error": {"message": "loading"}}, {"detail": "loading"}, {"object": "error", "message": "loading"}],
    )
    def test_and_fails_says_so(self, server: AnswerServer, answer: Any) -> None:
        server.whole = ("application/json", answer)
        assert "reported an error: loading." in failure(server).message
        server.whole = None
        error = failure(server, text("It takes"), answer)
        assert "reported an error: loading." in error.message
        assert error.partial == "It takes"


def test_what_a_server_says_is_one_short_line_without_keys_and_controls(
    server: AnswerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEY", "sk-canary-77aa")
    said = "\x1b[31mno\u202e \x07entry\n for sk-canary-77aa, " + "so " * 200
    server.refuses = lambda _: (403, {"error": {"message": said}})
    config = LLMConfig(base_url=server.base_url, model="m", api_key_env="TEST_KEY")
    with open_llm(config, {"TEST_KEY": "sk-canary-77aa"}) as llm, pytest.raises(LLMError) as caught:
        list(llm.stream((Message("user", QUESTION),)))
    assert "refused the key (HTTP 403): no entry for ***, so so" in caught.value.message
    assert len(caught.value.message) < 300


def test_only_the_embedded_llm_is_given_the_first_words_of_its_answer(
    server: AnswerServer, index: Path
) -> None:
    """Other servers begin again, refuse it, or reply to it."""
    server.parts = [text('Mercury: "the planet" takes 88 days.\nSo it does.'), end()]
    outcome = command("ask", QUESTION, index=index, server=server, RAGCLI_PROMPTING_STYLE="sentences")
    assert [message["role"] for message in server.requests[-1]["messages"]] == ["system", "user"]
    assert "stop" not in server.requests[-1]
    assert 'Mercury: "the planet" takes 88 days.' in outcome.stdout
    assert "So it does." in outcome.stdout


def test_an_answer_that_cites_nothing_is_attributed(server: AnswerServer, index: Path) -> None:
    server.parts = [text("Mercury goes around the Sun in 88 days."), end()]
    found = json.loads(command("ask", QUESTION, "--json", index=index, server=server).stdout)
    assert found["answer"] == "Mercury goes around the Sun in 88 days. [1]"
    assert [(c["number"], c["attributed"]) for c in found["citations"]] == [(1, True)]


@pytest.mark.parametrize("terminal", [False, True])
def test_the_last_line_of_an_answer_ends_before_anything_else_is_printed(
    server: AnswerServer, index: Path, terminal: bool
) -> None:
    server.parts = [text("It takes "), text(ANSWER), end("length")]
    environ = {"RAGCLI_STORE_PATH": str(index), "RAGCLI_PROMPTING_STYLE": "passages", "RAGCLI_LLM_MODEL": "m"}
    args = ("ask", QUESTION, "--base-url", server.base_url, "--no-rerank")
    outcome = run(*args, environ=environ, terminal=terminal)
    assert outcome.stdout.endswith("\n")
    assert outcome.stderr.endswith("\n")


@pytest.mark.parametrize(
    "parts",
    [
        (text("[1] [2]"), end()),
        (text("The ports are 80, 81, 82, 84, 85, 86, 87, 88, 89, 90,"), end("length")),
    ],
)
def test_marks_alone_and_counting_up_to_the_limit_are_no_answers(
    server: AnswerServer, index: Path, parts: tuple[Any, ...]
) -> None:
    server.parts = list(parts)
    outcome = command("ask", QUESTION, index=index, server=server)
    assert (outcome.status, outcome.stdout) == (4, "")
    assert "did not write an answer" in outcome.stderr


def test_a_list_of_numbers_that_ends_is_an_answer(server: AnswerServer, index: Path) -> None:
    server.parts = [text("1, 2, 3, 4, 5, 6, 7, 8, 9, 10"), end()]
    assert command("ask", QUESTION, index=index, server=server).status == 0
