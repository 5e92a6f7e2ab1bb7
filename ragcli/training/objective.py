"""The loss: cross-entropy over a question's list of passages, against a target that blends gold and soft
labels.

Gold labels alone teach the network where answers are and let it forget what the passages are about; the
similarities of a bi-encoder, as a share of the target, hold on to that; those of a larger one, the teacher,
add what the first does not know (figures in bench/reranker-log.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def listwise_loss(
    logits: torch.Tensor,
    similarities: torch.Tensor,
    taught: torch.Tensor,
    soft_weights: torch.Tensor,
    prior_weights: torch.Tensor,
    *,
    temperature: float,
    prior_share: float,
) -> torch.Tensor:
    """Mean over lists. `logits`, `similarities` and `taught` are (lists, passages), gold in column 0; both
    weights (lists,).

    Target: (1 - soft_weight) x one-hot(gold) + soft_weight x softmax(taught / temperature).
    `prior_share` of the loss is taken on logit + prior weight x similarity, the sum that ranks in use: there
    the network learns what the prior does not know, and leaves alone what it does.
    """
    import torch

    soft = torch.softmax(taught / temperature, dim=1)
    share = soft_weights.unsqueeze(1)
    target = share * soft
    target[:, 0] += 1 - soft_weights

    def cross_entropy(scores: torch.Tensor) -> torch.Tensor:
        return -(target * torch.log_softmax(scores, dim=1)).sum(dim=1).mean()

    alone = cross_entropy(logits.float())
    if not prior_share:
        return alone
    ranked = cross_entropy(logits.float() + prior_weights.unsqueeze(1) * similarities)
    return (1 - prior_share) * alone + prior_share * ranked


def learning_rate(step: int, steps: int, peak: float, warmup: int, decay: float) -> float:
    """Linear warm-up, constant, then linear decay to zero over the last `decay` share of the steps.

    The constant part does not depend on `steps`: a run can be ended early from a checkpoint of it.
    """
    tail = max(1, round(steps * decay))
    rising = (step + 1) / max(1, warmup)
    falling = (steps - step) / tail
    return peak * min(1.0, rising, falling)
