# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads depth maps from OpenEXR files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...errors import Mono3DError
from ..photo.damage import Damaged
from ..photo.exr_source import open_exr
from .depth_file import check_size, plane
from .depth_values import DepthValues

_CHANNELS = ("Z", "Y", "V", "R", "DEPTH", "DISTANCE")
"""Channel names in order of preference. A layer name may precede them, with a dot ("ViewLayer.Depth.Z")."""


def read_exr(path: Path, max_pixels: float) -> DepthValues:
    """Returns the depth channel of an OpenEXR file, in metres.

    Raises Mono3DError if it needs the package OpenEXR, which is not installed, or if the file is damaged, is a deep
    image, has no depth channel or has more than `max_pixels` megapixels.
    """
    try:
        source = open_exr(path)
        check_size(source.size[::-1], path, max_pixels)
        name = _channel(source.names, path)
        colours = _colours_beside(name, source.names)
        found = source.read((name, *colours))
    except Damaged as error:
        raise Mono3DError(f"'{path.name}' is not a readable EXR file; save it again.") from error
    values = found[name]
    if not all(np.array_equal(found[one], values, equal_nan=True) for one in colours):
        raise Mono3DError(f"'{path.name}' has colours; a depth map is grey, or has a channel Z.")
    return DepthValues(plane(values, path, max_pixels), "metres")


def _colours_beside(name: str, names: Sequence[str]) -> tuple[str, ...]:
    """Returns the names of green and blue where `name` is the red channel of a picture."""
    layer, dot, end = name.rpartition(".")
    if end.upper() != "R":
        return ()
    others = {other.upper(): other for other in names}
    pair = (f"{layer}{dot}{colour}".upper() for colour in "GB")
    return tuple(others[one] for one in pair if one in others)


def _channel(names: tuple[str, ...], path: Path) -> str:
    for wanted in _CHANNELS:
        for name in names:
            if name.rpartition(".")[2].upper() == wanted:
                return name
    if len(names) == 1:
        return names[0]
    raise Mono3DError(f"'{path.name}' has no channel Z, Y, V or R, but {', '.join(names[:8]) or 'none'}.")
