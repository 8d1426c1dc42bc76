# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the application: the listening socket, the HTTP server and its shutdown."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
import sys
from typing import Any, cast

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..errors import Mono3DError
from ..settings import WebOptions
from .answers import refused
from .app import make_app
from .connections import MOST_CONNECTIONS, Connections, Watched
from .guard import MOST_HEADER_BYTES, SECURITY_HEADERS, Rules
from .refusal import Refusal
from .service import Service

_GRACE_SECONDS = 2


class _Protocol(H11Protocol):
    """uvicorn's HTTP/1.1, which answers malformed requests in the format of all other errors."""

    def send_400_response(self, msg: str) -> None:
        """Answers a malformed request."""
        error = sys.exc_info()[1]
        status = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else 400
        words = {431: "The header of the request is too large.", 400: "This is not a valid HTTP/1.1 request."}
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
            # The response to the previous request has already started.
            pass
        self.transport.close()


def allow_many_files() -> None:
    """Raises the limit of open files, if the system allows it, to what all connections and downloads need."""
    if sys.platform != "win32":
        import resource

        wanted = 4 * MOST_CONNECTIONS
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


class _Server(uvicorn.Server):
    """Ends the workers and the event streams before it waits for connections to close."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    def end(self) -> None:
        """Requests an orderly shutdown."""
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Closes the service, then shuts down."""
        await self._service.close()
        await super().shutdown(sockets)


def listening(host: str, port: int) -> socket.socket:
    """Returns a listening socket. Raises Mono3DError when the address is not local or the port is in use."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        found = socket.socket(family, kind, protocol)
    # An invalid host name raises UnicodeError.
    except (OSError, UnicodeError) as error:
        raise Mono3DError(f"'{host}' is not an address of this computer; choose another --host.") from error
    try:
        if sys.platform == "win32":
            found.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen(1024)
    except PermissionError as error:
        found.close()
        raise Mono3DError(f"This user may not use port {port}; choose one above 1023 with --port.") from error
    except OSError as error:
        found.close()
        if error.errno == errno.EADDRINUSE or getattr(error, "winerror", 0) in (10013, 10048):
            raise Mono3DError(
                f"Port {port} of {host} is in use by another program; choose another with --port."
            ) from error
        raise Mono3DError(f"'{host}' is not an address of this computer; choose another --host.") from error
    return found


async def serve(options: WebOptions, service: Service, rules: Rules, listener: socket.socket) -> None:
    """Serves until a signal arrives, then shuts down. Raises Mono3DError when a worker cannot be started."""
    connections = Connections(rules.proxies, options.max_connections_each)

    def protocol(**details: Any) -> Watched:
        return Watched(connections, _Protocol(**details))

    config = uvicorn.Config(
        make_app(service, rules, connections),
        http=cast(type[asyncio.Protocol], protocol),
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
        # The default handlers raise an exception in whatever code runs at that moment.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, server.end)
    allow_many_files()
    await service.start()
    await server.serve([listener])
