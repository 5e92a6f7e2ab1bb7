"""One judge's way through the pools: what comes next, what was decided, and how long the rest takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ragcli.judging.pool_file import Plan
from ragcli.judging.pools import Pool, PooledPassage
from ragcli.judging.verdicts import Verdict, verdict

SECONDS_A_PASSAGE = 10.0
"""Until there is a pace to go by."""

LONGEST_PAUSE = 120.0
"""In seconds. Who takes longer over a passage was away."""


class Sitting:
    """`save` gets all pools after each decision."""

    def __init__(self, plan: Plan, pools: Sequence[Pool], save: Callable[[Sequence[Pool]], None]) -> None:
        self.plan = plan
        self.pools = list(pools)
        self._save = save

    @property
    def place(self) -> int | None:
        """Of the first pool that is not judged whole; None where there is none."""
        return next((place for place, pool in enumerate(self.pools) if not pool.is_done), None)

    @property
    def passage(self) -> PooledPassage:
        """The one to judge now."""
        assert self.place is not None
        pool = self.pools[self.place]
        return next(passage for passage in pool.passages if passage.id not in pool.decisions)

    @property
    def verdict(self) -> Verdict:
        return verdict(self.plan, self.pools)

    def goes_on(self, everything: bool) -> bool:
        """Whether there is a passage to judge; with `everything` after the verdict too."""
        return self.place is not None and (everything or self.verdict.state == "open")

    def decide(self, gain: float | None, seconds: float) -> None:
        """None skips the passage."""
        assert self.place is not None
        seconds = min(seconds, LONGEST_PAUSE)
        self._set(self.place, self.pools[self.place].decided(self.passage.id, gain, seconds))

    def undo(self) -> None:
        """Takes the last decision back; nothing where there is none."""
        begun = [place for place, pool in enumerate(self.pools) if pool.decisions]
        if begun:
            pool = self.pools[begun[-1]]
            last = [passage.id for passage in pool.passages if passage.id in pool.decisions][-1]
            self._set(begun[-1], pool.undecided(last))

    @property
    def minutes_left(self) -> float:
        """To the planned number of questions, at the pace so far."""
        decided = sum(len(pool.decisions) for pool in self.pools)
        pace = sum(pool.seconds for pool in self.pools) / decided if decided else SECONDS_A_PASSAGE
        left = [len(pool.passages) - len(pool.decisions) for pool in self.pools if not pool.is_done]
        wanted = self.plan.bets.questions - self.verdict.questions
        return sum(left[: max(0, wanted)]) * pace / 60

    def _set(self, place: int, pool: Pool) -> None:
        self.pools[place] = pool
        self._save(self.pools)
