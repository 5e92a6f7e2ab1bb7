"""Debian's packages: which the comparison takes its files from, and getting them with apt-get and dpkg."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

HERE = Path(__file__).parent
CACHE = HERE / ".cache" / "fidelity"
FILES = CACHE / "files"
LIST = HERE / "fidelity-files.txt"


def packages() -> dict[str, list[str]]:
    """Name -> its version, and "source" where the files are those of the source package."""
    lines = (line[2:].split() for line in LIST.read_text().splitlines() if line.startswith("# "))
    return {name: rest for name, *rest in lines}


def download(suffixes: set[str]) -> None:
    """Fetch and unpack what is not here; of sources only the files of these suffixes."""
    (CACHE / "packages").mkdir(parents=True, exist_ok=True)
    FILES.mkdir(parents=True, exist_ok=True)
    for name, rest in packages().items():
        if not (FILES / name).exists():
            pinned = rest[0] if rest else None
            if "source" in rest:
                _unpack_source(name, pinned, suffixes)
            else:
                _unpack_binary(name, pinned)


def _unpack_binary(name: str, version: str | None) -> None:
    print(f"fetching {name}", file=sys.stderr)
    at = CACHE / "packages"
    fetched = (
        version
        and subprocess.run(["apt-get", "-qq", "download", f"{name}={version}"], cwd=at).returncode == 0
    )
    if not fetched:
        if version:
            print(f"{name} {version} is gone from the archive: taking the present version", file=sys.stderr)
        subprocess.run(["apt-get", "-qq", "download", name], cwd=at, check=True)
    newest = max(at.glob(f"{name}_*.deb"), key=lambda path: path.stat().st_mtime)
    partial = FILES / f"{name}.partial"
    subprocess.run(["dpkg", "-x", newest, partial], check=True)
    partial.rename(FILES / name)


def _unpack_source(name: str, version: str | None, suffixes: set[str]) -> None:
    """Sources are looked up in a state of apt's of our own: the system's lists stay as they are."""
    print(f"fetching the source of {name}", file=sys.stderr)
    at = CACHE / "packages"
    options = _source_options()
    for what in ([f"{name}={version}"] if version else []) + [name]:
        command = ["apt-get", *options, "-qq", "source", "--download-only", "--only-source", what]
        if subprocess.run(command, cwd=at).returncode == 0:
            break
    else:
        sys.exit(f"apt-get source {name} failed")
    archive = next(path for path in at.glob(f"{name}_*.orig.tar.*") if path.suffix != ".asc")
    with tarfile.open(archive) as tar:
        documents = [member for member in tar.getmembers() if member.name.rpartition(".")[2] in suffixes]
        tar.extractall(FILES / f"{name}.partial", documents, filter="data")
    (FILES / f"{name}.partial").rename(FILES / name)


def _source_options() -> list[str]:
    state = CACHE / "apt"
    list_file = state / "sources.list"
    options = [
        f"-oDir::Etc::sourcelist={list_file}",
        "-oDir::Etc::sourceparts=/dev/null",
        f"-oDir::State::lists={state / 'lists'}",
        f"-oDir::Cache={state / 'cache'}",
    ]
    if not list_file.exists():
        (state / "lists" / "partial").mkdir(parents=True, exist_ok=True)
        (state / "cache" / "archives" / "partial").mkdir(parents=True, exist_ok=True)
        command = [
            "apt-get",
            "indextargets",
            "--format",
            "$(REPO_URI) $(CODENAME) $(COMPONENT)",
            "Created-By: Packages",
            "Origin: Debian",
        ]
        found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        list_file.write_text("".join(f"deb-src {line}\n" for line in dict.fromkeys(found)))
        subprocess.run(["apt-get", *options, "-qq", "update"], check=True)
    return options


def version(name: str) -> str:
    found = next(path for end in ("deb", "dsc") for path in (CACHE / "packages").glob(f"{name}_*.{end}"))
    return found.stem.split("_")[1].replace("%3a", ":")
