# SPDX-License-Identifier: GPL-3.0-or-later
"""File names in plain ASCII, which every program reads."""

from __future__ import annotations

import hashlib
import re


def plain_name(name: str) -> str:
    """Returns `name` in plain ASCII without spaces. A changed name gets a hash as suffix, so that names stay unique."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()
    return plain if plain == name else f"{plain}-{digest[:8]}"
