"""Which files an ingest reads: folders walked in order, patterns applied, nothing outside the roots."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING

from ragcli.config import IngestConfig
from ragcli.documents.opening import BYTES_PER_MB
from ragcli.errors import IngestError
from ragcli.text.clean import UNSAFE_IN_NAMES
from ragcli.types import FileReport

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

_IGNORE_FILE = ".gitignore"
# The file that identifies a Chroma folder: an index inside an ingested folder is not a document.
_INDEX_FILES = frozenset({"chroma.sqlite3", "sources.sqlite3", "current-version"})


@dataclass(frozen=True, slots=True)
class Discovery:
    """Files to read, sorted and without duplicates, and skipped ones, with the reason.

    `unread` are the folders in `skipped`: their contents are unknown.
    """

    files: tuple[Path, ...]
    skipped: tuple[FileReport, ...]
    unread: tuple[str, ...] = ()


def discover(paths: Sequence[Path], config: IngestConfig) -> Discovery:
    """Walk `paths`. A file that is named itself is taken regardless of the patterns.

    Patterns and .gitignore files exclude silently; a link that leads out of the paths, a pipe or a device, a
    file beyond the size limit and a folder that may not be read are reported. Raises IngestError for a path
    that does not exist.
    """
    for path in paths:
        _check_there(path)
    walk = _Walk(config, tuple(path.resolve() for path in paths))
    for path in paths:
        if path.is_dir():
            walk.folder(path)
        else:
            walk.file(path)
    return walk.result()


def _check_there(path: Path) -> None:
    try:
        path.stat()
    except FileNotFoundError as problem:
        hint = "Check the path; nothing was ingested."
        raise IngestError(f"{_shown(path)} does not exist.", hint=hint) from problem
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or str(problem)
        hint = "Check the path and its permissions; nothing was ingested."
        raise IngestError(f"{_shown(path)} cannot be read: {reason.lower()}.", hint=hint) from problem


def source_name(path: Path) -> str:
    """How the index names a file: relative to the working folder if it is below it, else absolute."""
    absolute = Path(os.path.abspath(path))
    return named_from(Path.cwd(), absolute, absolute.parent.resolve() / absolute.name)


def named_from(here: PurePath, *names: PurePath) -> str:
    """The first of a file's names that is below `here`, relative to it, else the first; always with "/"."""
    for name in names:
        if name.is_relative_to(here):
            return name.relative_to(here).as_posix()
    return names[0].as_posix()


@dataclass
class _Walk:
    config: IngestConfig
    roots: tuple[Path, ...]
    files: dict[Path, Path] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)

    def result(self) -> Discovery:
        files = sorted(self.files.values(), key=source_name)
        reports = (FileReport(name, "skipped", 0, reason) for name, reason in sorted(self.skipped.items()))
        return Discovery(tuple(files), tuple(reports), tuple(self.unread))

    def folder(self, root: Path) -> None:
        globs, excludes = _spec(self.config.glob), _spec(self.config.exclude)
        links: list[Path] = []
        for path in self._below(root, PurePosixPath(), [(PurePosixPath(), excludes)]):
            if not globs.match_file(path.relative_to(root).as_posix()):
                continue
            if _is_link(path):
                links.append(path)
            else:
                self.file(path)
        # Last, so that a file inside the roots keeps its own name rather than a link's.
        for link in links:
            self._link(link)

    def file(self, path: Path) -> None:
        """Keep a file if it can be one to read; `path` may be a link that has been followed already."""
        reason = self._reason_to_skip(path)
        if reason:
            self.skipped[_shown(path)] = reason
            return
        try:
            self.files.setdefault(path.resolve(), path)
        except (OSError, RuntimeError):
            # It has become a circular link since it was found.
            self.skipped[_shown(path)] = "broken link"

    def _below(
        self, root: Path, folder: PurePosixPath, specs: list[tuple[PurePosixPath, GitIgnoreSpec]]
    ) -> Iterator[Path]:
        """Every entry that is not a folder, depth first and sorted; links to folders are entries too."""
        waiting = [(folder, specs, True)]
        while waiting:
            place, specs, is_folder = waiting.pop()
            if not is_folder:
                yield root / place
                continue
            entries = self._entries(root / place)
            names = {entry.name for entry in entries}
            if not _INDEX_FILES.isdisjoint(names):
                continue
            if _IGNORE_FILE in names:
                specs = [*specs, *_ignore_file(root, place)]
            for entry in reversed(entries):
                is_folder = entry.is_dir(follow_symlinks=False)
                if not _excluded(place / entry.name, is_folder, specs):
                    waiting.append((place / entry.name, specs, is_folder))

    def _entries(self, folder: Path) -> list[os.DirEntry[str]]:
        """Sorted by name; none if the folder can't be read, which is reported."""
        try:
            return sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as problem:
            self.skipped[_shown(folder)] = _cannot_be_read(problem)
            self.unread.append(_shown(folder))
            return []

    def _link(self, link: Path) -> None:
        try:
            target = link.resolve(strict=True)
        except (FileNotFoundError, NotADirectoryError, RuntimeError):
            self.skipped[_shown(link)] = "broken link"
            return
        except OSError as problem:
            circle = problem.errno == errno.ELOOP
            self.skipped[_shown(link)] = "broken link" if circle else _cannot_be_read(problem)
            return
        if not any(target.is_relative_to(root) for root in self.roots):
            self.skipped[_shown(link)] = "link leads outside the ingested folders"
        elif not target.is_dir():
            self.file(link)

    def _reason_to_skip(self, path: Path) -> str:
        if UNSAFE_IN_NAMES.search(str(path)):
            return "its name holds control characters or is not valid UTF-8"
        try:
            status = path.stat()
        except OSError as problem:
            return _cannot_be_read(problem)
        if not stat.S_ISREG(status.st_mode):
            return "not a regular file"
        if status.st_size > self.config.max_file_mb * BYTES_PER_MB:
            return f"larger than {self.config.max_file_mb:g} MB"
        return ""


def _is_link(path: Path) -> bool:
    """A folder may be listable but its files not accessible: then reading one says so."""
    try:
        return path.is_symlink()
    except OSError:
        return False


def _cannot_be_read(problem: OSError) -> str:
    return f"cannot be read: {(problem.strerror or str(problem)).lower()}"


def _spec(patterns: Sequence[str]) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(patterns)


def _ignore_file(root: Path, folder: PurePosixPath) -> list[tuple[PurePosixPath, GitIgnoreSpec]]:
    path = root / folder / _IGNORE_FILE
    try:
        if path.is_symlink() or not path.is_file():
            return []
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        return [(folder, _spec(lines))]
    except (OSError, ValueError) as problem:
        raise IngestError(
            f"{_shown(path)} cannot be applied: {problem}", hint="Fix its patterns or its permissions."
        ) from problem


def _excluded(
    place: PurePosixPath, is_folder: bool, specs: list[tuple[PurePosixPath, GitIgnoreSpec]]
) -> bool:
    """As in git: the nearest pattern file that mentions the entry decides.

    The configured patterns, first of `specs`, can't be overridden: a .gitignore's "!.env" must not open .env.
    """
    for number, (base, spec) in enumerate(specs):
        if number == 0 and spec.match_file(_relative(place, base, is_folder)):
            return True
    for base, spec in reversed(specs[1:]):
        verdict = spec.check_file(_relative(place, base, is_folder)).include
        if verdict is not None:
            return verdict
    return False


def _relative(place: PurePosixPath, base: PurePosixPath, is_folder: bool) -> str:
    return place.relative_to(base).as_posix() + ("/" if is_folder else "")


def _shown(path: Path) -> str:
    """The source name, with unprintable characters escaped as in Python."""
    return UNSAFE_IN_NAMES.sub(lambda match: _escaped(match[0]), source_name(path))


def _escaped(character: str) -> str:
    """A byte that is not UTF-8 is a surrogate here, and is shown as the byte."""
    code = ord(character)
    byte = code - 0xDC00 if 0xDC80 <= code <= 0xDCFF else code
    return f"\\x{byte:02x}" if byte < 256 else f"\\u{byte:04x}"
