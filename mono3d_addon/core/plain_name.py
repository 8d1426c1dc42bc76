# SPDX-License-Identifier: GPL-3.0-or-later
"""File names for every program, file system and terminal."""

from __future__ import annotations

import hashlib
import re
import unicodedata

LONGEST_NAME = 200
"""Most bytes of the name of a photo's results; the longest ending of a result fits after it in the usual 255."""

# C0 and C1 controls, and those that change the direction of text.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")

_REFUSED = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')


def plain_name(name: str) -> str:
    """Returns `name` in plain ASCII without spaces. A changed name gets a hash as suffix, so that names stay unique."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    return plain if plain == name else f"{plain}-{_digest(name)}"


def short_name(name: str, room: int = 0) -> str:
    """Returns `name`, cut to `LONGEST_NAME` bytes in UTF-8, less `room` for what is put behind it.

    A cut name ends in a hash, so that names stay unique.
    """
    data = name.encode("utf-8", "surrogateescape")
    most = LONGEST_NAME - room
    if len(data) <= most:
        return name
    kept = data[: most - 9].decode("utf-8", "ignore").rstrip()
    return f"{kept}-{_digest(name)}"


def file_name(name: str) -> str:
    """Returns `name` with `_` for each character that some file system refuses."""
    return _REFUSED.sub("_", name)


def comparable(name: str) -> str:
    """Returns `name` for comparison: without differences of case and Unicode form, as some file systems compare."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def printable(text: str, *, keep: str = "") -> str:
    """Returns `text` for a terminal: control characters, except those in `keep`, are written as escapes."""
    return _CONTROL.sub(lambda hit: hit[0] if hit[0] in keep else hit[0].encode("unicode_escape").decode(), text)


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:8]
