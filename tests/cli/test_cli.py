"""The commands: which stream, which exit code, which words; with the real local models."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_helper import ANSI, Outcome, library_in, run
from fault_server import FaultServer, fault_server
from interruptible import interruptible

from ragcli.cli.app import COMMANDS
from ragcli.errors import ExitCode
from ragcli.models.locate import SHIPPED_CROSS_ENCODER, cross_encoder_files

QUESTION = "How long does Mercury take to go around the Sun?"
PLANET = "# Mercury (planet)\n\n## Orbit\n\nMercury goes around the Sun once in 88 days.\n"
GOD = "# Mercury (god)\n\n## Worship\n\nThe festival of Mercury was held on the Ides of May.\n"
HEAVY = {"torch", "chromadb", "transformers", "openai", "numpy", "sentence_transformers", "pydantic"}


def command(*args: str, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        interruptible("-m", "ragcli", *args),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **variables},
    )


def finished(process: subprocess.Popen[str]) -> Outcome:
    stdout, stderr = process.communicate(timeout=120)
    return Outcome(stdout, stderr, process.returncode)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with two documents in its index; it is the working folder of each test here."""
    with library_in(tmp_path_factory.mktemp("library"), {"planet": PLANET, "god": GOD}) as folder:
        yield folder


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with nothing in it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with fault_server() as running:
        yield running


@pytest.fixture
def shipped_reranker() -> None:
    try:
        cross_encoder_files(SHIPPED_CROSS_ENCODER)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it, test_reranking says so
        pytest.skip(f"no shipped cross-encoder yet: {error}")


def loaded(outcome: Outcome) -> dict[str, Any]:
    assert outcome.status == 0, outcome.stderr
    found = json.loads(outcome.stdout)
    assert found["schema"] == 1
    return dict(found)


# --- help and version, as a process


def test_help_loads_nothing_heavy_and_not_even_pydantic() -> None:
    probe = (
        "import sys\nfrom ragcli.cli.main import main\nstatus = main(['--help'])\n"
        "print(status, *sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stderr.split()[0] == "0"
    assert not HEAVY & set(done.stderr.split())
    assert "Usage: ragcli COMMAND" in done.stdout


def test_completing_a_command_s_name_imports_no_command() -> None:
    asked = {"_RAGCLI_COMPLETE": "complete_bash", "COMP_WORDS": "ragcli ", "COMP_CWORD": "1"}
    command = [sys.executable, "-X", "importtime", "-m", "ragcli"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **asked})
    assert {"ask", "search", "ingest"} <= set(done.stdout.split())
    assert "ragcli.cli.app" in done.stderr
    assert "ragcli.cli.commands.ask" not in done.stderr


def test_help_imports_little_more_than_what_reads_the_command_line() -> None:
    def modules(code: str) -> int:
        probe = f"import sys\n{code}\nprint(len(sys.modules), file=sys.stderr)"
        done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
        return int(done.stderr)

    assert modules("from ragcli.cli.main import main\nmain(['--help'])") < 1.25 * modules(
        "import typer, rich"
    )


def test_help_names_every_command() -> None:
    shown = run("--help").stdout
    for name in COMMANDS:
        assert f"  {name} " in shown
    assert run().stdout == shown


@pytest.mark.parametrize(
    "name",
    [
        *("ask", "chat", "search", "ingest", "status", "list", "show", "remove", "reset"),
        *("init", "doctor", "config", "models"),
    ],
)
def test_every_command_explains_itself(name: str) -> None:
    outcome = run(name, "--help")
    assert outcome.status == 0
    assert f"ragcli {name}" in ANSI.sub("", outcome.stdout)
    assert outcome.stderr == ""


def test_version() -> None:
    from ragcli import __version__

    outcome = finished(command("--version"))
    assert (outcome.stdout, outcome.stderr, outcome.status) == (f"ragcli {__version__}\n", "", 0)


# --- wrong usage


@pytest.mark.parametrize(
    ("args", "message", "hint"),
    [
        (("serch", "x"), "There is no command 'serch'.", "Did you mean ragcli search?"),
        (("search",), "Missing argument", "ragcli search --help"),
        (("search", "x", "--bogus"), "--bogus", "ragcli search --help"),
        (("search", "x", "--top-k", "many"), "--top-k", "ragcli search --help"),
        (("search", "x", "--top-k", "0"), "retrieval.top_k = 0", "Passages that go into the prompt"),
        (("search", "x", "--where", "format"), "'format' is not KEY=VALUE", "--where format=pdf"),
        (("search", "x", "--compare", "--no-rerank"), "do not go together", "Leave out --no-rerank."),
        (("ask", "How", "long", "is", "it?"), "not in quotes", 'Quote it: ragcli ask "How long is it?"'),
        (
            ("search", "-k", "3", "what's", "$5", "--compare"),
            "is 2 arguments",
            """Quote it: ragcli search -k 3 'what'"'"'s $5' --compare""",
        ),
        (("ask", "x", "--profile", "opanai"), "no profile 'opanai'", "Did you mean openai?"),
        (("ask", "x", "--compare", "--no-rerank"), "do not go together", "Leave out --no-rerank."),
        (("ask", "x", "--profile", "her"), "no profile 'her'", "local, local-large, openai"),
        (("ask", "x", "--config", "missing.toml"), "no config file missing.toml", "ragcli config init"),
        (("ask", "", "--no-rerank"), "The question is empty", "ragcli ask"),
        (("config", "show", "llm.modle"), "no setting llm.modle", "Did you mean llm.model?"),
        (("config", "show", "xyzzy"), "no setting xyzzy", "ragcli config show"),
        (("reset",), "Nobody is there to confirm", "--yes"),
        (("list", "--collection", "no/such"), "'no/such' cannot be the name", "letters"),
    ],
)
def test_wrong_usage_is_two_lines_and_status_2(
    empty: Path, args: tuple[str, ...], message: str, hint: str
) -> None:
    outcome = run(*args)
    first, second = outcome.stderr.splitlines()
    assert first.startswith("error: ")
    assert message in first
    assert second.startswith("hint: ")
    assert hint in second
    assert outcome.stdout == ""
    assert outcome.status == ExitCode.USAGE


@pytest.mark.parametrize(
    "args", [("search", "x"), ("ask", "x"), ("list",), ("remove", "x"), ("reset", "--yes")]
)
def test_without_an_index_the_way_to_one_is_named(empty: Path, args: tuple[str, ...]) -> None:
    outcome = run(*args)
    assert outcome.status == ExitCode.NOTHING_FOUND
    assert "There is no index default" in outcome.stderr
    assert "ragcli ingest" in outcome.stderr


def test_a_missing_path_is_named(empty: Path) -> None:
    outcome = run("ingest", "missing")
    assert outcome.status == ExitCode.FAILED
    assert "missing" in outcome.stderr.splitlines()[0]


def test_another_bi_encoder_than_the_index_s_is_named_with_the_way_out(library: Path, tmp_path: Path) -> None:
    outcome = run("search", "x", environ={"RAGCLI_EMBEDDING_MODEL": "another/encoder"})
    assert outcome.status == ExitCode.USAGE
    assert "all-MiniLM-L6-v2" in outcome.stderr
    assert "another/encoder" in outcome.stderr
    assert "ragcli reset" in outcome.stderr


def test_a_missing_reranker_is_named(library: Path) -> None:
    outcome = run("search", "x", environ={"RAGCLI_RERANKING_MODEL": "./nowhere"})
    assert outcome.status == ExitCode.UNAVAILABLE
    assert "./nowhere" in outcome.stderr


def test_a_bug_is_one_line_and_its_traceback_waits_for_debug(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("division by\nzero")

    monkeypatch.setattr("ragcli.store.collections", broken)
    outcome = run("status")
    assert outcome.status == ExitCode.FAILED
    assert (
        outcome.stderr.splitlines()[0]
        == "internal error: ZeroDivisionError: division by zero (this is a bug)"
    )
    assert "Traceback" not in outcome.stderr
    assert "Traceback" in run("--debug", "status").stderr
    assert "Traceback" in run("status", environ={"RAGCLI_DEBUG": "1"}).stderr


# --- ingest and the index


def test_ingest_tells_what_became_of_each_file(empty: Path) -> None:
    (empty / "a.md").write_text(PLANET, encoding="utf-8")
    (empty / "b.txt").write_text("", encoding="utf-8")
    first = run("ingest", ".")
    assert first.status == 0
    assert "a.md" in first.stdout
    assert "added" in first.stdout
    assert "skipped: " in first.stdout
    assert "chunks/s" in first.stdout
    assert first.stderr == ""
    again = loaded(run("ingest", ".", "--json"))
    assert {file["source"]: file["status"] for file in again["files"]} == {
        "a.md": "unchanged",
        "b.txt": "skipped",
    }
    assert run("ingest", ".", "--strict").status == ExitCode.FAILED
    assert run("ingest", ".", "--exclude", "b.txt", "--strict").status == 0


def test_a_dry_run_writes_nothing(empty: Path) -> None:
    (empty / "a.md").write_text(PLANET, encoding="utf-8")
    outcome = run("ingest", ".", "--dry-run")
    assert outcome.status == 0
    assert "A dry run: nothing was written." in outcome.stdout
    assert run("list").status == ExitCode.NOTHING_FOUND


def test_list_and_status_show_the_index(library: Path) -> None:
    listed = loaded(run("list", "--json"))
    assert [source["source"] for source in listed["sources"]] == ["notes/god.md", "notes/planet.md"]
    assert "Mercury (planet)" in run("list").stdout
    state = loaded(run("status", "--json"))
    assert state["collections"][0]["sources"] == 2
    assert {model["role"] for model in state["models"]} == {"bi-encoder", "cross-encoder", "LLM"}
    assert "all-MiniLM-L6-v2" in run("status").stdout


def test_remove_takes_names_globs_and_folders_or_nothing_at_all(empty: Path) -> None:
    for name in ("one.md", "two.md", "three.md"):
        (empty / name).write_text(f"{PLANET}\n{name}\n", encoding="utf-8")
    run("ingest", ".")
    wrong = run("remove", "one.md", "tow.md")
    assert wrong.status == ExitCode.NOTHING_FOUND
    assert "Did you mean two.md?" in wrong.stderr
    assert len(loaded(run("list", "--json"))["sources"]) == 3
    assert "Removed one.md (1 chunk)." in run("remove", "one.md").stderr
    unasked = run("remove", "t*")
    assert unasked.status == ExitCode.USAGE
    assert "Remove 2 documents (three.md, two.md)" in unasked.stderr
    assert "Add --yes" in unasked.stderr
    refused = run("remove", "t*", stdin="n\n", terminal=True)
    assert (refused.status, "Nothing was removed." in refused.stderr) == (ExitCode.FAILED, True)
    assert len(loaded(run("list", "--json"))["sources"]) == 2
    assert len(loaded(run("remove", "t*", "--yes", "--json"))["sources"]) == 2


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        ("https://example.org/a.html", "curl -LO https://example.org/a.html"),
        ("HTTP://example.org", "curl -LO http://example.org"),
        ("s3://bucket/key", "curl -LO s3://bucket/key"),
        ("file:///srv/a.md", "ragcli ingest /srv/a.md"),
    ],
)
def test_an_address_is_not_a_missing_file(empty: Path, address: str, hint: str) -> None:
    outcome = run("ingest", address)
    assert outcome.status == ExitCode.USAGE
    assert "is an address; ragcli reads files" in outcome.stderr
    assert hint in outcome.stderr


def test_reset_asks_and_takes_no_for_an_answer(empty: Path) -> None:
    (empty / "a.md").write_text(PLANET, encoding="utf-8")
    run("ingest", "a.md")
    refused = run("reset", stdin="n\n", terminal=True)
    assert "Delete the collection default? [y/N]" in refused.stderr
    assert refused.status == ExitCode.FAILED
    assert run("list").status == 0
    assert run("reset", stdin="y\n", terminal=True).status == 0
    assert run("list").status == ExitCode.NOTHING_FOUND


# --- config


def test_config_show_prints_key_value_and_origin(empty: Path) -> None:
    (empty / "config.toml").write_text("[retrieval]\ntop_k = 3\n", encoding="utf-8")
    environ = {"OPENAI_API_KEY": "sk-very-secret", "RAGCLI_CHUNKING_SIZE": "99"}
    outcome = run("config", "show", "--profile", "openai", environ=environ)
    rows = {line.split()[0]: line for line in outcome.stdout.splitlines()}
    assert rows["retrieval.top_k"].split() == ["retrieval.top_k", "3", "config.toml"]
    assert rows["chunking.size"].split() == ["chunking.size", "99", "RAGCLI_CHUNKING_SIZE"]
    assert rows["profile"].split() == ["profile", "openai", "flag"]
    assert "OPENAI_API_KEY (set)" in rows["llm.api_key_env"]
    assert "sk-very-secret" not in outcome.stdout
    one = loaded(run("config", "show", "retrieval.top_k", "--json"))
    assert one["settings"] == [{"key": "retrieval.top_k", "value": 3, "origin": "config.toml"}]


def test_config_init_writes_a_file_and_never_over_one(empty: Path) -> None:
    assert run("config", "init").status == 0
    assert (empty / "config.toml").read_text(encoding="utf-8").startswith("# ragcli's settings.")
    again = run("config", "init")
    assert again.status == ExitCode.USAGE
    assert "exists already" in again.stderr


def test_models_list_names_what_is_there(empty: Path) -> None:
    rows = loaded(run("models", "list", "--json"))["models"]
    assert ("bi-encoder", "all-MiniLM-L6-v2", "ready", "") in [
        (row["role"], row["name"], row["state"], row["hint"]) for row in rows
    ]


# --- search and ask


def test_search_ranks_the_passages(library: Path) -> None:
    outcome = run("search", QUESTION, "--no-rerank", "--timings")
    assert outcome.stdout.index("planet.md") < outcome.stdout.index("god.md")
    assert "88 days" in outcome.stdout
    assert "retrieve" in outcome.stderr
    assert "\x1b" not in outcome.stdout + outcome.stderr


def test_search_as_json(library: Path) -> None:
    found = loaded(run("search", QUESTION, "--no-rerank", "--json", "--candidates", "1"))
    assert [candidate["source"] for candidate in found["candidates"]] == ["notes/planet.md"]
    assert found["reranked"] is False
    assert found["config"]["retrieval"]["candidates"] == 1


def test_filters_choose_the_documents(library: Path) -> None:
    for arguments in (("--source", "*god*"), ("--where", "title=Mercury (god)")):
        found = loaded(run("search", QUESTION, "--no-rerank", "--json", *arguments))
        assert {candidate["source"] for candidate in found["candidates"]} == {"notes/god.md"}


def test_ask_answers_on_stdout_with_its_sources(library: Path) -> None:
    outcome = run("ask", QUESTION, "--no-rerank", "--timings", "--show-context")
    assert outcome.status == 0, outcome.stderr
    answer, _, rest = outcome.stdout.partition("\nSources\n")
    assert "88" in answer
    assert "] notes/planet.md > Mercury (planet) > Orbit, line 5" in rest
    assert QUESTION in rest
    assert "total" in outcome.stderr


def test_ask_on_a_terminal_ends_with_the_same_words(library: Path, server: FaultServer) -> None:
    arguments = ("ask", QUESTION, "--no-rerank", "--base-url", server.base_url, "--model", "answers")
    outcome = run(*arguments, terminal=True)
    assert outcome.status == 0, outcome.stderr
    assert "The orbit takes 88 days." in ANSI.sub("", outcome.stdout)
    assert run(*arguments).stdout.startswith("The orbit takes 88 days.")


def test_ask_as_json_is_nothing_but_json(library: Path, server: FaultServer) -> None:
    arguments = (
        "ask",
        QUESTION,
        "--no-rerank",
        "--base-url",
        server.base_url,
        "--model",
        "answers",
        "--json",
    )
    for terminal in (False, True):
        outcome = run(*arguments, terminal=terminal)
        assert outcome.stdout.startswith("{")
        assert loaded(outcome)["usage"] == {"prompt_tokens": 40, "completion_tokens": 6}


def test_with_strict_no_answer_is_status_3(library: Path, server: FaultServer) -> None:
    arguments = ("ask", QUESTION, "--no-rerank", "--base-url", server.base_url, "--model", "answers")
    assert run(*arguments, "--strict").status == 0
    nothing = run("ask", "x", "--no-rerank", "--strict", "--source", "nothing-like-it")
    assert nothing.status == ExitCode.NOTHING_FOUND


@pytest.mark.parametrize(("fault", "status"), [("http-401", 4), ("http-404", 4), ("cut", 4), ("empty", 4)])
def test_a_failure_is_never_an_answer(library: Path, server: FaultServer, fault: str, status: int) -> None:
    outcome = run("ask", QUESTION, "--no-rerank", "--base-url", server.base_url, "--model", fault)
    assert outcome.stdout == ""
    assert "error: " in outcome.stderr
    assert "hint: " in outcome.stderr
    assert outcome.status == status
    assert ("partial answer, not finished:\nThe orbit\n" in outcome.stderr) is (fault == "cut")


@pytest.mark.parametrize("name", ["ask", "batch"])
def test_the_embedded_llm_answers_under_no_other_name(library: Path, name: str) -> None:
    (library / "questions.txt").write_text(f"{QUESTION}\n", encoding="utf-8")
    outcome = run(name, QUESTION if name == "ask" else "questions.txt", "--model", "gpt-4o-mini")
    assert (outcome.status, outcome.stdout) == (ExitCode.USAGE, "")
    assert "has SmolLM2-135M-Instruct and Qwen2.5-Coder-1.5B-Instruct, but not 'gpt-4o" in outcome.stderr
    assert "--base-url" in outcome.stderr


def test_an_unreachable_llm_is_named(library: Path) -> None:
    outcome = run("ask", QUESTION, "--no-rerank", "--base-url", "http://127.0.0.1:9/v1")
    assert outcome.status == ExitCode.UNAVAILABLE
    assert "http://127.0.0.1:9/v1" in outcome.stderr


def test_a_missing_key_is_named_before_anything_is_loaded(library: Path) -> None:
    outcome = run(
        "ask",
        QUESTION,
        "--no-rerank",
        "--profile",
        "openai",
        environ={"RAGCLI_LLM_API_KEY_ENV": "NO_SUCH_KEY"},
    )
    assert outcome.status == ExitCode.UNAVAILABLE
    assert "NO_SUCH_KEY" in outcome.stderr


def test_control_c_marks_what_had_arrived_and_ends_with_130(library: Path, server: FaultServer) -> None:
    process = command(
        "ask", QUESTION, "--no-rerank", "--base-url", server.base_url, "--model", "stalls-later"
    )
    deadline = time.monotonic() + 60
    while not server.requests and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    outcome = finished(process)
    assert outcome.stdout == ""
    assert "partial answer, not finished:\nThe orbit" in outcome.stderr
    assert outcome.stderr.endswith("interrupted\n")
    assert "Traceback" not in outcome.stderr
    assert outcome.status == ExitCode.INTERRUPTED


def test_a_reader_that_goes_away_is_no_failure(library: Path) -> None:
    process = command("list", "--json")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    assert process.wait(timeout=60) == 0


@pytest.mark.usefixtures("shipped_reranker")
def test_compare_shows_both_orders(library: Path) -> None:
    outcome = run("ask", QUESTION, "--compare")
    assert outcome.status == 0, outcome.stderr
    assert "Without reranking" in outcome.stdout
    assert "With reranking" in outcome.stdout
    assert "How passages moved" in outcome.stdout
    assert "Reranking" in outcome.stdout.splitlines()[-1]
    found = loaded(run("ask", QUESTION, "--compare", "--json"))
    assert found["base"]["reranked"] is False
    assert found["reranked"]["reranked"] is True
    assert found["candidates"][0]["logit"] is not None


@pytest.mark.usefixtures("shipped_reranker")
def test_a_collection_that_is_misspelled_is_told_the_nearest(library: Path) -> None:
    outcome = run("search", QUESTION, "--collection", "defualt")
    assert outcome.status == ExitCode.NOTHING_FOUND
    assert "hint: Did you mean default?" in outcome.stderr


def test_a_comparison_explains_both_orders(library: Path) -> None:
    outcome = run("search", QUESTION, "--compare", "--explain", "--retrieval", "hybrid")
    assert outcome.status == 0, outcome.stderr
    moved, without, with_reranking = re.split("With(?:out)? reranking\n", outcome.stdout)
    assert "How passages moved" in moved
    for table, other in ((without, "After"), (with_reranking, "Was")):
        header, first = table.splitlines()[:2]
        assert header.split() == [
            "#",
            "Passage",
            other,
            "Simil.",
            "Logit",
            "+",
            "Prior",
            "=",
            "Score",
            "Prob.",
        ]
        assert first.startswith("1")
    assert "Prior is" in with_reranking
    assert "rank by the fused score" in with_reranking
    as_json = run("search", QUESTION, "--compare", "--explain", "--json")
    assert json.loads(as_json.stdout)["kind"] == "comparison"


@pytest.mark.parametrize("options", [(), ("--no-rerank",), ("--no-rerank", "--retrieval", "hybrid")])
def test_the_figures_of_a_search_are_in_the_shown_order(library: Path, options: tuple[str, ...]) -> None:
    outcome = run("search", QUESTION, "--all", *options)
    name = outcome.stdout.splitlines()[0].split()[-1]
    assert name == ("Score" if not options else "Similarity" if len(options) == 1 else "Fused")
    figures = [
        float(match[1].replace("−", "-"))
        for line in outcome.stdout.splitlines()
        if (match := re.match(r"\d.* (−?\d+\.\d+)$", line))
    ]
    assert len(figures) >= 2
    assert figures == sorted(figures, reverse=True)


def test_explain_shows_every_number(library: Path) -> None:
    outcome = run("search", QUESTION, "--explain")
    assert all(name in outcome.stdout for name in ("Simil.", "Logit", "+ Prior", "= Score", "Prob."))
    assert "How passages moved" in run("search", QUESTION, "--compare").stdout
