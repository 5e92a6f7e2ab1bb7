"""One arm: candidates in their final order become an answer with citations."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ragcli import prompting
from ragcli.config import Config
from ragcli.llm import LLM
from ragcli.stopwatch import Stopwatch
from ragcli.types import Answer, Candidate, Context, Usage

ScoreTexts = Callable[[str, Sequence[str]], Sequence[float]]


@dataclass(frozen=True, slots=True)
class Arm:
    """What an arm works with. `score_texts` is None in the base arm: it must not profit from the cross-encoder."""

    config: Config
    llm: LLM
    score_texts: ScoreTexts | None


