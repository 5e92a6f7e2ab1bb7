"""The embedded server, with the real model: quick to start, silent, private, and it ends with its process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import textwrap
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from interruptible import interruptible

from ragcli.config import LLMConfig
from ragcli.errors import ModelError
from ragcli.llm.client import LLM, open_llm
from ragcli.llm.local import LocalServer, local_server, usual_threads
from ragcli.models.embedded_llms import SMALL
from ragcli.models.locate import llm_file
from ragcli.types import Message

MESSAGES = (Message("user", "Fact: the key is under the blue mat.\n\nQuestion: Where is the key?"),)


@pytest.fixture(scope="module")
def llm() -> Iterator[LLM]:
    with open_llm(LLMConfig(answer_tokens=24)) as opened:
        yield opened


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with local_server(llm_file(SMALL), context_tokens=512) as running:
        yield running


def answer(llm: LLM) -> str:
    generation = llm.stream(MESSAGES)
    text = "".join(generation)
    assert generation.usage.prompt_tokens > 10
    assert not generation.usage_estimated
    return text


class TestTheModel:
    def test_answers_from_what_it_is_told(self, llm: LLM) -> None:
        assert "mat" in answer(llm)

    def test_goes_on_with_words_that_are_begun_for_it_until_a_mark(self, llm: LLM) -> None:
        begun = (
            Message("user", "Context:\nThe cat sat on the mat.\n\nQuestion: Where did the cat sit?"),
            Message("assistant", 'The context says: "'),
        )
        assert "".join(llm.stream(begun, stop=('"', "\n"))) == "The cat sat on the mat."

    def test_answers_the_same_each_time(self, llm: LLM) -> None:
        assert answer(llm) == answer(llm)

    def test_answers_the_same_whatever_it_was_asked_before(self, llm: LLM) -> None:
        facts = ["the mat is blue", "the hat is red", "the key is under the blue mat", "the key is lost"]
        prompts = [
            (Message("user", f"Facts: {', '.join(facts[:count])}.\n\nQuestion: What do you know?"),)
            for count in range(1, len(facts) + 1)
        ]

        def answers(order: list[int]) -> dict[int, str]:
            return {index: "".join(llm.stream(prompts[index])) for index in order}

        first = answers([0, 1, 2, 3])
        assert answers([3, 2, 1, 0]) == first
        assert answers([2, 2, 0, 0]) == {index: first[index] for index in (0, 2)}

    def test_counts_its_own_tokens(self, llm: LLM) -> None:
        assert llm.count_tokens("") == 0
        assert 2 <= llm.count_tokens("hello world") <= 3

    def test_takes_control_tokens_for_one_each_which_is_why_prompts_neutralise_them(self, llm: LLM) -> None:
        assert llm.count_tokens("<|im_end|>") == 1
        assert llm.count_tokens("‹|im_end|›") > 3

    def test_ignores_the_proxies_of_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        with open_llm(LLMConfig(answer_tokens=8)) as opened:
            assert opened.count_tokens("hello") == 1
            assert "".join(opened.stream(MESSAGES))


class TestTheServer:
    def test_listens_on_loopback_only(self, server: LocalServer) -> None:
        assert server.address.startswith("http://127.0.0.1:")

    def test_wants_its_key(self, server: LocalServer) -> None:
        request = urllib.request.Request(
            f"{server.base_url}/chat/completions",
            data=json.dumps({"messages": [{"role": "user", "content": "Hello"}]}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request, timeout=5)
        assert caught.value.code == 401

    def test_reads_each_prompt_whole_whatever_it_has_read_before(self, server: LocalServer) -> None:
        assert [self.ask(server)["timings"]["cache_n"] for _ in range(2)] == [0, 0]

    def ask(self, server: LocalServer) -> dict[str, dict[str, int]]:
        body = {"messages": [{"role": "user", "content": "One fact. " * 10}], "max_tokens": 1}
        request = urllib.request.Request(
            f"{server.base_url}/chat/completions",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {server.key}"},
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            read: dict[str, dict[str, int]] = json.load(response)
        return read

    def test_refuses_a_file_that_is_no_model(self, tmp_path: Path) -> None:
        damaged = tmp_path / "model.gguf"
        damaged.write_bytes(b"GGUF, or not")
        with (
            pytest.raises(ModelError, match=r"cannot load model\.gguf") as caught,
            local_server(damaged, context_tokens=512),
        ):
            pass
        assert "ragcli models prepare" in caught.value.hint

    @pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 2), (4, 4), (64, 4)])
    def test_takes_each_core_up_to_four_whatever_the_load(
        self, cores: int, threads: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
        monkeypatch.setattr(os, "getloadavg", lambda: (9.0, 0.0, 0.0), raising=False)
        assert usual_threads() == threads


PROGRAM = textwrap.dedent(
    """
    import os, sys
    from ragcli.config import LLMConfig
    from ragcli.llm.client import open_llm
    from ragcli.types import Message

    with open_llm(LLMConfig(answer_tokens=400)) as llm:
        generation = llm.stream([Message("user", "Tell a long story about a dog who counts to a thousand.")])
        for index, part in enumerate(generation):
            if index == 2:
                sys.stdout.write(f"{llm._client.base_url.port}\\n")
                sys.stdout.flush()
            if index == 4 and "crash" in sys.argv:
                raise RuntimeError("a crash")
            if index == 4 and "abort" in sys.argv:
                os.abort()
        print("the whole story")
    """
)
TOLD = "the whole story"


@pytest.mark.slow
class TestTheEnd:
    """However the process ends while an answer streams, it ends before the answer, and its port with it."""

    @pytest.mark.parametrize(
        ("how", "status"),
        [("crash", 1), ("abort", -signal.SIGABRT), ("interrupt", -signal.SIGINT), ("kill", -signal.SIGKILL)],
    )
    def test_of_the_process_is_the_end_of_the_server(self, how: str, status: int) -> None:
        process = subprocess.Popen(
            interruptible("-c", PROGRAM, how), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        port = int(process.stdout.readline())
        if how == "interrupt":
            process.send_signal(signal.SIGINT)
        if how == "kill":
            process.kill()
        story, errors = process.communicate(timeout=120)
        assert process.returncode == status
        assert TOLD not in story
        with pytest.raises(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2)
        if how == "crash":
            assert errors.startswith("Traceback")
            assert errors.rstrip().endswith("RuntimeError: a crash")
