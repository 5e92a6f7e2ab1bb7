"""The cross-encoder as it is trained: bfloat16 weights for the matrix work, float32 masters for the steps.

On a CPU with AMX this trains faster than autocast and loses nothing: each step is taken in float32 and
rounded once. On a CPU without a fast bfloat16 unit the weights are float32 too: emulated, one step of 32
pairs took 108 s there, against 4 s. Dropout is off: with one pass over the data it only costs (half the
speed, measured).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragcli.models.locate import precision

if TYPE_CHECKING:
    import torch

    from ragcli.training.recipe import ScheduleRecipe

# Padding goes to the next of these, so that a compiled graph exists for every batch after five compilations.
WIDTHS = (64, 96, 128, 160, 192, 256, 320, 512)


# Of a new head: the same for every recipe and seed, since only runs that start alike can be averaged
# (recipes/mean_weights.py).
HEAD_SEED = 7


def training_dtype(device: str) -> torch.dtype:
    """What the matrix work of training and measuring is done in, on this hardware."""
    import torch

    return torch.bfloat16 if device != "cpu" or precision() == "bfloat16" else torch.float32


def load_tokenizer(base: str | Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(base, local_files_only=True, trust_remote_code=False)


def new_network(base: str | Path, *, freeze_embeddings: bool, device: str, dtype: torch.dtype) -> Any:
    """A one-logit sequence classifier over the weights in `base`, in training mode."""
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    config = AutoConfig.from_pretrained(base, num_labels=1, local_files_only=True, trust_remote_code=False)
    for name in ("hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout"):
        if hasattr(config, name):
            setattr(config, name, 0.0)
    with torch.random.fork_rng():
        torch.manual_seed(HEAD_SEED)
        network = AutoModelForSequenceClassification.from_pretrained(
            base,
            config=config,
            dtype=dtype,
            attn_implementation="eager",
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
        )
    if freeze_embeddings:
        for parameter in network.base_model.embeddings.parameters():
            parameter.requires_grad_(False)
    return network.to(device).train()


class MasterWeights:
    """AdamW on float32 copies of a network's trainable weights."""

    def __init__(self, network: Any, schedule: ScheduleRecipe) -> None:
        import torch

        self._weights = [p for p in network.parameters() if p.requires_grad]
        self._masters = [p.detach().float().clone() for p in self._weights]
        matrices = [m for m in self._masters if m.ndim > 1]
        vectors = [m for m in self._masters if m.ndim <= 1]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": matrices, "weight_decay": schedule.weight_decay},
                {"params": vectors, "weight_decay": 0.0},
            ],
            lr=schedule.learning_rate,
            fused=True,
        )
        self._clip = schedule.clip

    def step(self, learning_rate: float) -> None:
        """One update from the gradients in the network, which are cleared."""
        import torch

        for master, weight in zip(self._masters, self._weights, strict=True):
            master.grad = weight.grad.float()
            weight.grad = None
        torch.nn.utils.clip_grad_norm_(self._masters, self._clip)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self.optimizer.step()
        self._write_back()

    def _write_back(self) -> None:
        import torch

        with torch.no_grad():
            for master, weight in zip(self._masters, self._weights, strict=True):
                weight.copy_(master)
                master.grad = None

    def write_into(self, network: Any) -> None:
        """The masters into another network of the same build, of any precision."""
        import torch

        weights = [p for p in network.parameters() if p.requires_grad]
        with torch.no_grad():
            for master, weight in zip(self._masters, weights, strict=True):
                weight.copy_(master)

    def state(self) -> dict[str, Any]:
        return {"masters": self._masters, "optimizer": self.optimizer.state_dict()}

    def load_state(self, state: dict[str, Any]) -> None:
        import torch

        with torch.no_grad():
            for master, saved in zip(self._masters, state["masters"], strict=True):
                master.copy_(saved)
        self.optimizer.load_state_dict(state["optimizer"])
        self._write_back()


def encode_pairs(
    tokenizer: Any, questions: Sequence[str], passages: Sequence[str], max_tokens: int
) -> dict[str, torch.Tensor]:
    """Padded ids of [CLS] question [SEP] passage [SEP]; the longer of the two is cut first."""
    import torch

    encoded = tokenizer(
        list(questions), list(passages), truncation="longest_first", max_length=max_tokens, padding=False
    )
    longest = max(len(ids) for ids in encoded["input_ids"])
    width = min(next(w for w in WIDTHS if w >= longest), max(max_tokens, longest))
    padded = tokenizer.pad(encoded, padding="max_length", max_length=width, return_tensors="pt")
    return {key: padded[key].to(torch.long) for key in padded}
