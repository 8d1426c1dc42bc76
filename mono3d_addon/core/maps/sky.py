# SPDX-License-Identifier: GPL-3.0-or-later
"""Detects the sky: far away, even in colour, and connected to the upper border of the photo.

The detection is conservative, because a wall mistaken for sky is worse than sky that is not detected.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .. import windows
from ..arrays import Floats
from ..mesh.islands import label_components
from ..photo.photo import Photo
from ..photo.resampling import resize_to
from .disparity import normalise

Cells = NDArray[np.bool_]

_SIDE = 320
"""Resolution of the detection: cells along the longer side."""
_FAR = 0.12
"""Fraction of the disparity range, from the far end, that can be sky."""
_MAX_BLUE, _MAX_PALE = 0.12, 0.012
"""Largest inverse depth of blue and of pale sky, relative to that of the nearest parts. It is larger at the end of a
room. The limit for pale sky is stricter, because white walls are more common than blue ones."""
_EVEN = 0.045
"""Largest local standard deviation of the brightness, 0..1: clouds are below it, foliage is above."""
_MIN_AREA, _MIN_TOP = 0.02, 0.15
"""Smallest fractions of the photo and of its upper border that are sky."""
_BORDER = 12
"""Cells by which the sky may grow towards foreground objects, whose edges are blurred in the network's output."""
_STEP = 0.15
"""Smallest difference between the sky and a foreground object, as a fraction of the disparity range."""
_ALIKE = 0.12
"""Largest colour distance, 0..1, from the neighbouring sky of a cell that is added."""


def find_sky(disparity: Floats, photo: Photo) -> Cells | None:
    """Returns the sky mask, bool (rows, columns), `_SIDE` cells along the longer side; None if there is no sky.

    `disparity` is float32 (h, w), near = large, covering the photo; 0 is infinitely far.
    """
    width, height = photo.size
    scale = min(1.0, _SIDE / max(width, height))
    columns, rows = max(8, round(width * scale)), max(8, round(height * scale))
    colors = resize_to(photo.pixels, columns, rows)
    small = windows.resize(disparity, columns, rows)
    kept = None if photo.mask is None else _reduced(photo.mask, columns, rows)
    normalised = normalise(small, 1.0, kept)
    far = normalised < _FAR
    grey = colors @ np.array([0.299, 0.587, 0.114], np.float32)
    even = _deviation(grey, 2) < _EVEN
    nearest = float(np.percentile(disparity, 99.0))
    inverse = small / np.float32(max(nearest, 1e-12))
    blue, pale = _blue(colors, grey), _pale(colors, grey)
    cells = far & even & ((blue & (inverse < _MAX_BLUE)) | (pale & (inverse < _MAX_PALE)))
    if kept is not None:
        cells &= kept
    sky = _connected_to_top(_closed(cells))
    if sky.mean() < _MIN_AREA or sky[: max(1, rows // 40)].any(axis=0).mean() < _MIN_TOP:
        return None
    if not _lies_behind(inverse, sky, ~sky if kept is None else kept & ~sky):
        return None
    return _grown_to_edges(sky, colors, normalised)


def without(photo: Photo, sky: Cells) -> Photo:
    """Returns the photo with the sky masked out; unchanged if nothing else would remain."""
    seen = ~_enlarged(sky, *photo.size)
    mask = seen if photo.mask is None else photo.mask & seen
    return dataclasses.replace(photo, mask=mask) if mask.any() else photo


def clamped(depth: Floats, sky: Cells, far: float) -> Floats:
    """Returns `depth`, float32 (rows, columns), metres, with the sky at `far` or at the largest other depth.

    So the sky is never in front of anything else.
    """
    rows, columns = depth.shape
    cells = _enlarged(sky, columns, rows)
    rest = depth[~cells & np.isfinite(depth)]
    backdrop = max(far, float(rest.max())) if rest.size else far
    return np.where(cells, np.float32(backdrop), depth)


def _lies_behind(inverse: Floats, sky: Cells, rest: Cells) -> bool:
    """Returns whether most of the sky is behind nearly all of the rest; `inverse` is inverse depth, near = large."""
    return not rest.any() or bool(np.median(inverse[sky]) < np.percentile(inverse[rest], 5.0))


def _blue(colors: Floats, grey: Floats) -> Cells:
    """Returns which cells are blue, and bright or clearly blue."""
    red, green, blue = np.moveaxis(colors, 2, 0)
    return np.asarray((blue > red + 0.04) & (blue > green + 0.015) & ((grey > 0.3) | (blue > 1.5 * green)))


def _pale(colors: Floats, grey: Floats) -> Cells:
    """Returns which cells are bright with low saturation, like clouds."""
    return np.asarray((grey > 0.6) & (np.ptp(colors, axis=2) < 0.15))


def _deviation(values: Floats, radius: int) -> Floats:
    count = windows.total(np.ones_like(values), radius)
    mean = windows.total(values, radius) / count
    square = windows.total(values * values, radius) / count
    return np.asarray(np.sqrt(np.maximum(square - mean * mean, 0.0)), np.float32)


def _closed(cells: Cells) -> Cells:
    """Returns the cells after a morphological closing, which fills small gaps such as wires and birds."""
    grown = windows.maximum(cells.astype(np.float32), 2)
    return np.asarray(windows.minimum(grown, 2) > 0.5)


def _connected_to_top(cells: Cells) -> Cells:
    """Returns the cells that are connected to the upper border."""
    padded = np.vstack([np.ones((1, cells.shape[1]), bool), cells])
    pieces = label_components(padded[:, 1:] & padded[:, :-1], padded[1:] & padded[:-1])
    return np.asarray((pieces == pieces[0, 0])[1:] & cells)


def _grown_to_edges(sky: Cells, colors: Floats, normalised: Floats) -> Cells:
    """Returns the sky grown up to the outlines of foreground objects, over cells of similar colour.

    It grows only near a rise of the disparity, so it does not spread over water or a hazy horizon.
    """
    rise = windows.maximum(normalised, _BORDER) - windows.minimum(normalised, _BORDER)
    weight = sky.astype(np.float32)
    count = windows.total(weight, _BORDER)
    mean = windows.total(colors * weight[..., None], _BORDER) / np.maximum(count, 1.0)[..., None]
    alike = (rise > _STEP) & (count > 0.5) & (np.linalg.norm(colors - mean, axis=2) < _ALIKE)
    for _ in range(_BORDER):
        grown = windows.maximum(sky.astype(np.float32), 1) > 0.5
        sky = sky | (grown & alike)
    return np.asarray(sky)


def _reduced(mask: Cells, columns: int, rows: int) -> Cells:
    return np.asarray(Image.fromarray(mask).resize((columns, rows), Image.Resampling.NEAREST), bool)


def _enlarged(cells: Cells, columns: int, rows: int) -> Cells:
    """Returns the mask at another size, with bilinear interpolation."""
    picture = Image.fromarray(cells.astype(np.uint8) * 255).resize((columns, rows), Image.Resampling.BILINEAR)
    return np.asarray(picture) >= 128
