# SPDX-License-Identifier: GPL-3.0-or-later
"""Simple values of an XMP packet (ISO 16684-1), as cameras and editors write them into pictures."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Mapping
from typing import Any

_ATTRIBUTE = re.compile(r"""(?<![\w-])([\w-]{1,64}:[\w-]{1,64})\s{0,9}=\s{0,9}(?:"([^"<]*)"|'([^'<]*)')""")
"""With limits, so that long runs of letters do not cost time squared."""
_ELEMENT = re.compile(r"<([\w-]{1,64}:[\w-]{1,64})(?:\s[^<>]*)?>([^<]*)</\1\s{0,9}>")
_MOST_CHARACTERS = 4_000_000


def read_xmp(info: Mapping[Any, Any]) -> dict[str, str]:
    """Returns the simple properties of the packet that Pillow found, by their usual prefix and name; {} without one.

    Lists and structures are left out. Damaged packets give what can be read of them.
    """
    packet = info.get("xmp") or info.get("XML:com.adobe.xmp") or b""
    text = packet.decode("utf-8", "replace") if isinstance(packet, bytes) else str(packet)
    text = text[:_MOST_CHARACTERS]
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
