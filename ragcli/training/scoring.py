"""Scoring pairs with a network that was just trained, or any other of its kind: by length, in batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ragcli.training.network import encode_pairs


def score_pairs(
    network: Any,
    tokenizer: Any,
    questions: Sequence[str],
    passages: Sequence[str],
    *,
    max_tokens: int = 320,
    batch_size: int = 32,
) -> list[float]:
    """Logits in the order given. The network's own device and precision are used, but for the last layer: its
    logits are float32, as those of the written model will be (a bfloat16 logit has eight bits, and ties).
    """
    import torch

    order = sorted(range(len(passages)), key=lambda i: len(questions[i]) + len(passages[i]))
    logits = [0.0] * len(passages)
    with torch.inference_mode(), _head_in_float32(network):
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            encoded = encode_pairs(
                tokenizer, [questions[i] for i in batch], [passages[i] for i in batch], max_tokens
            )
            out = network(**{key: value.to(network.device) for key, value in encoded.items()}).logits
            for i, logit in zip(batch, out.float().view(-1).tolist(), strict=True):
                logits[i] = logit
    return logits


@contextmanager
def _head_in_float32(network: Any) -> Iterator[None]:
    def widen(_module: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(part.float() for part in inputs)

    head = network.classifier
    before = head.weight.dtype if hasattr(head, "weight") else None
    if before is None:  # a head of several layers: left as it is
        yield
        return
    head.float()
    hook = head.register_forward_pre_hook(widen)
    try:
        yield
    finally:
        hook.remove()
        head.to(before)
