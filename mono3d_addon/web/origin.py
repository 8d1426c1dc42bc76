# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a request comes from the page itself."""

from __future__ import annotations

import urllib.parse

from starlette.datastructures import Headers
from starlette.types import Scope

from .refusal import Refusal


def check_origin(scope: Scope) -> None:
    """Raises Refusal, 403, when the browser sends the request for a page of another site."""
    headers = Headers(scope=scope)
    site = headers.get("sec-fetch-site", "same-origin")
    origin = headers.get("origin")
    is_same = origin is None or _place_of(origin) == headers.get("host", "").lower()
    if site not in ("same-origin", "none") or not is_same:
        raise Refusal(403, "Pages of other sites may not send requests that change something.")


def _place_of(origin: str) -> str:
    """Returns host name and port of an Origin header; empty if it is invalid."""
    try:
        return urllib.parse.urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
