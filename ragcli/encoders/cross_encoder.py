"""A cross-encoder's network: tokenised pairs of question and text become logits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from ragcli.encoders.bert import is_plain_bert, load_encoder, load_tokenizer, pad
from ragcli.errors import ModelError, first_line
from ragcli.models.locate import precision, read_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Encoding, Tokenizer

    Logits: TypeAlias = NDArray[np.float32]


class Network(Protocol):
    """`longest` is the longest pair in tokens, including special tokens; `score` gives float32, (pairs,)."""

    tokenizer: Tokenizer
    longest: int

    def score(self, pairs: Sequence[Encoding]) -> Logits: ...


def load_network(name: str, folder: Path) -> Network:
    """The one in this folder; `name` is its name in messages. Raises ModelError."""
    return _PlainBert(folder) if _is_plain(folder) else AnyModel(name, folder)


class _PlainBert:
    """A BERT with pooler and one-label classifier, such as the shipped cross-encoder."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer = load_tokenizer(folder)
        self.longest = _positions(folder)
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


class AnyModel:
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
            hint = "Name a cross-encoder with one label: its folder, or its name on the hub."
            raise ModelError(
                f"The cross-encoder {name} cannot be loaded: {first_line(error)}", hint=hint
            ) from error
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
    """The classifier returns float32: a bf16 logit has eight bits, and neighbours would tie."""
    import torch

    def widen(_module: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(part.float() if torch.is_tensor(part) else part for part in inputs)

    for name in ("classifier", "score"):
        head: Any = getattr(model, name, None)
        if head is not None:
            head.float()
            hook: Callable[..., Any] = widen
            head.register_forward_pre_hook(hook)


def _positions(folder: Path) -> int:
    found = read_json(folder / "config.json").get("max_position_embeddings", 512)
    if isinstance(found, bool) or not isinstance(found, int):
        raise ModelError(
            f"max_position_embeddings of the model is not a number: {found!r}", hint="Fetch the model again."
        )
    return found


def _is_plain(folder: Path) -> bool:
    labels = read_json(folder / "config.json")
    named = labels.get("id2label")
    one_label = labels.get("num_labels", len(named if isinstance(named, dict) else ())) == 1
    architectures = labels.get("architectures")
    return is_plain_bert(folder) and one_label and architectures == ["BertForSequenceClassification"]
