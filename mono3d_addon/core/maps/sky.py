# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the sky of a photo at the resolution of its mesh, and gives it a depth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...settings import Settings
from .. import resampling
from ..arrays import Floats
from ..photo.photo import Photo
from ..photo.resampling import grid_size, resize_nearest, resize_to
from ..scene_guess import SceneGuess, kind_of
from .depth_values import DepthValues
from .sky_edges import refined
from .sky_growth import blown_out, completed
from .sky_guess import guess_sky

Cells = NDArray[np.bool_]

BEHIND = 4.0
"""Distance of the sky behind everything, relative to the farthest thing. A camera that moves sees it move by a quarter
of what that thing moves, and the scene keeps bounds that viewers can show."""
_MIN_AREA, _LIKELY = 0.003, 0.5
"""Smallest fraction of the photo that is sky, where a network gives its probability, and what counts as sky."""
_MUCH = 0.05
"""Fraction of the photo from which a network's sky is completed also behind people and objects. A patch of an even
background is often taken for sky."""
_SMALLEST = 0.0005
"""Smallest thing before the sky, as a fraction of all cells, as with the default of *Smallest island*."""
_EDGE = 0.03
"""Width of a network's blurred edges, as a fraction of the photo's shorter side."""


def find_sky(
    disparity: Floats,
    photo: Photo,
    settings: Settings,
    probability: Floats | None = None,
    scene: SceneGuess | None = None,
) -> Cells | None:
    """Returns where there is sky, bool (rows, columns), at the size of the mesh; None if there is none.

    disparity    float32 (h, w), near = large, covering the photo; 0 is infinitely far
    probability  float32 (h, w), 0..1, of the network; None: guessed from colour, place and distance
    scene        what the network says about the scene: in a room, there is no more sky than the network sees, and
                 behind people and objects only if it sees much

    Birds, wires and twigs that would be too small for a mesh of their own count as sky.
    """
    guess = _probability(disparity, photo, probability, scene)
    if guess is None or (guess > _LIKELY).mean() < _MIN_AREA:
        return None
    columns, rows = grid_size(*photo.size, settings.detail)
    sky = refined(guess, resize_to(photo.pixels, columns, rows), _SMALLEST)
    if photo.mask is not None:
        sky &= resize_nearest(photo.mask, columns, rows)
    return sky if sky.any() else None


def _probability(
    disparity: Floats, photo: Photo, probability: Floats | None, scene: SceneGuess | None
) -> Floats | None:
    """Returns the probability of sky, float32 (h, w), 0..1, at any size; None if there is none."""
    if probability is None:
        return guess_sky(disparity, photo)
    if kind_of(scene) == "room":
        return probability
    share = float((probability > _LIKELY).mean())
    if share < _MIN_AREA:
        return blown_out(disparity, photo)
    return completed(probability, disparity, photo) if share > _MUCH or _is_outdoors(scene) else probability


def _is_outdoors(scene: SceneGuess | None) -> bool:
    kinds = {} if scene is None else scene.kinds
    return sum(kinds.get(kind, 0.0) for kind in ("street", "landscape")) > 0.5


def infinite(own: DepthValues, photo: Photo, settings: Settings) -> Cells | None:
    """Returns where a depth map of the user's says that it is infinitely far; None if it says so nowhere.

    The result is bool (rows, columns), at the size of the mesh. Only distances can be infinite; infinite disparity is
    an error.
    """
    if own.kind == "disparity":
        return None
    columns, rows = grid_size(*photo.size, settings.detail)
    sky = resize_nearest(np.isposinf(own.values), columns, rows)
    if photo.mask is not None:
        sky &= resize_nearest(photo.mask, columns, rows)
    return sky if sky.any() else None


def clear_of(sky: Cells, rows: int, columns: int) -> Cells | None:
    """Returns which cells of a network's map, bool (rows, columns), the sky and its blurred edges do not reach.

    Returns None if it reaches all.
    """
    share = resampling.resize(sky.astype(np.uint8) * 255, columns, rows, "box")
    clear = resampling.box_blur(share, max(1.0, _EDGE * min(rows, columns) / 2)) == 0
    return clear if clear.any() else None


def except_sky(valid: Cells | None, sky: Cells) -> Cells:
    """Returns the cells, bool (rows, columns), that are `valid` (None: all) and no sky."""
    return ~sky if valid is None else valid & ~sky


def backdrop(depth: Floats, sky: Cells, far: float, valid: Cells | None = None) -> Floats:
    """Returns `depth`, float32 (rows, columns), metres, with the sky at `far` or at the largest other valid depth.

    So the sky is never in front of anything else.
    """
    rest = ~sky & np.isfinite(depth) if valid is None else ~sky & np.isfinite(depth) & valid
    distance = max(far, float(depth[rest].max())) if rest.any() else far
    return np.where(sky, np.float32(distance), depth)


def behind(depth: Floats, sky: Cells, far: float, valid: Cells | None = None) -> Floats:
    """Returns `depth` with the sky `BEHIND` times as far as with `backdrop`."""
    even = backdrop(depth, sky, far, valid)
    return np.where(sky, even * np.float32(BEHIND), even)
