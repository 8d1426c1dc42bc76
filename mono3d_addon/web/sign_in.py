# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing in with the server's token, for browsers and programs, and signing out.

The token is sent once, in a form. The cookie has a random session; no address and no log ever contains the token.
"""

from __future__ import annotations

import hmac
import html
import logging
import re
import urllib.parse
from collections.abc import Mapping
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Scope

from . import language, sessions
from .body import BODY, check_length
from .origin import check_origin
from .refusal import Refusal
from .shares import Shares
from .visitor import VISITOR, Visitor, cookie_of

_LOG = logging.getLogger("mono3d.web")

SIGN_IN, SIGN_OUT, SHARES = "/sign-in", "/sign-out", "/api/shares"

BEARER = "mono3d.bearer"
"""Key in the scope of a request that has the token in a header, which no page of another site can send."""

_FOR_EVERYBODY = frozenset(
    {
        "/health",
        "/static/icon.svg",
        "/static/style/sign_in.css",
        "/static/js/sign_in.js",
    }
)
"""What visitors get without the token: files of the program, and whether the server works."""

_FOR_GUESTS = re.compile(r"/|/static/.*|/api/(about|settings|events)|/api/jobs/view-.*")
"""Paths that visitors get, who have the secret of a share."""

_PAGE = Path(__file__).resolve().parent / "static" / "sign_in.html"
_MOST_BYTES = 4096
_WRONG = "This token is wrong; check it and try again."


class SignIn:
    """Checks that requests to a server with a `token` come from somebody who knows it.

    open    the sessions
    root    path below which the page is reached, without a slash at its end
    cookie  name of the cookie with the session
    shares  what was shared with visitors who do not know the token
    """

    def __init__(self, token: str, open: sessions.Sessions, root: str, cookie: str, shares: Shares) -> None:
        self.attempts = sessions.Attempts()
        self.cookie = cookie
        self._token = token
        self._sessions = open
        self._root = root
        self._shares = shares

    async def answer(self, scope: Scope) -> Response | None:
        """Returns the answer to a request; None if it may go on to the application, with its visitor's session noted.

        Raises Refusal: 401 without the token, 429 after too many wrong ones.
        """
        headers, path, is_reading = Headers(scope=scope), scope["path"], scope["method"] in ("GET", "HEAD")
        visitor: Visitor = scope[VISITOR]
        given = _bearer(headers)
        if given is not None:
            self._check(given, visitor)
            scope[BEARER] = True
            return None
        if path == SIGN_IN and scope["method"] == "POST":
            return await self._sign_in(scope, visitor)
        session = cookie_of(headers, self.cookie)
        if self._sessions.has(session):
            if path == SIGN_OUT and scope["method"] == "POST":
                return self._sign_out(scope, session)
            scope[VISITOR] = visitor.signed_in(session)
            return RedirectResponse(f"{self._root}/", 303) if path == SIGN_IN and is_reading else None
        if (path in _FOR_EVERYBODY and is_reading) or (path == SHARES and scope["method"] == "POST"):
            return None
        if is_reading and _FOR_GUESTS.fullmatch(path) and self._shares.has_any(headers):
            scope[VISITOR] = visitor.as_guest()
            return None
        if path in ("/", SIGN_IN) and is_reading:
            return _page(headers, 401)
        raise Refusal(
            401,
            "This server requires a token: sign in at its page, or send the header 'Authorization: Bearer ...'.",
            {"WWW-Authenticate": "Bearer"},
        )

    async def _sign_in(self, scope: Scope, visitor: Visitor) -> Response:
        check_origin(scope)
        check_length(scope, _MOST_BYTES)
        body = scope[BODY]
        body.most = _MOST_BYTES
        try:
            fields = urllib.parse.parse_qs((await body.whole()).decode("latin-1"), max_num_fields=4)
        except ValueError as error:
            raise Refusal(400, "The form has too many fields; send the field 'token'.") from error
        try:
            self._check(fields.get("token", [""])[0].strip(), visitor)
        except Refusal as refusal:
            words = _WRONG if refusal.status == 401 else str(refusal)
            return _page(Headers(scope=scope), refusal.status, words, {**refusal.headers, "Connection": "close"})
        _LOG.info("%s has signed in", visitor.address, extra={"visitor": visitor.address})
        answer = RedirectResponse(f"{self._root}/", 303)
        answer.set_cookie(
            self.cookie,
            self._sessions.open(),
            httponly=True,
            # A strict cookie would not be sent when the user follows a link from another site, such as a chat.
            # Requests that change something are protected by `check_origin`.
            samesite="lax",
            secure=visitor.is_secure,
            max_age=sessions.SECONDS,
            path=f"{self._root}/",
        )
        return answer

    def _sign_out(self, scope: Scope, session: str) -> Response:
        check_origin(scope)
        self._sessions.close(session)
        answer = RedirectResponse(f"{self._root}/", 303)
        answer.delete_cookie(self.cookie, path=f"{self._root}/")
        return answer

    def _check(self, given: str, visitor: Visitor) -> None:
        """Raises Refusal when a token is wrong or may not be tried."""
        self.attempts.check(visitor.address)
        if not hmac.compare_digest(given.encode("utf-8", "replace"), self._token.encode("utf-8", "replace")):
            self.attempts.note(visitor.address)
            raise Refusal(401, _WRONG, {"WWW-Authenticate": "Bearer"})
        self.attempts.forget(visitor.address)


def _page(asked: Headers, status: int, words: str = "", headers: Mapping[str, str] | None = None) -> Response:
    """Returns the page that asks for the token, in the visitor's language."""
    code = language.wanted(asked)
    text = _PAGE.read_text(encoding="utf-8")
    if words:
        # What has no translation is marked as English.
        part = "" if words in language.texts(code) else f' lang="{language.ENGLISH}"'
        alert = f'<p class="alert" role="alert"{part}>{html.escape(words, quote=False)}</p>'
        text = text.replace("<!-- alert -->", alert)
    more = {"Cache-Control": "no-store", "Content-Language": code, "Vary": language.VARY, **(headers or {})}
    return HTMLResponse(language.translated(text, code), status, more)


def _bearer(headers: Headers) -> str | None:
    kind, _, secret = headers.get("authorization", "").partition(" ")
    return secret.strip() if kind.lower() == "bearer" else None
