"""Where packages come from on this machine: as pip's and uv's variables say, then pip's files, then PyPI."""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PYPI = "https://pypi.org/simple"
_SECTIONS = ("global", "download")
_MACHINE = Path("/etc")


@dataclass(frozen=True, slots=True)
class Places:
    """`indexes` are addresses of the simple API, `links` pages or folders of files, in order of preference.

    `certificates` is a file of authorities, empty for the default ones.
    """

    indexes: tuple[str, ...]
    links: tuple[str, ...]
    certificates: str = ""


def package_places(environ: Mapping[str, str] = os.environ) -> Places:
    """A pip configuration file that cannot be read is ignored."""
    pip = {**_from_files(environ), **_from_variables(environ)}
    first = environ.get("UV_DEFAULT_INDEX") or environ.get("UV_INDEX_URL") or ""
    more = [*environ.get("UV_INDEX", "").split(), *environ.get("UV_EXTRA_INDEX_URL", "").split()]
    indexes = [pip.get("index-url") or first or PYPI, *pip.get("extra-index-url", "").split(), first, *more]
    links = [*pip.get("find-links", "").split(), *environ.get("UV_FIND_LINKS", "").replace(",", " ").split()]
    no_index = pip.get("no-index", "").strip().lower() in ("1", "true", "yes", "on", "y", "t")
    return Places(
        indexes=() if no_index else tuple(dict.fromkeys(filter(None, map(_address, indexes)))),
        links=tuple(dict.fromkeys(links)),
        certificates=pip.get("cert")
        or environ.get("SSL_CERT_FILE")
        or environ.get("REQUESTS_CA_BUNDLE")
        or "",
    )


def _address(index: str) -> str:
    """uv gives an index a name: "ours=https://..."."""
    name, equals, address = index.partition("=")
    return (address if equals and "/" not in name else index).rstrip("/")


def _from_variables(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        name.removeprefix("PIP_").lower().replace("_", "-"): value
        for name, value in environ.items()
        if name.startswith("PIP_") and value
    }


def _from_files(environ: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for file in _files(environ):
        # Passwords in addresses may contain a %, and no value refers to another one.
        parser = configparser.RawConfigParser()
        try:
            parser.read(file, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue
        for section in _SECTIONS:
            if parser.has_section(section):
                found.update(parser.items(section))
    return {name.replace("_", "-"): value for name, value in found.items()}


def _files(environ: Mapping[str, str]) -> list[Path]:
    """In pip's order: the machine's, the user's, the environment's. Later ones override the earlier."""
    named = environ.get("PIP_CONFIG_FILE", "")
    if named == os.devnull:
        return []
    home = Path(environ.get("HOME") or os.path.expanduser("~"))
    name = "pip.ini" if sys.platform == "win32" else "pip.conf"
    if sys.platform == "win32":
        folders = [Path(environ.get("PROGRAMDATA", "C:\\ProgramData")) / "pip", home / "pip"]
        folders.append(Path(environ.get("APPDATA", home)) / "pip")
    else:
        shared = environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
        folders = [Path(folder) / "pip" for folder in shared.split(":")] + [_MACHINE, home / ".pip"]
        if sys.platform == "darwin":
            folders.append(home / "Library" / "Application Support" / "pip")
        folders.append(Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip")
    files = [folder / name for folder in [*folders, Path(sys.prefix)]]
    return [*files, Path(named)] if named else files
