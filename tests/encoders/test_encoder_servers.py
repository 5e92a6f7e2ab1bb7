"""Encoders over HTTP: the same vectors, logits and order as here; an error for every invalid answer."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chroma_server import free_port, own_database
from cli_helper import run
from encoder_server import encoder_server
from gate import DROP, STALL, Gate, gate

from ragcli.cli.commands.evaluate import _embedders, _rerankers
from ragcli.config import Config, EmbeddingConfig, RerankingConfig, StoreConfig
from ragcli.encoders import bi_encoder, reranking
from ragcli.encoders.bi_encoder import BiEncoder, load_bi_encoder
from ragcli.encoders.bi_encoder_server import ServedBiEncoder
from ragcli.encoders.cross_encoder_server import ServedReranker
from ragcli.encoders.known_pair import QUESTION as QUESTION_OF_PAIR
from ragcli.encoders.known_pair import TEXTS, known
from ragcli.encoders.prior import NO_PRIOR
from ragcli.encoders.reranking import CrossEncoderReranker, load_reranker, rerank
from ragcli.errors import ConfigError, ExitCode, IndexMismatchError, ServerError
from ragcli.models.embedded_llms import SMALL
from ragcli.models.locate import SHIPPED_CROSS_ENCODER, llm_file
from ragcli.pipeline import open_pipeline
from ragcli.servers.retrying import Backoff
from ragcli.types import Candidate
from tests.records import CHUNKS

CORPUS = Path(__file__).parents[2] / "corpora" / "homonyms"
QUESTION = "On which day of the month did the oracle process queries?"
KEY = "s3cret-of-the-server"
DIALECTS = pytest.mark.parametrize("dialect", ["jina", "tei"])


@pytest.fixture(scope="module")
def url(embedder: BiEncoder, reranker: CrossEncoderReranker) -> Iterator[str]:
    with encoder_server(embedder, reranker) as running:
        yield running


@pytest.fixture
def server(url: str) -> Iterator[Gate]:
    """The real server, and faults on the way to it."""
    with gate(url) as standing:
        yield standing


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ragcli.encoders.encoder_server.Backoff", lambda: Backoff(first=0.01, retries=2))


def embedding_of(server: Gate, **changes: Any) -> EmbeddingConfig:
    return EmbeddingConfig(**{"model": "all-MiniLM-L6-v2", "url": f"{server.url}/v1", **changes})


def reranking_of(server: Gate, **changes: Any) -> RerankingConfig:
    return RerankingConfig(**{"model": "ragcli", "url": server.url, "batch_size": 32, **changes})


def passages() -> list[str]:
    """The beginnings of all articles, about 80 texts."""
    return [path.read_text(encoding="utf-8")[:240] for path in sorted(CORPUS.glob("*.md"))]


def candidates() -> list[Candidate]:
    chunk = CHUNKS[0]
    return [
        Candidate(
            chunk=type(chunk)(**{**_fields(chunk), "id": str(i), "text": text}),
            similarity=0.5 - i / 200,
            base_rank=i + 1,
        )
        for i, text in enumerate(passages()[:36])
    ]


def scored(server: Gate) -> list[Any]:
    """The requests to /rerank, without the known pair that comes first."""
    return [body for _, _, body in server.requests if body["query"] != QUESTION_OF_PAIR]


def _fields(chunk: Any) -> dict[str, Any]:
    return {name: getattr(chunk, name) for name in chunk.__slots__}


class TestEmbedding:
    def test_gives_the_vectors_that_the_model_gives_here(self, server: Gate, embedder: BiEncoder) -> None:
        served = load_bi_encoder(embedding_of(server))
        texts = [*passages()[:34], "rust", "rust"]

        rows = served.embed(texts)

        assert (rows.dtype, rows.shape, served.dimension) == (np.float32, (36, 384), 384)
        assert np.abs(rows - embedder.embed(texts)).max() < 1e-5
        assert np.array_equal(rows[-1], rows[-2])

    def test_asks_in_batches_with_the_name_of_the_model_and_the_key(
        self, server: Gate, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("EMBEDDING_KEY", KEY)
        served = load_bi_encoder(embedding_of(server, batch_size=3, api_key_env="EMBEDDING_KEY"))
        served.embed([f"Text {i}." for i in range(7)])

        asked = [body for _, _, body in server.requests]
        assert [len(body["input"]) for body in asked] == [len((QUESTION_OF_PAIR, *TEXTS)), 3, 3, 1]
        assert {body["model"] for body in asked} == {"all-MiniLM-L6-v2"}
        assert {path for path, _, _ in server.requests} == {"/v1/embeddings"}
        assert {headers["authorization"] for _, headers, _ in server.requests} == {f"Bearer {KEY}"}

    def test_is_known_by_its_name_and_dimension_wherever_it_runs(self, server: Gate, url: str) -> None:
        one = load_bi_encoder(embedding_of(server))
        moved = load_bi_encoder(embedding_of(server, url=f"{url}/v1"))
        other = load_bi_encoder(embedding_of(server, model="another"))
        assert one.fingerprint == moved.fingerprint != other.fingerprint
        assert one.fingerprint.startswith("served-")
        assert len(one.fingerprint) == 64

    def test_counts_what_is_too_long_for_the_model(self, server: Gate) -> None:
        served = load_bi_encoder(embedding_of(server, max_tokens=16))
        served.embed(["word " * 16, "word " * 17])
        assert (served.window, served.truncated) == (16, 1)

    @pytest.mark.parametrize(
        ("answer", "message"),
        [
            ({"data": []}, "0 vectors for 1 texts"),
            ({"data": [{"index": 1, "embedding": [1.0, 0.0]}]}, "numbered them wrongly"),
            ({"data": [{"index": 0, "embedding": [1.0]}] * 2}, "2 vectors for 1 texts"),
            ({"data": [{"index": 0, "embedding": [0.0, 0.0]}]}, "length zero"),
            ({"data": [{"index": 0, "embedding": [math.nan, 1.0]}]}, "values that are not numbers"),
            ({"data": [{"index": 0, "embedding": [None, 1.0]}]}, "values that are not numbers"),
            ({"data": [{"index": 0, "embedding": ["a", "b"]}]}, "not lists of numbers"),
            ({"data": [{"index": 0, "embedding": []}]}, "another shape"),
            ({"data": [{"index": 0}]}, "another shape"),
            ({"data": [7]}, "not a list of embeddings"),
            ({"error": "loading"}, "not a list of embeddings"),
            ([], "not a list of embeddings"),
        ],
    )
    def test_an_answer_that_is_none_is_an_error(self, server: Gate, answer: Any, message: str) -> None:
        server.faults["/embeddings"] = [answer]
        with pytest.raises(ServerError, match=message) as caught:
            load_bi_encoder(embedding_of(server, model="another"))
        assert caught.value.exit_code == ExitCode.UNAVAILABLE

    def test_vectors_of_another_dimension_later_on_are_an_error(self, server: Gate) -> None:
        served = load_bi_encoder(embedding_of(server))
        server.faults["/embeddings"] = [{"data": [{"index": 0, "embedding": [1.0, 0.0]}]}]
        with pytest.raises(ServerError, match="another shape than 384"):
            served.embed(["text"])


class TestReranking:
    @DIALECTS
    def test_gives_the_order_that_the_model_gives_here(
        self, server: Gate, reranker: CrossEncoderReranker, dialect: Any
    ) -> None:
        here = rerank(reranker, QUESTION, candidates())
        there = rerank(load_reranker(reranking_of(server, dialect=dialect)), QUESTION, candidates())

        assert [c.chunk.id for c in there] == [c.chunk.id for c in here]
        for one, other in zip(here, there, strict=True):
            assert other.logit == pytest.approx(one.logit, abs=1e-4)
            assert other.score == pytest.approx(one.score, abs=1e-4)
            assert other.probability == pytest.approx(one.probability, abs=1e-4)
        assert {path for path, _, _ in server.requests} == {"/rerank"}
        assert [len(body.get("texts") or body["documents"]) for body in scored(server)] == [32, 4]

    @DIALECTS
    def test_probabilities_become_logits_again(
        self, server: Gate, reranker: CrossEncoderReranker, dialect: Any
    ) -> None:
        served = load_reranker(reranking_of(server, dialect=dialect, scores="probabilities"))
        texts = passages()[:20]
        assert served.logits(QUESTION, texts) == pytest.approx(reranker.logits(QUESTION, texts), abs=1e-4)

    def test_logits_are_asked_for_in_each_server_s_words(self, server: Gate) -> None:
        for dialect in ("jina", "tei"):
            load_reranker(reranking_of(server, dialect=dialect)).logits(QUESTION, ["a"])
        jina, tei = scored(server)
        assert jina == {
            "model": "ragcli",
            "query": QUESTION,
            "documents": ["a"],
            "raw_scores": True,
            "use_activation": False,
        }
        assert tei == {"query": QUESTION, "texts": ["a"], "raw_scores": True, "truncate": False}

    def test_long_pairs_are_cut_as_they_are_here(self, server: Gate, embedder: BiEncoder) -> None:
        settings = {"max_tokens": 64}
        here = load_reranker(RerankingConfig(**settings))
        there = load_reranker(reranking_of(server, **settings))
        question, texts = "Which " * 50, ["Oracle bones " * 80, "short", *passages()[:5]]

        assert there.logits(question, texts) == pytest.approx(here.logits(question, texts), abs=1e-4)
        assert (there.truncated, there.tokens_lost) == (here.truncated, here.tokens_lost)
        assert there.window == 64

    def test_equal_texts_are_scored_once_and_tie(self, server: Gate) -> None:
        first, _, second = load_reranker(reranking_of(server)).logits(QUESTION, ["same", "other", "same"])
        assert first == second
        assert server.requests[-1][2]["documents"] == ["same", "other"]

    def test_many_questions_are_scored_one_by_one(self, server: Gate, reranker: CrossEncoderReranker) -> None:
        lists = [(QUESTION, passages()[:3]), ("What does a crane eat?", passages()[3:5]), ("Nothing", [])]
        done: list[int] = []
        scores = load_reranker(reranking_of(server)).logits_of_lists(lists, done.append)
        # One by one here as well: in bfloat16, what is scored together changes the third digit.
        for found, asked in zip(scores, lists, strict=True):
            assert found == pytest.approx(reranker.logits(*asked), abs=1e-4)
        assert done == [3, 2]

    def test_the_prior_of_a_model_that_is_not_here_is_none(self, server: Gate) -> None:
        assert load_reranker(reranking_of(server, model="BAAI/bge-reranker-base")).prior == NO_PRIOR
        assert load_reranker(reranking_of(server)).prior == load_reranker(RerankingConfig()).prior
        assert load_reranker(reranking_of(server, prior_weight=3.0)).prior.weight == 3

    def test_probabilities_that_pass_for_logits_are_noticed(self, server: Gate) -> None:
        answer = [{"index": i, "score": i / 10} for i in range(8)]
        server.faults["/rerank"] = [answer]
        with pytest.raises(ServerError, match=r"8 scores between 0 and 1.*reranking\.scores"):
            load_reranker(reranking_of(server, dialect="tei", model="bge")).logits("?", list("abcdefgh"))

    def test_logits_that_pass_for_probabilities_are_noticed(self, server: Gate) -> None:
        server.faults["/rerank"] = [[{"index": 0, "score": 4.2}]]
        served = load_reranker(reranking_of(server, dialect="tei", scores="probabilities", model="bge"))
        with pytest.raises(ServerError, match="not probabilities"):
            served.logits("?", ["a"])

    def test_certain_probabilities_tie_and_stay_finite(self, server: Gate) -> None:
        server.faults["/rerank"] = [[{"index": i, "score": s} for i, s in enumerate((1.0, 0.0, 1.0))]]
        served = load_reranker(reranking_of(server, dialect="tei", scores="probabilities", model="bge"))
        best, worst, again = served.logits("?", ["a", "b", "c"])
        assert best == again == pytest.approx(-worst)
        assert math.isfinite(best)

    @pytest.mark.parametrize(
        ("answer", "message"),
        [
            ({"results": []}, "0 scores for 1 texts"),
            ({"results": [{"index": 0, "relevance_score": 1.5}] * 2}, "2 scores for 1 texts"),
            ({"results": [{"index": 3, "relevance_score": 1.5}]}, "numbered them wrongly"),
            ({"results": [{"index": 0, "relevance_score": math.nan}]}, "not a number: nan"),
            ({"results": [{"index": 0, "relevance_score": None}]}, "not a number: None"),
            ({"results": [{"index": 0, "relevance_score": True}]}, "not a number: True"),
            ({"results": [{"index": 0, "score": 1.5}]}, "not a number: None"),
            ([{"index": 0, "score": 1.5}], "dialect jina"),
            ({"results": ["first"]}, "not a list of scores"),
        ],
    )
    def test_an_answer_that_is_none_is_an_error(self, server: Gate, answer: Any, message: str) -> None:
        server.faults["/rerank"] = [answer]
        with pytest.raises(ServerError, match=message) as caught:
            load_reranker(reranking_of(server, model="bge")).logits("?", ["a"])
        assert caught.value.exit_code == ExitCode.UNAVAILABLE


class TestTheModelOfAName:
    """If ragcli includes a model of that name, the server's model must be the same."""

    @DIALECTS
    def test_that_scores_with_another_head_is_refused_before_anything_is_ranked(
        self, server: Gate, dialect: Any
    ) -> None:
        """As llama.cpp does with a cross-encoder whose pooler it leaves out."""
        scores = [{"index": i, "score": s, "relevance_score": s} for i, s in enumerate((-0.2, 0.4, -0.1))]
        server.faults["/rerank"] = [scores if dialect == "tei" else {"results": scores}]
        with pytest.raises(ServerError, match=r"does not run ragcli .*-0\.200, 0\.400") as caught:
            load_reranker(reranking_of(server, dialect=dialect)).logits(QUESTION, ["a", "b"])
        assert "llama.cpp" in caught.value.hint
        assert "reranking.model" in caught.value.hint
        assert len(server.requests) == 1

    def test_is_asked_for_once_and_not_with_each_question(self, server: Gate) -> None:
        served = load_reranker(reranking_of(server))
        for question in ("Who?", "Where?", "When?"):
            served.logits(question, ["a"])
        assert [body["query"] for _, _, body in server.requests] == [
            QUESTION_OF_PAIR,
            "Who?",
            "Where?",
            "When?",
        ]

    def test_that_sends_probabilities_unasked_is_told_how_to_say_so(self, server: Gate) -> None:
        values = known(SHIPPED_CROSS_ENCODER)
        assert values is not None
        chances = [1 / (1 + math.exp(-logit)) for logit in values.all]
        answer = {"results": [{"index": i, "relevance_score": c} for i, c in enumerate(chances)]}
        server.faults["/rerank"] = [answer]
        with pytest.raises(ServerError, match=r"reranking\.scores = probabilities"):
            load_reranker(reranking_of(server)).logits(QUESTION, ["a"])

    @pytest.mark.parametrize("name", ["all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"])
    def test_that_embeds_otherwise_is_refused_when_it_is_loaded(self, server: Gate, name: str) -> None:
        rows = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, 0.0]]
        server.faults["/embeddings"] = [
            {"data": [{"index": i, "embedding": row} for i, row in enumerate(rows)]}
        ]
        with pytest.raises(ServerError, match=r"does not run .*all-MiniLM-L6-v2 as ragcli does"):
            load_bi_encoder(embedding_of(server, model=name))
        assert len(server.requests) == 1
        assert load_bi_encoder(embedding_of(server, model=name)).dimension == 384

    def test_of_another_name_is_not_compared(self, server: Gate) -> None:
        load_reranker(reranking_of(server, model="bge")).logits(QUESTION, ["a"])
        assert [body["query"] for _, _, body in server.requests] == [QUESTION]


USES: dict[str, Callable[[Gate, dict[str, Any]], object]] = {
    "embedding": lambda server, changes: load_bi_encoder(embedding_of(server, model="other", **changes)),
    "reranking": lambda server, changes: load_reranker(reranking_of(server, model="bge", **changes)).logits(
        "?", ["a"]
    ),
}


@pytest.mark.parametrize("section", USES)
class TestAServer:
    @pytest.mark.parametrize("fault", [429, 500, 503, (429, {"Retry-After": "0.02"})])
    def test_that_is_busy_is_asked_again(self, server: Gate, section: str, fault: Any) -> None:
        server.faults["/"] = [fault, fault]
        USES[section](server, {})
        assert len(server.requests) == 3

    def test_that_stays_busy_is_an_error(self, server: Gate, section: str) -> None:
        server.faults["/"] = [503] * 9
        with pytest.raises(ServerError, match=r"failed \(HTTP 503\)"):
            USES[section](server, {})
        assert len(server.requests) == 3

    @pytest.mark.parametrize(
        ("fault", "message", "hint"),
        [
            (401, "refused the key", "api_key_env"),
            (404, "does not have the model", "model"),
            (501, "does not support this", "url"),
            (422, r"refused the request \(HTTP 422\).*as asked", "batch_size"),
            (DROP, "Nothing answers", "url"),
        ],
    )
    def test_that_refuses_is_asked_once(
        self, server: Gate, section: str, fault: Any, message: str, hint: str
    ) -> None:
        server.faults["/"] = [fault] * 9
        with pytest.raises(ServerError, match=message) as caught:
            USES[section](server, {})
        assert f"{section}.{hint}" in caught.value.hint
        assert len(server.requests) == 1

    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    def test_that_points_elsewhere_is_not_followed(
        self, server: Gate, url: str, section: str, status: int
    ) -> None:
        """Passages go only to the named server."""
        place = "/v1/embeddings" if section == "embedding" else "/rerank"
        server.faults["/"] = [(status, {"Location": f"{server.url}{place}"})]
        with pytest.raises(ServerError, match=rf"another address \(HTTP {status}\)") as caught:
            USES[section](server, {})
        assert f"{section}.url" in caught.value.hint
        assert len(server.requests) == 1

    @pytest.mark.parametrize(
        "address", ["http://[bad", "http://[::1]bad", "http://host:x", "http://a..b", "ftp://host", "host:1"]
    )
    def test_whose_address_is_malformed_is_a_wrong_setting(
        self, server: Gate, section: str, address: str
    ) -> None:
        with pytest.raises(ConfigError, match=rf"{section}\.url is not an http or https address"):
            USES[section](server, {"url": address})

    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            ('{"detail": "the batch is too large"}', "the batch is too large"),
            ('{"detail": [{"loc": ["body", "top_n"], "msg": "not permitted"}]}', "top_n: not permitted"),
            (
                '{"error": "inputs must have less than 512 tokens", "error_type": "validation"}',
                "less than 512",
            ),
            (
                '{"message": {"detail": [{"msg": "Extra inputs"}, {"msg": "Too short"}]}}',
                "Extra inputs; Too sh",
            ),
            ("the input is too long for this model", "the input is too long for this model"),
            ("<html><head><title>413 Too Large</title></head><body>nginx</body></html>", ": 413 Too Large."),
        ],
    )
    def test_is_quoted_whatever_the_shape_of_its_words(
        self, server: Gate, section: str, answer: str, words: str
    ) -> None:
        server.faults["/"] = [(413, answer)]
        with pytest.raises(ServerError, match=r"refused the request \(HTTP 413\)") as caught:
            USES[section](server, {})
        assert words in caught.value.message

    def test_that_is_too_slow_is_not_waited_for(self, server: Gate, section: str) -> None:
        server.faults["/"] = [STALL]
        with pytest.raises(ServerError, match=r"within 0\.5 seconds") as caught:
            USES[section](server, {"timeout_seconds": 0.5})
        assert f"{section}.timeout_seconds" in caught.value.hint

    def test_that_is_not_there_is_told_by_its_address_alone(self, server: Gate, section: str) -> None:
        with pytest.raises(ServerError, match="Nothing answers at http://127") as caught:
            USES[section](server, {"url": f"http://me:{KEY}@127.0.0.1:{free_port()}/v1"})
        assert KEY not in caught.value.message + caught.value.hint

    def test_that_is_no_such_server_is_told_apart(self, server: Gate, section: str) -> None:
        server.faults["/"] = ["<html>"]
        with pytest.raises(ServerError, match="not a list of"):
            USES[section](server, {})

    def test_whose_key_is_wrong_never_sees_it_printed(
        self, server: Gate, section: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("THE_KEY", KEY)
        server.wants = ("Authorization", "Bearer another")
        with pytest.raises(ServerError, match="refused the key") as caught:
            USES[section](server, {"api_key_env": "THE_KEY"})
        assert "THE_KEY" in caught.value.hint
        assert KEY not in caught.value.message + caught.value.hint

    def test_whose_key_is_not_set_is_not_asked(
        self, server: Gate, section: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("THE_KEY", raising=False)
        with pytest.raises(ServerError, match="THE_KEY is not set"):
            USES[section](server, {"api_key_env": "THE_KEY"})
        assert server.requests == []

    def test_needs_its_model_named(self, url: str, section: str) -> None:
        check: Any = {"embedding": bi_encoder.check, "reranking": reranking.check}[section]
        settings: Any = {"embedding": EmbeddingConfig, "reranking": RerankingConfig}[section]
        with pytest.raises(ConfigError, match=rf"{section}\.model does not say"):
            check(settings(url=url))
        assert check(settings(url=url, model="x")) == ""


def test_an_outage_after_the_first_answer_is_waited_out(server: Gate) -> None:
    served = ServedReranker(reranking_of(server, model="bge"), prior=NO_PRIOR, probability=float)
    served.logits("?", ["a"])
    server.faults["/rerank"] = [DROP, DROP]
    served.logits("?", ["b"])
    assert len(server.requests) == 4


def test_the_backends_have_what_the_stages_ask_for(server: Gate) -> None:
    assert ServedBiEncoder(embedding_of(server)).tokenizer.encode("rust").offsets


@pytest.fixture(scope="module")
def llama_cpp() -> Iterator[str]:
    """The URL of a real llama.cpp server that embeds with the local LLM: the protocol counts here."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(llm_file(SMALL))
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.ui = False
    parameters.offline = True
    parameters.verbosity = -1
    parameters.n_ctx = 512
    parameters.n_parallel = 1
    parameters.warmup = False
    parameters.embedding = True
    parameters.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    for pool in (parameters.cpuparams, parameters.cpuparams_batch):
        pool.n_threads = 1
    server = xllamacpp.Server(parameters)
    yield f"{server.listening_address}/v1"
    del server


def test_llama_cpp_embeds(llama_cpp: str) -> None:
    served = load_bi_encoder(EmbeddingConfig(model="smollm2", url=llama_cpp))
    rows = served.embed(["A cat sat on a mat.", "Cats sit on mats.", "Quantum field theory."])
    assert rows.shape == (3, 576)
    assert rows[0] @ rows[1] > rows[0] @ rows[2]
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_llama_cpp_that_does_not_rerank_says_so(llama_cpp: str) -> None:
    with pytest.raises(ServerError, match=r"HTTP 501\): This server does not support reranking"):
        load_reranker(RerankingConfig(model="smollm2", url=llama_cpp)).logits("?", ["a"])


def served_config(server: Gate, folder: Path) -> Config:
    return Config(
        store=StoreConfig(path=str(folder / "served")),
        embedding=embedding_of(server),
        reranking=reranking_of(server),
    )


def test_a_search_through_servers_finds_what_a_search_here_finds(server: Gate, tmp_path: Path) -> None:
    files = sorted(CORPUS.glob("oracle-*.md"))
    local = Config(store=StoreConfig(path=str(tmp_path / "local")))
    results = []
    for config in (local, served_config(server, tmp_path)):
        with open_pipeline(config) as pipeline:
            pipeline.ingest(files)
            results.append(pipeline.search(QUESTION))
    here, there = results

    assert [c.chunk.id for c in there.candidates] == [c.chunk.id for c in here.candidates]
    for one, other in zip(here.candidates, there.candidates, strict=True):
        assert other.similarity == pytest.approx(one.similarity, abs=1e-4)
        assert other.logit == pytest.approx(one.logit, abs=1e-4)
    # An index of a served model is not one of the model here, whatever its name.
    mixed = local.model_copy(update={"store": StoreConfig(path=str(tmp_path / "served"))})
    with open_pipeline(mixed) as pipeline, pytest.raises(IndexMismatchError, match="served-"):
        pipeline.search(QUESTION)


def test_an_evaluation_runs_other_models_here(server: Gate) -> None:
    config = Config(embedding=embedding_of(server), reranking=reranking_of(server, model="bge"))
    served, here = _rerankers(config, ["bge", "ragcli"])
    assert (served.url, here.url, here.model) == (server.url, "", "ragcli")
    (other,) = _embedders(config, ["all-MiniLM-L6-v2", "another"])
    assert (other.url, other.model) == ("", "another")


class TestTheCommands:
    @pytest.fixture
    def settings(
        self, server: Gate, chroma_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Path:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("THE_KEY", KEY)
        store = own_database(chroma_url)
        file = tmp_path / "config.toml"
        file.write_text(
            f'[store]\nurl = "{store.url}"\ndatabase = "{store.database}"\napi_key_env = "THE_KEY"\n'
            f'[embedding]\nmodel = "minilm"\nurl = "{server.url}/v1"\n'
            f'[reranking]\nmodel = "ragcli"\nurl = "{server.url}"\nbatch_size = 32\napi_key_env = "THE_KEY"\n'
        )
        return file

    def test_work_with_all_three_elsewhere(self, settings: Path, server: Gate) -> None:
        environ = {"THE_KEY": KEY, "HOME": str(settings.parent)}
        files = [str(path) for path in sorted(CORPUS.glob("oracle-*.md"))]
        assert run("ingest", *files, environ=environ).status == 0
        found = run("search", QUESTION, "--json", environ=environ)
        assert found.status == 0, found.stderr
        assert json.loads(found.stdout)["candidates"][0]["source"].endswith(".md")
        assert not (settings.parent / ".ragcli").exists()

        status = json.loads(run("status", "--json", environ=environ).stdout)
        assert status["store"].startswith("http://127.0.0.1")
        assert status["collections"][0]["sources"] == len(files)
        servers = {row["role"]: (row["server"], row["state"]) for row in status["models"]}
        assert servers["bi-encoder"] == (f"{server.url}/v1", "not asked")
        assert servers["cross-encoder"] == (server.url, "not asked")
        for command in (["status"], ["config", "show"], ["models", "list"], ["status", "--json"]):
            outcome = run(*command, environ=environ)
            assert outcome.status == 0
            assert KEY not in outcome.stdout + outcome.stderr
        assert "THE_KEY (set)" in run("config", "show", "store", environ=environ).stdout

    def test_say_which_server_is_missing(self, settings: Path) -> None:
        text = settings.read_text()
        for section in ("store", "embedding"):
            head, _, tail = text.partition(f"[{section}]")
            old = next(line for line in tail.splitlines() if line.startswith("url = "))
            new = f'url = "http://127.0.0.1:{free_port()}"'
            settings.write_text(f"{head}[{section}]{tail.replace(old, new, 1)}")
            outcome = run("ingest", str(CORPUS / "oracle-bone.md"), environ={"THE_KEY": KEY})
            assert outcome.status == ExitCode.UNAVAILABLE
            assert f"{section}.url" in outcome.stderr
            assert outcome.stdout == ""
