"""`ragcli show`: what the retriever sees of a document."""

from __future__ import annotations

from typing import Annotated

import typer

from ragcli.cli import options
from ragcli.cli.completion import complete_source
from ragcli.cli.grouping import grouped
from ragcli.cli.session import Screens, environment_of

Document = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="A name as `ragcli list` shows it, or a file.",
        show_default=False,
        autocompletion=complete_source,
    ),
]


@grouped
def show(
    ctx: typer.Context,
    source: Document,
    *,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    given: options.ConfigOptions,
) -> None:
    """Show a document's chunks as they were cut. A file that is not in the index is cut now."""
    from ragcli.documents.inspection import inspect
    from ragcli.reporting import as_json as json
    from ragcli.reporting.screens import inspection as view

    environment = environment_of(ctx)
    screens = Screens(environment)
    settings = given.load(environment)
    found = inspect(source, settings)
    if as_json:
        screens.print_document(json.document("chunks", view.fields(found)))
    else:
        view.print_inspection(screens.out, found)
    if not quiet:
        view.print_notes(screens.err, found)
