"""`ragcli config`: what is set, where it comes from, and a file to start with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ragcli.cli import options
from ragcli.cli.session import Flags, Screens, environment_of
from ragcli.errors import ConfigError

app = typer.Typer(
    help="Show the settings and where they come from.", add_completion=False, no_args_is_help=True
)

Key = Annotated[
    str | None,
    typer.Argument(metavar="[KEY]", help="Only this key, or the keys of this section.", show_default=False),
]


@app.command("show")
def show(
    ctx: typer.Context,
    key: Key = None,
    as_json: options.Json = False,
    collection: options.Collection = None,
    profile: options.Profile = None,
    config: options.ConfigFile = None,
) -> None:
    """Print every key, its value and its origin. A secret's variable is named, its value never shown."""
    from ragcli.config_loading import explain_config
    from ragcli.reporting import index, json

    environment = environment_of(ctx)
    flags = Flags(config, profile, {"collection": collection})
    settings = explain_config(flags.config, flags.profile, flags.overrides, environment.environ)
    shown = [s for s in settings if key is None or s.key == key or s.key.startswith(f"{key}.")]
    if not shown:
        raise ConfigError(f"There is no setting {key}.", hint="ragcli config show lists every key.")
    screens = Screens(environment)
    if as_json:
        rows = [{"key": s.key, "value": s.value, "origin": s.origin} for s in shown]
        screens.print_document(json.document("config", {"settings": rows}))
    else:
        index.print_settings(screens.out, shown)


@app.command("init")
def init(
    ctx: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="[FILE]", help="Where to write it.")] = Path("config.toml"),
) -> None:
    """Write a commented config file that holds the defaults. An existing file is left alone."""
    from ragcli.config_template import default_config_text

    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(default_config_text())
    except FileExistsError:
        raise ConfigError(
            f"{path} exists already.", hint="Name another file: ragcli config init FILE"
        ) from None
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {error.strerror}.", hint="Name another place."
        ) from None
    Screens(environment_of(ctx)).err.print(f"Wrote {path}.")
