"""Where settings come from: defaults < config file < profile < environment < flags.

A setting is named by its dotted key (`retrieval.top_k`), its environment variable has the same words
(`RAGCLI_RETRIEVAL_TOP_K`). The file is the one given, else `./config.toml`, else `config.toml` in the
user's configuration folder; only the first that exists is read.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from ragcli.config import Config
from ragcli.config.profiles import BUILT_IN_PROFILES
from ragcli.errors import ConfigError
from ragcli.servers.redaction import without_credentials

PREFIX = "RAGCLI_"
FILE_NAME = "config.toml"
SECRET_NAME = "api_key_env"
AUTO = "auto"
URLS = ("store.url", "embedding.url", "reranking.url", "llm.base_url")
VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


@dataclass(frozen=True, slots=True)
class Setting:
    """One key and its value. `value` is safe to print: it has no key and no password of a URL."""

    key: str
    value: object
    origin: str


@dataclass(frozen=True, slots=True)
class _Given:
    value: object
    origin: str


_Layer = dict[str, _Given]


def load_config(
    path: Path | None = None,
    profile: str | None = None,
    overrides: Mapping[str, object] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Config:
    """Read all layers and check them.

    `overrides` are flags by dotted key; None means that the flag was not given. Raises
    ConfigError for an unreadable file, an unknown key or profile, or an invalid value.
    """
    return _validated(_resolve(path, profile, overrides or {}, environ))


def explain_config(
    path: Path | None = None,
    profile: str | None = None,
    overrides: Mapping[str, object] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> list[Setting]:
    """Every key with its value and origin: "default", a file, a profile, a variable's name or "flag"."""
    given = _resolve(path, profile, overrides or {}, environ)
    config = _validated(given)
    return [
        Setting(
            key,
            _printable(config, key, environ),
            given[key].origin if key in given else "default",
        )
        for key in known_fields()
    ]


def changed(config: Config, changes: Mapping[str, object], origin: str) -> Config:
    """The settings with some of them changed, by dotted key. Raises ConfigError; `origin` is named in it."""
    given = {key: _Given(value_of(config, key), "") for key in known_fields()}
    return _validated({**given, **{key: _Given(value, origin) for key, value in changes.items()}})


def known_fields() -> dict[str, FieldInfo]:
    """Every dotted key and its declaration, in the order of `Config`."""
    return dict(_fields_of(Config, ""))


def profile_names(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Every profile that can be chosen, the built-in ones first. Raises ConfigError."""
    file = find_config_file(path, environ)
    tables = _profiles_of(_read(file).get("profiles", {}), str(file)) if file else {}
    return tuple(dict.fromkeys([*BUILT_IN_PROFILES, *tables]))


def value_of(config: Config, key: str) -> object:
    """The value under a dotted key."""
    value: object = config
    for part in key.split("."):
        value = getattr(value, part)
    return value


def variable_name(key: str) -> str:
    """The environment variable that sets a key: "llm.model" -> "RAGCLI_LLM_MODEL"."""
    return PREFIX + key.replace(".", "_").upper()


def repeatable(config: Config) -> dict[str, Any]:
    """Everything needed to repeat a run, as JSON: the variable of a key is named, the key is not."""
    from ragcli import __version__

    settings = config.model_dump(mode="json")
    settings["prompting"] = config.prompt.model_dump(mode="json")
    for key in URLS:
        section, _, name = key.partition(".")
        settings[section][name] = without_credentials(settings[section][name])
    return {"ragcli": __version__, "config": settings}


def find_config_file(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The file that will be read; None if there is none. A file given by name must exist."""
    named = path or (Path(environ["RAGCLI_CONFIG"]) if environ.get("RAGCLI_CONFIG") else None)
    if named is not None:
        if not named.is_file():
            raise ConfigError(f"There is no config file {named}.", hint="ragcli config init writes one.")
        return named
    user_folder = Path(environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "ragcli"
    candidates = (Path(FILE_NAME), user_folder / FILE_NAME)
    return next((file for file in candidates if file.is_file()), None)


def _fields_of(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        if _is_section(field.annotation):
            yield from _fields_of(field.annotation, f"{prefix}{name}.")  # type: ignore[arg-type]
        else:
            yield f"{prefix}{name}", field


def _is_section(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _resolve(
    path: Path | None, profile: str | None, overrides: Mapping[str, object], environ: Mapping[str, str]
) -> _Layer:
    fields = known_fields()
    file = find_config_file(path, environ)
    table = _read(file) if file else {}
    file_name = str(file) if file else ""
    profiles = _profiles_of(table.pop("profiles", {}), file_name)
    file_layer = {key: _Given(value, file_name) for key, value in _flatten(table, fields, file_name)}
    environment = _from_environment(fields, environ)
    flags = _from_flags(overrides, fields)
    if profile is not None:
        flags["profile"] = _Given(profile, "flag")
    chosen = {**file_layer, **environment, **flags}.get("profile", _Given("local", "default"))
    overlay = _profile_layer(chosen, profiles, fields, file_name)
    return {**file_layer, **overlay, **environment, **flags}


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"{file} is not valid TOML: {error}.", hint="Fix the file, or name another with --config."
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(
            f"{file} is not UTF-8 text.", hint="Save it as UTF-8, or name another with --config."
        ) from None
    except OSError as error:
        raise ConfigError(
            f"{file} cannot be read: {error.strerror}.", hint="Check its permissions."
        ) from None


def _flatten(
    table: Mapping[str, Any], fields: Mapping[str, FieldInfo], origin: str
) -> Iterator[tuple[str, object]]:
    """Dotted keys of a TOML table; only tables that are sections are entered."""
    sections = {key.rpartition(".")[0] for key in fields}
    pending: list[tuple[str, object]] = list(table.items())
    while pending:
        key, value = pending.pop(0)
        if key in fields:
            yield key, value
        elif isinstance(value, Mapping) and key in sections:
            pending = [(f"{key}.{name}", inner) for name, inner in value.items()] + pending
        else:
            raise _unknown_key(key, fields, origin)


def _unknown_key(key: str, fields: Mapping[str, FieldInfo], origin: str) -> ConfigError:
    """The error names the nearest known key. It never shows the value, which may be a secret."""
    last = {known.rpartition(".")[2]: known for known in fields}
    sections = {known.partition(".")[0]: f"[{known.partition('.')[0]}]" for known in fields if "." in known}
    names = {**last, **sections, **{known: known for known in fields}}
    close = difflib.get_close_matches(key, list(names), 1, 0.7) or difflib.get_close_matches(
        key.rpartition(".")[2], list(names), 1, 0.7
    )
    hint = f"Did you mean {names[close[0]]}?" if close else "ragcli config show lists every key."
    if not close and origin.endswith(FILE_NAME):
        hint += f" If {origin} belongs to another program, name ragcli's own with --config."
    return ConfigError(f"Unknown setting {key} in {origin}.", hint=hint)


def _profiles_of(tables: object, origin: str) -> dict[str, Mapping[str, Any]]:
    if not isinstance(tables, Mapping) or not all(isinstance(table, Mapping) for table in tables.values()):
        raise ConfigError(
            f"profiles in {origin} is not a set of tables.",
            hint="Write [profiles.NAME.llm] and keys below it.",
        )
    return dict(tables)


def _profile_layer(
    chosen: _Given, profiles: Mapping[str, Mapping[str, Any]], fields: Mapping[str, FieldInfo], file_name: str
) -> _Layer:
    name = str(chosen.value)
    if name not in profiles and name not in BUILT_IN_PROFILES:
        known = sorted({*profiles, *BUILT_IN_PROFILES})
        close = difflib.get_close_matches(name, known, 1)
        meant = f"Did you mean {close[0]}? " if close else ""
        table = f"[profiles.{name}.llm] to {file_name or FILE_NAME}"
        raise ConfigError(
            f"There is no profile {name!r} (from {chosen.origin}).",
            hint=f"{meant}Known profiles: {', '.join(known)}. Add {table}.",
        )
    layer = {key: _Given(value, f"profile {name}") for key, value in BUILT_IN_PROFILES.get(name, {}).items()}
    for table, keys in profiles.items():
        origin = f"{file_name} [profiles.{table}]"
        # Unused profiles are read as well, so that a mistake is found before they are used.
        given = {key: _Given(value, origin) for key, value in _flatten(keys, fields, origin)}
        if table == name:
            layer.update(given)
    return layer


def _from_environment(fields: Mapping[str, FieldInfo], environ: Mapping[str, str]) -> _Layer:
    """Set variables, without empty ones. One that begins like a section but matches no key is an error."""
    names = {variable_name(key): key for key in fields}
    sections = {variable_name(key.partition(".")[0]) + "_" for key in fields if "." in key}
    layer: _Layer = {}
    for name, text in sorted(environ.items()):
        if name in names and text:
            layer[names[name]] = _Given(_parsed(name, text, fields[names[name]]), name)
        elif name not in names and name.startswith(tuple(sections)):
            close = difflib.get_close_matches(name, list(names), 1, 0.6)
            hint = f"Did you mean {close[0]}?" if close else "ragcli config show lists every key."
            raise ConfigError(f"The environment variable {name} does not match a setting.", hint=hint)
    return layer


def _parsed(name: str, text: str, field: FieldInfo) -> object:
    """Lists are written with commas, tables as in TOML; other values are converted by the field's type."""
    if get_origin(field.annotation) is dict:
        try:
            return tomllib.loads(f"table = {text}")["table"]
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(
                f"{name} is not a table in TOML: {error}.", hint=f"For instance {name}='{{ top_p = 0.9 }}'."
            ) from None
    return tuple(part.strip() for part in text.split(",")) if get_origin(field.annotation) is tuple else text


def _from_flags(overrides: Mapping[str, object], fields: Mapping[str, FieldInfo]) -> _Layer:
    given = {key: value for key, value in overrides.items() if value is not None}
    for key in given:
        if key not in fields:
            raise _unknown_key(key, fields, "the overrides")
    return {key: _Given(value, "flag") for key, value in given.items()}


def _validated(given: _Layer) -> Config:
    _check_secret_name(given)
    nested: dict[str, Any] = {}
    for key, setting in given.items():
        section, _, name = key.rpartition(".")
        (nested.setdefault(section, {}) if section else nested)[name] = setting.value
    try:
        return Config.model_validate(nested)
    except ValidationError as error:
        raise _bad_value(error, given) from None


def _bad_value(error: ValidationError, given: _Layer) -> ConfigError:
    first = error.errors()[0]
    parts = [str(part) for part in first["loc"]]
    key = next(
        (".".join(parts[:n]) for n in range(len(parts), 0, -1) if ".".join(parts[:n]) in given),
        ".".join(parts),
    )
    origin = given[key].origin if key in given else "the configuration"
    field = known_fields().get(key)
    hint = (
        f"{key}: {field.description}"
        if field and field.description
        else "ragcli config show lists every key."
    )
    message = first["msg"].removeprefix("Input s").removeprefix("S")
    shown = "" if key.endswith(SECRET_NAME) else f" = {given[key].value!r}" if key in given else ""
    return ConfigError(f"{key}{shown} (from {origin}) does not fit: s{message}.", hint=hint)


def _check_secret_name(given: _Layer) -> None:
    """A key given instead of a variable's name must not reach a screen, an error or a run's JSON."""
    for key, setting in given.items():
        is_name = not setting.value or VARIABLE_NAME.match(str(setting.value))
        if key.endswith(SECRET_NAME) and not is_name:
            raise ConfigError(
                f"{key} (from {setting.origin}) is not the name of an environment variable.",
                hint="Put the key into a variable and name that variable, e.g. "
                'api_key_env = "OPENAI_API_KEY".',
            )


def _printable(config: Config, key: str, environ: Mapping[str, str]) -> object:
    value = value_of(config, key)
    if key.endswith(SECRET_NAME) and value:
        return f"{value} ({'set' if environ.get(str(value)) else 'not set'})"
    if value == AUTO and key.startswith("prompting."):
        return f"{AUTO} ({getattr(config.prompt, key.removeprefix('prompting.'))})"
    return without_credentials(value) if isinstance(value, str) else value
