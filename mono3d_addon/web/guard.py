# SPDX-License-Identifier: GPL-3.0-or-later
"""Middleware that protects the application: token, origin and size checks, and security headers."""

from __future__ import annotations

import hashlib
import hmac
import urllib.parse
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .answers import refused
from .body import BODY, FORM_ROOM, SMALL_BODY, Body, check_length
from .refusal import Refusal

UPLOAD_PATH = "/api/jobs"

MOST_HEADER_BYTES = 32 * 1024

_DOWNLOADS = "/files/"
"""Part of the paths whose responses a client may ask for in parts."""

_MOST_OPEN = 512
"""Most requests at a time."""

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        # WebAssembly unpacks the meshes.
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' blob: data:; "
        "media-src 'self' blob:; connect-src 'self' blob: data:; worker-src 'self' blob:; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}

_SIGN_IN = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Mono3D</title>
<h1>Mono3D</h1>
<p>This server requires a token. Ask the person who runs it.</p>{wrong}
<form action="/" method="get">
<label>Token <input name="token" type="password" autocomplete="current-password" required></label>
<button>Sign in</button>
</form>
</html>
"""
_WRONG = '\n<p role="alert">This token is wrong; check it and try again.</p>'


@dataclass(frozen=True)
class Rules:
    """Which requests are accepted.

    token       secret that every request must contain; empty: none
    hosts       host names that requests may use; empty: any. Without a token this prevents DNS rebinding, by which
                another site could read the responses
    most_bytes  largest upload
    """

    token: str
    hosts: frozenset[str]
    most_bytes: int

    @property
    def cookie(self) -> str:
        """The name of the cookie with the token.

        Browsers send a cookie to all ports of a host. The name depends on the token, so that signing in at one server
        does not sign out of another.
        """
        return f"mono3d_token_{hashlib.sha256(self.token.encode('utf-8', 'replace')).hexdigest()[:8]}"


class Guard:
    """Middleware around the application `app` that enforces `rules`."""

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self._app = app
        self._rules = rules
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuses a request or passes it to the application."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        self._open += 1
        try:
            await self._answer(scope, receive, _with_headers(send, scope["path"]))
        except ClientDisconnect:
            pass
        finally:
            self._open -= 1

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = Body(receive, expects_continue=Headers(scope=scope).get("expect") is not None)
        scope[BODY] = body
        try:
            signed_in = self._check(scope)
            if signed_in is not None:
                await signed_in(scope, receive, send)
                return
            is_upload = scope["method"] == "POST" and scope["path"] == UPLOAD_PATH
            body.most = self._rules.most_bytes + FORM_ROOM if is_upload else SMALL_BODY
            check_length(scope, body.most)
        except Refusal as refusal:
            await body.drain(body.most)
            # Further bytes on the connection belong to the refused request.
            refusal.headers["Connection"] = "close"
            await refused(refusal)(scope, receive, send)
            return
        if _DOWNLOADS not in scope["path"]:
            scope["headers"] = [item for item in scope["headers"] if item[0] != b"range"]
        await self._app(scope, body.receive, send)

    def _check(self, scope: Scope) -> Response | None:
        """Returns the response of the guard itself, or None to pass the request on. Raises Refusal."""
        if self._open > _MOST_OPEN:
            raise Refusal(503, "The server is busy; try again in a minute.", {"Retry-After": "60"})
        if any(ord(letter) < 32 or ord(letter) == 127 or letter == "\\" for letter in scope["path"]):
            raise Refusal(404, "There is no such page.")
        # The parser checks the size only of headers that arrive in several pieces.
        if sum(len(name) + len(value) for name, value in scope["headers"]) + len(scope["path"]) > MOST_HEADER_BYTES:
            raise Refusal(431, "The header of the request is too large.")
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._rules.hosts and _name_of(host) not in self._rules.hosts:
            raise Refusal(403, "This server answers only at the address that it was started with.")
        has_secret = _bearer(headers) is not None and self._is_token(_bearer(headers) or "")
        if self._rules.token and not has_secret:
            answer = self._sign_in(scope, headers)
            if answer is not None:
                return answer
        if scope["method"] not in ("GET", "HEAD") and not (self._rules.token and has_secret):
            _check_origin(headers, host)
        return None

    def _sign_in(self, scope: Scope, headers: Headers) -> Response | None:
        """Returns the response to a request without a token header; None if its cookie is right. Raises Refusal."""
        is_page = scope["path"] == "/" and scope["method"] in ("GET", "HEAD")
        given = urllib.parse.parse_qs(scope["query_string"].decode("latin-1")).get("token") if is_page else None
        if given and self._is_token(given[0]):
            answer = RedirectResponse("/", 303)
            answer.set_cookie(
                self._rules.cookie,
                urllib.parse.quote(given[0], safe=""),
                httponly=True,
                # A strict cookie would not be sent when the user follows a link from another site, such as a chat.
                # Requests that change something are protected by `_check_origin`.
                samesite="lax",
                # Set by a TLS proxy; a client that forges the header only affects its own cookie.
                secure=headers.get("x-forwarded-proto") == "https",
                max_age=30 * 86400,
            )
            return answer
        if self._is_token(urllib.parse.unquote(_cookie(headers, self._rules.cookie))):
            return None
        if is_page:
            return HTMLResponse(_SIGN_IN.format(wrong=_WRONG if given else ""), 401)
        raise Refusal(
            401,
            "This server requires a token: open /?token=..., or send the header 'Authorization: Bearer ...'.",
            {"WWW-Authenticate": "Bearer"},
        )

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode("utf-8", "replace"), self._rules.token.encode("utf-8", "replace"))


def _with_headers(send: Send, path: str) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            if _DOWNLOADS not in path and "accept-ranges" in headers:
                headers["Accept-Ranges"] = "none"
            headers.setdefault("Cache-Control", "no-store" if path.startswith("/api/") else "no-cache")
        await send(message)

    return with_headers


def _check_origin(headers: Headers, host: str) -> None:
    """Raises Refusal, 403, when the browser sends the request for a page of another site."""
    site = headers.get("sec-fetch-site", "same-origin")
    origin = headers.get("origin")
    is_same = origin is None or _place_of(origin) == host.lower()
    if site not in ("same-origin", "none") or not is_same:
        raise Refusal(403, "Pages of other sites may not send requests that change something.")


def _place_of(origin: str) -> str:
    """Returns host name and port of an Origin header; empty if it is invalid."""
    try:
        return urllib.parse.urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _name_of(host: str) -> str:
    """Returns the host name of a Host header, without the port; empty if it is invalid."""
    try:
        return (urllib.parse.urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _bearer(headers: Headers) -> str | None:
    kind, _, secret = headers.get("authorization", "").partition(" ")
    return secret.strip() if kind.lower() == "bearer" else None


def _cookie(headers: Headers, name: str) -> str:
    for part in ";".join(headers.getlist("cookie")).split(";"):
        found, _, value = part.strip().partition("=")
        if found == name:
            return value
    return ""
