# SPDX-License-Identifier: GPL-3.0-or-later
"""Sharpens the blurred depth discontinuities of a network and aligns them with the edges of the photo.

A network's disparity has low resolution, and its discontinuities are ramps several pixels wide. In a mesh, the
vertices on a ramp would connect foreground and background like a rubber sheet. Here every cell on a ramp is assigned to
one of the two sides, by its position on the ramp and by the colour of the photo.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import windows
from ..arrays import Floats
from .outlines import pieces
from .sigma_filter import sigma_filter
from .steps import find_steps
from .wide_steps import with_wide_steps

_BLUR = 0.027
"""Half width of the ramps as a fraction of the photo's shorter side, measured with the starter model."""
_SAMPLED = 0.12
"""Cells within this fraction of the ramp's height from one side are samples of that side's colour."""
_COLOR_WEIGHT = 0.9
"""Weight of the colour, as a fraction of the ramp's height, against the position of the network's edge."""
_COLOR_NOISE = 0.01
"""Squared colour distance (0..1) at which the two sides are too similar for the colour to decide."""
_SEEN = 0.5
"""Share of a piece of wide ramps where the photo has to show an edge."""
_SMOOTHED = 3.0
"""Cells that differ by less than this many times the jump are smoothed, unless they are certainly separate."""
_ROUNDS, _MARGIN = 3, 4


def sharpen_edges(
    inverse_depth: Floats,
    guide: NDArray[np.float32],
    jump: float,
    sky: NDArray[np.bool_] | None = None,
    *,
    has_wide: bool = True,
) -> Floats:
    """Returns `inverse_depth` at the guide's size, its discontinuities sharp and aligned with the photo's edges.

    inverse_depth  float32 (h, w), 1/metres, at the network's size or at most the guide's
    guide          the photo at the mesh's size, float32 (rows, columns, 3) in 0..1
    jump           threshold of a discontinuity, far / near - 1; 0 only enlarges the map
    sky            bool (rows, columns), cells that are the far side of any discontinuity, and the others around them
                   its near side; None: unknown
    has_wide       whether there may be discontinuities that are blurred more than others, as by a network

    On a ramp only the two sides remain, each extrapolated from its plateau. Slopes and creases do not change. Returns
    float32 (rows, columns).
    """
    rows, columns = guide.shape[:2]
    large = np.maximum(windows.resize(inverse_depth, columns, rows), inverse_depth.min())
    blur = round(_BLUR * min(columns, rows))
    if jump <= 0.0 or blur < 1 or min(inverse_depth.shape) < 3:
        return large
    steps = find_steps(inverse_depth, rows, columns, jump)
    wide = np.zeros_like(steps.band)
    if has_wide:
        steps, wide = with_wide_steps(inverse_depth, steps, jump)
    if not steps.band.any():
        return large
    rise = np.where(steps.band, steps.high - steps.low, np.float32(1))
    position = np.where(steps.band, (large - steps.low) / np.maximum(rise, np.float32(1e-12)), np.float32(0.5))
    near = _side(guide, steps.band & (position > 1.0 - _SAMPLED), blur)
    far = _side(guide, steps.band & (position < _SAMPLED), blur)
    both = near.known & far.known
    contrast = _contrast(near.color, far.color)
    vote = _color_vote(guide, near.color, far.color, contrast)
    vote = np.where(both, np.float32(_COLOR_WEIGHT) * vote, np.float32(0))
    band = steps.band
    if wide.any():
        # A rounded surface is a wide ramp too, but has no edge in the photo.
        band = band & (_seen(band, both & (contrast > _COLOR_NOISE), position > 0.5, max(1, blur // 4)) | ~wide)
    is_near = _is_near(position, vote, band, blur)
    if sky is not None:
        is_near = np.where(windows.widened(sky, blur), ~sky, is_near)
    sharp = np.where(is_near, np.maximum(large, steps.high), np.minimum(large, steps.low))
    # Ground that recedes to the horizon, continued beyond it, would be behind the camera.
    sharp = np.where(sharp > 0.0, sharp, inverse_depth.min())
    # Smooth the remains at the ends of the bands but not across discontinuities.
    beside = windows.widened(band, _MARGIN)
    side = np.where(steps.cut & band, np.where(is_near, 1, -1), 0).astype(np.int8)
    return sigma_filter(np.where(band, sharp, large).astype(np.float32), beside, _SMOOTHED * jump, _ROUNDS, side)


@dataclass(frozen=True)
class _Side:
    """One side of the discontinuities: its mean colour around each cell, and where it has samples nearby."""

    color: NDArray[np.float32]
    known: NDArray[np.bool_]


def _side(guide: NDArray[np.float32], sure: NDArray[np.bool_], blur: int) -> _Side:
    """Returns the mean colours over the `sure` cells within 2 `blur` of each cell.

    Such wide means change slowly, so they are computed at every quarter of `blur` and interpolated.
    """
    rows, columns = sure.shape
    step = max(1, blur // 4)
    some = (slice(None, None, step), slice(None, None, step))
    weight = sure[some].astype(np.float32)[..., None]
    values = np.concatenate([guide[some], np.ones_like(weight)], axis=2)
    sums = windows.total(values * weight, 2 * blur // step)
    count = sums[..., 3]
    means = (sums[..., :3] / np.maximum(count, 1.0)[..., None]).astype(np.float32)
    known = (count > 0.5).astype(np.float32)
    # Weighted interpolation: cells without samples must not affect their neighbours.
    full = [windows.enlarge(part, columns, rows) for part in (known, *np.moveaxis(means * known[..., None], 2, 0))]
    share = 1.0 / np.maximum(full[0], 1e-6)
    return _Side(np.stack([(part * share).astype(np.float32) for part in full[1:]], axis=2), full[0] > 0.25)


def _seen(
    band: NDArray[np.bool_], is_clear: NDArray[np.bool_], is_near: NDArray[np.bool_], step: int
) -> NDArray[np.bool_]:
    """Returns the cells, bool (h, w), of the pieces of the `band` along which the photo has an edge too.

    `is_clear` is where the two sides differ in colour, and `is_near` the upper half of the ramps, bool (h, w) each. An
    edge has both sides. Pieces are wider than `step` cells.
    """
    rows, columns = band.shape
    some = band[::step, ::step]
    cells = np.flatnonzero(some)
    piece = pieces(cells, *some.shape)
    count = np.bincount(piece)
    clear, near = (np.bincount(piece, which[::step, ::step].ravel()[cells]) for which in (is_clear, is_near))
    seen = np.zeros(some.shape, bool)
    seen.ravel()[cells] = ((clear > _SEEN * count) & (near > 0) & (near < count))[piece]
    return windows.widened(seen, 1).repeat(step, axis=0)[:rows].repeat(step, axis=1)[:, :columns]


def _contrast(near: NDArray[np.float32], far: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the squared distances of two colours, (h, w, 3), float32 (h, w)."""
    axis = near - far
    return np.einsum("ijk,ijk->ij", axis, axis)


def _color_vote(
    guide: NDArray[np.float32], near: NDArray[np.float32], far: NDArray[np.float32], contrast: NDArray[np.float32]
) -> Floats:
    """Returns which side's colour each cell has, float32 (h, w) in -0.5..0.5: positive for the near side.

    The value is the position between the two mean colours, reduced where their `contrast` is low.
    """
    along = np.einsum("ijk,ijk->ij", guide - far, near - far)
    vote = np.clip(along / np.maximum(contrast, np.float32(1e-9)), 0.0, 1.0) - np.float32(0.5)
    return (vote * (contrast / (contrast + np.float32(_COLOR_NOISE)))).astype(np.float32)


def _is_near(position: Floats, vote: Floats, band: NDArray[np.bool_], blur: int) -> NDArray[np.bool_]:
    """Returns which cells of the `band`, bool (h, w), belong to the near side, by ramp position and colour vote.

    The edge must lie within the band. Where the colours would move it to the border of the band, they do not belong to
    the two sides, and the position on the ramp decides alone.
    """
    # A majority filter removes the noise of single pixels.
    is_near = _majority(position + vote > 0.5, max(1, blur // 4))
    at_end = band & (windows.minimum(band.astype(np.float32), 1) == 0)
    astray = windows.widened(at_end & (is_near != (position > 0.5)), blur)
    return np.where(astray, position > 0.5, is_near)


def _majority(votes: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    share = windows.mean(votes.astype(np.float32), radius)
    majority: NDArray[np.bool_] = share > 0.5
    return majority
