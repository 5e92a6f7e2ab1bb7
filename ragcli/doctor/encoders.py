"""The encoders: their files, and whether they compute what they should."""

from __future__ import annotations

from ragcli.config import EmbeddingConfig, RerankingConfig
from ragcli.doctor import known_values
from ragcli.doctor.known_values import KnownValues
from ragcli.doctor.records import Finding, problem
from ragcli.embedding import BiEncoder, load_bi_encoder
from ragcli.errors import RagcliError
from ragcli.models import bi_encoder_files, cross_encoder_files
from ragcli.reranking import Reranker, load_reranker

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
    compared = _compared_served if config.url else _compared
    return compared(part, what, config.model, found, SIMILARITY_TOLERANCE), embedder


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
    compared = _compared_served if config.url else _compared
    return compared(part, config.model, config.model, found, LOGIT_TOLERANCE), reranker


def _compared_served(part: str, what: str, model: str, found: KnownValues, tolerance: float) -> Finding:
    """What a server runs is known by its name alone: it may be another model, or the same one."""
    expected = known_values.known(model)
    scored = f"{what}, served: scores the known pair {found.relevant:.3f}"
    if expected is None:
        return Finding(part, "ok", f"{scored} (nothing to compare with)")
    if found.differs(expected) > tolerance:
        wrong = f"{scored}; ragcli's own model of this name scores it {expected.relevant:.3f}"
        return Finding(part, "warning", wrong, f"Look which model the server calls {model}.")
    return Finding(part, "ok", f"{scored} as expected")


def _compared(part: str, what: str, model: str, found: KnownValues, tolerance: float) -> Finding:
    expected = known_values.known(model)
    scored = f"{what}: scores the known pair {found.relevant:.3f}"
    if expected is None:
        return Finding(part, "ok", f"{scored} (a model of yours: nothing to compare with)")
    if expected.fingerprint != found.fingerprint:
        fix = "make known-values"
        return Finding(part, "warning", f"{scored}; the expected value is of other weights", fix)
    if found.differs(expected) > tolerance:
        wrong = f"{scored}, expected is {expected.relevant:.3f}: this machine computes something else"
        return Finding(part, "broken", wrong, "pip install --force-reinstall onnxruntime numpy tokenizers")
    return Finding(part, "ok", f"{scored} as expected")


def check_order(reranker: Reranker) -> Finding:
    """The passage that answers is first, and no two of three different passages tie."""
    part = "reranking"
    found = known_values.logits(reranker)
    shown = ", ".join(f"{logit:.2f}" for logit in (found.relevant, *found.irrelevant))
    fix = "Set reranking.model to ragcli."
    if found.relevant <= max(found.irrelevant):
        return Finding(part, "broken", f"the passage that answers is not first: logits {shown}", fix)
    if len({found.relevant, *found.irrelevant}) <= len(found.irrelevant):
        return Finding(part, "broken", f"different passages tie: logits {shown}", fix)
    return Finding(part, "ok", f"the passage that answers is first, no ties: logits {shown}")
