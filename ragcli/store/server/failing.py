"""What the failure of a Chroma server means to the user: one line, and how to fix it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ragcli.config import StoreConfig
from ragcli.errors import StoreError, StoreServerError
from ragcli.servers.addresses import address_of, one_line

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
        raise refused(config) from error
    except ChromaError as error:
        raise StoreError(
            f"The Chroma server at {server} refused: {one_line(error)}",
            hint="Read the server's log. If the index is damaged: ragcli reset, then ragcli ingest PATH...",
        ) from error
    except Exception as error:
        # For everything but Chroma's own errors, such as those of a proxy, its client raises a bare Exception
        # with the response's text. The status is in the error that it was raised from.
        if type(error) is Exception:
            response = getattr(error.__context__, "response", None)
            raise bad_status(config, getattr(response, "status_code", 0), one_line(error)) from error
        raise


def unreachable(config: StoreConfig, error: Exception) -> StoreServerError:
    return StoreServerError(
        f"No Chroma server answers at {address(config)}: {one_line(error)}.",
        hint="Start it (chroma run --path FOLDER), or correct store.url.",
    )


def refused(config: StoreConfig) -> StoreServerError:
    if not config.api_key_env:
        hint = "Set store.api_key_env to the variable that holds the key."
    else:
        hint = f"Check the key in {config.api_key_env} and its header, {config.api_key_header}."
    return StoreServerError(f"The Chroma server at {address(config)} refused the key.", hint=hint)


def missing_key(config: StoreConfig) -> StoreServerError:
    return StoreServerError(
        f"No key for {address(config)}: the environment variable {config.api_key_env} is not set.",
        hint=f"export {config.api_key_env}=...",
    )


def bad_status(config: StoreConfig, status: int, detail: str) -> StoreServerError:
    """`detail` is the response's text; it is left out if it is an HTML page."""
    if status in REFUSED:
        return refused(config)
    said = f": {detail}" if detail and not detail.startswith("<") else ""
    return StoreServerError(
        f"The Chroma server at {address(config)} failed (HTTP {status}){said}",
        hint="Try again, or read the server's log.",
    )


def not_chroma(config: StoreConfig) -> StoreServerError:
    return StoreServerError(
        f"What answers at {address(config)} is not a Chroma server with the API of version 2.",
        hint="Correct store.url: scheme, host and port, such as http://localhost:8000.",
    )


def unknown_place(config: StoreConfig, error: Exception) -> StoreServerError:
    """A tenant or database that the server does not know."""
    return StoreServerError(
        f"The Chroma server at {address(config)} says: {one_line(error)}",
        hint="Correct store.tenant and store.database.",
    )
