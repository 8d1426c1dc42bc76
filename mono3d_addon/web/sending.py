# SPDX-License-Identifier: GPL-3.0-or-later
"""Responses with files of a job: parts of them, compressed ones, and folders that stay until all is sent."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import re
import struct
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from .answers import refused, takes_gzip
from .folders import SharedFolder
from .refusal import Refusal

_RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))")
"""One range of bytes; several at once are as good as none, and no download program asks for them."""

UNPACKED_LENGTH = "Unpacked-Length"
"""Header with the bytes that a compressed response becomes, so that a page can tell how much has arrived."""


class SharedFile(FileResponse):
    """Sends a file of a folder that is not removed before the response is complete.

    is_resumable  whether a client may ask for a part of the file
    """

    def __init__(self, folder: SharedFolder, path: Path, *, is_resumable: bool = False, **details: Any) -> None:
        super().__init__(path, **details)
        self._use = contextlib.ExitStack()
        self._use.enter_context(folder.used())
        self._is_resumable = is_resumable

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the file or the part of it."""
        with self._use:
            asked = Headers(scope=scope).get("range", "") if self._is_resumable else ""
            size = Path(self.path).stat().st_size
            part = _part(asked, size) if asked else None
            if part == 0:
                unsatisfied = Refusal(416, "The file has fewer bytes.", {"Content-Range": f"bytes */{size}"})
                await refused(unsatisfied)(scope, receive, send)
                return
            if part is None:
                # The library would answer a malformed range with an error of its own.
                scope = dict(scope) | {"headers": [item for item in scope["headers"] if item[0] != b"range"]}
            await super().__call__(scope, receive, send)


def _part(asked: str, size: int) -> int | None:
    """Returns the number of bytes that a Range header asks for; None if it is none that is served."""
    found = _RANGE.fullmatch(asked.replace(" ", ""))
    if found is None:
        return None
    first, last, final = found.groups()
    if final is not None:
        return min(int(final), size)
    if last and int(last) < int(first):
        return None
    return max(0, min(int(last) + 1 if last else size, size) - int(first))


async def packed_file(
    request_headers: Headers, folder: SharedFolder, path: Path, media_type: str, headers: dict[str, str]
) -> Response:
    """Returns the response with a file stored as gzip, which is unpacked for clients that do not take that."""
    headers = headers | {"Vary": "Accept-Encoding"}
    if not takes_gzip(request_headers):
        with folder.used():
            data = await asyncio.to_thread(lambda: gzip.decompress(path.read_bytes()))
        return Response(data, media_type=media_type, headers=headers)
    with path.open("rb") as file:
        file.seek(-4, 2)
        length = struct.unpack("<I", file.read(4))[0]
    headers |= {"Content-Encoding": "gzip", UNPACKED_LENGTH: str(length)}
    return SharedFile(folder, path, media_type=media_type, headers=headers)
