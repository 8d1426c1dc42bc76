# SPDX-License-Identifier: GPL-3.0-or-later
"""From a network's small disparity to the depth of every cell of the mesh."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..settings import Settings
from . import windows
from .disparity import normalise, to_depth
from .edges import sharpen_edges
from .mesh import Floats
from .photo import Photo, cells, grid_size, resize_to

_BLURS = ((0.06, 8.0), (0.027, 2.0))
"""Blurred edges: half width as a share of the photo's shorter side, and least jump in tear thresholds.

The first are edges that are out of focus or far between network pixels; so wide a window also holds the relief of a
body, which does not jump that far. The second are a network's ordinary edges, measured on the starter.
"""


def depth_map(disparity: Floats, photo: Photo, settings: Settings) -> tuple[Floats, NDArray[np.bool_] | None]:
    """Returns depth, float32 (rows, columns) in metres along z, and where the photo's mask keeps it (None: all).

    `disparity` is float32 (h, w) at any size, near = large, and covers the whole photo. The result has
    `settings.detail` cells along the longer side, at most the photo's pixels.
    """
    columns, rows = grid_size(*photo.size, settings.detail)
    small_mask = None if photo.mask is None else _share_kept(photo.mask, disparity.shape) > 0.5
    normalised = normalise(disparity, settings.percentile, small_mask)
    enlarged = np.maximum(windows.resize(normalised, columns, rows), 0.0)
    inverse_depth = 1.0 / to_depth(enlarged, settings.near, settings.far)
    if settings.edge_aware:
        guide = resize_to(photo.pixels, columns, rows)
        for share, tears in _BLURS:
            blur = round(share * min(columns, rows))
            inverse_depth = sharpen_edges(inverse_depth, guide, tears * settings.tear, blur)
    valid = None
    if photo.mask is not None:
        valid = photo.mask[np.ix_(cells(photo.mask.shape[0], rows), cells(photo.mask.shape[1], columns))]
    return (1.0 / inverse_depth).astype(np.float32), valid


def _share_kept(mask: NDArray[np.bool_], shape: tuple[int, ...]) -> Floats:
    """Returns the share of each cell, float32 of `shape`, that the mask keeps."""
    picture = Image.fromarray(mask.astype(np.uint8) * 255).resize((shape[1], shape[0]), Image.Resampling.BOX)
    return np.asarray(picture, dtype=np.float32) / np.float32(255.0)
