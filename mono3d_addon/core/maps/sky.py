# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the sky: what is as far as anything, even in colour, and reaches the upper border of the photo.

It is sought carefully rather than fully: a wall that is taken for sky is a worse fault than a sky left as it was.
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
"""Cells along the longer side at which the sky is sought."""
_FAR = 0.12
"""Share of the depth range, from the far end, in which sky lies."""
_DISTANT_BLUE, _DISTANT_PALE = 0.12, 0.012
"""Inverse depth of a sky as a share of the nearest parts': at the end of a room it is more. Pale ones must be farther:
there are more white walls than blue ones."""
_EVEN = 0.045
"""Standard deviation of the brightness around a cell, 0..1: clouds are within, leaves are not."""
_LEAST_AREA, _LEAST_TOP = 0.02, 0.15
"""Shares of the photo, and of its upper border, that a sky takes up at least."""
_BORDER = 12
"""Cells by which a sky may grow up to the things before it: a network's edges are that blurred, and show a halo."""
_STEP = 0.15
"""Share of the depth range that there is between a sky and what stands before it."""
_ALIKE = 0.12
"""Distance of colours, 0..1, up to which a cell passes for the sky beside it."""


def find_sky(disparity: Floats, photo: Photo) -> Cells | None:
    """Returns which part of the photo is sky, bool (rows, columns) at a few hundred cells a side; None without any.

    `disparity` is float32 (h, w), near = large, covering the photo; 0 means infinitely far where it is known.
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
    distance = small / np.float32(max(nearest, 1e-12))
    blue, pale = _blue(colors, grey), _pale(colors, grey)
    cells = far & even & ((blue & (distance < _DISTANT_BLUE)) | (pale & (distance < _DISTANT_PALE)))
    if kept is not None:
        cells &= kept
    sky = _at_the_top(_closed(cells))
    if sky.mean() < _LEAST_AREA or sky[: max(1, rows // 40)].any(axis=0).mean() < _LEAST_TOP:
        return None
    if not _lies_behind(distance, sky, ~sky if kept is None else kept & ~sky):
        return None
    return _to_the_edges(sky, colors, normalised)


def without(photo: Photo, sky: Cells) -> Photo:
    """Returns the photo with a mask that leaves out the sky; the same where nothing else would be left."""
    seen = ~_enlarged(sky, *photo.size)
    mask = seen if photo.mask is None else photo.mask & seen
    return dataclasses.replace(photo, mask=mask) if mask.any() else photo


def clamped(depth: Floats, sky: Cells, far: float) -> Floats:
    """Returns `depth`, float32 (rows, columns) in metres, with the sky at the distance `far`, or where all is nearer.

    It is never in front of what is beside it: the farthest of the rest pushes it back.
    """
    rows, columns = depth.shape
    cells = _enlarged(sky, columns, rows)
    rest = depth[~cells & np.isfinite(depth)]
    backdrop = max(far, float(rest.max())) if rest.size else far
    return np.where(cells, np.float32(backdrop), depth)


def _lies_behind(distance: Floats, sky: Cells, rest: Cells) -> bool:
    """Tells whether most of the sky is behind nearly all of the rest; `distance` is large where it is near."""
    return not rest.any() or bool(np.median(distance[sky]) < np.percentile(distance[rest], 5.0))


def _blue(colors: Floats, grey: Floats) -> Cells:
    """Returns which cells are blue rather than green or red, and not dark unless clearly blue."""
    red, green, blue = np.moveaxis(colors, 2, 0)
    return np.asarray((blue > red + 0.04) & (blue > green + 0.015) & ((grey > 0.3) | (blue > 1.5 * green)))


def _pale(colors: Floats, grey: Floats) -> Cells:
    """Returns which cells are bright and of hardly any colour, as clouds are."""
    return np.asarray((grey > 0.6) & (np.ptp(colors, axis=2) < 0.15))


def _deviation(values: Floats, radius: int) -> Floats:
    count = windows.total(np.ones_like(values), radius)
    mean = windows.total(values, radius) / count
    square = windows.total(values * values, radius) / count
    return np.asarray(np.sqrt(np.maximum(square - mean * mean, 0.0)), np.float32)


def _closed(cells: Cells) -> Cells:
    """Returns the cells with gaps of a few cells, such as a wire or a bird, filled and single ones taken away."""
    grown = windows.maximum(cells.astype(np.float32), 2)
    return np.asarray(windows.minimum(grown, 2) > 0.5)


def _at_the_top(cells: Cells) -> Cells:
    """Returns those of the cells that hang together with the upper border."""
    padded = np.vstack([np.ones((1, cells.shape[1]), bool), cells])
    pieces = label_components(padded[:, 1:] & padded[:, :-1], padded[1:] & padded[:-1])
    return np.asarray((pieces == pieces[0, 0])[1:] & cells)


def _to_the_edges(sky: Cells, colors: Floats, normalised: Floats) -> Cells:
    """Returns the sky grown up to the outlines of what stands before it, where the photo goes on in its colour.

    Only where the disparity rises nearby, so that it does not creep over a lake or a hazy horizon.
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
    """Returns the cells at another size, smoothly rather than in steps."""
    picture = Image.fromarray(cells.astype(np.uint8) * 255).resize((columns, rows), Image.Resampling.BILINEAR)
    return np.asarray(picture) >= 128
