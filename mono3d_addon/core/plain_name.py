# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that every program reads."""

from __future__ import annotations

import hashlib
import re


def plain_name(name: str) -> str:
    """Returns `name` in plain ASCII without spaces; a changed one ends in a digest, so that different ones differ."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()
    return plain if plain == name else f"{plain}-{digest[:8]}"
