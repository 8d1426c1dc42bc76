# SPDX-License-Identifier: GPL-3.0-or-later
"""From the arrays that a network gives to the estimate of a photo, whatever the arrays are.

Every kind becomes inverse depth, near = large. What is known of its scale is in `SceneGuess.measures`, what is known to
have no depth in `Estimate.sky` and `Estimate.valid`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..core import resampling
from ..core.arrays import Floats
from ..core.camera.affine_view import in_half_diagonals, in_longer_sides, view_of
from ..core.estimate import Estimate
from ..core.maps.own_depth import filled
from ..core.maps.relative_slopes import normals_of, places_of, slopes_of
from ..core.resampling import nearest
from ..core.scene_guess import Measures, SceneGuess, Unit
from . import align, scene_vector
from .engines.engine import DEPTH, DISPARITY, MASK, NORMALS, POINTS, SCALE, SCENE, SKY, Arrays
from .model import Model

Known = NDArray[np.bool_]

_LIKELY = 0.5
"""Probability of sky, or of something at a finite distance, from which it is taken to be there."""
_SKY_IN_DEPTH = 0.3
"""Sky from which Depth Anything 3 has no depth."""
_FARTHEST_QUANTILE = 0.99
"""Depth that such places get, as a quantile of the others."""
_FEWEST = 10
"""Places with and without sky, more of which there must be for that."""
_UNITS: Mapping[str, Unit] = {
    "depth": "unknown",
    "metres": "metres",
    "metres by focal length": "metres by focal length",
}
_CANONICAL_FOCAL = 300.0
"""Focal length, in pixels of the network's input, for which Depth Anything 3 gives metres."""
_EXTREMES = (1.0, 99.0)
_LEAST_RATIO = 1.05
_NEAREST, _FARTHEST = 0.0011, 9.9e5
"""Bounds of distances, inside those of the settings 'near' and 'far'."""


def readings(arrays: Arrays, model: Model, sizes: Sequence[tuple[int, int]], *, is_mirrored: bool) -> list[Estimate]:
    """Returns the estimates, without the engine's name, of photos of these sizes, (height, width).

    arrays       what `model` gives for them; where `is_mirrored`, first for all photos and then for their mirror
                 images, with which the result is averaged
    """
    count = len(sizes)
    found = []
    for number, (height, width) in enumerate(sizes):
        own = {name: array[number] for name, array in arrays.items()}
        if not is_mirrored:
            found.append(_read(own, model, width / height))
            continue
        mirror = {name: array[count + number] for name, array in arrays.items()}
        one, other = _read(_averaged(own, mirror), model, width / height), _read(mirror, model, width / height)
        found.append(replace(one, disparity=align.flip_averaged(one.disparity, other.disparity)))
    return found


def _averaged(own: Arrays, mirror: Arrays) -> Arrays:
    """Returns the arrays of one photo, of which those that have no scale are averaged with those of its mirror image.

    Disparity and distances have their own scale in either, see `align.flip_averaged`.
    """
    found = dict(own)
    for name in (SKY, MASK):
        if name in own:
            found[name] = 0.5 * (own[name] + mirror[name][:, ::-1])
    if SCENE in own:
        found[SCENE] = scene_vector.averaged([own[SCENE], mirror[SCENE]])
    if NORMALS in own:
        both = own[NORMALS] + mirror[NORMALS][:, ::-1] * np.array([-1, 1, 1], np.float32)
        found[NORMALS] = both / np.maximum(np.linalg.norm(both, axis=-1, keepdims=True), 1e-6)
    return found


def _read(arrays: Arrays, model: Model, aspect: float) -> Estimate:
    if POINTS in arrays:
        return _of_points(arrays, aspect)
    sky = np.clip(arrays[SKY], 0.0, 1.0).astype(np.float32) if SKY in arrays else None
    if DISPARITY in arrays:
        scene = scene_vector.scene_of(arrays[SCENE]) if SCENE in arrays else None
        return Estimate(arrays[DISPARITY], "", scene=scene, sky=sky)
    depth = arrays[DEPTH] if sky is None else depth_under_sky(arrays[DEPTH], arrays[SKY])
    if model.gives == "metres by focal length":
        # That length relative to the longer side, instead of in pixels.
        depth = depth * np.float32(max(depth.shape) / _CANONICAL_FOCAL)
    return of_depth(depth, None, sky, _UNITS[model.gives])


def depth_under_sky(depth: Floats, sky: Floats) -> Floats:
    """Returns the depth of Depth Anything 3, in which the sky lies as far as almost everything else at most."""
    is_sky = sky >= _SKY_IN_DEPTH
    if is_sky.sum() <= _FEWEST or (~is_sky).sum() <= _FEWEST:
        return depth
    return np.where(is_sky, np.float32(np.quantile(depth[~is_sky], _FARTHEST_QUANTILE)), depth)


def _of_points(arrays: Arrays, aspect: float) -> Estimate:
    points, mask = arrays[POINTS], arrays[MASK]
    holds, scale = mask > _LIKELY, float(arrays[SCALE][0])
    view = view_of(points, holds, scale, aspect)
    depth = (points[..., 2] + np.float32(view.shift)) * np.float32(scale)
    sky = np.clip(1.0 - mask, 0.0, 1.0).astype(np.float32)
    found = of_depth(depth, holds, sky, "metres", in_longer_sides(view.focal, aspect))
    return replace(found, normals=arrays.get(NORMALS), view=view)


def of_depth(depth: Floats, holds: Known | None, sky: Floats | None, unit: Unit, focal: float = 0.0) -> Estimate:
    """Returns the estimate of a depth, float32 (rows, columns), that holds in some places, None: everywhere.

    Where it is not positive it does not hold. `focal` is that of `Measures`. A photo of nothing but sky is flat.
    """
    holds = (depth > 0.0) if holds is None else holds & (depth > 0.0)
    if not holds.any():
        return Estimate(np.full(depth.shape, 1.0, np.float32), "", sky=sky)
    without = holds if sky is None else holds & (sky <= _LIKELY)
    near, far = (float(one) for one in np.percentile(depth[without if without.any() else holds], _EXTREMES))
    near = min(max(near, _NEAREST), _FARTHEST / _LEAST_RATIO)
    far = min(max(far, near * _LEAST_RATIO), _FARTHEST)
    inverse = np.divide(1.0, np.clip(depth, _NEAREST, _FARTHEST), where=holds, out=np.zeros_like(depth))
    measures = Measures(near, far, unit, focal if math.isfinite(focal) and focal > 0.0 else 0.0)
    return Estimate(
        filled(inverse, holds),
        "",
        scene=SceneGuess(measures=measures),
        sky=sky,
        valid=None if holds.all() else holds,
    )


def through_lens(estimate: Estimate, focal: float, aspect: float) -> Estimate:
    """Returns the estimate for a lens whose focal length, relative to the photo's longer side, is known.

    Points in space are shifted so that they suit this lens; other estimates do not depend on it. `aspect` is the
    photo's width / height.
    """
    view, scene = estimate.view, estimate.scene
    if view is None or scene is None or scene.measures is None:
        return estimate
    moved = np.float32(view.moved_by(in_half_diagonals(focal, aspect)))
    depth = 1.0 / estimate.disparity + moved
    # Tiles may have made the disparity finer than the other maps.
    rows, columns = depth.shape
    holds = None if estimate.valid is None else nearest(estimate.valid, columns, rows)
    sky = None if estimate.sky is None else nearest(estimate.sky, columns, rows)
    found = of_depth(depth, holds, sky, scene.measures.unit, focal)
    normals = None if estimate.normals is None else _turned(estimate, scene.measures.focal, focal, moved, aspect)
    return replace(estimate, disparity=found.disparity, scene=found.scene, valid=found.valid, normals=normals)


def _turned(estimate: Estimate, before: float, focal: float, moved: np.float32, aspect: float) -> Floats:
    """Returns the normals of an estimate for a lens of another focal length, with which all distances grow."""
    assert estimate.normals is not None
    rows, columns = estimate.normals.shape[:2]
    places = places_of(rows, columns, aspect)
    depth = 1.0 / resampling.resize(estimate.disparity, columns, rows, "bilinear")
    share = depth / np.maximum(depth + moved, np.float32(_NEAREST))
    turned = normals_of(slopes_of(estimate.normals, places, before) * share[..., None], places, focal)
    return np.where(np.isfinite(turned), turned, estimate.normals)


def in_metres(estimate: Estimate, focal: float) -> Estimate:
    """Returns the estimate in metres, if only the focal length, relative to the longer side, was missing for that."""
    scene = estimate.scene
    if scene is None or scene.measures is None or scene.measures.unit != "metres by focal length":
        return estimate
    near, far = scene.measures.near * focal, scene.measures.far * focal
    measures = replace(scene.measures, near=near, far=far, unit="metres")
    return replace(estimate, disparity=estimate.disparity / np.float32(focal), scene=replace(scene, measures=measures))
