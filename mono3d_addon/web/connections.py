# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits of time and number for connections, around whatever speaks HTTP on them.

The HTTP library waits for a request's head and for a client that does not read, both without limit. `Watched` stands
between the system's transport and the library's protocol, and uses nothing of the library but asyncio's interface. The
application tells when a request begins and ends.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any

from .visitor import Proxies, network_of

HEADER_SECONDS = 20.0
STALLED_SECONDS = 60.0
MOST_CONNECTIONS = 1024


class Connections:
    """All connections of a server. Use it in the event loop's thread only.

    most_each  connections of one place; those of `proxies` are not limited
    """

    def __init__(self, proxies: Proxies, most_each: int) -> None:
        self._proxies = proxies
        self._most_each = most_each
        self._open: dict[tuple[Any, ...], Watched] = {}
        self._places: Counter[str] = Counter()
        self._silent: OrderedDict[Watched, None] = OrderedDict()
        self.refused = 0

    def __len__(self) -> int:
        """Returns the number of open connections."""
        return len(self._open)

    def begin(self, client: Any) -> None:
        """Notes that the head of a request of `client`, the address in its scope, is complete."""
        if (one := self._open.get(_key(client))) is not None:
            one.begin_request()

    def end(self, client: Any) -> None:
        """Notes that a request is answered: the connection waits for the next one."""
        if (one := self._open.get(_key(client))) is not None:
            one.end_request()

    def admit(self, one: Watched) -> bool:
        """Adds a connection; returns False if its place has too many.

        When all together are too many, the one that waits longest for a request leaves: that is no visitor's.
        """
        place = network_of(one.address)
        if not self._proxies.has(one.address) and self._places[place] >= self._most_each:
            self.refused += 1
            return False
        if len(self._open) >= MOST_CONNECTIONS:
            self.refused += 1
            if not self._silent:
                return False
            longest = next(iter(self._silent))
            self.remove(longest)
            longest.abort()
        self._open[one.key] = one
        self._places[place] += 1
        return True

    def remove(self, one: Watched) -> None:
        """Removes a connection that is closed."""
        if self._open.pop(one.key, None) is not None:
            place = network_of(one.address)
            self._places[place] -= 1
            if not self._places[place]:
                del self._places[place]
        self._silent.pop(one, None)

    def note_silent(self, one: Watched, *, is_silent: bool) -> None:
        """Notes whether a connection waits for a request."""
        self._silent.pop(one, None)
        if is_silent and one.key in self._open:
            self._silent[one] = None


class Watched(asyncio.Protocol):
    """A connection with limits of time; `inner` is the protocol that speaks HTTP on it."""

    def __init__(self, connections: Connections, inner: asyncio.Protocol) -> None:
        self.address = ""
        self.key: tuple[Any, ...] = ()
        self._connections = connections
        self._inner = inner
        self._transport: asyncio.Transport | None = None
        self._is_admitted = False
        self._requests = 0
        self._header_timer = _Timer()
        self._stall_timer = _Timer()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Admits the connection and starts the timer for the first request."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.key = _key(transport.get_extra_info("peername"))
        self.address = str(self.key[0]) if self.key else ""
        self._is_admitted = self._connections.admit(self)
        if not self._is_admitted:
            transport.abort()
            return
        self._inner.connection_made(transport)
        self._await_request()

    def data_received(self, data: bytes) -> None:
        """Passes bytes on."""
        if self._is_admitted:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        """Passes the end of the client's bytes on."""
        return self._inner.eof_received() if self._is_admitted else None

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops the timers."""
        self._header_timer.stop()
        self._stall_timer.stop()
        self._connections.remove(self)
        if self._is_admitted:
            self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        """Starts the timer for a client that does not read."""
        self._stall_timer.start(STALLED_SECONDS, self.abort)
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Stops that timer."""
        self._stall_timer.stop()
        self._inner.resume_writing()

    def begin_request(self) -> None:
        """Notes that the head of a request is complete."""
        self._requests += 1
        self._header_timer.stop()
        self._connections.note_silent(self, is_silent=False)

    def end_request(self) -> None:
        """Notes that a request is answered; the next one may have begun before, if the client did not wait."""
        self._requests -= 1
        if not self._requests:
            self._await_request()

    def _await_request(self) -> None:
        self._header_timer.start(HEADER_SECONDS, self.abort)
        self._connections.note_silent(self, is_silent=True)

    def abort(self) -> None:
        """Closes the connection at once."""
        if self._transport is not None:
            self._transport.abort()


def _key(client: Any) -> tuple[Any, ...]:
    """Returns address and port of a client."""
    return tuple(client[:2]) if client else ()


class _Timer:
    """Calls a function when nothing stops it within `seconds`."""

    def __init__(self) -> None:
        self._handle: asyncio.TimerHandle | None = None

    def start(self, seconds: float, act: Callable[[], None]) -> None:
        """Starts it, from the beginning if it runs already."""
        self.stop()
        self._handle = asyncio.get_running_loop().call_later(seconds, act)

    def stop(self) -> None:
        """Stops it."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
