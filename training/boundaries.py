# SPDX-License-Identifier: GPL-3.0-or-later
"""How sharp a predicted disparity is at depth discontinuities, numpy only.

The prediction is first fitted to the true disparity by least-squares scale and shift. All arrays are disparities,
(rows, columns), near = large; the zero of the truth is at infinity.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from .scores import Doubles, Floats, aligned, least_disparity

THRESHOLDS = np.linspace(1.05, 1.25, 10)
"""Ratios of neighbouring depths above which there is an occluding contour."""
REACH = 12
"""Pixels on either side of a step that are searched for its ramp."""
FEWEST_STEPS = 20
"""Smallest number of steps in a picture for a meaningful median of their widths."""

_SLOPE = 2.5
"""A jump up to this many times a neighbouring jump in the same direction belongs to a slope, not to a contour."""
_STEP = 1.25
"""Smallest ratio of depths at a step that is measured."""
_LEVEL = 0.25
"""Share of a step by which the truth beside it may vary, and that a prediction must reach to be measured."""
_PLATEAU = REACH // 4
"""Pixels at each end of a profile whose mean is its level there."""
_LOW, _HIGH = 0.1, 0.9


class Contours(NamedTuple):
    """Scores of predicted occluding contours, each 0..1: means over the thresholds, weighted by threshold."""

    f_score: float
    precision: float
    recall: float


NO_CONTOURS = Contours(math.nan, math.nan, math.nan)
"""The scores if the truth has no contour."""


def contours(prediction: Floats, truth: Floats) -> Contours:
    """Returns the scores of the occluding contours in a prediction; `NO_CONTOURS` if the truth has none.

    After Bochkovskii et al. (Depth Pro, 2024, https://arxiv.org/abs/2410.02073, section "Evaluation metrics for sharp
    boundaries"): there is a contour between two neighbouring pixels if the ratio of their depths exceeds a threshold.
    Precision and recall compare contours between the same two pixels in the same direction, without tolerance, so a
    ramp over several pixels lowers precision or is missed. F-scores are weighted by threshold. Unlike there, the four
    directions are counted together, and a pair of pixels is ignored if the truth exceeds the threshold only because of
    a steady slope (a floor towards the horizon). Depths are clipped to `scores.FARTHEST` times the nearest.
    """
    least = least_disparity(truth)
    if not least > 0.0:
        return NO_CONTOURS
    known = truth.astype(np.float64)
    predicted, true = (_jumps(np.log(np.maximum(values, least))) for values in (aligned(prediction, truth), known))
    slope = np.concatenate([_is_slope(known, axis).ravel() for axis in (0, 1)])
    if not ((np.abs(true) > np.log(THRESHOLDS[0])) & ~slope).any():
        return NO_CONTOURS
    agrees = predicted * true > 0.0
    rows = []
    for threshold in np.log(THRESHOLDS):
        steep = np.abs(true) > threshold
        wanted, there = steep & ~slope, (np.abs(predicted) > threshold) & ~(steep & slope)
        right, made, sought = (int(one.sum()) for one in (there & wanted & agrees, there, wanted))
        rows.append((2.0 * right / max(made + sought, 1), right / max(made, 1), right / max(sought, 1)))
    means = np.average(rows, axis=0, weights=THRESHOLDS)
    return Contours(*(float(mean) for mean in means))


def ramp_widths(prediction: Floats, truth: Floats) -> Doubles:
    """Returns the width in pixels of a prediction's ramp at each true step, float64 (n,): from 10 to 90 % of its rise.

    Steps are taken along rows and columns where the depth changes by at least a quarter and the truth is level for
    `REACH` pixels on either side, so that no other ramp is measured. The levels are those at the ends of the profile.
    If the prediction rises by less than a quarter of the true step, the width is that of the whole profile, 2 `REACH`.
    An ideal step measures 0.8; one blurred by a Gaussian of standard deviation s about 2.56 s.
    """
    fitted = aligned(prediction, truth)
    found = [_widths(profiles, steps) for profiles, steps in _lines(fitted, truth.astype(np.float64))]
    return np.concatenate([*found, np.zeros(0)])


def _jumps(values: Doubles) -> Doubles:
    """Returns the differences of each pixel from its upper and from its left neighbour, float64 (n,)."""
    return np.concatenate([np.diff(values, axis=axis).ravel() for axis in (0, 1)])


def _is_slope(truth: Doubles, axis: int) -> NDArray[np.bool_]:
    """Returns for each pair of neighbours along an axis whether its jump continues in a nearby pair."""
    jump = np.moveaxis(np.diff(truth, axis=axis), axis, 0)
    direction = np.sign(jump)
    beside = np.zeros_like(jump)
    # If the truth was enlarged by repeating pixels, every other jump of a slope is zero.
    for distance in (1, 2):
        for here, there in (
            (slice(distance, None), slice(None, -distance)),
            (slice(None, -distance), slice(distance, None)),
        ):
            beside[here] = np.maximum(beside[here], jump[there] * direction[here])
    return np.moveaxis((beside > 0.0) & (np.abs(jump) <= _SLOPE * beside), 0, axis)


def _lines(prediction: Doubles, truth: Doubles) -> Iterator[tuple[Doubles, Doubles]]:
    """Yields profiles (n, 2 REACH) of a prediction with their true steps (n,), first along rows, then along columns."""
    least = least_disparity(truth)
    for seen, known in ((prediction, truth), (prediction.T, truth.T)):
        if known.shape[1] < 2 * REACH or not least > 0.0:
            continue
        windows = sliding_window_view(known, 2 * REACH, axis=1)
        left, right = np.maximum(windows[..., REACH - 1], least), np.maximum(windows[..., REACH], least)
        row, column = np.nonzero(np.maximum(left, right) > _STEP * np.minimum(left, right))
        profile = windows[row, column]
        step = profile[:, REACH] - profile[:, REACH - 1]
        unrest = np.maximum(np.ptp(profile[:, :REACH], axis=1), np.ptp(profile[:, REACH:], axis=1))
        alone = unrest <= _LEVEL * np.abs(step)
        yield sliding_window_view(seen, 2 * REACH, axis=1)[row[alone], column[alone]], step[alone]


def _widths(profiles: Doubles, steps: Doubles) -> Doubles:
    """Returns the widths (n,) of the ramps in profiles (n, 2 REACH) at true `steps` (n,) in their middles."""
    rising = profiles * np.sign(steps)[:, None]
    low, high = rising[:, :_PLATEAU].mean(axis=1), rising[:, -_PLATEAU:].mean(axis=1)
    width = np.full(len(steps), 2.0 * REACH)
    shown = high - low >= _LEVEL * np.abs(steps)
    share = (rising[shown] - low[shown, None]) / (high - low)[shown, None]
    places = np.arange(2 * REACH - 1)
    # The crossing of one half nearest to the true step. It exists because the ends are about 0 and 1.
    crosses = (share[:, :-1] < 0.5) & (share[:, 1:] >= 0.5)
    middle = np.where(crosses, np.abs(places - (REACH - 1)), 4 * REACH).argmin(axis=1)
    below = (share[:, :-1] <= _LOW) & (places <= middle[:, None])
    above = (share[:, 1:] >= _HIGH) & (places >= middle[:, None])
    start = np.where(below, places, -1).max(axis=1)
    end = np.where(above, places, 2 * REACH).min(axis=1)
    width[shown] = _crossing(share, end, _HIGH, 2.0 * REACH - 1) - _crossing(share, start, _LOW, 0.0)
    return width


def _crossing(share: Doubles, before: NDArray[np.intp], level: float, otherwise: float) -> Doubles:
    """Returns where profiles (n, m) cross a level between pixel `before` (n,) and the next, `otherwise` if outside."""
    inside = np.clip(before, 0, share.shape[1] - 2)
    one, other = (np.take_along_axis(share, (inside + k)[:, None], axis=1)[:, 0] for k in (0, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        place = inside + np.clip(np.nan_to_num((level - one) / (other - one)), 0.0, 1.0)
    return np.where(inside == before, place, otherwise)
