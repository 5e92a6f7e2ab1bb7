"""(question, candidates) -> the same candidates, scored by a cross-encoder and reordered."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from ragcli import model_server
from ragcli.bert import batches, is_plain_bert, load_encoder, load_tokenizer, pad
from ragcli.config import RerankingConfig
from ragcli.errors import ModelError
from ragcli.models import (
    SHIPPED_CROSS_ENCODER,
    cross_encoder_files,
    precision,
    quieten_libraries,
    read_json,
)
from ragcli.pair_window import PairWindow
from ragcli.prior import Prior
from ragcli.reranking_server import ServedReranker
from ragcli.types import Candidate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Encoding, Tokenizer

    Logits: TypeAlias = NDArray[np.float32]


# Sorting by length saves no more padding beyond some thousand pairs, and tokens take memory.
BLOCK = 2048


class _Backend(Protocol):
    """`longest` is the longest pair in tokens, special tokens included."""

    tokenizer: Tokenizer
    longest: int

    def score(self, pairs: Sequence[Encoding]) -> Logits: ...


@dataclass(frozen=True)
class Calibration:
    """Turns a logit into a chance: sigmoid(slope * logit + intercept)."""

    slope: float = 1.0
    intercept: float = 0.0

    def probability(self, logit: float) -> float:
        """The calibrated chance, 0 to 1, that a passage with this logit is relevant."""
        x = self.slope * logit + self.intercept
        return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


class Reranker(Protocol):
    """A cross-encoder, here (`CrossEncoderReranker`) or behind HTTP (`ServedReranker`).

    `window` is the longest pair in tokens, special tokens included; `truncated` counts the pairs so far that
    were longer and were cut, `tokens_lost` what they lost by it. `prior` is what the bi-encoder's
    similarity weighs in the order. `logits` and `logits_of_lists` give raw scores in the order of the texts.
    """

    @property
    def name(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def prior(self) -> Prior: ...
    @property
    def window(self) -> int: ...
    @property
    def truncated(self) -> int: ...
    @property
    def tokens_lost(self) -> int: ...
    @property
    def probability(self) -> Callable[[float], float]: ...
    def logits(self, question: str, texts: Sequence[str]) -> list[float]: ...
    def logits_of_lists(
        self,
        lists: Sequence[tuple[str, Sequence[str]]],
        advance: Callable[[int], None] | None = None,
    ) -> list[list[float]]: ...


class CrossEncoderReranker:
    """A loaded cross-encoder. `window` is the longest pair in tokens, special tokens included.

    `truncated` counts the pairs so far that were longer and were cut, `tokens_lost` what they lost by it.
    `prior` is what the bi-encoder's similarity weighs in the order: from the settings, else from the model's
    own ragcli.json, else nothing.
    """

    def __init__(
        self,
        name: str,
        fingerprint: str,
        backend: _Backend,
        *,
        prior: Prior,
        calibration: Calibration,
        config: RerankingConfig,
    ) -> None:
        self.name = name
        self.fingerprint = fingerprint
        self.prior = prior
        self.calibration = calibration
        self.window = min(config.max_tokens, backend.longest)
        self.probability = calibration.probability
        self._pairs = PairWindow(backend.tokenizer, self.window)
        self._backend = backend
        self._batch_size = config.batch_size

    @property
    def truncated(self) -> int:
        return self._pairs.truncated

    @property
    def tokens_lost(self) -> int:
        return self._pairs.tokens_lost

    def logits(self, question: str, texts: Sequence[str]) -> list[float]:
        """The raw logit of every (question, text), in the order of `texts`; equal texts have equal logits.

        A pair that is too long loses the end of its text; a question above half the window loses its own end
        first. Raises ModelError when the model puts out something that is no number.
        """
        (found,) = self.logits_of_lists([(question, texts)])
        if not all(map(math.isfinite, found)):
            raise ModelError(
                f"The cross-encoder {self.name} puts out scores that are not numbers.",
                hint="Use another model: reranking.model, or --no-rerank.",
            )
        return found

    def logits_of_lists(
        self,
        lists: Sequence[tuple[str, Sequence[str]]],
        advance: Callable[[int], None] | None = None,
    ) -> list[list[float]]:
        """`logits` for many questions with their texts, in batches across questions; a list for each.

        What is no number is handed back as it is. `advance` gets the number of pairs of each finished batch.
        """
        found: list[list[float]] = []
        for block in _blocks(lists):
            found += self._score_block(block, advance)
        return found

    def _score_block(
        self, lists: Sequence[tuple[str, Sequence[str]]], advance: Callable[[int], None] | None
    ) -> list[list[float]]:
        pairs = [pair for question, texts in lists for pair in self._pairs.encode(question, texts)]
        # Equal pairs are scored once: in a batch, equal rows may differ in the last bit, and would not tie.
        places: dict[tuple[int, ...], list[int]] = {}
        for place, pair in enumerate(pairs):
            places.setdefault(tuple(pair.ids), []).append(place)
        # By length, so that little is padded; then by tokens, so that the callers' order does not matter.
        ordered = sorted(places, key=lambda ids: (len(ids), ids))
        found = [0.0] * len(pairs)
        for part in batches([len(ids) for ids in ordered], self._batch_size):
            batch = [places[ids] for ids in ordered[part]]
            scores = self._backend.score([pairs[equals[0]] for equals in batch])
            for equals, score in zip(batch, scores, strict=True):
                for place in equals:
                    found[place] = float(score)
            if advance is not None:
                advance(sum(map(len, batch)))
        rest = iter(found)
        return [list(islice(rest, len(texts))) for _, texts in lists]


def _blocks(
    lists: Sequence[tuple[str, Sequence[str]]],
) -> Iterator[list[tuple[str, Sequence[str]]]]:
    """Whole lists of about BLOCK pairs: what is sorted by length, and held in memory, at once."""
    block: list[tuple[str, Sequence[str]]] = []
    for one in lists:
        block.append(one)
        if sum(len(texts) for _, texts in block) >= BLOCK:
            yield block
            block = []
    if block:
        yield block


def check(config: RerankingConfig) -> str:
    """The fingerprint of the model that the settings name; "" where a server runs it.

    Raises what `load_reranker` would raise for missing files or a missing key. Loads nothing, asks nobody.
    """
    if config.url:
        model_server.check("reranking", config)
        return ""
    return cross_encoder_files(config.model).fingerprint


def load_reranker(config: RerankingConfig) -> Reranker:
    """The cross-encoder that the settings name. Raises ModelError; ServerError: a server without its key."""
    if config.url:
        own = _own_settings(_folder_of_served(config.model))
        return ServedReranker(
            config,
            prior=_prior(config, own),
            probability=_calibration(own).probability,
        )
    files = cross_encoder_files(config.model)
    quieten_libraries()
    folder = Path(files.folder)
    own = _own_settings(folder)
    backend: _Backend = _PlainBert(folder) if _is_plain(folder) else _AnyModel(config.model, folder)
    return CrossEncoderReranker(
        files.name,
        files.fingerprint,
        backend,
        prior=_prior(config, own),
        calibration=_calibration(own),
        config=config,
    )


def _folder_of_served(name: str) -> Path | None:
    """Where this machine has the model as well: its prior and its calibration hold wherever it runs."""
    if name == SHIPPED_CROSS_ENCODER:
        return Path(cross_encoder_files(name).folder)
    folder = Path(name).expanduser()
    return folder if folder.is_dir() else None


def _own_settings(folder: Path | None) -> dict[str, object]:
    return {} if folder is None else read_json(folder / "ragcli.json")


def _prior(config: RerankingConfig, own: dict[str, object]) -> Prior:
    recorded = prior_of(own)
    return Prior(
        recorded.weight if config.prior_weight is None else config.prior_weight,
        recorded.words if config.prior_words is None else config.prior_words,
    )


def prior_of(own: dict[str, object]) -> Prior:
    """What a model's own ragcli.json names; nothing where it names none. Raises ModelError."""
    return Prior(_number(own, "prior_weight", 0.0), int(_number(own, "prior_words", 0)))


def _calibration(own: dict[str, object]) -> Calibration:
    scale = _dict(own.get("calibration"))
    return Calibration(_number(scale, "slope", 1.0), _number(scale, "intercept", 0.0))


def rerank(reranker: Reranker, question: str, candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The candidates with logit, score, probability and rank, best first; ties keep the base order."""
    logits = reranker.logits(question, [candidate.chunk.passage for candidate in candidates])
    weight = reranker.prior.weight_for(question)
    return order_by_score(
        [
            replace(
                candidate,
                logit=logit,
                score=logit + weight * candidate.similarity,
                probability=reranker.probability(logit),
            )
            for candidate, logit in zip(candidates, logits, strict=True)
        ]
    )


def order_by_score(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Scored candidates with their rank set, best first; ties keep the base order."""
    ordered = sorted(candidates, key=lambda c: (-(c.score or 0.0), c.base_rank))
    return tuple(replace(candidate, rank=rank) for rank, candidate in enumerate(ordered, start=1))


class _PlainBert:
    """A BERT with pooler and one-label classifier, as the shipped cross-encoder is one."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer = load_tokenizer(folder)
        self.longest = int(_number(read_json(folder / "config.json"), "max_position_embeddings", 512))
        self._encoder = load_encoder(folder, prefix="bert.", first=True, bulk=True)
        try:
            names = ("bert.pooler.dense", "classifier")
            self._head = [
                self._encoder.head[f"{name}.{part}"] for name in names for part in ("weight", "bias")
            ]
        except KeyError as error:
            raise ModelError(
                f"The weights in {folder} lack {error}: this is not a cross-encoder.",
                hint="Train one with: ragcli train, or name another model.",
            ) from error

    def score(self, pairs: Sequence[Encoding]) -> Logits:
        import numpy as np

        pooler, pooler_bias, weight, bias = self._head
        first = self._encoder.states(pad(pairs))[:, 0]
        pooled = np.tanh(first @ pooler.T + pooler_bias)
        scores: Logits = (pooled @ weight.T + bias)[:, 0]
        return scores


class _AnyModel:
    """Any other cross-encoder with one label, as transformers reads it."""

    def __init__(self, name: str, folder: Path) -> None:
        import torch
        from safetensors import SafetensorError
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        try:
            reader: Any = AutoTokenizer.from_pretrained(
                str(folder), local_files_only=True, trust_remote_code=False
            )
            self._model: Any = AutoModelForSequenceClassification.from_pretrained(
                str(folder),
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                dtype=torch.bfloat16 if precision() == "bfloat16" else torch.float32,
            ).eval()
        except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            hint = "Name a cross-encoder with one label: its folder, or its name on the hub."
            raise ModelError(f"The cross-encoder {name} cannot be loaded: {reason}", hint=hint) from error
        if self._model.config.num_labels != 1 or not hasattr(reader, "backend_tokenizer"):
            raise ModelError(
                f"The model {name} is not a cross-encoder with one label and a fast tokenizer.",
                hint="Name another one, such as cross-encoder/ms-marco-MiniLM-L6-v2.",
            )
        _keep_head_float32(self._model)
        self.tokenizer = reader.backend_tokenizer
        self.tokenizer.no_padding()
        self._padding_id = int(reader.pad_token_id or 0)
        self._takes_types = "token_type_ids" in reader.model_input_names
        positions = int(getattr(self._model.config, "max_position_embeddings", 512))
        self.longest = min(positions, int(reader.model_max_length))

    def score(self, pairs: Sequence[Encoding]) -> Logits:
        import torch

        ids, types, mask = (torch.from_numpy(part) for part in pad(pairs, self._padding_id))
        extra = {"token_type_ids": types} if self._takes_types else {}
        with torch.inference_mode():
            logits = self._model(input_ids=ids, attention_mask=mask, **extra).logits
        scores: Logits = logits[:, 0].float().numpy()
        return scores


def _keep_head_float32(model: Any) -> None:
    """The classifier puts out float32: a bf16 logit has eight bits, and neighbours would tie."""
    import torch

    def widen(_module: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(part.float() if torch.is_tensor(part) else part for part in inputs)

    for name in ("classifier", "score"):
        head: Any = getattr(model, name, None)
        if head is not None:
            head.float()
            hook: Callable[..., Any] = widen
            head.register_forward_pre_hook(hook)


def _is_plain(folder: Path) -> bool:
    labels = read_json(folder / "config.json")
    one_label = labels.get("num_labels", len(_dict(labels.get("id2label")))) == 1
    architectures = labels.get("architectures")
    return is_plain_bert(folder) and one_label and architectures == ["BertForSequenceClassification"]


def _dict(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _number(settings: dict[str, object], key: str, default: float) -> float:
    value = settings.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ModelError(f"{key} of the model is not a number: {value!r}", hint="Fetch the model again.")
    return float(value)
