"""What `ragcli doctor` finds: each part by itself, working and broken."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest
from cli_helper import ANSI, Terminal, run
from encoder_server import encoder_server
from fault_server import FaultServer, fault_server
from hypothesis import given
from hypothesis import strategies as st
from test_reporting import GOLDEN, WIDTHS, console, shown

from ragcli import store
from ragcli.config import Config, EmbeddingConfig, LLMConfig, RerankingConfig, StoreConfig
from ragcli.doctor import known_values
from ragcli.doctor.encoders import check_bi_encoder, check_cross_encoder, check_order
from ragcli.doctor.finding import Finding
from ragcli.doctor.index import check_index
from ragcli.doctor.installation import check_packages, check_python
from ragcli.doctor.language_model import check_llm
from ragcli.doctor.places import check_disk
from ragcli.doctor.reach import check_network, is_loopback
from ragcli.encoders.bi_encoder import BiEncoder
from ragcli.encoders.reranking import CrossEncoderReranker
from ragcli.errors import ExitCode
from ragcli.models.locate import (
    EMBEDDED_BI_ENCODER,
    SHIPPED_CROSS_ENCODER,
    bi_encoder_files,
    cross_encoder_files,
    installer,
)
from ragcli.reporting.screens import doctor as view
from ragcli.store import Update
from ragcli.store.folder import versions
from ragcli.types import Chunk

# --- the installation and the places


def installed(**found: str) -> object:
    def look(name: str) -> str:
        try:
            return found[name]
        except KeyError:
            raise metadata.PackageNotFoundError(name) from None

    return look


def test_python_must_be_new_enough() -> None:
    assert check_python((3, 11, 0)).state == "ok"
    old = check_python((3, 10, 9))
    assert (old.state, old.fix) == ("broken", "Install Python 3.11.")


def test_packages_are_held_to_the_requirements() -> None:
    wanted = ["alpha>=2,<3", "beta==1.0", 'gamma; extra == "dev"', 'delta; python_version < "3"']
    fine = check_packages(wanted, installed(alpha="2.5", beta="1.0"))  # type: ignore[arg-type]
    assert (fine.state, fine.detail) == ("ok", "2 as required")
    off = check_packages(wanted, installed(alpha="3.1"))  # type: ignore[arg-type]
    assert off.state == "broken"
    assert "alpha is 3.1, required is <3,>=2" in off.detail
    assert "beta is not installed" in off.detail
    assert off.fix == f'{installer()} "alpha<3,>=2" "beta==1.0"'


@pytest.mark.parametrize(("free", "state"), [(2e9, "ok"), (5e8, "warning"), (1e8, "broken")])
def test_a_full_disk_is_seen_before_it_hurts(tmp_path: Path, free: float, state: str) -> None:
    found = check_disk("disk", tmp_path / "not" / "yet", "store.path", int(free))
    assert found.state == state
    assert ("store.path" in found.fix) is (state != "ok")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_broken(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert check_disk("disk", tmp_path / "index", "store.path").state == "broken"


# --- the network


def test_the_defaults_use_no_network() -> None:
    assert check_network(Config(), {}).detail == "no setting uses it: everything runs offline"


def test_servers_and_missing_hub_models_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served = Config(llm=LLMConfig(base_url="https://me:secret@llm.example/v1"))
    assert check_network(served, {}).detail == "used by llm.base_url (https://***@llm.example/v1)"
    elsewhere = Config(
        store=StoreConfig(url="http://chroma.example:8000"),
        embedding=EmbeddingConfig(url="http://gpu.example:8080/v1"),
        reranking=RerankingConfig(url="http://127.0.0.1:8081"),
    )
    named = "store.url (http://chroma.example:8000), embedding.url (http://gpu.example:8080/v1)"
    assert check_network(elsewhere, {}).detail == f"used by {named}"
    hub = Config(reranking=RerankingConfig(model="no-such-owner/no-such-model"))
    found = check_network(hub, {"HF_HUB_OFFLINE": "1"})
    assert (found.state, found.fix) == ("warning", "ragcli models prepare")
    assert "no-such-owner/no-such-model" in found.detail
    assert "HF_HUB_OFFLINE forbids it" in found.detail


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://localhost:11434/v1", True),
        ("http://127.0.0.1/v1", True),
        ("http://[::1]:80/v1", True),
        ("http://10.0.0.1/v1", False),
        ("https://localhost.example.com/v1", False),
        ("local", False),
    ],
)
def test_this_machine_is_not_the_network(url: str, here: bool) -> None:
    assert is_loopback(url) is here


# --- the encoders


def test_the_known_values_are_of_the_weights_that_are_here() -> None:
    """After replacing a model: make known-values."""
    for name, files in (
        (EMBEDDED_BI_ENCODER, bi_encoder_files(EMBEDDED_BI_ENCODER)),
        (SHIPPED_CROSS_ENCODER, cross_encoder_files(SHIPPED_CROSS_ENCODER)),
    ):
        kept = known_values.known(name)
        assert kept is not None
        assert kept.fingerprint == files.fingerprint, "run: make known-values"


def test_the_encoders_score_the_known_pair_as_expected() -> None:
    finding, embedder = check_bi_encoder(Config().embedding)
    assert finding.state == "ok", finding.detail
    assert "as expected" in finding.detail
    assert embedder is not None
    finding, reranker = check_cross_encoder(Config().reranking)
    assert finding.state == "ok", finding.detail
    assert reranker is not None
    assert check_order(reranker).state == "ok"


def test_other_values_than_the_known_ones_are_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = known_values.known(SHIPPED_CROSS_ENCODER)
    assert kept is not None
    monkeypatch.setattr(known_values, "known", lambda _: replace(kept, relevant=kept.relevant + 1))
    finding, _ = check_cross_encoder(Config().reranking)
    assert finding.state == "broken"
    assert "pip install" in finding.fix
    monkeypatch.setattr(known_values, "known", lambda _: replace(kept, fingerprint="0" * 64))
    finding, _ = check_cross_encoder(Config().reranking)
    assert (finding.state, finding.fix) == ("warning", "make known-values")
    monkeypatch.setattr(known_values, "known", lambda _: None)
    assert "nothing to compare with" in check_cross_encoder(Config().reranking)[0].detail


def test_served_encoders_are_known_by_what_they_score(
    embedder: BiEncoder, reranker: CrossEncoderReranker, monkeypatch: pytest.MonkeyPatch
) -> None:
    with encoder_server(embedder, reranker) as url:
        bi_encoder = EmbeddingConfig(model=EMBEDDED_BI_ENCODER, url=f"{url}/v1")
        cross_encoder = RerankingConfig(model=SHIPPED_CROSS_ENCODER, url=url)
        finding, _ = check_bi_encoder(bi_encoder)
        assert (finding.state, finding.detail[-11:]) == ("ok", "as expected")
        assert "served" in finding.detail
        finding, _ = check_cross_encoder(cross_encoder)
        assert (finding.state, finding.detail[-11:]) == ("ok", "as expected")
        finding, _ = check_cross_encoder(cross_encoder.model_copy(update={"model": "another"}))
        assert (finding.state, finding.detail[-25:]) == ("ok", " nothing to compare with)")
        kept = known_values.known(SHIPPED_CROSS_ENCODER)
        assert kept is not None
        other = replace(kept, relevant=kept.relevant + 1)
        monkeypatch.setattr("ragcli.encoders.cross_encoder_server.known", lambda _: other)
        finding, _ = check_cross_encoder(cross_encoder)
        assert finding.state == "broken"
        assert "does not run ragcli as ragcli does" in finding.detail


def test_a_missing_model_is_broken_and_not_fetched() -> None:
    finding, reranker = check_cross_encoder(RerankingConfig(model="no-such-owner/no-such-model"))
    assert reranker is None
    assert (finding.state, finding.fix) == ("broken", "ragcli models prepare")


@pytest.mark.parametrize(
    ("relevant", "irrelevant", "said"),
    [(1.0, (2.0, 0.0), "not first"), (1.0, (0.5, 0.5), "tie"), (1.0, (1.0, 0.0), "not first")],
)
def test_a_reranker_that_does_not_rank_is_broken(
    reranker: CrossEncoderReranker,
    monkeypatch: pytest.MonkeyPatch,
    relevant: float,
    irrelevant: tuple[float, ...],
    said: str,
) -> None:
    values = known_values.KnownValues("f", relevant, irrelevant)
    monkeypatch.setattr(known_values, "logits", lambda _: values)
    finding = check_order(reranker)
    assert finding.state == "broken"
    assert said in finding.detail


def test_a_malformed_address_is_a_finding_and_no_crash() -> None:
    address = "http://[bad"
    assert not is_loopback(address)
    findings = (
        check_bi_encoder(EmbeddingConfig(model="m", url=address))[0],
        check_cross_encoder(RerankingConfig(model="m", url=address))[0],
        check_llm(LLMConfig(base_url=address), {}),
    )
    for finding in findings:
        assert finding.state == "broken"
        assert "is not an http or https address" in finding.detail


def test_an_llm_that_fails_after_its_first_token_is_broken(server: FaultServer) -> None:
    config = LLMConfig(base_url=server.base_url, model="filtered")
    assert check_llm(config, {}).state == "broken"


# --- the index


def config_of(folder: Path) -> Config:
    return Config(store=StoreConfig(path=str(folder)))


def passage(text: str) -> Chunk:
    return Chunk(text[:8], "a.md", 0, "Notes", (), text, 0, len(text), 1, 1, None, None, 9)


def fill(config: Config, embedder: BiEncoder, *, vectors_of: str = "") -> None:
    """An index of one document; its vectors are those of another text if `vectors_of` is given."""
    with store.open_store(config, embedder, create=True) as index:
        chunk = passage("Granite is a coarse-grained igneous rock.")
        others = [
            replace(passage(f"Tide tables of harbour {n}."), id=f"tide{n}", index=n) for n in range(1, 13)
        ]
        texts = [vectors_of or passage.passage for passage in (chunk, *others)]
        index.replace_all(
            [Update("a.md", "Notes", "markdown", "0" * 64, (chunk, *others), embedder.embed(texts))]
        )


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return config_of(tmp_path / "index")


def test_no_index_yet_is_a_warning(config: Config, embedder: BiEncoder) -> None:
    finding = check_index(config, embedder)
    assert finding.state == "warning"
    assert finding.fix.startswith("ragcli ingest")


def test_a_whole_index_is_found_by_its_own_text(config: Config, embedder: BiEncoder) -> None:
    fill(config, embedder)
    finding = check_index(config, embedder)
    assert (finding.state, finding.detail) == (
        "ok",
        "default: 13 chunks of 1 documents, found by its own text",
    )
    other = config.model_copy(update={"chunking": config.chunking.model_copy(update={"size": 100})})
    assert check_index(other, embedder).state == "warning"
    database = versions.current(Path(config.store.path) / "default") / "sources.sqlite3"
    with sqlite3.connect(database) as records:
        records.execute("UPDATE source SET chunks = 20")
    records.close()
    lost = check_index(config, embedder)
    assert (lost.state, lost.fix) == (
        "broken",
        "ragcli reset --collection default && ragcli ingest PATH...",
    )
    assert "only 13 are in Chroma" in lost.detail


def test_a_chunk_that_its_own_text_does_not_find_is_broken(config: Config, embedder: BiEncoder) -> None:
    fill(config, embedder, vectors_of="Something else altogether: a recipe for onion soup.")
    finding = check_index(config, embedder)
    assert finding.state == "broken"
    assert "not found by its own text" in finding.detail


def test_an_index_of_another_model_is_broken(config: Config, embedder: BiEncoder) -> None:
    fill(config, embedder)
    manifest = Path(config.store.path) / "default" / "manifest.json"
    content = json.loads(manifest.read_text(encoding="utf-8"))
    manifest.write_text(json.dumps({**content, "fingerprint": "0" * 64}), encoding="utf-8")
    finding = check_index(config, embedder)
    assert finding.state == "broken"
    assert "ragcli reset" in finding.fix


def test_an_unreadable_manifest_is_broken(config: Config, embedder: BiEncoder) -> None:
    folder = Path(config.store.path) / "default"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{", encoding="utf-8")
    assert check_index(config, None).state == "broken"


# --- the LLM


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with fault_server() as running:
        yield running


def test_one_token_is_asked_for(server: FaultServer) -> None:
    finding = check_llm(LLMConfig(base_url=server.base_url, model="answers"), {})
    assert finding.state == "ok", finding.detail
    assert [request["max_tokens"] for request in server.requests] == [1]


def test_a_model_that_thinks_first_is_fine(server: FaultServer) -> None:
    assert check_llm(LLMConfig(base_url=server.base_url, model="empty"), {}).state == "ok"


def test_an_unknown_model_is_broken_and_the_known_ones_are_named(server: FaultServer) -> None:
    finding = check_llm(LLMConfig(base_url=server.base_url, model="http-404"), {})
    assert finding.state == "broken"
    assert "The server has: answers, flaky." in finding.detail


@pytest.mark.parametrize("fault", ["http-401", "cut", "malformed"])
def test_a_server_that_fails_is_broken(server: FaultServer, fault: str) -> None:
    finding = check_llm(LLMConfig(base_url=server.base_url, model=fault), {})
    assert finding.state == "broken"
    assert finding.fix


def test_what_is_missing_for_the_llm_is_named() -> None:
    silent = check_llm(LLMConfig(base_url="http://127.0.0.1:9/v1", model="m"), {})
    assert (silent.state, silent.fix) == ("broken", "Start the server, or correct llm.base_url.")
    keyless = check_llm(LLMConfig(base_url="http://127.0.0.1:9/v1", api_key_env="NO_SUCH_KEY"), {})
    assert keyless.fix == "export NO_SUCH_KEY=..."


# --- the command and its screen

FINDINGS = (
    Finding("Python", "ok", "CPython 3.11.7"),
    Finding("disk (models)", "warning", "0.8 GB free at /home/me/.cache/ragcli", "Free some space."),
    Finding("index", "warning", "There is no index default in .ragcli.", "ragcli ingest PATH..."),
    Finding(
        "LLM",
        "broken",
        "http://localhost:11434/v1 knows no model llama3.3 (HTTP 404). The server has: llama3.2, qwen3.",
        "Correct llm.model, or llm.base_url (it ends in /v1 for most servers).",
    ),
)


@pytest.mark.parametrize("width", [*WIDTHS, 60])
def test_the_screen_is_the_golden_one(width: int) -> None:
    target = console(width, stream=Terminal(), NO_COLOR="1", TERM="dumb")
    for finding in FINDINGS:
        view.print_finding(target, finding)
    view.print_sum(target, FINDINGS)
    lines = [line.rstrip() for line in ANSI.sub("", shown(target)).splitlines()]
    assert max(map(len, lines)) <= width
    file = GOLDEN / f"doctor-{width}.txt"
    if os.environ.get("RAGCLI_UPDATE_GOLDEN"):
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert "\n".join(lines) + "\n" == file.read_text(encoding="utf-8")


@given(st.text(), st.text(), st.integers(20, 200))
def test_whatever_a_server_says_stays_on_its_line_in_a_pipe(detail: str, fix: str, width: int) -> None:
    target = console(width)
    view.print_finding(target, Finding("LLM", "broken", detail, fix))
    assert "\x1b" not in shown(target)
    assert len(shown(target).splitlines()) <= 2


def test_broken_parts_make_the_exit_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text('[llm]\nbase_url = "http://127.0.0.1:9/v1"\n', encoding="utf-8")
    outcome = run("doctor")
    assert outcome.status == ExitCode.FAILED
    assert "fix: ragcli ingest" in outcome.stdout
    assert "broken   LLM" in outcome.stdout
    assert outcome.stdout.splitlines()[-1] == "9 ok, 1 warning, 1 broken"
    assert outcome.stderr == ""
