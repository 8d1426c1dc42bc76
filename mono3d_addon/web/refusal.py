# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a request is not carried out: a status of HTTP and one sentence."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import Mono3DError


class Refusal(Mono3DError):
    """A request that is refused with `status` and a sentence for the user; `headers` go with the answer."""

    def __init__(self, status: int, sentence: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = dict(headers or {})
