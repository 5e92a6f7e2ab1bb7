"""Scoring pairs with a network that was just trained, or any other of its kind: by length, in batches."""

from __future__ import annotations

from collections.abc import Sequence
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
    """Logits in the order given. The network's own device and precision are used; the result is float32."""
    import torch

    order = sorted(range(len(passages)), key=lambda i: len(questions[i]) + len(passages[i]))
    logits = [0.0] * len(passages)
    with torch.inference_mode():
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            encoded = encode_pairs(
                tokenizer, [questions[i] for i in batch], [passages[i] for i in batch], max_tokens
            )
            out = network(**{key: value.to(network.device) for key, value in encoded.items()}).logits
            for i, logit in zip(batch, out.float().view(-1).tolist(), strict=True):
                logits[i] = logit
    return logits
