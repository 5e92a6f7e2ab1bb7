"""Writes docs/reference/commands.md and config.md from what the program declares. Run by `make reference`."""

from __future__ import annotations

import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo
from typer.main import get_command

from ragcli.cli.app import COMMANDS, build_app
from ragcli.config.loading import known_fields

FOLDER = Path(__file__).parent / "reference"
BOUNDS = {"ge": "from", "gt": "above", "le": "to"}
COMMANDS_INTRODUCTION = """\
# Commands

Made by `make reference` from the program itself; a test holds it to that.

`ragcli COMMAND --help` says the same. What all commands have in common: answers go to stdout, progress and
errors to stderr; [exit codes](../../README.md#exit-codes); [what `--json` writes](json.md). Options beat
[settings](config.md).
"""
CONFIG_INTRODUCTION = """\
# Settings

Made by `make reference` from the program itself; a test holds it to that.

A flag beats an environment variable, which beats the config file, which beats the default. `llm.model` is
`model = "..."` under `[llm]` in `config.toml`, and `RAGCLI_LLM_MODEL` in the environment. The file is the one
that `--config` or `RAGCLI_CONFIG` names, else `config.toml` in the working folder, else in your configuration
folder. Keys under `[profiles.NAME.SECTION]` are laid over the others with `--profile NAME`. An unknown key is
an error. `ragcli config show` prints each value and where it came from.
"""


def pages() -> dict[Path, str]:
    """Each page's path and whole text."""
    return {FOLDER / "commands.md": commands_page(), FOLDER / "config.md": config_page()}


def commands_page() -> str:
    """Every command with its arguments and options, under the headings of `ragcli --help`."""
    root: Any = get_command(build_app())
    context = root.make_context("ragcli", [])
    parts = [
        COMMANDS_INTRODUCTION,
        _table(("option of `ragcli`", "meaning"), [_option(p) for p in _options(root)]),
    ]
    for section in dict.fromkeys(entry.section for entry in COMMANDS.values()):
        parts.append(f"## {section}\n")
        for name in (name for name, entry in COMMANDS.items() if entry.section == section):
            parts.extend(_command(f"ragcli {name}", root.get_command(context, name)))
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def config_page() -> str:
    """Every key with its default, what it may be, and what it means."""
    tables: dict[str, list[tuple[str, ...]]] = {}
    for key, field in known_fields().items():
        section, _, name = key.rpartition(".")
        row = (f"`{name}`", _default(field), _values(field), _cell(field.description or ""))
        tables.setdefault(section, []).append(row)
    parts = [CONFIG_INTRODUCTION]
    for section, rows in tables.items():
        parts.append(f"## {section}\n" if section else "## Outside of the sections\n")
        parts.append(_table(("key", "default", "values", "meaning"), rows))
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def _command(path: str, command: Any) -> Iterator[str]:
    """A command's section; a group is the sections of its commands."""
    commands = getattr(command, "commands", None)
    if commands is not None:
        for name, inner in commands.items():
            # `ragcli eval QUESTIONS` is the command that is called run inside.
            yield from _command(path if (path, name) == ("ragcli eval", "run") else f"{path} {name}", inner)
        return
    arguments = [param for param in command.params if param.param_type_name == "argument"]
    usage = " ".join([path, "[OPTIONS]", *(_argument_name(param) for param in arguments)])
    yield f"### {path}\n\n```text\n{usage}\n```\n"
    yield f"{(command.help or '').strip()}\n"
    if arguments:
        yield _table(
            ("argument", "meaning"),
            [(f"`{_argument_name(p)}`", _cell(p.help or "") + _default_of(p)) for p in arguments],
        )
    if options := _options(command):
        yield _table(("option", "meaning"), [_option(param) for param in options])


def _options(command: Any) -> list[Any]:
    return [p for p in command.params if p.param_type_name == "option" and not getattr(p, "hidden", False)]


def _argument_name(param: Any) -> str:
    return str(param.metavar or param.name.upper())


def _option(param: Any) -> tuple[str, str]:
    names = ", ".join(f"`{name}`" for name in sorted(param.opts, key=len, reverse=True))
    metavar = f" {param.metavar}" if param.metavar else ""
    return f"{names}{metavar}", _cell(param.help or "") + _default_of(param)


def _default_of(param: Any) -> str:
    default = param.default
    if default is None or isinstance(default, bool) or default in ((), []) or callable(default):
        return ""
    return f" Default: `{default}`."


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return f"`{value}`".lower()
    if isinstance(value, tuple):
        return ", ".join(f"`{_escaped(item)}`" for item in value) or "none"
    return f"`{_escaped(value)}`" if value != "" else "empty"


def _values(field: FieldInfo) -> str:
    kind = field.annotation
    if get_origin(kind) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(kind))
    if isinstance(kind, types.UnionType):
        kind = next(part for part in get_args(kind) if part is not type(None))
    kinds = {bool: "`true`, `false`", int: "integer", float: "number", str: "text", dict: "table"}
    name = kinds.get(get_origin(kind) or kind, "list of texts")
    bounds = [
        f"{word} {getattr(bound, limit):g}"
        for bound in field.metadata
        for limit, word in BOUNDS.items()
        if getattr(bound, limit, None) is not None
    ]
    return " ".join([name, *bounds])


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _escaped(value: object) -> str:
    return str(value).replace("|", "\\|")


def _cell(text: str) -> str:
    return _escaped(" ".join(text.split()))


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
