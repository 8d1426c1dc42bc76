# SPDX-License-Identifier: GPL-3.0-or-later
"""The error of a refused request: an HTTP status and a sentence."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import Mono3DError


class Refusal(Mono3DError):
    """A refused request: HTTP `status`, a sentence for the user, and `headers` of the response."""

    def __init__(self, status: int, sentence: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = dict(headers or {})
