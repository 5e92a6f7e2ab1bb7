"""`ragcli config`: what is set, where it comes from, and a file to start with."""

from __future__ import annotations

from typing import Annotated

import typer

from ragcli.cli import options
from ragcli.cli.commands.init import init
from ragcli.cli.grouping import grouped
from ragcli.cli.session import Screens, environment_of
from ragcli.errors import ConfigError

app = typer.Typer(
    help="Show the settings and where they come from.", add_completion=False, no_args_is_help=True
)

Key = Annotated[
    str | None,
    typer.Argument(metavar="[KEY]", help="Only this key, or the keys of this section.", show_default=False),
]


@app.command("show")
@grouped
def show(
    ctx: typer.Context,
    *,
    key: Key = None,
    as_json: options.Json = False,
    given: options.ConfigOptions,
) -> None:
    """Print every key, its value and its origin. A secret's variable is named, its value never shown."""
    from difflib import get_close_matches

    from ragcli.config.loading import explain_config
    from ragcli.reporting import as_json as json
    from ragcli.reporting.screens import manage

    environment = environment_of(ctx)
    settings = explain_config(given.config, given.profile, given.overrides(), environment.environ)
    shown = [s for s in settings if key is None or s.key == key or s.key.startswith(f"{key}.")]
    if not shown:
        close = get_close_matches(key or "", [s.key for s in settings], 1)
        hint = f"Did you mean {close[0]}?" if close else "ragcli config show lists every key."
        raise ConfigError(f"There is no setting {key}.", hint=hint)
    screens = Screens(environment)
    if as_json:
        rows = [{"key": s.key, "value": s.value, "origin": s.origin} for s in shown]
        screens.print_document(json.document("config", {"settings": rows}))
    else:
        manage.print_settings(screens.out, shown)


app.command("init")(init)
