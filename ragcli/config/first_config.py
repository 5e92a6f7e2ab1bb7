"""A config file from three answers: which LLM, where the documents are, where the index goes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ragcli.config.profiles import BUILT_IN_PROFILES
from ragcli.config.template import config_text
from ragcli.errors import ConfigError, UsageError
from ragcli.servers.addresses import check_url

LOCAL, LOCAL_LARGE, OPENAI, SERVER = "local", "local-large", "openai", "server"
SHORT_NAMES = {"ollama": "http://localhost:11434/v1"}
# For a server whose model has an unknown window: small enough for any that can follow the prompt.
SERVED_CONTEXT_TOKENS, SERVED_ANSWER_TOKENS = 8192, 512


@dataclass(frozen=True, slots=True)
class Answers:
    """`llm` is "local", "local-large", "openai" or a server's URL.

    `model` is the name there, empty for the default.
    """

    llm: str
    model: str
    documents: tuple[str, ...]
    index: str


def parse_llm(text: str) -> str:
    """As `Answers.llm`. "ollama" means its usual address, and a bare host gets the /v1 that servers need.

    Raises UsageError.
    """
    text = SHORT_NAMES.get(text, text)
    if text in (LOCAL, LOCAL_LARGE, OPENAI):
        return text
    try:
        check_url("--llm", text, "")
    except ConfigError:
        raise UsageError(
            f"{text!r} is not an LLM that ragcli knows.",
            hint="local, local-large, openai, ollama, or a URL such as http://localhost:8000/v1",
        ) from None
    return text.rstrip("/") + "/v1" if urlsplit(text).path in ("", "/") else text


def first_config(answers: Answers) -> str:
    """The file's text. The LLM is a profile, so that `--profile local` switches back to the embedded one."""
    changes: dict[str, object] = {
        "store.path": answers.index,
        "ingest.paths": answers.documents,
        "profile": LOCAL,
    }
    profiles = {name: dict(settings) for name, settings in BUILT_IN_PROFILES.items()}
    if answers.llm in (LOCAL_LARGE, OPENAI):
        changes["profile"] = answers.llm
        if answers.model:
            profiles[answers.llm]["llm.model"] = answers.model
    elif answers.llm != LOCAL:
        changes["profile"] = SERVER
        profiles[SERVER] = {
            "llm.base_url": answers.llm,
            "llm.model": answers.model,
            "llm.api_key_env": "",
            "llm.context_tokens": SERVED_CONTEXT_TOKENS,
            "llm.answer_tokens": SERVED_ANSWER_TOKENS,
        }
    elif answers.model:
        changes["llm.model"] = answers.model
    return config_text(_without_defaults(changes), profiles)


def check_places(answers: Answers) -> None:
    """Raises UsageError if documents do not exist, or if the index would be among them.

    A hidden folder such as .ragcli is allowed: neither an ingest nor a person mistakes it for documents.
    """
    index = Path(answers.index).expanduser().absolute()
    for named in answers.documents:
        folder = Path(named).expanduser().absolute()
        if not folder.exists():
            raise UsageError(f"{named} does not exist.", hint="Name a folder or a file: --documents PATH")
        inside = index.relative_to(folder) if index.is_relative_to(folder) else None
        if inside is not None and not any(part.startswith(".") for part in inside.parts):
            raise UsageError(
                f"The index, {answers.index}, would lie among the documents in {named}.",
                hint=f"Name a folder outside {named}, or a hidden one: --index .ragcli",
            )


def _without_defaults(changes: dict[str, object]) -> dict[str, object]:
    from ragcli.config import Config
    from ragcli.config.loading import value_of

    return {key: value for key, value in changes.items() if value_of(Config(), key) != value}
