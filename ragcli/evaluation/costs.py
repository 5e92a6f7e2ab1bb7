"""What a question costs: seconds of each stage, and the LLM's tokens at their prices. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean, quantiles

from ragcli.evaluation.answers import answered_pairs
from ragcli.evaluation.contrasts import main_row
from ragcli.evaluation.depths import rerank_seconds
from ragcli.evaluation.records import ArmAnswer, Run, StageSeconds
from ragcli.evaluation.results import Contrast, Cost, Latency

# Differences of nDCG are read in hundredths.
POINT = 0.01
QUESTIONS, TOKENS = 1_000, 1_000_000
"""Money is of so many questions, prices are of so many tokens."""


def cost(run: Run) -> Cost | None:
    """None where nothing was answered, or the settings name no price. An answer that ragcli declined without
    the LLM costs nothing.
    """
    prices = _prices(run.settings)
    pairs = list(answered_pairs(run))
    if prices is None or not pairs:
        return None
    before, after = (
        QUESTIONS / TOKENS * fmean(_price(answer, *prices) for answer in answers)
        for answers in ([one for _, one, _ in pairs], [other for _, _, other in pairs])
    )
    return Cost(before, after)


def _prices(settings: Mapping[str, object]) -> tuple[float, float] | None:
    config = settings.get("config")
    llm = config.get("llm") if isinstance(config, Mapping) else None
    if not isinstance(llm, Mapping):
        return None
    prices = llm.get("price_in"), llm.get("price_out")
    return None if prices == (None, None) else (float(prices[0] or 0), float(prices[1] or 0))


def _price(answer: ArmAnswer, price_in: float, price_out: float) -> float:
    return answer.prompt_tokens * price_in + answer.completion_tokens * price_out


def latencies(seconds: Sequence[StageSeconds]) -> tuple[Latency, ...]:
    """p50 and p95 of each stage of the first models, in seconds; of reranking, at the greatest depth that was
    timed.
    """
    deepest: dict[str, StageSeconds] = {}
    for stage in seconds:
        if stage.model:
            continue
        if stage.seconds and (stage.stage not in deepest or stage.depth > deepest[stage.stage].depth):
            deepest[stage.stage] = stage
    return tuple(Latency(name, *_p50_and_p95(stage.seconds)) for name, stage in deepest.items())


def _p50_and_p95(values: Sequence[float]) -> tuple[float, float]:
    if len(values) == 1:
        return values[0], values[0]
    cuts = quantiles(values, n=20, method="inclusive")
    return cuts[9], cuts[18]


def milliseconds(run: Run) -> float | None:
    """The median of reranking one question at the depth that the arms have."""
    depths = [stage.depth for stage in run.seconds if stage.stage == "rerank"]
    seconds = rerank_seconds(run.seconds, max(depths)) if depths else None
    return None if seconds is None else 1000 * seconds


def milliseconds_per_point(contrasts: Sequence[Contrast], spent: float | None) -> float | None:
    """What a point of nDCG costs; None where no gain can be shown, or nothing was timed."""
    if spent is None or not contrasts:
        return None
    found = main_row(contrasts[0]).difference
    return spent * POINT / found.mean if found.sure and found.mean > 0 else None
