"""What the failure of a Chroma server means to the user: one line, and how to fix it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ragcli.config import StoreConfig
from ragcli.errors import StoreError, StoreServerError
from ragcli.servers.addresses import address_of
from ragcli.servers.refusals import message_of
from ragcli.servers.statuses import Service, key_hint

REFUSED = (401, 403)


def address(config: StoreConfig) -> str:
    """The server's address for messages: without a user name or password."""
    return address_of(config.url).rstrip("/")


@contextmanager
def server_errors(config: StoreConfig) -> Iterator[None]:
    """Turns what Chroma's client and httpx raise into a StoreServerError, or into a StoreError if the server
    understood the request and refused it.
    """
    import httpx
    from chromadb.errors import AuthorizationError, ChromaAuthError, ChromaError

    server = address(config)
    try:
        yield
    except httpx.TimeoutException as error:
        raise StoreServerError(
            f"The Chroma server at {server} did not answer within {config.timeout_seconds:g} seconds.",
            hint="Try again, or raise store.timeout_seconds.",
        ) from error
    except httpx.TransportError as error:
        raise unreachable(config, error) from error
    except (ChromaAuthError, AuthorizationError) as error:
        raise bad_status(config, 401) from error
    except ChromaError as error:
        raise StoreError(
            f"The Chroma server at {server} refused: {message_of(error)}",
            hint="Read the server's log. If the index is damaged: ragcli reset, then ragcli ingest PATH...",
        ) from error
    except Exception as error:
        # For everything but Chroma's own errors, such as those of a proxy, its client raises a bare Exception
        # with the response's text. The status is in the error that it was raised from.
        if type(error) is Exception:
            response = getattr(error.__context__, "response", None)
            raise bad_status(config, getattr(response, "status_code", 0), message_of(error)) from error
        raise


def unreachable(config: StoreConfig, error: Exception) -> StoreServerError:
    return StoreServerError(
        f"No Chroma server answers at {address(config)}: {message_of(error)}.",
        hint="Start it (chroma run --path FOLDER), or correct store.url.",
    )


def bad_status(config: StoreConfig, status: int, detail: str = "") -> StoreServerError:
    """`detail` is the response's text; it is left out if it is an HTML page."""
    service = Service(
        server=f"The Chroma server at {address(config)}",
        url="store.url",
        key=f"{key_hint('store', config.api_key_env)} It is sent in the header {config.api_key_header}.",
        refused="Read the server's log, or correct store.url.",
    )
    found = service.meaning(status, "" if detail.startswith("<") else detail)
    return StoreServerError(found.message, hint=found.hint)


def not_chroma(config: StoreConfig) -> StoreServerError:
    return StoreServerError(
        f"What answers at {address(config)} is not a Chroma server with the API of version 2.",
        hint="Correct store.url: scheme, host and port, such as http://localhost:8000.",
    )


def unknown_place(config: StoreConfig, error: Exception) -> StoreServerError:
    """A tenant or database that the server does not know."""
    return StoreServerError(
        f"The Chroma server at {address(config)} says: {message_of(error)}",
        hint="Correct store.tenant and store.database.",
    )
