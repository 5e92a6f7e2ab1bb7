"""The commented `config.toml`: written from the declarations, so that it always matches the defaults."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping

from ragcli.config import Config
from ragcli.config.loading import known_fields, value_of
from ragcli.config.profiles import BUILT_IN_PROFILES

WIDTH = 100
HEADER = """\
# ragcli's settings. Every value below is the default; delete what you do not change.
# A flag beats an environment variable (RAGCLI_LLM_MODEL sets llm.model), which beats this file.
# `ragcli config show` prints each value and where it came from.
"""
CHANGED_HEADER = """\
# ragcli's settings. Values are the defaults, except on lines that name another default.
# A flag beats an environment variable (RAGCLI_LLM_MODEL sets llm.model), which beats this file.
# `ragcli config show` prints each value and where it came from.
"""
OLLAMA = """\
# Ollama, vLLM, llama.cpp, LM Studio and others speak the same protocol:
# [profiles.ollama.llm]
# base_url = "http://localhost:11434/v1"
# model = "llama3.2"
# context_tokens = 8192
# answer_tokens = 512
#
# [profiles.ollama.chat]
# rewrite = "llm"
"""


def default_config_text() -> str:
    """The whole file, as TOML."""
    return config_text({}, BUILT_IN_PROFILES)


def config_text(changes: Mapping[str, object], profiles: Mapping[str, Mapping[str, object]]) -> str:
    """The whole file with `changes` by dotted key; a changed line also names its default."""
    header = CHANGED_HEADER if changes else HEADER
    parts = [header, *_sections(changes), *_profiles(profiles), OLLAMA]
    return "\n".join(part.strip("\n") + "\n" for part in parts)


def _sections(changes: Mapping[str, object]) -> Iterator[str]:
    """One TOML table per section; keys without a section come first."""
    defaults = Config()
    tables: dict[str, list[str]] = {"": []}
    for key, field in known_fields().items():
        section, _, name = key.rpartition(".")
        lines = textwrap.wrap(field.description or "", WIDTH, initial_indent="# ", subsequent_indent="# ")
        value = value_of(defaults, key)
        # TOML has no null, so an unset key is a comment.
        default = f"# {name} =" if value is None else f"{name} = {_toml(value)}"
        if key in changes and changes[key] != value:
            lines.append(f"{name} = {_toml(changes[key])}  # default: {_toml(value)}")
        else:
            lines.append(default)
        tables.setdefault(section, []).append("\n".join(lines))
    for section, entries in tables.items():
        yield (f"[{section}]\n" if section else "") + "\n\n".join(entries)


def _profiles(profiles: Mapping[str, Mapping[str, object]]) -> Iterator[str]:
    yield (
        "# `--profile local-large` or `--profile openai` overrides the sections above with these.\n"
        "# Keys stay in the environment."
    )
    for profile, settings in profiles.items():
        tables: dict[str, list[str]] = {}
        for key, value in settings.items():
            section, _, name = key.rpartition(".")
            tables.setdefault(section, []).append(f"{name} = {_toml(value)}")
        for section, lines in tables.items():
            yield "\n".join([f"[profiles.{profile}.{section}]", *lines])


def _toml(value: object) -> str:
    """Strings, numbers, booleans and lists of them look the same in TOML and JSON, but for one character."""
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{_toml(key)} = {_toml(inner)}" for key, inner in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    text = json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
    return text.replace("\x7f", "\\u007f")
