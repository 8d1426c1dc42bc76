# SPDX-License-Identifier: GPL-3.0-or-later
"""A real web server on this computer that offers one file, with all the faults that servers and networks have."""

from __future__ import annotations

import re
import ssl
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal


@dataclass
class Behaviour:
    """What the server does; tests change it while it runs.

    content   the file
    tag       its ETag; empty: none
    modified  its Last-Modified; empty: none
    ranges    what it makes of the header Range; "careless": right, but it gives no heed to If-Range
    statuses  answers to the next requests instead of the file
    cuts      bytes of the body after which the next answers end with the connection; -1: before the answer begins
    redirect  address that every request but those below /moved is sent to
    chunked   whether the length is not told and the body comes in chunks
    bare      whether neither length nor chunks tell where the body ends
    extra     headers added to each answer
    gate      what each answer waits for after the first half of its body
    delay     seconds before each answer
    requests  the path and the headers of each request so far
    """

    content: bytes = b""
    tag: str = '"1"'
    modified: str = ""
    ranges: Literal["right", "ignored", "shifted", "careless"] = "right"
    statuses: deque[int] = field(default_factory=deque)
    cuts: deque[int] = field(default_factory=deque)
    redirect: str = ""
    chunked: bool = False
    bare: bool = False
    extra: dict[str, str] = field(default_factory=dict)
    gate: threading.Event | None = None
    delay: float = 0.0
    requests: list[tuple[str, Message]] = field(default_factory=list)
    address: str = ""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def do_CONNECT(self) -> None:
        self.server.behaviour.requests.append((self.path, self.headers))
        self._plain(407)

    def do_GET(self) -> None:
        behaviour: Behaviour = self.server.behaviour
        behaviour.requests.append((self.path, self.headers))
        self.close_connection = True
        time.sleep(behaviour.delay)
        if behaviour.statuses:
            self._plain(behaviour.statuses.popleft())
        elif behaviour.redirect and not self.path.startswith("/moved"):
            self._plain(302, Location=behaviour.redirect)
        else:
            self._file(behaviour)

    def _plain(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _file(self, behaviour: Behaviour) -> None:
        if behaviour.cuts and behaviour.cuts[0] < 0:
            behaviour.cuts.popleft()
            return
        content, start, status = behaviour.content, 0, 200
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range")
        holds = behaviour.ranges == "careless" or condition in (None, behaviour.tag, behaviour.modified)
        if wanted and behaviour.ranges != "ignored" and holds:
            start, status = int(wanted[1]), 206
            if start >= len(content):
                self._plain(416, **{"Content-Range": f"bytes */{len(content)}"})
                return
            if behaviour.ranges == "shifted":
                start += 1
        body = content[start:]
        self.send_response(status)
        for name, value in ({"ETag": behaviour.tag, "Last-Modified": behaviour.modified} | behaviour.extra).items():
            if value:
                self.send_header(name, value)
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if behaviour.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif not behaviour.bare:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if behaviour.cuts and (cut := behaviour.cuts.popleft()) < len(body):
            self._send(behaviour, body[:cut])
            return
        if behaviour.gate is not None:
            half = len(body) // 2
            self._send(behaviour, body[:half])
            self.wfile.flush()
            behaviour.gate.wait(20)
            body = body[half:]
        self._send(behaviour, body)
        if behaviour.chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _send(self, behaviour: Behaviour, body: bytes) -> None:
        if not behaviour.chunked:
            self.wfile.write(body)
        elif body:
            self.wfile.write(f"{len(body):x}\r\n".encode() + body + b"\r\n")

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    behaviour: Behaviour

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing about clients that hang up, which is what many tests do."""


@contextmanager
def serving(certificate: Path | None = None) -> Iterator[Behaviour]:
    """Yields the behaviour of a running server; with a `certificate` (PEM with its key) it speaks TLS."""
    server = _Server(("127.0.0.1", 0), _Handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    address = f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_address[1]}"
    behaviour = server.behaviour = Behaviour(address=address)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield behaviour
    finally:
        if behaviour.gate is not None:
            behaviour.gate.set()
        server.shutdown()
        server.server_close()
        thread.join()
