# SPDX-License-Identifier: GPL-3.0-or-later
"""Guesses where there is sky from colour, place and distance, for networks that do not say it.

Sky is far away, even in colour, and connected to the upper border of the photo. The guess is conservative, because a
wall mistaken for sky is worse than sky that is not detected.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import resampling, windows
from ..arrays import Floats
from ..mesh.islands import label_components
from ..photo.photo import Photo
from ..photo.resampling import resize_to
from .disparity import normalise

Cells = NDArray[np.bool_]

_SIDE = 192
"""Resolution of the guess: cells along the longer side."""
_FAR = 0.12
"""Fraction of the disparity range, from the far end, that can be sky."""
_MAX_BLUE, _MAX_PALE = 0.12, 0.012
"""Largest inverse depth of blue and of other sky, relative to that of the nearest parts. It is larger at the end of a
room. The limit for pale sky is stricter, because white walls are more common than blue ones."""
_EVEN = 0.045
"""Largest local standard deviation of the brightness, 0..1: clouds are below it, foliage is above."""
_MIN_AREA, _MIN_TOP = 0.02, 0.15
"""Smallest fractions of the photo and of its upper border that are sky."""
_BORDER = 7
"""Width in cells of a foreground object's edge in the network's output, over which the sky is searched for."""
_MAX_FAR, _STEP = 0.3, 0.15
"""Largest normalised disparity of sky in such an edge, and the smallest rise of the edge."""
_ALIKE, _SPREAD, _MOST = 0.07, 3.0, 0.15
"""Colour distance, 0..1, up to which a cell is like the sky: this many standard deviations of the sky's colours, within
the other two bounds."""
_LOWEST = 0.95
"""Fraction of the sky above what counts as its lowest row."""
_MOST_OF_IT, _NEARER = 0.75, 0.03
"""Normalised disparity by which a cell below that may be nearer than this fraction of the sky: more is water or land.
"""
_MAX_BESIDE, _MAX_BELOW = 0.3, 1.0
"""Largest areas of nearer cells with its colours that are connected to sky, as fractions of its own: beside it, as on
walls, and in all. Water below has the colours of the sky too."""


@dataclass(frozen=True)
class CoarseView:
    """A photo and its disparity at the resolution of the guess; all maps have the same rows and columns.

    colors      float32 (rows, columns, 3), 0..1, and `grey`, float32 (rows, columns), their brightness
    disparity   float32, near = large; 0 is infinitely far
    normalised  the same, 0..1 over its range
    kept        bool, what the mask keeps; None: all
    """

    colors: Floats
    grey: Floats
    disparity: Floats
    normalised: Floats
    kept: Cells | None


def coarse_view(disparity: Floats, photo: Photo) -> CoarseView:
    """Returns the photo and its disparity with `_SIDE` cells along the longer side.

    `disparity` is float32 (h, w), near = large, covering the photo.
    """
    width, height = photo.size
    scale = min(1.0, _SIDE / max(width, height))
    columns, rows = max(8, round(width * scale)), max(8, round(height * scale))
    colors = resize_to(photo.pixels, columns, rows)
    small = windows.resize(disparity, columns, rows)
    kept = None if photo.mask is None else _reduced(photo.mask, columns, rows)
    grey = colors @ np.array([0.299, 0.587, 0.114], np.float32)
    return CoarseView(colors, grey, small, normalise(small, 1.0, kept), kept)


def guess_sky(disparity: Floats, photo: Photo) -> Floats | None:
    """Returns the probability of sky, float32 (rows, columns), 0..1, with `_SIDE` cells along the longer side.

    `disparity` is float32 (h, w), near = large, covering the photo; 0 is infinitely far. Returns None if there is no
    sky.
    """
    view = coarse_view(disparity, photo)
    colors, grey, normalised, kept = view.colors, view.grey, view.normalised, view.kept
    far = normalised < _FAR
    even = deviation(grey, 2) < _EVEN
    nearest = float(np.percentile(disparity, 99.0))
    inverse = view.disparity / np.float32(max(nearest, 1e-12))
    blue, pale = _blue(colors, grey), _pale(colors, grey)
    cells = far & even & ((blue & (inverse < _MAX_BLUE)) | (pale & (inverse < _MAX_PALE)))
    if kept is not None:
        cells &= kept
    sky = _connected_to_top(_closed(cells))
    if sky.mean() < _MIN_AREA or sky[: max(1, len(sky) // 40)].any(axis=0).mean() < _MIN_TOP:
        return None
    usable, beside = far & (inverse < _MAX_BLUE) & (deviation(grey, 1) < 2 * _EVEN), _edges(normalised)
    if kept is not None:
        usable, beside = usable & kept, beside & kept
    grown = _grown(sky, colors, normalised, usable, beside)
    rest = ~grown if kept is None else kept & ~grown
    if not _lies_behind(inverse, sky, rest) or _goes_on(sky, grown, colors, normalised, kept):
        return None
    return smooth(grown)


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


def deviation(values: Floats, radius: int) -> Floats:
    """Returns the local standard deviation of a map, float32 (rows, columns), within `radius` cells."""
    mean, square = windows.mean(values, radius), windows.mean(values * values, radius)
    return np.asarray(np.sqrt(np.maximum(square - mean * mean, 0.0)), np.float32)


def _closed(cells: Cells) -> Cells:
    """Returns the cells after a morphological closing, which fills small gaps such as wires and birds."""
    grown = windows.maximum(cells.astype(np.float32), 1)
    return np.asarray(windows.minimum(grown, 1) > 0.5)


def _connected_to_top(cells: Cells) -> Cells:
    """Returns the cells that are connected to the upper border."""
    padded = np.vstack([np.ones((1, cells.shape[1]), bool), cells])
    pieces = label_components(padded[:, 1:] & padded[:, :-1], padded[1:] & padded[:-1])
    return np.asarray((pieces == pieces[0, 0])[1:] & cells)


def _edges(normalised: Floats) -> Cells:
    """Returns which cells can be sky although an edge of the network's output, which is blurred, reaches over them."""
    rise = windows.maximum(normalised, _BORDER) - windows.minimum(normalised, _BORDER)
    return np.asarray((rise > _STEP) & (normalised < _MAX_FAR))


def _grown(sky: Cells, colors: Floats, normalised: Floats, usable: Cells, beside: Cells) -> Cells:
    """Returns the sky with all cells that have its colours: `usable` ones, and those `beside` it.

    Below the sky as far as it is certain, they must be as far as it. Sky behind branches is not connected to the upper
    border, so the cells need not be.
    """
    as_far = usable & (normalised < np.quantile(normalised[sky], _MOST_OF_IT) + np.float32(_NEARER))
    grown = sky
    for candidates in (as_far, as_far, usable):
        field, limit = _field(grown, colors)
        alike = np.linalg.norm(colors - field, axis=2) < limit
        lowest = int(np.quantile(np.nonzero(grown)[0], _LOWEST))
        candidates = candidates.copy()
        candidates[lowest + 1 :] &= as_far[lowest + 1 :]
        grown = sky | (candidates & alike)
    near = windows.widened(grown, _BORDER)
    return np.asarray(grown | (beside & near & alike))


def _field(sky: Cells, colors: Floats) -> tuple[Floats, float]:
    """Returns the `colors` that sky has at each place, float32 (rows, columns, c), and a cell's largest distance.

    The colours of clear, cloudy and evening skies change slowly over the picture: a polynomial of degree two.
    """
    rows, columns = sky.shape
    y, x = np.meshgrid(np.linspace(-1, 1, rows), np.linspace(-1, 1, columns), indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=2).astype(np.float32)
    damping = np.diag(np.array((0, 1, 1, 4, 4, 4), np.float32) * np.float32(1e-3 * sky.sum()))
    known = terms[sky]
    weights = np.linalg.solve(known.T @ known + damping, known.T @ colors[sky])
    field = (terms @ weights).astype(np.float32)
    spread = float(np.sqrt(np.mean(np.sum((colors[sky] - field[sky]) ** 2, axis=1))))
    return field, min(max(_ALIKE, _SPREAD * spread), _MOST)


def _goes_on(sky: Cells, grown: Cells, colors: Floats, normalised: Floats, kept: Cells | None) -> bool:
    """Returns whether what was found comes nearer without changing its colour, as a wall, a ceiling or a road does."""
    field, limit = _field(sky, colors)
    nearer = ~grown & (normalised > _FAR) & (np.linalg.norm(colors - field, axis=2) < limit)
    if kept is not None:
        nearer &= kept
    joined = _connected_to_top(grown | nearer) & nearer
    lowest = int(np.quantile(np.nonzero(sky)[0], 0.75))
    beside, area = joined[: lowest + 1].sum(), sky.sum()
    return bool(beside > _MAX_BESIDE * area or joined.sum() > _MAX_BELOW * area)


def smooth(sky: Cells) -> Floats:
    """Returns the share of sky around each cell, float32 (rows, columns), 0..1."""
    share: Floats = windows.mean(sky.astype(np.float32), 1)
    return share


def _reduced(mask: Cells, columns: int, rows: int) -> Cells:
    return resampling.nearest(mask, columns, rows)
