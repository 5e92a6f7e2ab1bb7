"""The state of each configured model: files, size, licence, device and precision.

Nothing is loaded, and nothing is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from ragcli.config import Config
from ragcli.encoders import bert, encoder_server
from ragcli.errors import RagcliError
from ragcli.llm import client
from ragcli.models import locate
from ragcli.servers.redaction import without_credentials

Origin = Literal["installed", "cache", "folder", "hub", "server"]
"""Where a model is: with the packages, in ragcli's cache, a folder, the hub's cache, on another machine."""

READY = "ready"
_FRONT_MATTER_LICENCE = re.compile(r"^license:\s*(\S+)\s*$", re.MULTILINE)
# "model.Q4_1.gguf" and "model-q4_k_m.gguf": the rest of the name is the precision.
_GGUF_PRECISION = re.compile(r"\A.*[.-](?=q\d)|\.gguf\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model as it would be used.

    `state` is "ready", or says what is missing; `hint` then names the fix. `place` is a folder, a file or a
    server's address, empty if the model is missing. `bytes` is None for a server or a missing model.
    `precision` is used for one question, `bulk_precision` for much text. `release` is the makers' name of an
    embedded LLM.
    """

    role: str
    name: str
    state: str
    hint: str
    origin: Origin
    place: str
    bytes: int | None
    licence: str
    device: str
    precision: str
    bulk_precision: str
    release: str = ""


def model_entries(config: Config) -> tuple[ModelEntry, ...]:
    """The configured bi-encoder, cross-encoder and LLM. No server is asked."""
    look_at_bi_encoder = partial(encoder_server.check, "embedding", config.embedding)
    look_at_cross_encoder = partial(encoder_server.check, "reranking", config.reranking)
    return (
        _served("bi-encoder", config.embedding.model, config.embedding.url, look_at_bi_encoder)
        if config.embedding.url
        else _encoder("bi-encoder", config.embedding.model, locate.bi_encoder_files, _bi_encoder_precisions),
        _served("cross-encoder", config.reranking.model, config.reranking.url, look_at_cross_encoder)
        if config.reranking.url
        else _encoder("cross-encoder", config.reranking.model, locate.cross_encoder_files, _cross_precisions),
        _local_llm(config)
        if config.llm.embedded
        else _served("LLM", config.llm.model, config.llm.base_url, partial(client.check, config.llm)),
    )


def model_rows(config: Config) -> list[dict[str, str]]:
    """Role, name, server ("" for none), state and hint of each model. Nothing is loaded, no server asked.

    The state is "ready", "not asked" where a server runs the model, or what is missing.
    """
    rows = []
    for entry in model_entries(config):
        served = entry.origin == "server"
        state = "not asked" if served and entry.state == READY else entry.state
        server = entry.place if served else ""
        rows.append(
            {"role": entry.role, "name": entry.name, "server": server, "state": state, "hint": entry.hint}
        )
    return rows


def _encoder(
    role: str,
    name: str,
    find: Callable[..., locate.ModelFiles],
    precisions: Callable[[str, Path], tuple[str, str]],
) -> ModelEntry:
    try:
        files = find(name, fetch=False)
        folder = Path(files.folder)
        single, bulk = precisions(name, folder)
    except RagcliError as error:
        return ModelEntry(role, name, error.message, error.hint, _origin(name), "", None, "", "cpu", "", "")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return ModelEntry(
        role, name, READY, "", _origin(name), files.folder, size, licence_of(folder), "cpu", single, bulk
    )


def _local_llm(config: Config) -> ModelEntry:
    place, size, licence, precision, release = "", None, "", "", ""
    try:
        embedded = client.embedded_llm(config.llm)
        licence, release = embedded.licence, embedded.release
        precision = _GGUF_PRECISION.sub("", embedded.file).upper()
        file = locate.llm_file(embedded)
    except RagcliError as error:
        state, hint = error.message, error.hint
    else:
        state, hint, place, size = READY, "", str(file), file.stat().st_size
    origin: Origin = "installed" if place and not is_in_cache(Path(place)) else "cache"
    return ModelEntry(
        "LLM",
        config.llm.model,
        state,
        hint,
        origin,
        place,
        size,
        licence,
        "cpu",
        precision,
        precision,
        release,
    )


def _served(role: str, name: str, url: str, look: Callable[[], object]) -> ModelEntry:
    try:
        look()
    except RagcliError as error:
        state, hint = error.message, error.hint
    else:
        state, hint = READY, ""
    place = without_credentials(url)
    return ModelEntry(role, name, state, hint, "server", place, None, "", "the server's", "", "")


def licence_of(folder: Path) -> str:
    """From the model's own card, in lower case; empty if there is no card or it does not say."""
    try:
        card = (folder / "README.md").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    found = _FRONT_MATTER_LICENCE.search(card)
    return found.group(1).lower() if found else ""


def is_in_cache(file: Path) -> bool:
    return file.is_relative_to(locate.cache_folder())


def _origin(name: str) -> Origin:
    if name in (locate.EMBEDDED_BI_ENCODER, locate.SHIPPED_CROSS_ENCODER):
        return "installed"
    looks_like_path = name.count("/") > 1 or name.startswith((".", "/", "~"))
    return "folder" if looks_like_path or Path(name).expanduser().is_dir() else "hub"


def _bi_encoder_precisions(name: str, folder: Path) -> tuple[str, str]:
    """As `embedding.load_bi_encoder` loads it: sentence-transformers computes in float32."""
    if name == locate.EMBEDDED_BI_ENCODER and bert.is_plain_bert(folder):
        return "float32", locate.precision()
    return "float32", "float32"


def _cross_precisions(_name: str, folder: Path) -> tuple[str, str]:
    """As `reranking.load_reranker` loads it: the candidates of a question are much text."""
    return locate.precision(), locate.precision()
