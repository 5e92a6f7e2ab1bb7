"""How a command finds the server of its settings: by a file that only the user can read.

    FOLDER/KEY.json   where the server listens, and the token that it wants
    FOLDER/KEY.lock   held by the server; the system lets go of it when the server dies

FOLDER is ragcli's in the system's runtime folder, or in its cache. KEY stands for everything that a server
opens once: another collection, model or ragcli is another server's. A file that a killed server left behind
is harmless: whoever answers at its port cannot prove that it knows the token.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ragcli import __version__
from ragcli.config import Config
from ragcli.errors import RagcliError
from ragcli.models.locate import cache_folder

KEPT = ("collection", "store", "embedding", "reranking", "llm")
"""The settings that a server is opened with. All others may differ from question to question."""

RUNTIME_FOLDERS = Path("/run/user")
"""Where systemd keeps them, one for each user's number."""

SECONDS_TO_START = 1.0
"""How long a second server waits for the lock before it says that there is a first one."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A server as it announced itself. `address` is "127.0.0.1:7466"; `token` is for commands alone."""

    address: str
    token: str
    pid: int
    started_at: str

    def shown(self) -> dict[str, object]:
        """What others may read of it: all but the token."""
        return {"address": self.address, "pid": self.pid, "started_at": self.started_at}


def key(config: Config, environ: Mapping[str, str] = os.environ) -> str:
    """What a server of these settings is filed under: 16 hexadecimal digits."""
    kept: dict[str, Any] = config.model_dump(mode="json", include=set(KEPT))
    kept["store"]["path"] = str(Path(config.store.path).expanduser().absolute())
    # Whether to rerank is asked with each question.
    del kept["reranking"]["enabled"]
    for section in (kept["embedding"], kept["reranking"]):
        if (folder := Path(section["model"]).expanduser()).is_dir():
            section["model"] = str(folder.absolute())
    secrets = [
        environ.get(section["api_key_env"], "") for section in kept.values() if "api_key_env" in section
    ]
    content = json.dumps([__version__, str(cache_folder().absolute()), kept, secrets], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def find(config: Config, environ: Mapping[str, str] = os.environ) -> Notice | None:
    """The server that announced itself for these settings, or None. It may have died since."""
    path = _folder(environ) / f"{key(config, environ)}.json"
    try:
        with path.open(encoding="utf-8") as file:
            if not _is_private(os.fstat(file.fileno())):
                return None
            return Notice(**json.load(file))
    except (OSError, ValueError, TypeError):
        return None


@contextmanager
def announced(config: Config, environ: Mapping[str, str] = os.environ) -> Iterator[Path]:
    """Holds the lock of these settings. The path of the notice, to `write` when the server listens.

    Raises RagcliError where another server holds it.
    """
    from filelock import FileLock, Timeout

    folder = _folder(environ)
    path = folder / f"{key(config, environ)}.json"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(path.with_suffix(".lock"), timeout=SECONDS_TO_START, mode=0o600)
        lock.acquire()
    except Timeout:
        found = find(config, environ)
        where = f" at {found.address} (process {found.pid})" if found else ""
        raise RagcliError(
            f"A server of these settings is running{where}.", hint="To end it: ragcli serve --stop"
        ) from None
    except OSError as error:
        raise RagcliError(f"{folder} cannot be written: {error.strerror}.", hint="Check it.") from error
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
        lock.release()


def write(path: Path, notice: Notice) -> None:
    """Readable by the user alone from its first moment; whole, or not there."""
    draft = path.with_suffix(f".{os.getpid()}")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(asdict(notice), file)
    draft.replace(path)


def proof(token: str, challenge: str) -> str:
    """What only someone who knows the token can say to a challenge; it does not give the token away."""
    return hmac.new(token.encode(), challenge.encode(), hashlib.sha256).hexdigest()


def _folder(environ: Mapping[str, str]) -> Path:
    if runtime := environ.get("XDG_RUNTIME_DIR"):
        return Path(runtime) / "ragcli"
    # Agents start programs without the variable; the folder is the same.
    if hasattr(os, "getuid") and (usual := RUNTIME_FOLDERS / str(os.getuid())).is_dir():
        return usual / "ragcli"
    return cache_folder() / "serving"


def _is_private(status: os.stat_result) -> bool:
    """Whether the user owns the file and nobody else can read it; Windows keeps profiles apart by itself."""
    if not hasattr(os, "getuid"):
        return True
    return status.st_uid == os.getuid() and not stat.S_IMODE(status.st_mode) & 0o077
