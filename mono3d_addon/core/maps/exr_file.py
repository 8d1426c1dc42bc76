# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads depth maps from OpenEXR files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import Mono3DError
from .. import extras
from .depth_file import check_size, plane
from .depth_values import DepthValues

_CHANNELS = ("Z", "Y", "V", "R", "DEPTH", "DISTANCE")
"""Channel names in order of preference. A layer name may precede them, with a dot ("ViewLayer.Depth.Z")."""


def read_exr(path: Path, max_pixels: float) -> DepthValues:
    """Returns the depth channel of an OpenEXR file, in metres.

    Raises Mono3DError if OpenEXR is not installed, or if the file is damaged, is a deep image, has no depth channel or
    has more than `max_pixels` megapixels.
    """
    try:
        import OpenEXR
    except ImportError as error:
        raise extras.needed("EXR files", error) from error
    try:
        header = OpenEXR.File(str(path), header_only=True).header()
        least, largest = (np.asarray(corner, np.int64) for corner in header["dataWindow"])
        columns, rows = largest - least + 1
        check_size((int(rows), int(columns)), path, max_pixels)
        with OpenEXR.File(str(path), separate_channels=True) as file:
            name = _channel(tuple(file.channels()), path)
            values = np.array(file.channels()[name].pixels)
            if _is_coloured(file.channels(), name, values):
                raise Mono3DError(f"'{path.name}' has colours; a depth map is grey, or has a channel Z.")
    except Mono3DError:
        raise
    except Exception as error:  # OpenEXR raises many types of exceptions on damaged files.
        raise Mono3DError(f"'{path.name}' is not a readable EXR file; save it again.") from error
    return DepthValues(plane(values, path, max_pixels), "metres")


def _is_coloured(channels: Mapping[str, Any], name: str, values: NDArray[Any]) -> bool:
    """Returns whether the channel `name` is the red one of a picture whose green or blue differs."""
    layer, dot, end = name.rpartition(".")
    if end.upper() != "R":
        return False
    others = {other.upper(): other for other in channels}
    pair = [others.get(f"{layer}{dot}{colour}".upper()) for colour in "GB"]
    return any(not np.array_equal(channels[one].pixels, values, equal_nan=True) for one in pair if one)


def _channel(names: tuple[str, ...], path: Path) -> str:
    for wanted in _CHANNELS:
        for name in names:
            if name.rpartition(".")[2].upper() == wanted:
                return name
    if len(names) == 1:
        return names[0]
    raise Mono3DError(f"'{path.name}' has no channel Z, Y, V or R, but {', '.join(names[:8]) or 'none'}.")
