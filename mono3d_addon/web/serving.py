# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the application: the listening socket, the HTTP server, its end in order."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
import sys
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..errors import Mono3DError
from ..settings import WebOptions
from .answers import refused
from .app import make_app
from .guard import MOST_HEADER_BYTES, SECURITY_HEADERS, Rules
from .refusal import Refusal
from .service import Service

_MOST_CONNECTIONS = 1024
_HEADER_SECONDS = 20.0
_STALLED_SECONDS = 60.0
_GRACE_SECONDS = 3


class PatientProtocol(H11Protocol):
    """HTTP/1.1 whose patience ends: with headers that do not come, and with readers that do not read.

    uvicorn itself waits for both without end.
    """

    _header_timer: asyncio.TimerHandle | None = None
    _stall_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Starts to wait for the first request."""
        super().connection_made(transport)
        if len(self.connections) > _MOST_CONNECTIONS:
            transport.abort()
            return
        self._await_request()

    def data_received(self, data: bytes) -> None:
        """Takes bytes in; once they make a request, its own rules hold."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_header_timer()

    def on_response_complete(self) -> None:
        """Starts to wait for the next request."""
        self._await_request()
        super().on_response_complete()
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_header_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops to wait."""
        self._stop_header_timer()
        self._stop_stall_timer()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Starts to wait for a reader."""
        super().pause_writing()
        self._stop_stall_timer()
        self._stall_timer = self.loop.call_later(_STALLED_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Goes on: the reader reads."""
        self._stop_stall_timer()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Answers what is no request as every other error."""
        error = sys.exc_info()[1]
        status = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else 400
        words = {431: "The header of the request is too large.", 400: "That is no request of HTTP/1.1."}
        answer = refused(Refusal(status if status in words else 400, words.get(status, words[400])))
        headers = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
        headers += [*answer.raw_headers, (b"connection", b"close")]
        try:
            for event in (
                h11.Response(status_code=answer.status_code, headers=headers),
                h11.Data(data=bytes(answer.body)),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event))
        except h11.LocalProtocolError:
            # The answer to the request before it has already begun.
            pass
        self.transport.close()

    def _await_request(self) -> None:
        self._stop_header_timer()
        self._header_timer = self.loop.call_later(_HEADER_SECONDS, self.transport.abort)

    def _stop_header_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _stop_stall_timer(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None


def allow_many_files() -> None:
    """Lets this process have as many open files as its connections and their downloads take, where the system does."""
    if sys.platform != "win32":
        import resource

        wanted = 4 * _MOST_CONNECTIONS
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


class _Server(uvicorn.Server):
    """Ends the workers and the streams before it waits for connections to close."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    def end(self) -> None:
        """Has the server end in order, soon."""
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends in order."""
        await self._service.close()
        await super().shutdown(sockets)


def listening(host: str, port: int) -> socket.socket:
    """Returns a socket that listens. Raises Mono3DError when the address is not ours or the port is taken."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        found = socket.socket(family, kind, protocol)
    # A name that breaks the rules for names is a UnicodeError.
    except (OSError, UnicodeError) as error:
        raise Mono3DError(f"'{host}' is no address of this computer; choose another --host.") from error
    try:
        if sys.platform == "win32":
            found.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen(1024)
    except PermissionError as error:
        found.close()
        raise Mono3DError(f"Port {port} may not be used by this user; choose one above 1023 with --port.") from error
    except OSError as error:
        found.close()
        if error.errno == errno.EADDRINUSE or getattr(error, "winerror", 0) in (10013, 10048):
            raise Mono3DError(
                f"Port {port} of {host} is in use by another program; choose another with --port."
            ) from error
        raise Mono3DError(f"'{host}' is no address of this computer; choose another --host.") from error
    return found


async def serve(options: WebOptions, service: Service, rules: Rules, listener: socket.socket) -> None:
    """Serves until a signal comes; then ends in order. Raises Mono3DError when a worker cannot be started."""
    config = uvicorn.Config(
        make_app(service, rules),
        http=PatientProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=MOST_HEADER_BYTES,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    server = _Server(config, service)
    if sys.platform != "win32":
        # An exception out of a signal's handler would end whatever runs just then.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, server.end)
    allow_many_files()
    await service.start()
    await server.serve([listener])
