# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers in JSON, in ASCII: no letter of a visitor's can spoil them."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response

from .refusal import Refusal


class Answer(Response):
    """A JSON answer."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Returns the bytes of `content`."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


def refused(refusal: Refusal) -> Answer:
    """Returns the answer to a request that is refused."""
    return Answer({"error": str(refusal)}, refusal.status, refusal.headers)
