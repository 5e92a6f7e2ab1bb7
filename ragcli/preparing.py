"""Fetch the models that the settings name before they are needed, and take away again what was fetched."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ragcli import llm, models
from ragcli.config import Config
from ragcli.errors import ModelError
from ragcli.inventory import is_in_cache, model_entries
from ragcli.redaction import without_credentials


@dataclass(frozen=True, slots=True)
class FetchedModel:
    """A model that is here because it was fetched. `path` is a file, or the hub cache's folder of a model."""

    role: str
    name: str
    path: Path
    bytes: int


def prepare(config: Config, progress: Callable[[str], None]) -> None:
    """All that the settings name is on this machine afterwards; `progress` gets lines to show.

    Raises ModelError for what cannot be fetched.
    """
    encoders = (
        ("bi-encoder", config.embedding, models.bi_encoder_files),
        ("cross-encoder", config.reranking, models.cross_encoder_files),
    )
    for role, settings, find in encoders:
        name = settings.model
        if settings.url:
            progress(f"The {role} {name} runs on a server.")
            continue
        try:
            files = find(name, fetch=False)
        except ModelError:
            progress(f"Fetching the {role} {name} ...")
            files = find(name)
        progress(f"The {role} is ready: {files.folder}")
    if config.llm.base_url == llm.LOCAL:
        models.prepare_llm(progress)
    else:
        progress(f"The LLM is at {without_credentials(config.llm.base_url)}: nothing to fetch.")


def fetched_models(config: Config) -> tuple[FetchedModel, ...]:
    """What of the models that the settings name was fetched; what came with the packages is not listed."""
    found = []
    for entry in model_entries(config):
        if entry.bytes is None:
            continue
        place = Path(entry.place)
        if entry.origin == "cache" and is_in_cache(place):
            found.append(FetchedModel(entry.role, entry.name, place, entry.bytes))
        elif entry.origin == "hub":
            # models--OWNER--NAME/snapshots/REVISION, as the hub's own client lays it out.
            found.append(FetchedModel(entry.role, entry.name, place.parents[1], entry.bytes))
    return tuple(found)


def remove(fetched: Iterable[FetchedModel]) -> None:
    """Deletes their files. Raises ModelError for the first that cannot be deleted."""
    for model in fetched:
        try:
            if model.path.is_dir():
                shutil.rmtree(model.path)
            else:
                model.path.unlink()
        except OSError as error:
            raise ModelError(
                f"{model.path} cannot be deleted: {error.strerror}.", hint="Check the folder's permissions."
            ) from error
