# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes OpenEXR files with zlib and numpy: scan lines of 32-bit floating-point channels, packed with ZIP.

The format is described in "OpenEXR File Layout"; `openexr_file` reads it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats
from .openexr_file import SIGNATURE

_VERSION = struct.pack("<I", 2)
_ZIP, _INCREASING, _FLOAT = 3, 0, 2
_LINES = 16
"""Scan lines of a block that is packed with ZIP."""


def encoded(channels: Mapping[str, Floats], texts: Mapping[str, str] | None = None, level: int = 4) -> bytes:
    """Returns the OpenEXR file of `channels`, by their names, each float32 (h, w). All values are kept as they are.

    texts  attribute -> text, in Latin-1
    level  effort of zlib, 0..9
    """
    names = sorted(channels)
    rows, columns = channels[names[0]].shape
    window = struct.pack("<4i", 0, 0, columns - 1, rows - 1)
    # Of each channel: the name, the type, three bytes that are not used here, and its sampling.
    listed = b"".join(name.encode("latin-1") + b"\0" + struct.pack("<iI2i", _FLOAT, 0, 1, 1) for name in names)
    attributes = [
        _attribute("channels", "chlist", listed + b"\0"),
        _attribute("compression", "compression", bytes([_ZIP])),
        _attribute("dataWindow", "box2i", window),
        _attribute("displayWindow", "box2i", window),
        _attribute("lineOrder", "lineOrder", bytes([_INCREASING])),
        _attribute("pixelAspectRatio", "float", struct.pack("<f", 1.0)),
        _attribute("screenWindowCenter", "v2f", struct.pack("<2f", 0.0, 0.0)),
        _attribute("screenWindowWidth", "float", struct.pack("<f", 1.0)),
        *(_attribute(name, "string", text.encode("latin-1", "replace")) for name, text in (texts or {}).items()),
    ]
    head = SIGNATURE + _VERSION + b"".join(attributes) + b"\0"
    # A scan line has its channels one after the other.
    lines = np.stack([np.asarray(channels[name], "<f4") for name in names], axis=1)
    blocks = [_block(lines[row : row + _LINES], row, level) for row in range(0, rows, _LINES)]
    places = len(head) + 8 * len(blocks) + np.cumsum([0, *(len(block) for block in blocks[:-1])])
    return head + places.astype("<u8").tobytes() + b"".join(blocks)


def _attribute(name: str, kind: str, value: bytes) -> bytes:
    return name.encode("latin-1") + b"\0" + kind.encode("latin-1") + b"\0" + struct.pack("<i", len(value)) + value


def _block(lines: NDArray[np.float32], row: int, level: int) -> bytes:
    plain = np.frombuffer(lines.tobytes(), np.uint8)
    halves = np.concatenate([plain[0::2], plain[1::2]])
    steps = halves.copy()
    steps[1:] = halves[1:] - halves[:-1] + np.uint8(128)
    packed = zlib.compress(steps.tobytes(), level)
    data = packed if len(packed) < len(plain) else plain.tobytes()
    return struct.pack("<2i", row, len(data)) + data
