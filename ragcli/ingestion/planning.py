"""What an ingest has to do: the files that were found, compared with the sources in the index.

A document is identified by its place, the file's path on the disk, and not by its name alone: two working
folders may share an index, and each may have a README.md. A document is dropped only if its file does not
exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from ragcli import documents
from ragcli.documents import Discovery, UnreadableFile
from ragcli.errors import IngestError
from ragcli.types import FileReport, SourceInfo

KEPT = "there, but not among the files that are read now; the index keeps it"


@dataclass(frozen=True, slots=True)
class Work:
    """A file to read. `base` is as in SourceInfo; `replaces` is how many chunks the file has in the index,
    None if it is new. `size` is in bytes.
    """

    path: Path
    source: str
    base: str
    replaces: int | None
    size: int


@dataclass(frozen=True, slots=True)
class Plan:
    """`moved` are unchanged documents that now have another base. `kept` are those that pruning spares
    because their files are still there, though nothing reads them now.
    """

    work: tuple[Work, ...]
    unchanged: tuple[SourceInfo, ...]
    moved: Mapping[str, str]
    vanished: tuple[SourceInfo, ...]
    kept: tuple[SourceInfo, ...]
    skipped: tuple[FileReport, ...]


def plan(paths: Sequence[Path], discovery: Discovery, sources: Iterable[SourceInfo], *, prune: bool) -> Plan:
    """Raises IngestError if pruning would drop all documents of a folder: perhaps a disk is not mounted."""
    known = _Known(Path.cwd(), sources)
    work: list[Work] = []
    unchanged: list[SourceInfo] = []
    moved: dict[str, str] = {}
    skipped = [known.with_what_is_kept(report, discovery.unread) for report in discovery.skipped]
    for path in discovery.files:
        item, info = known.work(path)
        try:
            is_same = info is not None and documents.file_sha256(path) == info.sha256
        except UnreadableFile as problem:
            skipped.append(known.with_what_is_kept(FileReport(item.source, "skipped", 0, problem.reason)))
            continue
        if not is_same or info is None:
            work.append(item)
            continue
        unchanged.append(info)
        if info.base != item.base:
            moved[info.source] = item.base
    gone, kept = known.missing(paths, discovery) if prune else ((), ())
    return Plan(tuple(work), tuple(unchanged), moved, gone, kept, tuple(skipped))


class _Known:
    """The sources in the index, by name and by place. `here` is the working folder."""

    def __init__(self, here: Path, sources: Iterable[SourceInfo]) -> None:
        self._here = here
        self._by_name = {info.source: info for info in sources}
        places = ((_place(info), info) for info in self._by_name.values())
        self._by_place = {place: info for place, info in places if place is not None}

    def work(self, path: Path) -> tuple[Work, SourceInfo | None]:
        """The file with the name that it has or gets in the index, and its source in the index.

        If a file elsewhere still uses that name, the absolute path is the name.
        """
        name = documents.source_name(path)
        place = self._here / name
        info = self._by_place.get(place)
        if info is not None:
            return Work(path, info.source, info.base, info.chunks, _size(path)), info
        info = self._by_name.get(name)
        if info is not None and not _may_take_over(info):
            name, info = place.as_posix(), None
        base = "" if PurePath(name).is_absolute() else str(self._here)
        return Work(path, name, base, None if info is None else info.chunks, _size(path)), info

    def with_what_is_kept(self, report: FileReport, unread: Sequence[str] = ()) -> FileReport:
        place = self._here / report.source
        if report.source in unread:
            below = sum(other.is_relative_to(place) for other in self._by_place)
            kept = f"what it holds of the {below:,} documents below" if below else ""
        else:
            kept = "its earlier text" if place in self._by_place else ""
        return replace(report, reason=f"{report.reason}; the index keeps {kept}") if kept else report

    def missing(
        self, paths: Sequence[Path], discovery: Discovery
    ) -> tuple[tuple[SourceInfo, ...], tuple[SourceInfo, ...]]:
        """The sources below `paths` that were not found: those that are gone, and those that still exist."""
        found = {self._here / documents.source_name(path) for path in discovery.files}
        found.update(self._here / report.source for report in discovery.skipped)
        unread = [self._here / name for name in discovery.unread]
        gone: list[SourceInfo] = []
        kept: list[SourceInfo] = []
        roots = {self._here / documents.source_name(path): path for path in paths}
        for place, info in self._by_place.items():
            if place in found or _is_below(place, unread) or not _is_below(place, roots):
                continue
            (gone if _is_gone(place) else kept).append(info)
        seen = [*found, *(place for place, info in self._by_place.items() if info in kept)]
        for root, path in roots.items():
            lost = [info for info in gone if _is_below(self._place_of(info), [root])]
            if lost and not any(_is_below(place, [root]) for place in seen):
                raise _emptied(path, len(lost))
        return tuple(gone), tuple(kept)

    def _place_of(self, info: SourceInfo) -> Path:
        return _place(info) or self._here


def _place(info: SourceInfo) -> Path | None:
    """The file's absolute path; None if an older index does not say what its name is relative to."""
    if not info.base and not PurePath(info.source).is_absolute():
        return None
    return Path(info.base) / info.source


def _may_take_over(info: SourceInfo) -> bool:
    """Whether a file elsewhere may take this name: its folder was moved or is not known."""
    place = _place(info)
    return place is None or _is_gone(place)


def _size(path: Path) -> int:
    """0 for a file that vanished: reading it reports that."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _is_gone(place: Path) -> bool:
    """Whether the file does not exist. One that cannot be looked at may exist."""
    try:
        place.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        return False
    return False


def _is_below(place: Path, folders: Iterable[Path]) -> bool:
    return any(place.is_relative_to(folder) for folder in folders)


def _emptied(path: Path, documents_lost: int) -> IngestError:
    number = "the one document" if documents_lost == 1 else f"all {documents_lost:,} documents"
    return IngestError(
        f"{path} holds no file now: pruning would drop {number} that the index has from there.",
        hint=f"Is a disk not mounted? If the files are gone for good: ragcli remove {path}",
    )
