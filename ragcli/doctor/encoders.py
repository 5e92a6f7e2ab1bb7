"""The encoders: their files, and whether they compute the right values."""

from __future__ import annotations

from ragcli.config import EmbeddingConfig, RerankingConfig
from ragcli.doctor import known_values
from ragcli.doctor.finding import Finding, problem
from ragcli.doctor.known_values import KnownValues
from ragcli.encoders.bi_encoder import BiEncoder, load_bi_encoder
from ragcli.encoders.reranking import Reranker, load_reranker
from ragcli.errors import RagcliError
from ragcli.models.locate import bi_encoder_files, cross_encoder_files

# Float32 on other processors differs in the fifth digit, bfloat16 (larger models) in the third.
SIMILARITY_TOLERANCE = 0.01
LOGIT_TOLERANCE = 0.1


def check_bi_encoder(config: EmbeddingConfig) -> tuple[Finding, BiEncoder | None]:
    """Files, hash and the known pair; with the loaded encoder where it can be loaded."""
    part = "bi-encoder"
    try:
        if not config.url:
            bi_encoder_files(config.model, fetch=False)
        embedder = load_bi_encoder(config)
        found = known_values.similarities(embedder)
    except RagcliError as error:
        return problem(part, "broken", error), None
    what = f"{config.model}, {embedder.dimension} dimensions"
    return _compared(part, what, config, found, SIMILARITY_TOLERANCE), embedder


def check_cross_encoder(config: RerankingConfig) -> tuple[Finding, Reranker | None]:
    """Files, hash and the known pair; with the loaded reranker where it can be loaded."""
    part = "cross-encoder"
    try:
        if not config.url:
            cross_encoder_files(config.model, fetch=False)
        reranker = load_reranker(config)
        found = known_values.logits(reranker)
    except RagcliError as error:
        return problem(part, "broken", error), None
    return _compared(part, config.model, config, found, LOGIT_TOLERANCE), reranker


def _compared(
    part: str, what: str, config: EmbeddingConfig | RerankingConfig, found: KnownValues, tolerance: float
) -> Finding:
    """A local model is identified by its weights, one on a server only by its name."""
    expected = known_values.known(config.model)
    scored = f"{what}{', served' if config.url else ''}: scores the known pair {found.relevant:.3f}"
    if expected is None:
        return Finding(part, "ok", f"{scored} (your own model: nothing to compare with)")
    if not config.url and expected.fingerprint != found.fingerprint:
        fix = "make known-values"
        return Finding(part, "warning", f"{scored}; the expected value is for other weights", fix)
    # A served model that differs too much was already refused when it was loaded.
    if config.url or found.differs(expected) <= tolerance:
        return Finding(part, "ok", f"{scored} as expected")
    wrong = f"{scored}, expected is {expected.relevant:.3f}: this machine computes different scores"
    return Finding(part, "broken", wrong, "pip install --force-reinstall onnxruntime numpy tokenizers")


def check_order(reranker: Reranker) -> Finding:
    """The passage with the answer is first, and no two of three different passages tie."""
    part = "reranking"
    found = known_values.logits(reranker)
    shown = ", ".join(f"{logit:.2f}" for logit in (found.relevant, *found.irrelevant))
    fix = "Set reranking.model to ragcli."
    if found.relevant <= max(found.irrelevant):
        return Finding(part, "broken", f"the passage that answers is not first: logits {shown}", fix)
    if len({found.relevant, *found.irrelevant}) <= len(found.irrelevant):
        return Finding(part, "broken", f"different passages tie: logits {shown}", fix)
    return Finding(part, "ok", f"the passage that answers is first, no ties: logits {shown}")
