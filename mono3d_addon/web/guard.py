# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands before the application: who may ask, from where, how much and how slowly; and what each answer forbids."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
import urllib.parse
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .answers import refused
from .refusal import Refusal

UPLOAD_PATH = "/api/jobs"

MOST_HEADER_BYTES = 32 * 1024

_SMALL_BODY = 64 * 1024
_FORM_ROOM = 256 * 1024
"""Bytes that the form around the files may take."""

_SILENCE = 20.0
_SLOWEST = 8_000
"""Seconds without a byte, and bytes a second after as many seconds, at which an upload is given up."""

_MOST_OPEN = 512
_DRAINED_SECONDS = 10.0

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self' blob: data:; "
        "worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
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
<p>This server wants a token. Whoever runs it knows it.</p>{wrong}
<form action="/" method="get">
<label>Token <input name="token" type="password" autocomplete="current-password" required></label>
<button>Sign in</button>
</form>
</html>
"""
_WRONG = '\n<p role="alert">That is not the token of this server; look at it again.</p>'


@dataclass(frozen=True)
class Rules:
    """Whom the guard lets in.

    token       secret that every request must bring; empty: none
    hosts       names under which the server may be asked; empty: any (without a token, a page elsewhere could otherwise
                make its own name lead here and read the answers)
    most_bytes  largest upload
    """

    token: str
    hosts: frozenset[str]
    most_bytes: int

    @property
    def cookie(self) -> str:
        """The name of the cookie that holds the token.

        A browser sends it to all servers of a host, whatever their ports: each token has its own, so that signing in at
        one server does not sign out at another.
        """
        return f"mono3d_token_{hashlib.sha256(self.token.encode('utf-8', 'replace')).hexdigest()[:8]}"


class Guard:
    """Middleware around the application `app` that holds `rules`."""

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self._app = app
        self._rules = rules
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or has the application answer it."""
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
        body = _Body(receive, waits_for_leave=Headers(scope=scope).get("expect") is not None)
        scope["mono3d.body"] = body
        try:
            signed_in = self._check(scope)
            if signed_in is not None:
                await signed_in(scope, receive, send)
                return
            is_upload = scope["method"] == "POST" and scope["path"] == UPLOAD_PATH
            body.most = self._rules.most_bytes + _FORM_ROOM if is_upload else _SMALL_BODY
            _check_length(scope, body.most)
        except Refusal as refusal:
            await body.drain(body.most)
            # Whatever more the client has to say belongs to what was refused.
            refusal.headers["Connection"] = "close"
            await refused(refusal)(scope, receive, send)
            return
        # Parts of files are refused by the library in words of its own; whole ones are all that is offered.
        scope["headers"] = [item for item in scope["headers"] if item[0] != b"range"]
        await self._app(scope, body.receive, send)

    def _check(self, scope: Scope) -> Response | None:
        """Returns an answer that the guard gives itself, None where the application answers. Raises Refusal."""
        if self._open > _MOST_OPEN:
            raise Refusal(503, "The server is busy; try again in a minute.", {"Retry-After": "60"})
        if any(ord(letter) < 32 or ord(letter) == 127 or letter == "\\" for letter in scope["path"]):
            raise Refusal(404, "There is no such page.")
        # The parser measures what comes in pieces only.
        if sum(len(name) + len(value) for name, value in scope["headers"]) + len(scope["path"]) > MOST_HEADER_BYTES:
            raise Refusal(431, "The header of the request is too large.")
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._rules.hosts and _name_of(host) not in self._rules.hosts:
            raise Refusal(403, "This server answers under the address that it was started with only.")
        has_secret = _bearer(headers) is not None and self._is_token(_bearer(headers) or "")
        if self._rules.token and not has_secret:
            answer = self._sign_in(scope, headers)
            if answer is not None:
                return answer
        if scope["method"] not in ("GET", "HEAD") and not (self._rules.token and has_secret):
            _check_origin(headers, host)
        return None

    def _sign_in(self, scope: Scope, headers: Headers) -> Response | None:
        """Returns the answer to somebody without a token in a header; None where the cookie has it. Raises Refusal."""
        is_page = scope["path"] == "/" and scope["method"] in ("GET", "HEAD")
        given = urllib.parse.parse_qs(scope["query_string"].decode("latin-1")).get("token") if is_page else None
        if given and self._is_token(given[0]):
            answer = RedirectResponse("/", 303)
            answer.set_cookie(
                self._rules.cookie,
                urllib.parse.quote(given[0], safe=""),
                httponly=True,
                # A strict one would not come along when the link to us stands on another site's page, such as a chat's.
                # What changes something is guarded by `_check_origin` anyway.
                samesite="lax",
                # Only a proxy that speaks TLS says so; whoever lies about it spoils his own cookie.
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
            "This server wants a token: open it as /?token=..., or send the header 'Authorization: Bearer ...'.",
            {"WWW-Authenticate": "Bearer"},
        )

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode("utf-8", "replace"), self._rules.token.encode("utf-8", "replace"))


class _Body:
    """The body of a request: counted, timed, and emptied where nobody wants it."""

    def __init__(self, receive: Receive, *, waits_for_leave: bool) -> None:
        self.most = _SMALL_BODY
        self._waits_for_leave = waits_for_leave
        self._receive = receive
        self._count = 0
        self._began = time.monotonic()
        self._is_over = False

    async def receive(self) -> Message:
        """Returns the next part. Raises Refusal, 413, when it is too much, 408 when it comes too slowly."""
        self._waits_for_leave = False
        if self._is_over:
            # Starlette listens for the end of the connection so, for as long as it takes.
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), _SILENCE)
        except TimeoutError:
            self._is_over = True
            raise Refusal(408, "The upload stopped; send it again.") from None
        self._note(message)
        if self._count > self.most:
            raise Refusal(413, _too_large(self.most))
        seconds = time.monotonic() - self._began
        if not self._is_over and seconds > _SILENCE and self._count < _SLOWEST * (seconds - _SILENCE):
            raise Refusal(408, "The upload is too slow; send it over a better connection.")
        return message

    async def drain(self, most: int) -> None:
        """Reads at most so many bytes more and drops them: else the connection closes before the answer is read.

        A client that asked before it sends (Expect: 100-continue) has not sent any.
        """
        if self._waits_for_leave:
            return
        end, limit = time.monotonic() + _DRAINED_SECONDS, self._count + most
        while not self._is_over and self._count <= limit and (left := end - time.monotonic()) > 0:
            try:
                self._note(await asyncio.wait_for(self._receive(), left))
            except TimeoutError:
                return

    def _note(self, message: Message) -> None:
        self._count += len(message.get("body", b""))
        self._is_over = message["type"] != "http.request" or not message.get("more_body", False)


async def drain(scope: Scope, most: int) -> None:
    """Reads what is left of a request's body, at most so many bytes, before it is refused."""
    await scope["mono3d.body"].drain(most)


def _check_length(scope: Scope, most: int) -> None:
    """Raises Refusal for a body where none is wanted, 400, and for one that says that it is too large, 413."""
    headers = Headers(scope=scope)
    length = headers.get("content-length", "0")
    if not length.isdecimal() or len(length) > 15 or int(length) > most:
        raise Refusal(413, _too_large(most))
    if scope["method"] != "POST" and (int(length) > 0 or "transfer-encoding" in headers):
        raise Refusal(400, f"A request with {scope['method']} has no body.")


def _too_large(most: int) -> str:
    return f"That is too large; this server takes at most {most / 1e6:.3g} MB here."


def _with_headers(send: Send, path: str) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            if "accept-ranges" in headers:
                headers["Accept-Ranges"] = "none"
            headers.setdefault("Cache-Control", "no-store" if path.startswith("/api/") else "no-cache")
        await send(message)

    return with_headers


def _check_origin(headers: Headers, host: str) -> None:
    """Raises Refusal, 403, when another page than ours has the browser ask."""
    site = headers.get("sec-fetch-site", "same-origin")
    origin = headers.get("origin")
    is_ours = origin is None or _place_of(origin) == host.lower()
    if site not in ("same-origin", "none") or not is_ours:
        raise Refusal(403, "Another page may not ask this server for changes.")


def _place_of(origin: str) -> str:
    """Returns name and port in an Origin header; empty when it is none."""
    try:
        return urllib.parse.urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _name_of(host: str) -> str:
    """Returns the name in a Host header, without the port; empty when it is none."""
    try:
        return (urllib.parse.urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _bearer(headers: Headers) -> str | None:
    kind, _, secret = headers.get("authorization", "").partition(" ")
    return secret.strip() if kind.lower() == "bearer" else None


def _cookie(headers: Headers, name: str) -> str:
    for part in ";".join(headers.getlist("cookie")).split(";"):
        told, _, value = part.strip().partition("=")
        if told == name:
            return value
    return ""
