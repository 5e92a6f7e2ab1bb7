"""Pairs become honest logits, and candidates are ordered by them."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ragcli.config import RerankingConfig
from ragcli.encoders.prior import NO_PRIOR, Prior
from ragcli.encoders.reranking import CrossEncoderReranker, load_reranker, order_by_score, rerank
from ragcli.errors import ModelError
from ragcli.models.locate import EMBEDDED_BI_ENCODER, bi_encoder_files, cross_encoder_files
from ragcli.types import Candidate
from tests.records import CHUNKS

QUESTION = "What does a python eat?"
TEXTS = [
    "Pythons are snakes that eat mammals and birds, which they squeeze before they swallow them.",
    "Python is a programming language with readable syntax and a large standard library. " * 4,
    "The Python troupe wrote sketches for television.",
    "Bread",
    "A crane lifts steel beams on a building site; its driver sits far above the ground.",
]


def candidates(*similarities: float) -> list[Candidate]:
    return [
        Candidate(
            chunk=replace(CHUNKS[0], id=str(i), title="", headings=(), text=TEXTS[i]),
            similarity=x,
            base_rank=i + 1,
        )
        for i, x in enumerate(similarities)
    ]


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cross-encoder whose head was never trained, saved as sentence-transformers saves one, in float16."""
    return make_cross_encoder(tmp_path_factory.mktemp("untrained"), labels=1)


def make_cross_encoder(folder: Path, *, labels: int) -> Path:
    import torch
    from transformers import AutoTokenizer, BertForSequenceClassification

    source = bi_encoder_files(EMBEDDED_BI_ENCODER).folder
    torch.manual_seed(7)
    model: Any = BertForSequenceClassification.from_pretrained(source, num_labels=labels)
    model.classifier.weight.data.mul_(30)
    model.half().save_pretrained(folder)
    AutoTokenizer.from_pretrained(source).save_pretrained(folder)
    return folder


class TestTheShippedModel:
    def test_finds_the_right_sense(self, reranker: CrossEncoderReranker) -> None:
        logits = reranker.logits(QUESTION, TEXTS)
        assert logits.index(max(logits)) == 0

    def test_its_logits_are_those_of_transformers_in_float32(self, reranker: CrossEncoderReranker) -> None:
        expected = reference(Path(cross_encoder_files("ragcli").folder), QUESTION, TEXTS)
        assert reranker.logits(QUESTION, TEXTS) == pytest.approx(expected, abs=0.1)

    def test_padding_does_not_change_a_logit(self, reranker: CrossEncoderReranker) -> None:
        together = reranker.logits(QUESTION, TEXTS)
        alone = [reranker.logits(QUESTION, [text])[0] for text in TEXTS]
        assert together == pytest.approx(alone, abs=5e-2)

    def test_the_same_candidates_in_another_order_score_the_same(
        self, reranker: CrossEncoderReranker
    ) -> None:
        assert reranker.logits(QUESTION, TEXTS)[::-1] == reranker.logits(QUESTION, TEXTS[::-1])

    def test_its_probabilities_rise_with_the_logit(self, reranker: CrossEncoderReranker) -> None:
        chances = [reranker.probability(x) for x in (-1000.0, -2.0, 0.0, 2.0, 1000.0)]
        assert chances == sorted(chances)
        assert all(0 <= chance <= 1 for chance in chances)

    def test_its_own_record_names_the_prior_and_the_settings_overrule_it(
        self, reranker: CrossEncoderReranker
    ) -> None:
        record = json.loads((Path(cross_encoder_files("ragcli").folder) / "ragcli.json").read_text())
        own = Prior(record["prior_weight"], record["prior_words"], record["prior_headings"])
        assert reranker.prior == own
        assert load_reranker(RerankingConfig(prior_weight=3.5)).prior == replace(own, weight=3.5)
        assert load_reranker(RerankingConfig(prior_words=0)).prior == replace(own, words=0)
        assert load_reranker(RerankingConfig(prior_headings=0.0)).prior == replace(own, headings=0.0)


class TestOrder:
    def test_is_by_logit_and_weighted_similarity(self, reranker: CrossEncoderReranker) -> None:
        ordered = rerank(reranker, QUESTION, candidates(0.1, 0.2, 0.3, 0.4, 0.5))

        scores = [candidate.score for candidate in ordered]
        assert scores == sorted(scores, key=lambda score: -(score or 0))
        assert [candidate.rank for candidate in ordered] == [1, 2, 3, 4, 5]
        for candidate in ordered:
            assert candidate.logit is not None
            expected = candidate.logit + reranker.prior.weight * candidate.similarity
            assert candidate.score == pytest.approx(expected)
            assert candidate.probability == reranker.probability(candidate.logit)

    def test_the_similarity_weighs_more_where_the_question_is_longer(
        self, reranker: CrossEncoderReranker
    ) -> None:
        words = reranker.prior.words
        assert words > 0, "the shipped model names the length that it is at home with"
        for candidate in rerank(reranker, "snake " * (3 * words), candidates(0.1, 0.2, 0.3)):
            assert candidate.logit is not None
            expected = candidate.logit + 3 * reranker.prior.weight * candidate.similarity
            assert candidate.score == pytest.approx(expected)

    def test_ties_keep_the_base_order(self) -> None:
        tied = [replace(candidate, score=1.0) for candidate in candidates(0.9, 0.8, 0.7)]
        assert [candidate.base_rank for candidate in order_by_score(tied[::-1])] == [1, 2, 3]

    def test_neighbouring_logits_of_float32_are_not_a_tie(self) -> None:
        close = [replace(c, score=9.0 + i * 1e-6) for i, c in enumerate(candidates(0.9, 0.8, 0.7))]
        assert [candidate.base_rank for candidate in order_by_score(close)] == [3, 2, 1]

    def test_nothing_in_nothing_out(self, reranker: CrossEncoderReranker) -> None:
        assert rerank(reranker, QUESTION, []) == ()


class TestWhatIsTooLong:
    def test_a_long_passage_loses_its_end_and_is_counted(self, untrained: Path) -> None:
        model = load_reranker(RerankingConfig(model=str(untrained), max_tokens=64))
        long = "snake " * 100

        cut, same = model.logits(QUESTION, [long, long + "and mercury is a planet"])

        assert cut == same
        assert model.truncated == 2

    def test_a_pair_that_fits_is_not_counted(self, untrained: Path) -> None:
        model = load_reranker(RerankingConfig(model=str(untrained), max_tokens=64))
        model.logits(QUESTION, ["snake"])
        assert model.truncated == 0

    def test_a_question_above_half_the_window_is_cut_first(self, untrained: Path) -> None:
        model = load_reranker(RerankingConfig(model=str(untrained), max_tokens=64))
        question = "why " * 200

        first, second = model.logits(question, ["a snake", "a programming language"])

        assert first != second
        assert model.truncated == 2

    def test_the_window_is_never_longer_than_the_model(self, untrained: Path) -> None:
        assert load_reranker(RerankingConfig(model=str(untrained), max_tokens=10_000)).window == 512


class TestOtherModels:
    def test_one_without_a_record_has_no_prior_and_a_plain_sigmoid(self, untrained: Path) -> None:
        model = load_reranker(RerankingConfig(model=str(untrained)))
        assert model.prior == NO_PRIOR
        assert model.probability(0.0) == 0.5
        assert model.probability(2.0) == pytest.approx(1 / (1 + math.exp(-2)))

    def test_float16_weights_are_computed_as_in_float32(self, untrained: Path) -> None:
        model = load_reranker(RerankingConfig(model=str(untrained)))
        assert model.logits(QUESTION, TEXTS) == pytest.approx(reference(untrained, QUESTION, TEXTS), abs=3e-2)

    @pytest.mark.slow
    def test_another_architecture_takes_the_way_over_transformers(self, tmp_path: Path) -> None:
        folder = make_distilbert(tmp_path)
        model = load_reranker(RerankingConfig(model=str(folder)))
        assert model.logits(QUESTION, TEXTS) == pytest.approx(reference(folder, QUESTION, TEXTS), abs=3e-2)

    def test_one_with_two_labels_is_refused(self, tmp_path: Path) -> None:
        folder = make_cross_encoder(tmp_path, labels=2)
        with pytest.raises(ModelError, match="one label"):
            load_reranker(RerankingConfig(model=str(folder)))

    def test_weights_that_are_not_numbers_never_become_an_order(
        self, untrained: Path, tmp_path: Path
    ) -> None:
        from safetensors.torch import load_file, save_file

        for name in ("config.json", "tokenizer.json"):
            (tmp_path / name).write_bytes((untrained / name).read_bytes())
        weights = load_file(untrained / "model.safetensors")
        weights["classifier.bias"] = weights["classifier.bias"] * math.nan
        save_file(weights, tmp_path / "model.safetensors")

        with pytest.raises(ModelError, match="NaN or infinite"):
            load_reranker(RerankingConfig(model=str(tmp_path))).logits(QUESTION, TEXTS)

    def test_damaged_weights_are_one_error(self, untrained: Path, tmp_path: Path) -> None:
        for name in ("config.json", "tokenizer.json"):
            (tmp_path / name).write_bytes((untrained / name).read_bytes())
        (tmp_path / "model.safetensors").write_bytes(b"nothing that could be read")

        with pytest.raises(ModelError, match="cannot be read"):
            load_reranker(RerankingConfig(model=str(tmp_path)))


def make_distilbert(folder: Path) -> Path:
    """A small DistilBERT with random weights: not a BERT, and without token types."""
    import torch
    from transformers import AutoTokenizer, DistilBertConfig, DistilBertForSequenceClassification

    torch.manual_seed(7)
    config: Any = DistilBertConfig(
        vocab_size=30522, dim=64, n_layers=2, n_heads=4, hidden_dim=128, num_labels=1
    )
    DistilBertForSequenceClassification(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(bi_encoder_files(EMBEDDED_BI_ENCODER).folder).save_pretrained(folder)
    kept = json.loads((folder / "tokenizer_config.json").read_text())
    kept["model_input_names"] = ["input_ids", "attention_mask"]
    (folder / "tokenizer_config.json").write_text(json.dumps(kept))
    return folder


def reference(folder: Path, question: str, texts: list[str]) -> list[float]:
    """The result of sentence-transformers' own CrossEncoder, in float32."""
    import torch
    from sentence_transformers import CrossEncoder

    model: Any = CrossEncoder(
        str(folder), activation_fn=torch.nn.Identity(), max_length=320, model_kwargs={"dtype": torch.float32}
    )
    return [float(logit) for logit in model.predict([(question, text) for text in texts])]
