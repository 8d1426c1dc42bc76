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

from . import windows
from .mesh import Floats

_SURE_STEP, _LIKELY_STEP = 0.75, 0.55
"""Share of the doubled window's range that a window over a step has; it is 1/2 on a slope, up to 2/3 at a crease.

A cell belongs to an edge when its share is that of a likely step and a sure one is near (Canny's hysteresis).
"""
_SURE = 0.12
"""Cells this near (share of the step) to one side show what that side looks like."""
_COLOR_WEIGHT = 0.9
"""How far (share of the step) a clear colour may overrule the place where the network put the edge."""
_COLOR_NOISE = 0.01
"""Squared distance of colours (0..1) that differ too little to tell the sides apart."""


def sharpen_edges(inverse_depth: Floats, guide: NDArray[np.float32], jump: float, blur: int) -> Floats:
    """Returns `inverse_depth` with its blurred steps sharp and on the photo's edges; slopes stay as they are.

    inverse_depth  float32 (rows, columns), 1/metres
    guide          the photo at the same size, float32 (rows, columns, 3) in 0..1
    jump           relative jump of depth from which a step counts; 0: nothing is changed
    blur           half width of the blurred edges in cells

    Only the two sides' own values are left in the band around an edge: the near side takes the mean of the sure
    near cells around (or stays where it is nearer still), the far side likewise.
    """
    if jump <= 0.0 or blur < 1:
        return inverse_depth
    low, high, band = find_steps(inverse_depth, jump, blur)
    if not band.any():
        return inverse_depth
    rise = np.maximum(high - low, np.float32(1e-12))
    place = (inverse_depth - low) / rise
    near = _side(inverse_depth, guide, band & (place > 1.0 - _SURE), blur)
    far = _side(inverse_depth, guide, band & (place < _SURE), blur)
    score = place + _COLOR_WEIGHT * _color_vote(guide, near.color, far.color)
    # A single cell that votes against all its neighbours is noise of the photo.
    is_near = _majority(score > 0.5, max(1, blur // 4))
    sharp = np.where(is_near, np.maximum(inverse_depth, near.value), np.minimum(inverse_depth, far.value))
    decided = band & near.known & far.known
    return np.where(decided, sharp, inverse_depth).astype(np.float32)


def find_steps(inverse_depth: Floats, jump: float, blur: int) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Returns the far and the near side's value around each cell, and where these are the two sides of a step.

    Rows and columns are looked at one by one, so that what lies along an edge does not count for the step across.
    The contrast is a ratio of depths and so knows no unit. Steep but even slopes, such as a floor that runs to
    the horizon, and creases, where a floor meets a wall, are told from steps by their range, which goes on
    growing with the window.
    """
    across, down = (_steps_along(inverse_depth, jump, blur, axis) for axis in (1, 0))
    take_down = down.share > across.share
    low, high = np.where(take_down, down.low, across.low), np.where(take_down, down.high, across.high)
    return low, high, across.found | down.found


@dataclass(frozen=True)
class _Steps:
    low: Floats
    high: Floats
    share: Floats
    found: NDArray[np.bool_]


def _steps_along(inverse_depth: Floats, jump: float, blur: int, axis: int) -> _Steps:
    low = windows.minimum(inverse_depth, blur, (axis,))
    high = windows.maximum(inverse_depth, blur, (axis,))
    wide = windows.maximum(high, blur, (axis,)) - windows.minimum(low, blur, (axis,))
    contrast = high > low * np.float32(1.0 + jump)
    share = np.where(contrast, (high - low) / np.maximum(wide, np.float32(1e-12)), np.float32(0.0))
    sure = windows.maximum((share > _SURE_STEP).astype(np.float32), blur) > 0.0
    return _Steps(low, high, share, sure & (share > _LIKELY_STEP))


@dataclass(frozen=True)
class _Side:
    """One side of the edges: its mean value and colour around each cell, and where any of it is around."""

    value: Floats
    color: NDArray[np.float32]
    known: NDArray[np.bool_]


def _side(inverse_depth: Floats, guide: NDArray[np.float32], sure: NDArray[np.bool_], blur: int) -> _Side:
    """Returns the means over the `sure` cells within two `blur` of each cell.

    Such wide means change slowly: a quarter of `blur` apart is near enough to know them.
    """
    rows, columns = inverse_depth.shape
    step = max(1, blur // 4)
    some = (slice(None, None, step), slice(None, None, step))
    weight = sure[some].astype(np.float32)[..., None]
    values = np.concatenate([guide[some], inverse_depth[some][..., None], np.ones_like(weight)], axis=2)
    sums = windows.total(values * weight, 2 * blur // step)
    count = sums[..., 4]
    means = (sums[..., :4] / np.maximum(count, 1.0)[..., None]).astype(np.float32)
    known = (count > 0.5).astype(np.float32)
    # Where a side is not around there is no mean, and none may leak into those beside it.
    full = [windows.enlarge(part, columns, rows) for part in (known, *np.moveaxis(means * known[..., None], 2, 0))]
    share = 1.0 / np.maximum(full[0], 1e-6)
    red, green, blue, value = ((part * share).astype(np.float32) for part in full[1:])
    return _Side(value, np.stack([red, green, blue], axis=2), full[0] > 0.25)


def _color_vote(guide: NDArray[np.float32], near: NDArray[np.float32], far: NDArray[np.float32]) -> Floats:
    """Returns, float32 (h, w) in -0.5..0.5, whose colour each cell shows: positive for the near side's.

    The place between the two mean colours, weakened where these are alike.
    """
    axis = near - far
    length = np.einsum("ijk,ijk->ij", axis, axis)
    along = np.einsum("ijk,ijk->ij", guide - far, axis)
    vote = np.clip(along / np.maximum(length, np.float32(1e-9)), 0.0, 1.0) - np.float32(0.5)
    return (vote * (length / (length + np.float32(_COLOR_NOISE)))).astype(np.float32)


def _majority(votes: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    share = windows.total(votes.astype(np.float32), radius)
    share /= windows.total(np.ones_like(share), radius)
    majority: NDArray[np.bool_] = share > 0.5
    return majority
