"""A run as a JSON file, and back. Reports write it together with its summary."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ragcli.errors import UsageError
from ragcli.evaluation.records import Run

KIND = "evaluation"
SCHEMA = 1
_HINT = "Use a file written by: ragcli eval QUESTIONS --report FILE.json"


def run_fields(run: Run) -> dict[str, Any]:
    """The run as JSON: a logit that is not a finite number becomes null."""
    fields = asdict(run)
    for part in (fields, *fields["others"]):
        for scoring in part["scorings"]:
            scoring["logits"] = [
                [logit if math.isfinite(logit) else None for logit in row] for row in scoring["logits"]
            ]
    return fields


def read_run(path: Path) -> Run:
    """Raises UsageError if the file is missing or is something else."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", hint=_HINT) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON: {error}.", hint=_HINT) from error
    if not isinstance(document, dict) or document.get("kind") != KIND or "run" not in document:
        raise UsageError(f"{path} contains no evaluation.", hint=_HINT)
    if document.get("schema") != SCHEMA:
        raise UsageError(
            f"{path} was written by another version of ragcli (schema {document.get('schema')}).",
            hint="Evaluate again with this version.",
        )
    try:
        return TypeAdapter(Run).validate_python(_with_numbers(document["run"]))
    except (ValidationError, TypeError, KeyError, AttributeError) as error:
        raise UsageError(f"{path} is damaged: {_first(error)}.", hint="Evaluate again.") from error


def _with_numbers(run: dict[str, Any]) -> dict[str, Any]:
    others = [_with_numbers(other) for other in run.get("others", ())]
    scorings = [
        {
            **scoring,
            "logits": [[math.nan if logit is None else logit for logit in row] for row in scoring["logits"]],
        }
        for scoring in run["scorings"]
    ]
    return {**run, "scorings": scorings, **({"others": others} if others else {})}


def _first(error: Exception) -> str:
    if isinstance(error, ValidationError):
        wrong = error.errors()[0]
        return f"{'.'.join(map(str, wrong['loc']))}: {wrong['msg']}"
    return f"{type(error).__name__} {error}"
