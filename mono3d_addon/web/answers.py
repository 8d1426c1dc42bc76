# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON responses, in ASCII so that no client misreads their encoding."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response

from .refusal import Refusal


class Answer(Response):
    """A JSON response."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Returns `content` as JSON."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


def refused(refusal: Refusal) -> Answer:
    """Returns the response for a refused request."""
    return Answer({"error": str(refusal)}, refusal.status, refusal.headers)
