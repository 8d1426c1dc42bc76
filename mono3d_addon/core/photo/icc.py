# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads ICC profiles made of primaries and curves: for values of more than 8 bits, and where there is no LittleCMS.

See ICC.1:2022, Image technology colour management.
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from .colour_spaces import XYZ_D50_TO_SRGB, LinearSpace
from .damage import Damaged

_STEPS = 65535


def check(profile: bytes) -> None:
    """Raises Damaged if the header of a profile or its list of tags is."""
    try:
        known = profile[36:40] == b"acsp" and bool(_tags(profile))
    except struct.error:
        known = False
    if not known:
        raise Damaged("no ICC profile")


def is_grey(profile: bytes) -> bool:
    """Returns whether the profile describes grey values."""
    return profile[16:20] == b"GRAY"


def linear_space(profile: bytes) -> LinearSpace | None:
    """Returns the space of a profile with curves, and a matrix for RGB; None for other kinds and damaged profiles."""
    try:
        tags = _tags(profile)
        if is_grey(profile):
            return LinearSpace(_curve(tags[b"kTRC"])[None].astype(np.float32), None)
        if profile[16:20] != b"RGB " or b"A2B0" in tags or b"A2B1" in tags:
            return None
        curves = np.stack([_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC")])
        to_xyz = np.column_stack([_xyz(tags[name]) for name in (b"rXYZ", b"gXYZ", b"bXYZ")])
    except (KeyError, struct.error, ValueError, IndexError):
        return None
    return LinearSpace(curves.astype(np.float32), XYZ_D50_TO_SRGB @ to_xyz)


def _tags(profile: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", profile, 128)
    found = {}
    for number in range(min(count, 200)):
        name, offset, size = struct.unpack_from(">4sII", profile, 132 + 12 * number)
        found[name] = profile[offset : offset + size]
    return found


def _xyz(tag: bytes) -> NDArray[np.float64]:
    return np.asarray(struct.unpack_from(">3i", tag, 8), np.float64) / 65536.0


def _curve(tag: bytes) -> NDArray[np.float64]:
    """Returns the curve at 65536 equally spaced values from 0 to 1."""
    levels = np.linspace(0.0, 1.0, _STEPS + 1)
    if tag[:4] == b"para":
        return _parametric(tag, levels)
    (count,) = struct.unpack_from(">I", tag, 8)
    if tag[:4] != b"curv" or count > 1 << 20:
        raise ValueError("not a curve")
    if count == 0:
        return levels
    entries = np.frombuffer(tag, ">u2", count, 12).astype(np.float64)
    if count == 1:
        return np.asarray(levels ** (entries[0] / 256.0))
    return np.interp(levels, np.linspace(0.0, 1.0, count), entries / 65535.0)


def _parametric(tag: bytes, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns a parametric curve (section 10.18), whose five kinds are cases of one formula."""
    (kind,) = struct.unpack_from(">H", tag, 8)
    count = (1, 3, 4, 5, 7)[kind]
    p = [value / 65536.0 for value in struct.unpack_from(f">{count}i", tag, 12)]
    g, a, b, c, d, e, f = p[0], 1.0, 0.0, 0.0, 0.0, 0.0, 0.0
    if kind in (1, 2):
        a, b = p[1], p[2]
        d = -b / a
        e = f = p[3] if kind == 2 else 0.0
    elif kind in (3, 4):
        a, b, c, d = p[1:5]
        e, f = (p[5], p[6]) if kind == 4 else (0.0, 0.0)
    power = np.maximum(a * x + b, 0.0) ** g + e
    return np.asarray(np.clip(np.where(x >= d, power, c * x + f), 0.0, 1.0))
