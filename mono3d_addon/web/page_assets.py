# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the page, read once: its modules and styles joined, all compressed, and named by what they contain.

The page asks for them by addresses that change with the content, so that browsers keep them. The sources are served
too, under their own names. Page and script exist once for each language.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from . import language
from .answers import takes_gzip
from .script import joined

STATIC = Path(__file__).resolve().parent / "static"

_THREE, _VIEWER, _CATALOGUE = "vendor/three/three.js", "js/viewer.js", "js/catalogue.js"
_STYLES = ("style/base.css", "style/controls.css", "style/page.css")
_TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"}
_FOR_EVER = "public, max-age=31536000, immutable"
_EFFORT = 9
_WORTH_PACKING = 1000


@dataclass(frozen=True)
class _Asset:
    data: bytes
    packed: bytes
    media_type: str
    digest: str


class PageAssets:
    """The application below `/static`, and the page itself."""

    def __init__(self) -> None:
        self._assets: dict[str, _Asset] = {}
        for path in sorted(STATIC.rglob("*")):
            if path.is_file():
                self._add(path.relative_to(STATIC).as_posix(), path.read_bytes())
        outside = {_THREE: f"./{self._named(_THREE)}"}
        self._add("viewer.js", joined(_VIEWER, _read, outside).encode())
        self._add("page.css", b"\n".join((STATIC / name).read_bytes() for name in _STYLES))
        outside |= {_VIEWER: f"./{self._named('viewer.js')}"}
        for code in language.NAMES:
            self._add_page(code, outside)

    def _add_page(self, code: str, outside: Mapping[str, str]) -> None:
        """Adds page and script in a language."""
        script = f"page.{code}.js"
        self._add(script, joined("js/main.js", lambda name: _in_language(name, code), outside).encode())
        page = language.translated(_read("index.html"), code).replace("static/page.js", f"static/{script}")
        for name in (script, "page.css", "icon.svg"):
            page = page.replace(f'"static/{name}"', f'"static/{self._named(name)}"')
        self._add(_page_in(code), page.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends a file. Raises HTTPException, 404 or 405."""
        request = Request(scope)
        if request.method not in ("GET", "HEAD"):
            raise HTTPException(405)
        await self.response(scope["path"].removeprefix(scope.get("root_path", "")).lstrip("/"), request)(
            scope, receive, send
        )

    def page(self, request: Request) -> Response:
        """Returns the response with the page, in the visitor's language."""
        code = language.wanted(request.headers)
        response = self.response(_page_in(code), request)
        response.headers["Content-Language"] = code
        response.headers["Vary"] = language.VARY
        return response

    def response(self, name: str, request: Request) -> Response:
        """Returns the response with a file. Raises HTTPException, 404."""
        asset = self._assets.get(name)
        if asset is None:
            raise HTTPException(404)
        headers = {"ETag": f'"{asset.digest}"', "Vary": "Accept-Encoding"}
        headers["Cache-Control"] = _FOR_EVER if request.query_params.get("v") == asset.digest else "no-cache"
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        data = asset.data
        if asset.packed and takes_gzip(request.headers):
            headers["Content-Encoding"] = "gzip"
            data = asset.packed
        return Response(data, media_type=asset.media_type, headers=headers)

    def _named(self, name: str) -> str:
        return f"{name}?v={self._assets[name].digest}"

    def _add(self, name: str, data: bytes) -> None:
        suffix = Path(name).suffix
        kind = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "text/plain"
        packed = gzip.compress(data, _EFFORT, mtime=0) if suffix in _TYPES and len(data) >= _WORTH_PACKING else b""
        self._assets[name] = _Asset(data, packed, kind, hashlib.sha256(data).hexdigest()[:16])


def _page_in(code: str) -> str:
    return "index.html" if code == language.ENGLISH else f"index.{code}.html"


def _in_language(name: str, code: str) -> str:
    """Returns the text of a module, that of the catalogue in a language."""
    if name != _CATALOGUE:
        return _read(name)
    values = {"LANGUAGE": code, "LANGUAGES": language.NAMES, "TEXTS": language.texts(code)}
    return "".join(f"export const {key} = {json.dumps(value, ensure_ascii=False)};\n" for key, value in values.items())


def _read(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")
