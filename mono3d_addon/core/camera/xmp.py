# SPDX-License-Identifier: GPL-3.0-or-later
"""Simple values of an XMP packet (ISO 16684-1), as cameras and editors write them into pictures."""

from __future__ import annotations

import html
import math
import re

_ATTRIBUTE = re.compile(r"""(?<![\w-])([\w-]{1,64}:[\w-]{1,64})\s{0,9}=\s{0,9}(?:"([^"<]*)"|'([^'<]*)')""")
"""With limits, so that long runs of letters do not cost time squared."""
_ELEMENT = re.compile(r"<([\w-]{1,64}:[\w-]{1,64})(?:\s[^<>]*)?>([^<]*)</\1\s{0,9}>")
_MOST_CHARACTERS = 4_000_000


def read_xmp(packet: bytes) -> dict[str, str]:
    """Returns the simple properties of a packet, by their usual prefix and name; {} where there are none.

    Lists and structures are left out. Damaged packets give what can be read of them.
    """
    text = packet.decode("utf-8", "replace")[:_MOST_CHARACTERS]
    found = {name: html.unescape(value).strip() for name, value in _ELEMENT.findall(text)}
    found |= {name: html.unescape(double or single).strip() for name, double, single in _ATTRIBUTE.findall(text)}
    return found


def number(value: str) -> float:
    """Returns a number or a fraction ("50/1") of XMP, 0 where it is neither or not finite."""
    above, _, below = value.partition("/")
    try:
        result = float(above) / float(below or 1.0)
    except (ValueError, ZeroDivisionError, OverflowError):
        return 0.0
    return result if math.isfinite(result) else 0.0
