"""The pipeline's records as JSON and back: what a command and a server say to each other.

A float is written with all its digits, so that a record is the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from ragcli.encoders.occlusion import Occlusion
from ragcli.encoders.prior import Prior
from ragcli.errors import RagcliError
from ragcli.pipeline import Arm, ArmName, Prepared
from ragcli.stopwatch import Stopwatch
from ragcli.types import (
    Answer,
    Candidate,
    Comparison,
    Context,
    Filters,
    Message,
    SearchResult,
    Timing,
)


@dataclass(frozen=True, slots=True)
class Call:
    """What a method of a pipeline takes, by name, and what it gives."""

    arguments: dict[str, Any]
    result: Any


_FILTERED = {"question": str, "filters": Filters}
CALLS = {
    "search": Call({**_FILTERED, "rerank": bool}, SearchResult),
    "compare_search": Call(_FILTERED, Comparison),
    "ask": Call({**_FILTERED, "rerank": bool}, Answer),
    "compare": Call(_FILTERED, Comparison),
    "prepare": Call({**_FILTERED, "compare": bool, "rerank": bool}, Prepared),
    "finish": Call({"prepared": Prepared}, Answer | Comparison),
    "complete": Call({"messages": tuple[Message, ...]}, str),
    "score_sentences": Call({"question": str, "candidate": Candidate}, tuple[tuple[str, float], ...]),
    "explain": Call({"question": str, "candidate": Candidate}, Occlusion),
    "prior": Call({}, Prior),
}


def encode(record: Any, kind: Any) -> Any:
    """A record of type `kind`, as what json writes."""
    if kind is Prepared:
        record, kind = _plain(record), _Prepared
    return _adapter(kind).dump_python(record, mode="json")


def decode(value: Any, kind: Any) -> Any:
    """The record back. Raises ValueError for what is none."""
    if kind is Prepared:
        return _prepared(_adapter(_Prepared).validate_python(value))
    return _adapter(kind).validate_python(value)


def encode_error(error: RagcliError) -> dict[str, Any]:
    return {"type": type(error).__name__, **vars(error)}


def decode_error(fields: dict[str, Any]) -> RagcliError:
    """The error as it was raised. Raises ValueError for one that is not known."""
    try:
        kind = next(kind for kind in _kinds(RagcliError) if kind.__name__ == fields["type"])
        return kind(fields["message"], **{k: v for k, v in fields.items() if k not in ("type", "message")})
    except (StopIteration, KeyError, TypeError) as error:
        raise ValueError(f"not an error of ragcli: {fields}") from error


def _kinds(kind: type[RagcliError]) -> Iterator[type[RagcliError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _kinds(child)


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


@dataclass(frozen=True, slots=True)
class _Arm:
    name: ArmName
    candidates: tuple[Candidate, ...]
    context: Context | None
    timings: tuple[Timing, ...]
    truncated: int


@dataclass(frozen=True, slots=True)
class _Prepared:
    """`Prepared`, with what its stopwatches show."""

    question: str
    candidates: tuple[Candidate, ...]
    timings: tuple[Timing, ...]
    truncated: int
    arms: tuple[_Arm, ...]


def _plain(record: Prepared) -> _Prepared:
    arms = tuple(
        _Arm(arm.name, arm.candidates, arm.context, arm.watch.timings, arm.truncated) for arm in record.arms
    )
    return _Prepared(record.question, record.candidates, record.watch.timings, record.truncated, arms)


def _prepared(found: _Prepared) -> Prepared:
    arms = tuple(
        Arm(arm.name, arm.candidates, arm.context, Stopwatch(arm.timings), arm.truncated)
        for arm in found.arms
    )
    return Prepared(found.question, found.candidates, Stopwatch(found.timings), found.truncated, arms)
