"""What a status of HTTP means to the user: one table, for whatever the server runs."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, TypeVar

from ragcli.errors import ServerError
from ragcli.servers.refusals import said_by

if TYPE_CHECKING:
    from openai import APIStatusError

Failure = TypeVar("Failure", bound=ServerError)


@dataclass(frozen=True, slots=True)
class Meaning:
    """A message and a hint, both with fields of Service in braces; `transient` and `hopeless` as in
    ServerError.
    """

    message: str
    hint: str
    transient: bool = False
    hopeless: bool = False


_TABLE: tuple[tuple[Container[int], Meaning], ...] = (
    (
        range(300, 400),
        Meaning(
            "{server} points to another address (HTTP {status}), and ragcli asks only the one you name.",
            "Set {url} to the address that is meant; perhaps it begins with https.",
            hopeless=True,
        ),
    ),
    ((401, 403), Meaning("{server} refused the key{detail}", "{key}", hopeless=True)),
    (
        (429,),
        Meaning(
            "{server} accepts no more requests for now{detail}",
            "Wait {wait} and try again, or check your quota.",
            transient=True,
        ),
    ),
    (
        range(500, 600),
        Meaning("{server} failed{detail}", "Try again, or read the server's log.", transient=True),
    ),
    (range(1000), Meaning("{server} refused the request{detail}", "{refused}")),
)


@dataclass(frozen=True, slots=True)
class Service:
    """A server in the words of messages and settings.

    `url` is the setting of its address. `key` and `refused` are hints: for a key that is refused, and for a
    request that is refused for another reason. `own` has the meanings that differ from the table, `values`
    what else their texts name.
    """

    server: str
    url: str
    key: str
    refused: str
    own: Mapping[int, Meaning] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)

    def meaning(self, status: int, words: str = "", wait: float | None = None) -> Meaning:
        """Of a status that is not a success, with all texts filled in. `words` are the server's own; `wait`:
        seconds that it asked for.
        """
        found = self.own.get(status) or next(m for statuses, m in _TABLE if status in statuses)
        values = {
            **self.values,
            "server": self.server,
            "url": self.url,
            "key": self.key,
            "refused": self.refused,
            "status": status,
            "detail": f" (HTTP {status}){f': {words}' if words else ''}.",
            "wait": "a minute" if wait is None else f"{wait:.0f} seconds",
        }
        return replace(found, message=found.message.format(**values), hint=found.hint.format(**values))

    def failure(self, error: APIStatusError, kind: type[Failure]) -> Failure:
        """The error for a status that the `openai` client raised."""
        wait = retry_after(error)
        found = self.meaning(error.status_code, said_by(error), wait)
        return kind(
            found.message,
            hint=found.hint,
            transient=found.transient,
            hopeless=found.hopeless,
            retry_after=wait if found.transient else None,
        )


def key_hint(section: str, variable: str) -> str:
    """What to do about a key that is refused."""
    if variable:
        return f"Check the key in {variable}."
    return f"Set {section}.api_key_env to the variable that holds the key."


def retry_after(error: APIStatusError) -> float | None:
    """Seconds from the Retry-After header, which holds seconds or a date (RFC 9110); None without one."""
    text = error.response.headers.get("retry-after", "").strip()
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
