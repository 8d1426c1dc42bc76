# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON responses, in ASCII so that no client misreads their encoding."""

from __future__ import annotations

import gzip
import json
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from .refusal import Refusal

_WORTH_PACKING = 1000
_EFFORT = 5


class Answer(Response):
    """A JSON response; long ones are compressed for clients that take it."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Returns `content` as JSON."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the response."""
        if len(self.body) >= _WORTH_PACKING:
            self.headers["Vary"] = "Accept-Encoding"
            if takes_gzip(Headers(scope=scope)):
                self.body = gzip.compress(self.body, _EFFORT)
                self.headers["Content-Encoding"] = "gzip"
                self.headers["Content-Length"] = str(len(self.body))
        await super().__call__(scope, receive, send)


def takes_gzip(headers: Headers) -> bool:
    """Returns whether a client takes responses compressed by gzip."""
    for part in headers.get("accept-encoding", "").lower().split(","):
        name, _, weight = part.replace(" ", "").partition(";")
        if name == "gzip":
            return weight.rstrip("0").rstrip(".") not in ("q=", "q=0")
    return False


def refused(refusal: Refusal) -> Answer:
    """Returns the response for a refused request."""
    return Answer({"error": str(refusal)}, refusal.status, refusal.headers)
