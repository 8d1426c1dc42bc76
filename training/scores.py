# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of a relative disparity over whole pictures, numpy only.

A network predicts inverse depth up to an unknown scale and shift (Ranftl et al. 2022, https://arxiv.org/abs/1907.01341,
section 5). So a score either depends on the order only, or first fits the prediction to the truth by least squares.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Doubles = NDArray[np.float64]

FARTHEST = 50.0
"""Largest depth that is scored, as a multiple of the nearest; beyond it, the shift dominates the disparity."""
_NEAREST = 99.0
"""Percentile of the true disparity that counts as the nearest, so that a blade of grass does not set the range."""


class Agreement(NamedTuple):
    """Coefficient of determination, at most 1, and mean absolute error in the label's unit."""

    r_squared: float
    mean_error: float


def spearman(prediction: Floats, truth: Floats) -> float:
    """Returns Spearman's rank correlation of two arrays of one shape, -1..1; NaN if one of them is constant.

    Pearson's correlation of the ranks; equal values share their mean rank (Spearman 1904, doi:10.2307/1412159).
    Compared with the true disparity, it measures the depth order independently of the scale.
    """
    one, other = _ranks(prediction), _ranks(truth)
    one -= one.mean()
    other -= other.mean()
    length = math.sqrt(float(one @ one) * float(other @ other))
    return float(one @ other) / length if length > 0.0 else math.nan


def aligned(prediction: Floats, truth: Floats) -> Doubles:
    """Returns `scale * prediction + shift`, float64 of the same shape, fitted to `truth` by least squares.

    A flat prediction becomes the mean of the truth.
    """
    values, wanted = prediction.astype(np.float64), truth.astype(np.float64)
    apart = values - values.mean()
    square = float((apart * apart).sum())
    scale = float((apart * wanted).sum()) / square if square > 0.0 else 0.0
    return scale * apart + wanted.mean()


def within(prediction: Floats, truth: Floats, ratio: float = 1.25) -> float:
    """Returns the share, 0..1, of pixels whose depth is correct within a factor; both are disparities of one shape.

    The delta_1 of Eigen et al. (2014, https://arxiv.org/abs/1406.2283) after the prediction's least-squares scale and
    shift in disparity (Ranftl et al. 2022). Depth is the inverse of disparity: the truth must be inverse depth up to a
    scale, with its zero at infinity. Pixels whose truth is beyond `FARTHEST` times the nearest, such as the sky, do not
    count, but are part of the fit; predictions are clipped to that distance. NaN if no pixel counts.
    """
    least = least_disparity(truth)
    counted = truth >= least
    if not least > 0.0 or not counted.any():
        return math.nan
    quotient = np.maximum(aligned(prediction, truth), least)[counted] / truth[counted]
    return float((np.maximum(quotient, 1.0 / quotient) < ratio).mean())


def agreement(prediction: Floats, label: Floats) -> Agreement:
    """Returns how well a prediction agrees with a label of the same shape, after least-squares scale and shift.

    The coefficient of determination is NaN for a constant label.
    """
    away = aligned(prediction, label) - label
    variance = float(label.astype(np.float64).var())
    r_squared = 1.0 - float((away * away).mean()) / variance if variance > 0.0 else math.nan
    return Agreement(r_squared, float(np.abs(away).mean()))


def least_disparity(truth: Floats) -> float:
    """Returns the disparity at `FARTHEST` times the nearest depth, which is a percentile of `truth`."""
    return float(np.percentile(truth, _NEAREST)) / FARTHEST


def _ranks(values: Floats) -> Doubles:
    """Returns the ranks, float64 (n,), of an array of any shape."""
    _, place, counts = np.unique(values.ravel(), return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - 0.5 * (counts - 1))[place.ravel()]
