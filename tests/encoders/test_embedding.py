"""Texts become unit vectors, the same ones that sentence-transformers computes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ragcli.config import EmbeddingConfig
from ragcli.encoders.bi_encoder import BiEncoder, load_bi_encoder
from ragcli.errors import ModelError

TEXTS = [
    "Mercury is the smallest planet.",
    "A python is a snake that squeezes its prey, and it can live in trees as well as on the ground. " * 3,
    "rust",
    "Rust is a programming language that keeps memory safe without a garbage collector.",
    "Über die Brücke ging der Fährmann; naïve café, 北京 and emoji 🐍 stay text.",
]


def test_rows_are_unit_float32_in_the_order_of_the_texts(embedder: BiEncoder) -> None:
    rows = embedder.embed(TEXTS)

    assert rows.shape == (len(TEXTS), 384)
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    for row, text in zip(rows, TEXTS, strict=True):
        assert float(row @ embedder.embed([text])[0]) > 0.9999


def test_the_same_texts_in_another_order_give_the_same_vectors(embedder: BiEncoder) -> None:
    assert np.array_equal(embedder.embed(TEXTS)[::-1], embedder.embed(TEXTS[::-1]))


def test_padding_does_not_change_a_vector(embedder: BiEncoder) -> None:
    alone = embedder.embed(TEXTS[:1])[0]
    beside_a_long_one = embedder.embed(TEXTS[:2])[0]
    assert np.abs(alone - beside_a_long_one).max() < 1e-2


def test_no_texts_give_no_rows(embedder: BiEncoder) -> None:
    assert embedder.embed([]).shape == (0, 384)


def test_equal_texts_have_equal_vectors(embedder: BiEncoder) -> None:
    first, _, second = embedder.embed([TEXTS[1], TEXTS[0], TEXTS[1]])
    assert np.array_equal(first, second)


def test_an_empty_text_has_a_vector(embedder: BiEncoder) -> None:
    assert np.isfinite(embedder.embed([""])).all()


def test_nearness_is_meaning(embedder: BiEncoder) -> None:
    question, near, far = embedder.embed(["Which snake squeezes its prey?", TEXTS[1], TEXTS[3]])
    assert question @ near > question @ far + 0.3


def test_texts_beyond_the_window_are_counted(embedder: BiEncoder) -> None:
    before = embedder.truncated
    embedder.embed(["word " * embedder.window])
    assert embedder.truncated == before
    embedder.embed(["word " * (embedder.window + 1), "short"])
    assert embedder.truncated == before + 1


def test_each_batch_is_announced() -> None:
    announced: list[int] = []
    load_bi_encoder(EmbeddingConfig(batch_size=2)).embed(TEXTS, advance=announced.append)
    assert announced == [2, 2, 1]


class TestTokenSpans:
    def test_are_the_places_of_the_tokens(self, embedder: BiEncoder) -> None:
        text = "Rust's borrow-checker"
        assert [text[a:b] for a, b in embedder.token_spans(text)] == [
            *["Rust", "'", "s", "borrow", "-", "check", "er"]
        ]

    def test_are_not_cut_at_the_window(self, embedder: BiEncoder) -> None:
        assert len(embedder.token_spans("word " * 1000)) == 1000

    def test_need_no_torch(self) -> None:
        code = (
            "import sys; from ragcli.config import EmbeddingConfig; "
            "from ragcli.encoders.bi_encoder import load_bi_encoder; "
            "load_bi_encoder(EmbeddingConfig()).token_spans('a text'); "
            "print({'torch', 'transformers'} & sys.modules.keys())"
        )
        outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert outcome.stdout.strip() == "set()"


@pytest.mark.slow
class TestAModelFromAFolder:
    """The embedded model's own folder, read by sentence-transformers: as all other models are."""

    @pytest.fixture(scope="class")
    @classmethod
    def folder(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        from ragcli.models.locate import EMBEDDED_BI_ENCODER, bi_encoder_files

        folder = tmp_path_factory.mktemp("models") / "minilm"
        shutil.copytree(bi_encoder_files(EMBEDDED_BI_ENCODER).folder, folder, copy_function=os.link)
        return folder

    @pytest.fixture(scope="class")
    @classmethod
    def other(cls, folder: Path) -> BiEncoder:
        return load_bi_encoder(EmbeddingConfig(model=str(folder)))

    def test_agrees_with_the_embedded_one(self, embedder: BiEncoder, other: BiEncoder) -> None:
        similarity = (other.embed(TEXTS) * embedder.embed(TEXTS)).sum(axis=1)
        assert similarity.min() > 0.999
        assert (other.dimension, other.window) == (embedder.dimension, embedder.window)

    def test_has_the_same_tokens(self, embedder: BiEncoder, other: BiEncoder) -> None:
        assert other.token_spans("word " * 1000) == embedder.token_spans("word " * 1000)

    def test_counts_what_it_cuts(self, other: BiEncoder) -> None:
        other.embed(["word " * (other.window + 1), "short"])
        assert other.truncated == 1

    def test_damaged_weights_are_one_error(self, folder: Path) -> None:
        broken = folder.parent / "broken"
        shutil.copytree(folder, broken, ignore=lambda *_: ["model.safetensors"])
        (broken / "model.safetensors").write_bytes(b"not weights at all")

        with pytest.raises(ModelError, match="cannot be loaded") as caught:
            load_bi_encoder(EmbeddingConfig(model=str(broken)))
        assert "\n" not in caught.value.message
