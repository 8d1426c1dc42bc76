# SPDX-License-Identifier: GPL-3.0-or-later
"""Refines a coarse map of the sky along the edges of the photo: outlines, branches, and gaps between leaves.

Near the edge of the coarse map each cell's colour is compared with the mean colours of the sky and of the rest around
it, as in colour line matting (Levin, Lischinski and Weiss 2008). Where the two are alike, the coarse map decides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import resampling, windows
from ..arrays import Floats
from ..mesh.islands import label_components

Cells = NDArray[np.bool_]

_SIDE = 192
"""Cells of the coarse map along the longer side, at most."""
_SURE = 0.9
_EDGE = 2
"""Half width in coarse cells of the uncertain edge of the map."""
_LEAVES = 6
"""Distance in coarse cells from sure sky within which gaps between leaves are searched for."""
_GAP = 0.1
"""Probability of sky assumed there."""
_NEAR, _WIDE = 4, 16
"""Radii in coarse cells around a cell for the mean colours; the second where the first one finds none."""
_COLOR_WEIGHT = 0.9
"""Weight of the colour against the coarse map."""
_COLOR_NOISE = 0.01
"""Squared colour distance, 0..1, at which sky and rest are too similar for the colour to decide."""
_VARIANCE_WEIGHT = 0.5
"""Weight of the variance of the rest's colours, which is added to it."""
_TOLERANCE = 0.1
"""Colour distance, 0..1, from the sky's mean colour up to which a cell is certainly not something else."""
_SPECK = 1.5e-5
"""Smallest gap between leaves, as a fraction of all cells."""


def refined(probability: Floats, guide: NDArray[np.float32], smallest: float = 0.0) -> Cells:
    """Returns where there is sky, bool (rows, columns), at the size of `guide`.

    probability  float32 (h, w), 0..1, covering the photo
    guide        the photo at the mesh's size, float32 (rows, columns, 3) in 0..1
    smallest     pieces of the rest with a smaller fraction, 0..1, of all cells count as sky: birds, wires, twigs that
                 would be too small for a mesh of their own remain part of the picture of the sky
    """
    rows, columns = guide.shape[:2]
    coarse = _reduced(probability)
    share = np.clip(windows.enlarge(coarse, columns, rows), 0.0, 1.0)
    sure_sky = windows.minimum(coarse, _EDGE) > _SURE
    reach = windows.maximum(coarse, _LEAVES) > 0.5
    uncertain = (windows.enlarge((reach & ~sure_sky).astype(np.float32), columns, rows) > 0.0).ravel()
    place = np.flatnonzero(uncertain)
    if len(place):
        colors = _colors(coarse, guide)
        share.reshape(-1)[place] = _share(
            share.reshape(-1)[place], guide.reshape(-1, 3)[place], colors.at(place, rows, columns)
        )
    sky = resampling.box_blur(np.rint(share * 255).astype(np.uint8), 1) >= 128
    return _without_specks(sky, smallest)


@dataclass(frozen=True)
class _Colors:
    """Mean colours of the sky and of the rest on the coarse map, each with a weight, and the variance of the rest's.

    float32 (h, w, 9)
    """

    values: NDArray[np.float32]

    def at(self, place: NDArray[np.intp], rows: int, columns: int) -> NDArray[np.float32]:
        """Returns both colours, weights and the variance at flat indices of the mesh's cells, float32 (n, 9)."""
        h, w = self.values.shape[:2]
        down = np.clip((place // columns + 0.5) * (h / rows) - 0.5, 0, h - 1).astype(np.float32)
        across = np.clip((place % columns + 0.5) * (w / columns) - 0.5, 0, w - 1).astype(np.float32)
        top, left = np.minimum(down.astype(np.intp), h - 2), np.minimum(across.astype(np.intp), w - 2)
        below, right = (down - top).astype(np.float32)[:, None], (across - left).astype(np.float32)[:, None]
        flat = self.values.reshape(-1, 9)
        first = top * w + left
        upper = flat[first] * (1 - right) + flat[first + 1] * right
        lower = flat[first + w] * (1 - right) + flat[first + w + 1] * right
        return np.asarray(upper * (1 - below) + lower * below, np.float32)


def _reduced(probability: Floats) -> Floats:
    rows, columns = probability.shape
    scale = min(1.0, _SIDE / max(rows, columns))
    size = max(2, round(columns * scale)), max(2, round(rows * scale))
    return np.clip(resampling.resize(np.asarray(probability, np.float32), *size, "box"), 0.0, 1.0)


def _colors(coarse: Floats, guide: NDArray[np.float32]) -> _Colors:
    rows, columns = coarse.shape
    squares = np.einsum("ijk,ijk->ij", guide, guide)
    planes = [resampling.resize(plane, columns, rows, "box") for plane in (*np.moveaxis(guide, 2, 0), squares)]
    small = np.stack(planes, axis=2)
    sky, rest = windows.minimum(coarse, 1) > _SURE, windows.maximum(coarse, 1) < 1 - _SURE
    parts = []
    for sure in (sky, rest):
        weight = sure.astype(np.float32)[..., None]
        values = np.concatenate([small * weight, weight], axis=2)
        near, wide = windows.total(values, _NEAR), windows.total(values, _WIDE)
        sums = np.where(near[..., 4:] > 0.5, near, wide)
        means = sums[..., :4] / np.maximum(sums[..., 4:], 1.0)
        parts.append(np.concatenate([means[..., :3], (sums[..., 4:] > 0.5).astype(np.float32)], axis=2))
    # The last means are those of the rest.
    variance = means[..., 3] - np.einsum("ijk,ijk->ij", means[..., :3], means[..., :3])
    parts.append(np.maximum(variance, 0.0)[..., None])
    return _Colors(np.concatenate(parts, axis=2).astype(np.float32))


def _share(share: Floats, color: NDArray[np.float32], around: NDArray[np.float32]) -> Floats:
    """Returns the share of sky of uncertain cells, float32 (n,), from that of the coarse map and from the colours.

    `color` is float32 (n, 3), and `around` what `_Colors.at` returns. Where the rest has all kinds of colours, as lit
    windows in a dark house have, one that is like the sky's says little.
    """
    sky, rest, known = around[:, :3], around[:, 4:7], np.minimum(around[:, 3], around[:, 7])
    noise = np.float32(_COLOR_NOISE) + np.float32(_VARIANCE_WEIGHT) * around[:, 8]
    axis = sky - rest
    length = np.einsum("ij,ij->i", axis, axis)
    along = np.clip(np.einsum("ij,ij->i", color - rest, axis) / np.maximum(length, np.float32(1e-9)), 0.0, 1.0)
    trust = np.float32(_COLOR_WEIGHT) * known * length / (length + noise)
    prior = np.maximum(share, np.float32(_GAP))
    apart = np.linalg.norm(color - sky, axis=1)
    like = np.clip(2.0 - apart / np.float32(_TOLERANCE), 0.0, 1.0)
    result = 0.5 + (1 - trust) * (prior - 0.5) + trust * (along - 0.5)
    # Far from the coarse map's sky only its very colour counts.
    gap = share < np.float32(_GAP)
    return np.where(gap, np.minimum(result, like), result).astype(np.float32)


def _without_specks(sky: Cells, smallest: float) -> Cells:
    """Returns the sky without gaps that are too small, and with pieces of the rest that are too small."""
    rest = ~_opened(~sky)
    rest = ~_dropped(~rest, max(smallest, _SPECK))
    return _dropped(_opened(rest), _SPECK)


def _opened(cells: Cells) -> Cells:
    """Returns the cells without parts that are thinner than two cells: a mesh has no triangles there."""
    rows, columns = cells.shape
    whole = cells[:-1, :-1] & cells[1:, :-1] & cells[:-1, 1:] & cells[1:, 1:]
    result = np.zeros((rows, columns), bool)
    for down in (0, 1):
        for across in (0, 1):
            result[down : rows - 1 + down, across : columns - 1 + across] |= whole
    return result


def _dropped(cells: Cells, smallest: float) -> Cells:
    """Returns the cells without connected pieces smaller than the fraction `smallest` of all cells."""
    piece = label_components(cells[:, 1:] & cells[:, :-1], cells[1:] & cells[:-1])
    size = np.bincount(piece.ravel())
    return np.asarray(cells & (size[piece] >= smallest * cells.size))
