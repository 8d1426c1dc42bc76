# SPDX-License-Identifier: GPL-3.0-or-later
"""Middleware that protects the application: host, sign-in, origin and size checks, security headers, and the log."""

from __future__ import annotations

import logging
import re
import secrets
import time
import urllib.parse
from dataclasses import dataclass, field

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .answers import refused
from .body import BODY, FORM_ROOM, SMALL_BODY, Body, check_length
from .connections import Connections
from .logs import Throttle
from .metrics import Counts
from .origin import check_origin
from .refusal import Refusal
from .sign_in import BEARER, SignIn
from .visitor import VISITOR, Proxies, Visitor

_LOG = logging.getLogger("mono3d.web.requests")

UPLOAD_PATH = "/api/jobs"

MOST_HEADER_BYTES = 32 * 1024

_DOWNLOADS = "/files/"
"""Part of the paths whose responses a client may ask for in parts."""

_MOST_OPEN = 512
"""Most requests at a time."""

_DRAINED = 3
"""A body that is this many times too large is still read to its end, so that its sender learns why it is refused."""

_REQUEST_ID = re.compile(r"[\w.:-]{8,128}")
_JOB = re.compile(r"(?<=/jobs/)([\w-]{8})[\w-]+")

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        # WebAssembly unpacks the meshes.
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' blob: data:; "
        "media-src 'self' blob:; connect-src 'self' blob: data:; worker-src 'self' blob:; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # With "no-referrer" browsers would send the forms that sign in and out without their origin.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}


@dataclass(frozen=True)
class Rules:
    """Which requests are accepted.

    sign_in     who has to sign in; None: nobody
    hosts       host names that requests may use; empty: any. Without a token this prevents DNS rebinding, by which
                another site could read the responses
    most_bytes  largest upload
    root        path below which the page is reached, such as "/mono3d"; empty: at the root
    proxies     whose word about the visitor's address is believed
    """

    hosts: frozenset[str]
    most_bytes: int
    sign_in: SignIn | None = None
    root: str = ""
    proxies: Proxies = field(default_factory=lambda: Proxies(()))


class Guard:
    """Middleware around the application `app` that enforces `rules`.

    counts       where responses are counted
    connections  where requests are noted
    """

    def __init__(self, app: ASGIApp, rules: Rules, counts: Counts, connections: Connections | None = None) -> None:
        self._app = app
        self._rules = rules
        self._counts = counts
        self._connections = connections
        self._open = 0
        self._throttle = Throttle()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuses a request or passes it to the application."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        root, path, client = self._rules.root, scope["path"], scope.get("client")
        if root and (path == root or path.startswith(f"{root}/")):
            scope = {**scope, "path": path.removeprefix(root)}
        scope[VISITOR] = self._rules.proxies.visitor(scope)
        exchange = _Exchange(self, scope, send)
        self._open += 1
        if self._connections is not None:
            self._connections.begin(client)
        try:
            await self._answer(scope, receive, exchange.send)
        except ClientDisconnect:
            pass
        finally:
            self._open -= 1
            if self._connections is not None:
                self._connections.end(client)
            self._note(exchange, scope)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = Body(receive, expects_continue=Headers(scope=scope).get("expect") is not None)
        scope[BODY] = body
        try:
            self._check(scope)
            if not scope["path"]:
                # Relative addresses of the page need the slash.
                await RedirectResponse(f"{self._rules.root}/", 308)(scope, receive, send)
                return
            if self._rules.sign_in is not None:
                answer = await self._rules.sign_in.answer(scope)
                if answer is not None:
                    await answer(scope, receive, send)
                    return
            if scope["method"] not in ("GET", "HEAD") and not scope.get(BEARER):
                check_origin(scope)
            is_upload = scope["method"] == "POST" and scope["path"] == UPLOAD_PATH
            body.most = self._rules.most_bytes + FORM_ROOM if is_upload else SMALL_BODY
            check_length(scope, body.most)
        except Refusal as refusal:
            await body.drain(_DRAINED * body.most)
            # Further bytes on the connection belong to the refused request.
            refusal.headers["Connection"] = "close"
            await refused(refusal)(scope, receive, send)
            return
        if _DOWNLOADS not in scope["path"]:
            scope["headers"] = [item for item in scope["headers"] if item[0] != b"range"]
        await self._app(scope, body.receive, send)

    def _check(self, scope: Scope) -> None:
        """Raises Refusal for a request that nobody may send."""
        if self._open > _MOST_OPEN:
            raise Refusal(503, "The server is busy; try again in a minute.", {"Retry-After": "60"})
        if any(ord(letter) < 32 or ord(letter) == 127 or letter == "\\" for letter in scope["path"]):
            raise Refusal(404, "There is no such page.")
        # The parser checks the size only of headers that arrive in several pieces.
        if sum(len(name) + len(value) for name, value in scope["headers"]) + len(scope["path"]) > MOST_HEADER_BYTES:
            raise Refusal(431, "The header of the request is too large.")
        if self._rules.hosts and _name_of(Headers(scope=scope).get("host", "")) not in self._rules.hosts:
            raise Refusal(403, "This server answers only at the address that it was started with.")

    def request_id(self, scope: Scope) -> str:
        """Returns the id that a trusted proxy gives a request, or a new one."""
        client = scope.get("client")
        given = Headers(scope=scope).get("x-request-id", "")
        is_trusted = client is not None and self._rules.proxies.has(client[0])
        return given if is_trusted and _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)

    def _note(self, exchange: _Exchange, scope: Scope) -> None:
        """Counts a response and writes it to the log: refusals that may need somebody's attention as warnings."""
        status = exchange.status
        self._counts.answers[status] += 1
        visitor: Visitor = scope[VISITOR]
        level = logging.WARNING if status in (403, 408, 429) or status >= 500 else logging.INFO
        held = 0
        if level == logging.WARNING:
            passed = self._throttle.passes((status, visitor.address))
            if passed is None:
                return
            held = passed
        if _LOG.isEnabledFor(level):
            # The id of a job gives access to it, so the log has only its start.
            path = _JOB.sub(r"\1", scope["path"])
            seconds = time.monotonic() - exchange.began
            more = f" (and {held} more such responses)" if held else ""
            about = {"request": exchange.id, "visitor": visitor.address, "status": status, "seconds": round(seconds, 3)}
            text = "%s %s %s: %d in %.3f s [%s]%s"
            _LOG.log(
                level, text, visitor.address, scope["method"], path, status, seconds, exchange.id, more, extra=about
            )


class _Exchange:
    """A request and its response; `status` is 499 if the client leaves before it."""

    def __init__(self, guard: Guard, scope: Scope, send: Send) -> None:
        self.began = time.monotonic()
        self.status = 499
        self.id = guard.request_id(scope)
        self._path = scope["path"]
        self._send = send

    async def send(self, message: Message) -> None:
        """Adds the headers that all responses have."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            if _DOWNLOADS not in self._path and "accept-ranges" in headers:
                headers["Accept-Ranges"] = "none"
            headers.setdefault("Cache-Control", "no-store" if self._path.startswith("/api/") else "no-cache")
            headers["X-Request-ID"] = self.id
        await self._send(message)


def _name_of(host: str) -> str:
    """Returns the host name of a Host header, without the port; empty if it is invalid."""
    try:
        return (urllib.parse.urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""
