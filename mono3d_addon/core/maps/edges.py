# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the blurred depth edges of a network into clean steps that lie on the edges of the photo.

A network's disparity is small and its edges are ramps several pixels wide. Stretched to the mesh, the vertices on a
ramp hang in mid-air and join foreground and background by a rubber sheet. Here every cell near an edge is given
to one of the two sides, by where the network saw the edge and by whose colour the photo shows there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import windows
from ..arrays import Floats
from .sigma_filter import sigma_filter
from .steps import find_steps

_BLUR = 0.027
"""Half width of the blurred edges as a share of the photo's shorter side, measured on the starter."""
_SURE = 0.12
"""Cells this near (share of the step) to one side show what that side looks like."""
_COLOR_WEIGHT = 0.9
"""How far (share of the step) a clear colour may overrule the place where the network put the edge."""
_COLOR_NOISE = 0.01
"""Squared distance of colours (0..1) that differ too little to tell the sides apart."""
_NO_STEP = 3.0
"""Neighbours that differ by less than this many jumps, and that no step parts for sure, are sigma_filter out."""
_ROUNDS, _BESIDE = 3, 4


def sharpen_edges(inverse_depth: Floats, guide: NDArray[np.float32], jump: float) -> Floats:
    """Returns `inverse_depth` at the guide's size, its blurred steps sharp and on the photo's edges.

    inverse_depth  float32 (h, w), 1/metres, at the network's size or at most the guide's
    guide          the photo at the mesh's size, float32 (rows, columns, 3) in 0..1
    jump           relative jump of depth from which a step counts; 0: it is only enlarged

    In the band around a step only its two sides are left, each carried on from where it is out of the blur. Slopes
    and creases stay as they are. Returns float32 (rows, columns).
    """
    rows, columns = guide.shape[:2]
    large = np.maximum(windows.resize(inverse_depth, columns, rows), inverse_depth.min())
    blur = round(_BLUR * min(columns, rows))
    if jump <= 0.0 or blur < 1 or min(inverse_depth.shape) < 3:
        return large
    steps = find_steps(inverse_depth, rows, columns, jump)
    if not steps.band.any():
        return large
    rise = np.where(steps.band, steps.high - steps.low, np.float32(1))
    place = np.where(steps.band, (large - steps.low) / np.maximum(rise, np.float32(1e-12)), np.float32(0.5))
    near = _side(guide, steps.band & (place > 1.0 - _SURE), blur)
    far = _side(guide, steps.band & (place < _SURE), blur)
    both = near.known & far.known
    vote = np.where(both, np.float32(_COLOR_WEIGHT) * _color_vote(guide, near.color, far.color), np.float32(0))
    is_near = _nearer(place, vote, steps.band, blur)
    sharp = np.where(is_near, np.maximum(large, steps.high), np.minimum(large, steps.low))
    # What is left where the band ends goes, the steps stay.
    beside = windows.maximum(steps.band.astype(np.float32), _BESIDE) > 0
    side = np.where(steps.cut, np.where(is_near, 1, -1), 0).astype(np.int8)
    return sigma_filter(np.where(steps.band, sharp, large).astype(np.float32), beside, _NO_STEP * jump, _ROUNDS, side)


@dataclass(frozen=True)
class _Side:
    """One side of the edges: its mean colour around each cell, and where any of it is around."""

    color: NDArray[np.float32]
    known: NDArray[np.bool_]


def _side(guide: NDArray[np.float32], sure: NDArray[np.bool_], blur: int) -> _Side:
    """Returns the means over the `sure` cells within two `blur` of each cell.

    Such wide means change slowly: a quarter of `blur` apart is near enough to know them.
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
    # Where a side is not around there is no mean, and none may leak into those beside it.
    full = [windows.enlarge(part, columns, rows) for part in (known, *np.moveaxis(means * known[..., None], 2, 0))]
    share = 1.0 / np.maximum(full[0], 1e-6)
    return _Side(np.stack([(part * share).astype(np.float32) for part in full[1:]], axis=2), full[0] > 0.25)


def _color_vote(guide: NDArray[np.float32], near: NDArray[np.float32], far: NDArray[np.float32]) -> Floats:
    """Returns, float32 (h, w) in -0.5..0.5, whose colour each cell shows: positive for the near side's.

    The place between the two mean colours, weakened where these are alike.
    """
    axis = near - far
    length = np.einsum("ijk,ijk->ij", axis, axis)
    along = np.einsum("ijk,ijk->ij", guide - far, axis)
    vote = np.clip(along / np.maximum(length, np.float32(1e-9)), 0.0, 1.0) - np.float32(0.5)
    return (vote * (length / (length + np.float32(_COLOR_NOISE)))).astype(np.float32)


def _nearer(place: Floats, vote: Floats, band: NDArray[np.bool_], blur: int) -> NDArray[np.bool_]:
    """Returns which cells of the `band`, bool (h, w), are the near side's, by their place on the step and the colours.

    An edge lies within the band. Where the colours push it out at the other side's end, so that the surface is cut
    beside the step, they are not those of the two sides, and the place on the step decides alone.
    """
    # A single cell that votes against all its neighbours is noise of the photo.
    is_near = _majority(place + vote > 0.5, max(1, blur // 4))
    at_end = band & (windows.minimum(band.astype(np.float32), 1) == 0)
    astray = windows.maximum((at_end & (is_near != (place > 0.5))).astype(np.float32), blur) > 0
    return np.where(astray, place > 0.5, is_near)


def _majority(votes: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    share = windows.total(votes.astype(np.float32), radius)
    share /= windows.total(np.ones_like(share), radius)
    majority: NDArray[np.bool_] = share > 0.5
    return majority
