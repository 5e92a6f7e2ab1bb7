"""A teacher's soft labels: another bi-encoder's similarities over the mined lists. In training alone.

A better bi-encoder knows more of what texts are about, and it can say so of any question and any passage,
judged or not. Its similarities are the label, or they are added to what the cross-encoder that training
starts from ranks by: then the label holds what that one knows. What came of it: bench/reranker-log.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragcli.encoders.model_facts import FILE
from ragcli.encoders.prior import Prior
from ragcli.errors import ModelError, TrainingError
from ragcli.models.locate import bi_encoder_files, cross_encoder_files
from ragcli.training.mining import Example
from ragcli.training.network import load_tokenizer, new_network, training_dtype
from ragcli.training.pairs import titled
from ragcli.training.scoring import score_pairs

if TYPE_CHECKING:
    from ragcli.training.mining import Embed
    from ragcli.training.recipe import Recipe

    Teach = Callable[[Sequence[Example]], tuple[Example, ...]]

BATCH = 32  # texts


@dataclass(frozen=True, slots=True)
class Teacher:
    """`load` is called where something is not in the cache of mined sets, once for each such set."""

    fingerprint: str
    load: Callable[[], Teach]


def recipe_teacher(recipe: Recipe, folder: Path, base: Path, device: str) -> Teacher:
    """The teacher in `folder`, for the recipe's student, which starts from `base`.

    Raises ModelError if the folder does not contain a bi-encoder.
    """
    teacher = open_teacher(folder, max_tokens=recipe.model.max_tokens, device=device)
    if recipe.teacher_weight is None:
        return teacher
    prior = Prior(recipe.prior_weight or 0.0, recipe.prior_words)
    return added_to_order(teacher, base, recipe.teacher_weight, prior, device)


def open_teacher(folder: Path, *, max_tokens: int, device: str) -> Teacher:
    """The sentence-transformers model in `folder`; texts are cut to `max_tokens`, as the student reads them.

    Raises ModelError if the folder does not contain such a model.
    """
    files = bi_encoder_files(str(folder))

    def load() -> Teach:
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

        return lambda examples: by_cosines(examples, embed)

    return Teacher(files.fingerprint, load)


def added_to_order(teacher: Teacher, base: Path, weight: float, prior: Prior, device: str) -> Teacher:
    """A teacher whose label is logit + prior x similarity + `weight` x the cosine of `teacher`: what the
    cross-encoder in `base` ranks by, and what `teacher` adds.

    Raises TrainingError if `base` is not a cross-encoder that ragcli trained.
    """
    if not (base / FILE).is_file():
        raise TrainingError(
            f"the recipe has a teacher_weight, and its base {base} does not rank yet",
            hint="Leave teacher_weight out, or start from a cross-encoder that ragcli trained.",
        )

    def load() -> Teach:
        cosines = teacher.load()
        network = new_network(base, freeze_embeddings=True, device=device, dtype=training_dtype(device))
        network.eval()
        tokenizer = load_tokenizer(base)

        def teach(examples: Sequence[Example]) -> tuple[Example, ...]:
            questions = [example.question for example in examples for _ in example.passages]
            texts = [text for example in examples for text in read_texts(example)]
            logits = iter(score_pairs(network, tokenizer, questions, texts))
            return tuple(
                _added(example, list(islice(logits, len(example.passages))), weight, prior)
                for example in cosines(examples)
            )

        return teach

    own = cross_encoder_files(str(base)).fingerprint
    return Teacher(f"{teacher.fingerprint} x {weight} + {own} + {prior}", load)


def _added(example: Example, logits: Sequence[float], weight: float, prior: Prior) -> Example:
    nearness = prior.weight_for(example.question)
    parts = zip(logits, example.similarities, example.taught, strict=True)
    return replace(example, taught=tuple(a + nearness * b + weight * c for a, b, c in parts))


def by_cosines(examples: Sequence[Example], embed: Embed) -> tuple[Example, ...]:
    """The same lists, `taught` by the cosines of `embed`."""
    lists = [read_texts(example) for example in examples]
    texts = list(dict.fromkeys([e.question for e in examples] + [text for texts in lists for text in texts]))
    row = dict(zip(texts, embed(texts), strict=True))
    return tuple(
        replace(example, taught=tuple(float(row[example.question] @ row[text]) for text in texts))
        for example, texts in zip(examples, lists, strict=True)
    )


def read_texts(example: Example) -> list[str]:
    """Its passages with their titles, as they are read in use."""
    return [titled(passage, title) for passage, title in zip(example.passages, example.titles, strict=True)]
