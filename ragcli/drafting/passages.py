"""Which passages questions are drafted from: spread over documents and sections, drawn with a seed. Pure."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import TypeVar

from ragcli.drafting.records import KINDS, Kind
from ragcli.types import Chunk

FEWEST_WORDS = 25
"""A passage of fewer holds a heading or a line of a table, and no fact that is worth asking for."""

NEAR_PART = 1 / 3
"""The part of the passages, those with the nearest rivals, that confusable questions are drafted from."""

NEAR = 0.4
"""The least similarity of a rival by the bi-encoder: below it nothing in the index is like the passage."""

T = TypeVar("T")
_WORD = re.compile(r"\w+")


def usable(chunks: Sequence[Chunk]) -> list[Chunk]:
    return [chunk for chunk in chunks if len(_WORD.findall(chunk.text)) >= FEWEST_WORDS]


def spread(chunks: Sequence[Chunk], seed: str) -> list[Chunk]:
    """Every chunk once: documents take turns, within a document its sections do, and chance decides the rest.

    So the first n are as many documents and sections as n can be.
    """
    chance = random.Random(seed)
    by_source: dict[str, dict[tuple[str, ...], list[Chunk]]] = {}
    for chunk in chunks:
        by_source.setdefault(chunk.source, {}).setdefault(chunk.headings, []).append(chunk)
    sources = [
        _in_turn([_shuffled(part, chance) for part in _shuffled([*sections.values()], chance)])
        for sections in by_source.values()
    ]
    return _in_turn(_shuffled(sources, chance))


def near_rivals(similarities: Mapping[str, float]) -> frozenset[str]:
    """The ids of the passages whose nearest passage of another document is nearest. Whether any retrieval
    confuses them is not looked at: questions chosen by that would decide what they are to measure.
    """
    ranked = sorted(similarities, key=lambda name: (-similarities[name], name))
    near = ranked[: round(len(ranked) * NEAR_PART)]
    return frozenset(name for name in near if similarities[name] >= NEAR)


class Queue:
    """The passages of each kind, in an order of its own, without those that were `tried` for it. Those that
    no kind has used come first.
    """

    def __init__(
        self,
        chunks: Sequence[Chunk],
        near: frozenset[str],
        seed: int,
        tried: Sequence[tuple[str, Kind]],
    ) -> None:
        self._tried = set(tried)
        self._used = {chunk_id for chunk_id, _ in tried}
        self._orders: dict[Kind, list[Chunk]] = {kind: spread(chunks, f"{seed} {kind}") for kind in KINDS}
        self._orders["confusable"] = [chunk for chunk in self._orders["confusable"] if chunk.id in near]

    def take(self, kind: Kind) -> Chunk | None:
        """None where none is left."""
        left = [chunk for chunk in self._orders[kind] if (chunk.id, kind) not in self._tried]
        chunk = next((chunk for chunk in left if chunk.id not in self._used), left[0] if left else None)
        if chunk is not None:
            self._tried.add((chunk.id, kind))
            self._used.add(chunk.id)
        return chunk


def _shuffled(parts: Sequence[T], chance: random.Random) -> list[T]:
    return chance.sample(parts, len(parts))


def _in_turn(parts: Sequence[Sequence[T]]) -> list[T]:
    """The first of each, then the second of each, until none is left."""
    return [one for turn in zip_longest(*parts) for one in turn if one is not None]


def most_wanted(kinds: Iterator[Kind], kept: Mapping[Kind, int], shares: Mapping[Kind, float]) -> Kind | None:
    """The kind that is furthest behind its share."""
    wanted = [kind for kind in kinds if shares.get(kind, 0) > 0]
    return min(wanted, key=lambda kind: (kept.get(kind, 0) / shares[kind], -shares[kind]), default=None)
