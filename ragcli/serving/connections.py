"""How long a client may keep the server waiting, and who makes room for a new one.

uvicorn closes a connection that is silent after an answer. It waits without end for one that never sends a
request, sends it byte by byte, or does not read its answer; and with enough of them it refuses all others.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_CONNECTIONS = 128
"""More than there are questions that may wait; fewer than the 256 files that a process may open on macOS."""

SECONDS_FOR_A_CLIENT = 10.0
"""For a whole request, from the connection or the answer before it; and for reading what is sent."""


def bounded(most: int = MOST_CONNECTIONS, seconds: float = SECONDS_FOR_A_CLIENT) -> type[H11Protocol]:
    """What uvicorn takes as `http`. With `most` clients that wait for answers, the next is refused (503)."""
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Connection(H11Protocol):
        deadline: asyncio.TimerHandle

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            self.limit_concurrency = most + 1
            if len(self.connections) >= most:
                _close_longest_waiting(cast("set[Connection]", self.connections))
            super().connection_made(transport)
            self.deadline = self._new_deadline()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._wait()

        def pause_writing(self) -> None:
            super().pause_writing()
            self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            self.deadline.cancel()

        @property
        def waits_for_client(self) -> bool:
            request = self.cycle
            if request is None or request.more_body or request.response_complete:
                return True
            return self.flow.write_paused

        def _wait(self) -> None:
            self.deadline.cancel()
            self.deadline = self._new_deadline()

        def _new_deadline(self) -> asyncio.TimerHandle:
            return self.loop.call_later(seconds, self._close_if_waiting)

        def _close_if_waiting(self) -> None:
            if self.waits_for_client:
                # `close` would wait for the client to read what was sent.
                self.transport.abort()

    def _close_longest_waiting(connections: set[Connection]) -> None:
        waiting = [each for each in connections if each.waits_for_client and not each.transport.is_closing()]
        if waiting:
            min(waiting, key=lambda each: each.deadline.when()).transport.abort()

    return Connection
