# SPDX-License-Identifier: GPL-3.0-or-later
"""Upsamples a network's disparity to the depth map of the mesh."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...settings import Settings
from .. import resampling, windows
from ..arrays import Floats
from ..camera.automatic import resolve
from ..camera.depth_strength import strengthened
from ..photo.photo import Photo
from ..photo.resampling import grid_size, resize_nearest, resize_to
from ..scene_guess import Measures
from .disparity import between, normalise, to_depth
from .edges import sharpen_edges
from .outlines import without_false_steps
from .sky import clear_of
from .thin_things import with_straight_bars


def depth_map(
    disparity: Floats,
    photo: Photo,
    settings: Settings,
    sky: NDArray[np.bool_] | None = None,
    *,
    is_estimated: bool = True,
    is_panorama: bool = False,
    measures: Measures | None = None,
) -> tuple[Floats, NDArray[np.bool_] | None]:
    """Returns depth, float32 (rows, columns), metres along z, and its validity by the photo's mask (None: all valid).

    `disparity` is float32 (h, w) at any size, near = large, and covers the whole photo. The result has
    `settings.detail` cells along the longer side, at most one per pixel of the photo. Near and far that are automatic
    are the usual ones (see `camera.automatic`). `sky`, bool (rows, columns), is where there is sky: far is the farthest
    of the rest then, and the outlines before the sky follow it. With sharp edges, what `is_estimated` by a network also
    loses its false discontinuities, and its thin things become straight unless it `is_panorama`, where straight lines
    are curved; a user's own map keeps all. The scale of `disparity` is that of its `measures`, if there are some: then
    near and far lie where these say, not at percentiles.
    """
    settings = strengthened(resolve(settings).applied_to(settings))
    columns, rows = grid_size(*photo.size, settings.detail)
    small_mask = None if photo.mask is None else _share_kept(photo.mask, disparity.shape) > 0.5
    clear = None if sky is None else clear_of(sky, *disparity.shape)
    if clear is not None:
        small_mask = clear if small_mask is None or not (clear & small_mask).any() else clear & small_mask
    if measures is None:
        normalised = normalise(disparity, settings.percentile, small_mask)
    else:
        normalised = between(disparity, measures.near, measures.far)
    inverse_depth = 1.0 / to_depth(normalised, settings.near, settings.far)
    if settings.edge_aware and settings.tear > 0.0:
        if inverse_depth.shape[0] > rows or inverse_depth.shape[1] > columns:
            least = inverse_depth.min()
            inverse_depth = windows.resize(inverse_depth, columns, rows)
            # Beside a deep step the resampling overshoots, even to behind the camera.
            inverse_depth = np.where(inverse_depth > 0.5 * least, inverse_depth, least)
        guide = resize_to(photo.pixels, columns, rows)
        inverse_depth = sharpen_edges(inverse_depth, guide, settings.tear, sky, has_wide=is_estimated)
        if is_estimated:
            inverse_depth = without_false_steps(inverse_depth, guide, settings.tear)
            if not is_panorama:
                inverse_depth = with_straight_bars(inverse_depth, settings.tear)
    else:
        inverse_depth = np.maximum(windows.resize(inverse_depth, columns, rows), inverse_depth.min())
    valid = None
    if photo.mask is not None:
        valid = resize_nearest(photo.mask, columns, rows)
    return (1.0 / inverse_depth).astype(np.float32), valid


def _share_kept(mask: NDArray[np.bool_], shape: tuple[int, ...]) -> Floats:
    """Returns the fraction of each cell, float32 of `shape`, that the mask keeps."""
    share = resampling.resize(mask.astype(np.uint8) * 255, shape[1], shape[0], "box")
    return share.astype(np.float32) / np.float32(255.0)
