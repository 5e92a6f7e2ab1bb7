"""The screens of the commands that manage the index: ingest, status, list, config show, models."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from textwrap import wrap

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ragcli.config.loading import Setting
from ragcli.reporting import plain_text as words
from ragcli.types import FileReport, FileStatus, IngestReport, SourceInfo

LONGEST_LIST = 15
# A pipe has no width: a row is one line, whatever its length, so that `grep` and `cut` can work on it.
PIPE_WIDTH = 10_000
# Widths between two cells, of a date, of a date and time; least widths of titles, reasons and names.
_GAP, DAY, MINUTE = 3, 10, 16
LEAST_TITLE, LEAST_REASON, LEAST_NAME = 15, 24, 20
_INDENT = "  "
MODEL_STYLES = {"ready": "good", "not asked": "quiet"}
STATUS_STYLES: dict[FileStatus, str] = {
    "added": "good",
    "replaced": "reranked",
    "removed": "warning",
    "skipped": "bad",
    "unchanged": "quiet",
}


def table(*columns: str, right: Sequence[str] = ()) -> Table:
    """A table without lines; the first column gets the remaining width."""
    result = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="heading")
    for column in columns:
        result.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return result


def print_table(console: Console, rows: Table) -> None:
    """Wrapped on a terminal, one line per row in a pipe."""
    if console.is_terminal:
        console.print(rows)
    else:
        # `width=` of print is limited by the console's own.
        before, console.width = console.width, PIPE_WIDTH
        try:
            console.print(rows)
        finally:
            console.width = before


def print_ingest(console: Console, report: IngestReport, *, show_all: bool) -> None:
    """What happened to which file, then the figures. Unchanged files are counted, not listed."""
    listed = _listed(report.files, show_all=show_all)
    if listed:
        print_table(console, _files_table(listed, console.width if console.is_terminal else None))
        shown = {file.source for file in listed}
        hidden = [file for file in report.files if file.source not in shown and file.status != "unchanged"]
        if hidden:
            console.print(
                Text(f"and {words.count(len(hidden), 'more file')}; --all lists them", style="quiet")
            )
        console.print()
    console.print(_ingest_summary(report))


def print_changes(console: Console, report: IngestReport) -> None:
    """One line per file, for output that may be a log."""
    for file in report.files:
        line = Text.assemble((file.status, STATUS_STYLES[file.status]), f" {words.one_line(file.source)}")
        chunks = f" ({words.count(file.chunks, 'chunk')})"
        line.append(f": {words.one_line(file.reason)}" if file.reason else chunks)
        console.print(line, soft_wrap=True)


def _listed(files: Iterable[FileReport], *, show_all: bool) -> list[FileReport]:
    """Always skipped files and those with notes; others up to a number that fits on a screen."""
    changed = [file for file in files if show_all or file.status not in ("unchanged", "skipped")]
    if show_all:
        return changed
    noted = [file for file in changed[LONGEST_LIST:] if file.notes]
    return changed[:LONGEST_LIST] + noted + [file for file in files if file.status == "skipped"]


def _files_table(files: Sequence[FileReport], width: int | None) -> Table:
    """Reasons are wrapped before names; notes are on separate lines below the name. Without a width, as
    in a pipe, they follow the result.
    """
    result = table("File", "Result", "Chunks", right=["Chunks"])
    reasons = _widest(f"{file.status}: {file.reason}" if file.reason else file.status for file in files)
    _keep_whole(result, "File", "Chunks")
    room = (width or PIPE_WIDTH) - len("Chunks") - 2 * _GAP - max(len("Result"), min(reasons, LEAST_REASON))
    room = max(LEAST_NAME, room)
    names = [_folded(words.one_line(file.source), room) for file in files]
    beside = (width or PIPE_WIDTH) - len("Chunks") - len("Result") - 2 * _GAP
    for_notes = max(room, min(_widest("\n".join(names).split("\n")), beside))
    for file, folded in zip(files, names, strict=True):
        status = Text(file.status, style=STATUS_STYLES[file.status])
        if file.reason:
            status.append(f": {words.one_line(file.reason)}", style="default")
        name = Text(folded)
        for note in map(words.one_line, file.notes):
            if width is None:
                status.append(f"; {note}", style="quiet")
            else:
                lines = wrap(note, for_notes, initial_indent=_INDENT, subsequent_indent=_INDENT)
                name.append("".join(f"\n{line}" for line in lines), style="quiet")
        result.add_row(name, status, "" if file.status == "skipped" else f"{file.chunks:,}")
    return result


def _ingest_summary(report: IngestReport) -> Text:
    counts = Counter(file.status for file in report.files)
    parts = [f"{counts[status]:,} {status}" for status in STATUS_STYLES if counts[status]]
    line = Text(
        f"{words.count(len(report.files), 'file')}: {', '.join(parts) or 'nothing to do'}", style="heading"
    )
    if report.dry_run:
        line.append("\nA dry run: nothing was written.", style="warning")
        return line
    if report.chunks_written:
        speed = report.chunks_written / report.seconds if report.seconds > 0 else 0.0
        line.append(
            f"\n{words.count(report.chunks_written, 'chunk')} written in {words.seconds(report.seconds)}"
            f" ({speed:,.0f} chunks/s)",
            style="default",
        )
    kept = sum(file.status == "unchanged" and bool(file.reason) for file in report.files)
    if kept:
        line.append(
            f"\n{words.count(kept, 'document')} in the index whose files are no longer read (--all lists "
            f"them; ragcli remove deletes them)",
            style="default",
        )
    if report.chunks_removed:
        line.append(f"\n{words.count(report.chunks_removed, 'chunk')} removed", style="default")
    return line


def print_sources(console: Console, sources: Sequence[SourceInfo]) -> None:
    """On a terminal, names get the room that they need: the time of day is dropped first, then titles are
    wrapped, and only then names, between their folders.
    """
    names, titles, formats, chunks = (
        [words.one_line(str(getattr(source, key))) for source in sources]
        for key in ("source", "title", "format", "chunks")
    )
    longest, wanted = _widest(names), _widest(titles)
    room = console.width if console.is_terminal else PIPE_WIDTH
    room -= _widest(["Format", *formats]) + _widest(["Chunks", *chunks]) + DAY + 4 * _GAP
    has_time = longest + wanted + MINUTE - DAY <= room
    width = max(room - max(min(wanted, LEAST_TITLE), room - longest), LEAST_NAME)
    result = table("Source", "Title", "Format", "Chunks", "Ingested", right=["Chunks"])
    names = [_folded(name, width) for name in names]
    fits = _widest("\n".join(names).split("\n")) + min(wanted, LEAST_TITLE) <= room
    _keep_whole(result, "Format", "Chunks", "Ingested", *(["Source"] if fits else []))
    if not fits:
        # Otherwise rich would divide the room equally between names and titles.
        result.columns[0].width = width = min(width, longest)
        result.columns[1].width = max(room - width, len("Title"))
    for source, name, title, kind in zip(sources, names, titles, formats, strict=True):
        result.add_row(
            Text(name),
            Text(title),
            Text(kind),
            f"{source.chunks:,}",
            Text(_moment(source, MINUTE if has_time else DAY), style="quiet"),
        )
    print_table(console, result)
    total = sum(source.chunks for source in sources)
    console.print(
        Text(f"\n{words.count(len(sources), 'source')}, {words.count(total, 'chunk')}", style="heading")
    )


def _moment(source: SourceInfo, length: int) -> str:
    return words.one_line(source.ingested_at)[:length].replace("T", " ")


def _widest(texts: Iterable[str]) -> int:
    return max(map(cell_len, texts), default=0)


def _keep_whole(table: Table, *columns: str) -> None:
    """Narrows the others first if there is too little room."""
    for column in table.columns:
        column.no_wrap = column.header in columns


def _folded(name: str, width: int) -> str:
    """A path on several lines, split after slashes; only parts longer than a line are split elsewhere."""
    lines = [""]
    for part in re.findall(r"[^/]*/|[^/]+$", name):
        if lines[-1] and cell_len(lines[-1] + part) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def print_settings(console: Console, settings: Iterable[Setting]) -> None:
    """Every key, its value, its origin; values that are not defaults stand out."""
    result = table("Key", "Value", "Origin")
    for setting in settings:
        style = "quiet" if setting.origin == "default" else "default"
        result.add_row(
            Text(setting.key),
            Text(words.one_line(_shown(setting.value))),
            Text(words.one_line(setting.origin), style=style),
        )
    print_table(console, result)


def _shown(value: object) -> str:
    if value is None:
        return "(unset)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ", ".join(str(part) for part in value)
    return str(value) if value != "" else '""'


def print_models(console: Console, rows: Iterable[Mapping[str, str]]) -> None:
    """The models by role; for a missing one, how to get it."""
    result = table("Model", "Name", "State")
    for row in rows:
        state = Text(words.one_line(row["state"]), style=MODEL_STYLES.get(row["state"], "bad"))
        if row["hint"]:
            state.append(f"\n{words.one_line(row['hint'])}", style="hint")
        name = Text(words.one_line(row["name"]))
        if row["server"]:
            name.append(f"\nat {words.one_line(row['server'])}", style="quiet")
        result.add_row(Text(row["role"], style="heading"), name, state)
    print_table(console, result)


def print_server(console: Console, server: Mapping[str, object]) -> None:
    """The process that keeps these settings warm."""
    where = f"{server['address']} (process {server['pid']}, since {server['started_at']})"
    line = f"Kept warm by the server at {where}"
    console.print(Text(line, style="quiet"), soft_wrap=True)


def print_status(console: Console, store: str, current: str, rows: Sequence[Mapping[str, object]]) -> None:
    """The collections of a store; the one in use is marked."""
    console.print(Text.assemble(("Index ", "heading"), words.one_line(store)))
    if rows:
        result = table(
            "Collection", "Documents", "Chunks", "Bi-encoder", "Chunking", right=["Documents", "Chunks"]
        )
        for row in rows:
            name = words.one_line(str(row["collection"]))
            result.add_row(
                Text(
                    f"* {name}" if name == current else f"  {name}", style="number" if name == current else ""
                ),
                f"{row['sources']:,}",
                f"{row['chunks']:,}",
                Text(words.one_line(str(row["embedding_model"]))),
                f"{row['chunk_size']} tokens, overlap {row['chunk_overlap']}",
            )
        console.print(result)
    if current not in [row["collection"] for row in rows]:
        console.print(
            Text(f"There is no collection {words.one_line(current)} yet: ragcli ingest PATH...", "warning")
        )
    console.print()
