"""The screens of the commands that look after the index: ingest, status, list, config show, models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ragcli.config_loading import Setting
from ragcli.reporting import text as words
from ragcli.types import FileReport, FileStatus, IngestReport, SourceInfo

LONGEST_LIST = 15
# A pipe has no edge: there a row is one line, whatever its length, so that `grep` and `cut` can work on it.
PIPE_WIDTH = 10_000
MODEL_STYLES = {"ready": "good", "not asked": "quiet"}
STATUS_STYLES: dict[FileStatus, str] = {
    "added": "good",
    "replaced": "reranked",
    "removed": "warning",
    "skipped": "bad",
    "unchanged": "quiet",
}


def table(*columns: str, right: Sequence[str] = ()) -> Table:
    """A table without lines; the first column takes the room that is left."""
    result = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="heading")
    for column in columns:
        result.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return result


def print_table(console: Console, rows: Table) -> None:
    """Wrapped on a terminal, one line a row in a pipe."""
    if console.is_terminal:
        console.print(rows)
    else:
        # `width=` of print is bounded by the console's own.
        before, console.width = console.width, PIPE_WIDTH
        try:
            console.print(rows)
        finally:
            console.width = before


def print_ingest(console: Console, report: IngestReport, *, show_all: bool) -> None:
    """What happened to which file, then the figures. Unchanged files are counted, not listed."""
    listed = _listed(report.files, show_all=show_all)
    if listed:
        print_table(console, _files_table(listed, between="\n" if console.is_terminal else "; "))
        shown = {file.source for file in listed}
        hidden = [file for file in report.files if file.source not in shown and file.status != "unchanged"]
        if hidden:
            console.print(
                Text(f"and {words.count(len(hidden), 'more file')}; --all lists them", style="quiet")
            )
        console.print()
    console.print(_ingest_summary(report))


def _listed(files: Iterable[FileReport], *, show_all: bool) -> list[FileReport]:
    """Skipped files and those with notes always, others up to a number that fits a screen."""
    changed = [file for file in files if show_all or file.status not in ("unchanged", "skipped")]
    if show_all:
        return changed
    noted = [file for file in changed[LONGEST_LIST:] if file.notes]
    return changed[:LONGEST_LIST] + noted + [file for file in files if file.status == "skipped"]


def _files_table(files: Iterable[FileReport], *, between: str) -> Table:
    result = table("File", "Result", "Chunks", right=["Chunks"])
    for file in files:
        status = Text(file.status, style=STATUS_STYLES[file.status])
        if file.reason:
            status.append(f": {words.one_line(file.reason)}", style="default")
        for note in file.notes:
            status.append(f"{between}{words.one_line(note)}", style="quiet")
        chunks = "" if file.status == "skipped" else f"{file.chunks:,}"
        result.add_row(Text(words.one_line(file.source)), status, chunks)
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
    if report.chunks_removed:
        line.append(f"\n{words.count(report.chunks_removed, 'chunk')} removed", style="default")
    return line


def print_sources(console: Console, sources: Sequence[SourceInfo]) -> None:
    result = table("Source", "Title", "Format", "Chunks", "Ingested", right=["Chunks"])
    for source in sources:
        result.add_row(
            Text(words.one_line(source.source)),
            Text(words.one_line(source.title)),
            Text(words.one_line(source.format)),
            f"{source.chunks:,}",
            Text(words.one_line(source.ingested_at)[:16].replace("T", " "), style="quiet"),
        )
    print_table(console, result)
    chunks = sum(source.chunks for source in sources)
    console.print(
        Text(f"\n{words.count(len(sources), 'source')}, {words.count(chunks, 'chunk')}", style="heading")
    )


def print_settings(console: Console, settings: Iterable[Setting]) -> None:
    """Every key, its value, its origin; what is not a default stands out."""
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
    """The models by role; for one that is missing, what brings it."""
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
