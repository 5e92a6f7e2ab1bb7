"""A teacher's soft labels: a larger bi-encoder's similarities over the mined lists. In training alone.

A larger bi-encoder knows more of what texts are about, and it can say so of any question and any passage,
judged or not. What it adds is in bench/reranker-log.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragcli.errors import ModelError
from ragcli.models.locate import bi_encoder_files
from ragcli.training.mining import Example
from ragcli.training.network import training_dtype
from ragcli.training.pairs import titled

if TYPE_CHECKING:
    from ragcli.training.mining import Embed

BATCH = 32  # texts


@dataclass(frozen=True, slots=True)
class Teacher:
    """`load` is called where something is not in the cache of mined sets, once for each such set."""

    fingerprint: str
    load: Callable[[], Embed]


def open_teacher(folder: Path, *, max_tokens: int, device: str) -> Teacher:
    """The sentence-transformers model in `folder`; texts are cut to `max_tokens`, as the student reads them.

    Raises ModelError if the folder does not contain such a model.
    """
    files = bi_encoder_files(str(folder))

    def load() -> Embed:
        from safetensors import SafetensorError
        from sentence_transformers import SentenceTransformer

        try:
            model: Any = SentenceTransformer(
                files.folder,
                device=device,
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True, "dtype": training_dtype(device)},
            )
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            raise ModelError(f"The teacher {folder} cannot be loaded: {error}") from error
        model.max_seq_length = min(max_tokens, int(model.max_seq_length or max_tokens))

        def embed(texts: Sequence[str]) -> Any:
            import torch

            rows = model.encode(
                list(texts), batch_size=BATCH, convert_to_tensor=True, show_progress_bar=False
            )
            return torch.nn.functional.normalize(rows.float(), dim=1).cpu().numpy()

        return embed

    return Teacher(files.fingerprint, load)


def teach(examples: Sequence[Example], embed: Embed) -> tuple[Example, ...]:
    """The same lists, `taught` by the cosines of `embed`. It reads passages with their titles, as in use."""
    lists = [
        [titled(passage, title) for passage, title in zip(example.passages, example.titles, strict=True)]
        for example in examples
    ]
    texts = list(dict.fromkeys([e.question for e in examples] + [text for texts in lists for text in texts]))
    row = dict(zip(texts, embed(texts), strict=True))
    return tuple(
        replace(example, taught=tuple(float(row[example.question] @ row[text]) for text in texts))
        for example, texts in zip(examples, lists, strict=True)
    )
