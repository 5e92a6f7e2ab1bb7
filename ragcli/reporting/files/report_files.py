"""Reports as files: the suffix selects the format."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ragcli.errors import UsageError
from ragcli.whole_file import check_folder, write_whole

if TYPE_CHECKING:
    from ragcli.evaluation.results import Summary

_HINT = "Write a .html, .md, .csv or .json file."


def check_reports(paths: Sequence[Path], endings: Collection[str] = (), *, hint: str = _HINT) -> None:
    """Raises UsageError for what cannot be written later: better now than after the work.

    `endings`: the ones that are possible here; those of an evaluation's reports unless given.
    """
    for path in paths:
        if path.suffix.lower() not in (endings or _WRITERS):
            raise UsageError(f"{path}: {path.suffix or 'no ending'} is not a report.", hint=hint)
        check_folder(path)


def write_report(summary: Summary, path: Path) -> None:
    write_whole(path, _WRITERS[path.suffix.lower()](summary))


def _html(summary: Summary) -> str:
    from ragcli.reporting.files.html_report import report_html

    return report_html(summary)


def _markdown(summary: Summary) -> str:
    from ragcli.reporting.files.markdown_report import report_markdown

    return report_markdown(summary)


def _csv(summary: Summary) -> str:
    from ragcli.reporting.files.csv_report import report_csv

    return report_csv(summary)


def _json(summary: Summary) -> str:
    from ragcli.reporting.as_json_evaluation import evaluation

    return evaluation(summary, with_run=True) + "\n"


_WRITERS: dict[str, Callable[[Summary], str]] = {
    ".html": _html,
    ".md": _markdown,
    ".csv": _csv,
    ".json": _json,
}
