# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the page, read once: its modules and styles joined, all compressed, and named by what they contain.

The page asks for them by addresses that change with the content, so that browsers keep them. The sources are served
too, under their own names.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from .answers import takes_gzip
from .script import joined

STATIC = Path(__file__).resolve().parent / "static"

_THREE, _VIEWER = "vendor/three/three.js", "js/viewer.js"
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
        self._add("page.js", joined("js/main.js", _read, outside | {_VIEWER: f"./{self._named('viewer.js')}"}).encode())
        self._add("page.css", b"\n".join((STATIC / name).read_bytes() for name in _STYLES))
        page = _read("index.html")
        for name in ("page.js", "page.css", "icon.svg"):
            page = page.replace(f'"static/{name}"', f'"static/{self._named(name)}"')
        self._add("index.html", page.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends a file. Raises HTTPException, 404 or 405."""
        request = Request(scope)
        if request.method not in ("GET", "HEAD"):
            raise HTTPException(405)
        await self.response(scope["path"].removeprefix(scope.get("root_path", "")).lstrip("/"), request)(
            scope, receive, send
        )

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


def _read(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")
