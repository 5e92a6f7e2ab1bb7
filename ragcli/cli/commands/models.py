"""`ragcli models`: which models the profiles use, fetch them ahead of time, take them away again."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from ragcli.cli import options
from ragcli.cli.prompts import confirmed
from ragcli.cli.session import Screens, environment_of
from ragcli.errors import ExitCode

if TYPE_CHECKING:
    from ragcli.models.status import ModelEntry

app = typer.Typer(help="Fetch, list and remove the models.", add_completion=False, no_args_is_help=True)


@app.command("prepare")
def prepare(
    ctx: typer.Context,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    profile: options.Profile = None,
    config: options.ConfigFile = None,
) -> None:
    """Fetch what the settings name and is not here yet: the embedded LLM (100 MB), models of the hub."""
    from ragcli.models import download
    from ragcli.models.status import model_entries
    from ragcli.reporting import as_json as json
    from ragcli.reporting.screens.progress import BytesBar

    environment = environment_of(ctx)
    screens = Screens(environment)
    settings = options.ConfigOptions(profile=profile, config=config).load(environment)

    def say(line: str) -> None:
        if not quiet:
            screens.err.print(line, soft_wrap=True)

    with BytesBar(screens.err, quiet=quiet) as bar:
        download.prepare(settings, say, bar)
    if as_json:
        rows = [asdict(entry) for entry in model_entries(settings)]
        screens.print_document(
            json.document("models-prepared", {"profile": settings.profile, "models": rows})
        )


@app.command("list")
def list_models(
    ctx: typer.Context,
    as_json: options.Json = False,
    profile: options.Profile = None,
    config: options.ConfigFile = None,
) -> None:
    """Show each profile's models: files, size, licence, device, precision, and whether they are here."""
    from ragcli.reporting import as_json as json
    from ragcli.reporting.screens import models

    environment = environment_of(ctx)
    screens = Screens(environment)
    given = options.ConfigOptions(profile=profile, config=config)
    current = given.load(environment).profile
    used = _used_models(given, environment.environ)
    if as_json:
        rows = [{**asdict(entry), "profiles": list(profiles)} for entry, profiles in used.items()]
        screens.print_document(json.document("models", {"profile": current, "models": rows}))
    else:
        models.print_models_used(screens.out, current, used)


@app.command("remove")
def remove(
    ctx: typer.Context,
    yes: options.Yes = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    profile: options.Profile = None,
    config: options.ConfigFile = None,
) -> None:
    """Delete the models that were fetched for the settings, the hub's among them; asks first."""
    from ragcli.models import download
    from ragcli.reporting import as_json as json
    from ragcli.reporting.screens import models

    environment = environment_of(ctx)
    screens = Screens(environment)
    fetched = download.fetched_models(options.ConfigOptions(profile=profile, config=config).load(environment))
    if fetched:
        if not quiet:
            models.print_fetched(screens.err, fetched)
        if not yes and not confirmed(environment, "Delete these files?"):
            screens.err.print("Nothing was deleted.")
            raise typer.Exit(ExitCode.FAILED)
        download.remove(fetched)
    if as_json:
        rows = [{**asdict(model), "path": str(model.path)} for model in fetched]
        screens.print_document(json.document("models-removed", {"models": rows}))
    elif not quiet:
        screens.err.print(models.removed_line(fetched))


def _used_models(given: options.ConfigOptions, environ: Any) -> dict[ModelEntry, tuple[str, ...]]:
    """Each model once, with the profiles that use it. Flags and variables lie over every profile."""
    from ragcli.config.loading import load_config, profile_names
    from ragcli.models.status import model_entries

    used: dict[ModelEntry, tuple[str, ...]] = {}
    roles: list[str] = []
    for name in profile_names(given.config, environ):
        for entry in model_entries(load_config(given.config, name, given.overrides(), environ)):
            used[entry] = (*used.get(entry, ()), name)
            roles.append(entry.role)
    order = list(dict.fromkeys(roles))
    return dict(sorted(used.items(), key=lambda item: order.index(item[0].role)))
