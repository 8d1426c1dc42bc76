# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections that wait: no place has too many, and whoever does not speak leaves first."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mono3d_addon.errors import Mono3DError
from mono3d_addon.web import connections
from mono3d_addon.web.connections import Connections, Watched
from mono3d_addon.web.visitor import Proxies, Visitor, network_of
from tests.web.web_server import COFFEE, SMALL, STAND_IN, WebServer, need_packages, serving

need_packages()
HALF = b"POST /api/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "


@contextlib.contextmanager
def half_open(server: WebServer, count: int, address: str, data: bytes = HALF) -> Iterator[list[socket.socket]]:
    """Holds connections from an address, each with half of a request."""
    held = []
    try:
        for _ in range(count):
            one = socket.create_connection(("127.0.0.1", server.port), timeout=30, source_address=(address, 0))
            held.append(one)
            with contextlib.suppress(OSError):
                one.sendall(data)
        yield held
    finally:
        for one in held:
            one.close()


def is_open(connection: socket.socket) -> bool:
    connection.settimeout(0.05)
    try:
        return bool(connection.recv(1))
    except TimeoutError:
        return True
    except OSError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a network of addresses for itself")
def test_one_place_cannot_take_all_connections(tmp_path: Path) -> None:
    options = ("--max-connections-each", "20", "--trusted-proxies", "127.0.0.9")
    with serving(tmp_path, *options, program=STAND_IN) as server:
        with half_open(server, 26, "127.0.0.2") as held, half_open(server, 26, "127.0.0.9") as proxy:
            time.sleep(0.3)
            assert sum(is_open(one) for one in held) == 20
            assert all(is_open(one) for one in proxy), "behind it are many"
            assert server.get("/health").status == 200
        time.sleep(0.3)
        with half_open(server, 10, "127.0.0.2") as held:
            time.sleep(0.2)
            assert all(is_open(one) for one in held), "closed ones do not count"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a network of addresses for itself")
def test_half_open_requests_block_nobody(tmp_path: Path) -> None:
    """1,100 of them, from eleven places, are more than all connections together."""
    with serving(tmp_path) as server, contextlib.ExitStack() as stack:
        for place in range(11):
            stack.enter_context(half_open(server, 100, f"127.0.1.{place + 1}"))
        for _ in range(5):
            began = time.monotonic()
            assert server.get("/api/about").status == 200
            # They would be closed after this time.
            assert time.monotonic() - began < 15.0
        assert server.upload(COFFEE, SMALL).status == 202
        assert "Traceback" not in server.text()


def test_a_request_that_never_ends_is_closed(tmp_path: Path) -> None:
    with (
        serving(tmp_path, program=STAND_IN) as server,
        half_open(server, 3, "127.0.0.1", b"") as silent,
        half_open(server, 3, "127.0.0.1") as half,
    ):
        end = time.monotonic() + 30.0
        while any(is_open(one) for one in silent):
            # A byte now and then does not help.
            for one in half:
                with contextlib.suppress(OSError):
                    one.sendall(b"a")
            assert time.monotonic() < end
        time.sleep(0.5)
        assert not any(is_open(one) for one in half)


class Talker(asyncio.Protocol):
    """Sends more than the system takes for a client that does not read."""

    def __init__(self, lost: asyncio.Event) -> None:
        self._lost = lost

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(bytes(50_000_000))

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost.set()


def test_a_client_that_does_not_read_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "STALLED_SECONDS", 0.2)
    held = Connections(Proxies(()), 10)

    async def visit() -> None:
        lost = asyncio.Event()
        loop = asyncio.get_running_loop()
        async with await loop.create_server(lambda: Watched(held, Talker(lost)), "127.0.0.1", 0) as listening:
            with socket.create_connection(listening.sockets[0].getsockname()):
                # Less than the timer for the first request.
                await asyncio.wait_for(lost.wait(), connections.HEADER_SECONDS / 2.0)

    asyncio.run(visit())
    assert not len(held)


def test_requests_that_wait_for_each_other_are_all_answered(server: WebServer) -> None:
    request = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    answer = server.raw(request * 5 + request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert answer.count(b"HTTP/1.1 200") == 6


def test_upgrades_are_no_warnings(server: WebServer) -> None:
    answer = server.ask("GET", "/health", headers={"Connection": "Upgrade", "Upgrade": "websocket"})
    assert answer.status == 200 and "pgrade" not in server.text() and "WebSocket" not in server.text()


@pytest.mark.parametrize(
    ("client", "headers", "expected"),
    [
        ("203.0.113.1", [], Visitor("203.0.113.1")),
        ("203.0.113.1", [("x-forwarded-for", "1.2.3.4"), ("x-forwarded-proto", "https")], Visitor("203.0.113.1")),
        ("127.0.0.1", [("x-forwarded-for", "1.2.3.4"), ("x-forwarded-proto", "https")], Visitor("1.2.3.4", True)),
        ("127.0.0.1", [("x-forwarded-for", "6.6.6.6, 1.2.3.4, 10.0.0.7")], Visitor("1.2.3.4")),
        ("127.0.0.1", [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "1.2.3.4")], Visitor("1.2.3.4")),
        ("127.0.0.1", [("x-forwarded-for", "1.2.3.4, nonsense")], Visitor("127.0.0.1")),
        ("127.0.0.1", [("x-forwarded-for", " ,, ")], Visitor("127.0.0.1")),
        ("::ffff:127.0.0.1", [("x-forwarded-for", "2001:db8::1")], Visitor("2001:db8::1")),
        ("10.0.0.7", [("x-forwarded-for", "10.0.0.8")], Visitor("10.0.0.8")),
    ],
)
def test_the_visitor_is_who_trusted_proxies_say(client: str, headers: list[tuple[str, str]], expected: Visitor) -> None:
    proxies = Proxies.of("127.0.0.1, 10.0.0.0/8")
    scope = {
        "type": "http",
        "client": (client, 1),
        "scheme": "http",
        "headers": [(name.encode(), value.encode()) for name, value in headers],
    }
    assert proxies.visitor(scope) == expected


def test_places_are_houses() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff") != network_of("2001:db8:0:1::1")
    assert network_of("::ffff:1.2.3.4") == network_of("1.2.3.4") == "1.2.3.4"
    assert Visitor("2001:db8::1").owner == Visitor("2001:db8::2").owner != Visitor("2001:db8::2", session="s").owner
    with pytest.raises(Mono3DError, match="--trusted-proxies"):
        Proxies.of("127.0.0.1, proxy.example")
