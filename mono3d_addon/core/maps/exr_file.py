# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads depth maps from OpenEXR files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...errors import Mono3DError
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
        raise Mono3DError(
            f"EXR files need the package OpenEXR, which cannot be loaded ({error}); install Mono3D's packages again."
        ) from error
    try:
        header = OpenEXR.File(str(path), header_only=True).header()
        least, largest = (np.asarray(corner, np.int64) for corner in header["dataWindow"])
        columns, rows = largest - least + 1
        check_size((int(rows), int(columns)), path, max_pixels)
        with OpenEXR.File(str(path), separate_channels=True) as file:
            name = _channel(tuple(file.channels()), path)
            values = np.array(file.channels()[name].pixels)
    except Mono3DError:
        raise
    except Exception as error:  # OpenEXR raises many types of exceptions on damaged files.
        raise Mono3DError(f"'{path.name}' is not a readable EXR file; save it again.") from error
    return DepthValues(plane(values, path, max_pixels), "metres")


def _channel(names: tuple[str, ...], path: Path) -> str:
    for wanted in _CHANNELS:
        for name in names:
            if name.rpartition(".")[2].upper() == wanted:
                return name
    if len(names) == 1:
        return names[0]
    raise Mono3DError(f"'{path.name}' has no channel Z, Y, V or R, but {', '.join(names[:8]) or 'none'}.")
