# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings one relative disparity to the scale and shift of another, and averages the two of a photo and its mirror.

A network estimates inverse depth up to an unknown scale and shift, which differ from image to image (Ranftl et al.
2022, section 5), even between a photo and its mirror image. Needs numpy only.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..core.arrays import Floats

Doubles = NDArray[np.float64]

_PAIRS = 2000
"""Pairs of values for the first guess of the scale."""
_ROUNDS = 5
"""Rounds of reweighting. On a network's results after 3 and after 40 the scales differ by 0.0001."""
_TUKEY = 4.685
"""Deviations beyond which a value is left out: Tukey's constant, 95 % efficient for normal noise."""
_MEDIAN_DEVIATION = 1.4826
"""The standard deviation of normal noise as a multiple of its median distance from zero."""
_LEAST_DEVIATION = 0.05
"""Share of the spread that always counts as noise.

Otherwise a sky that fits best and is half of the image would turn the rest into outliers.
"""
_FLAT = 1e-6
"""Values that spread less than this share of their size count as equal: float32 has no more digits."""


def scale_and_shift(source: Floats, target: Floats, weights: Floats | None = None) -> tuple[float, float]:
    """Returns scale and shift for which `scale * source + shift` comes near `target`, undisturbed by outliers.

    All are float32 of one shape; `weights`, at least 0, say how much each value counts. Values that are not finite are
    left out. A source that is flat, or small where the target is large, gives (0, weighted mean of the target), and
    without any value (0, 0). On the values that count, the aligned source never spreads more than the target.

    Iteratively reweighted least squares with Tukey's weights, from a robust first guess: a quarter of the values may be
    wrong, whether near or far.
    """
    values, wanted, weight = _usable(source, target, weights)
    if not weight.size:
        return 0.0, 0.0
    scale = _guessed_scale(values, wanted, weight)
    shift = _median(wanted - scale * values, weight)
    # Outliers of the one do not widen the other.
    noise = _LEAST_DEVIATION * min(_spread(wanted, weight), scale * _spread(values, weight))
    for _ in range(_ROUNDS):
        trust = weight * _tukey_weights(wanted - scale * values - shift, weight, noise)
        scale, shift = _least_squares(values, wanted, trust)
    return (scale, shift) if scale > 0.0 else (0.0, _mean(wanted, weight))


def agreement(source: Floats, target: Floats, weights: Floats | None = None) -> float:
    """Returns how much of the target's variance an aligned `source` explains: 1 all of it, 0 no more than its mean.

    Arrays as in `scale_and_shift`, the coefficient of determination R^2. Never negative; 0 for a flat target.
    """
    values, wanted, weight = _usable(source, target, weights)
    if not weight.size:
        return 0.0
    spread = _mean((wanted - _mean(wanted, weight)) ** 2, weight)
    if _is_flat(spread, wanted):
        return 0.0
    return max(0.0, 1.0 - _mean((wanted - values) ** 2, weight) / spread)


def flip_averaged(disparity: Floats, mirrored: Floats) -> Floats:
    """Returns the mean of a network's results on a photo and on its mirror image, float32 (rows, columns).

    `mirrored` is the result on the mirror image as the network gave it, of the same shape. It is mirrored back and
    brought to the scale and shift of `disparity`, which the mean keeps. One that does not fit at all is left out.
    """
    back = mirrored[:, ::-1]
    scale, shift = scale_and_shift(back, disparity)
    if scale == 0.0:
        return disparity
    aligned = np.float32(scale) * back + np.float32(shift)
    return np.where(np.isfinite(aligned), (disparity + aligned) * np.float32(0.5), disparity)


def _usable(source: Floats, target: Floats, weights: Floats | None) -> tuple[Doubles, Doubles, Doubles]:
    """Returns the finite values of both and their weights, each float64 (n,), of those that count at all."""
    weight = np.ones(target.shape) if weights is None else np.asarray(weights, dtype=np.float64)
    counts = np.isfinite(source) & np.isfinite(target) & np.isfinite(weight) & (weight > 0.0)
    return source[counts].astype(np.float64), target[counts].astype(np.float64), weight[counts]


def _guessed_scale(values: Doubles, wanted: Doubles, weight: Doubles) -> float:
    """Returns the median slope between pairs whose one value is in the lower and the other in the upper half.

    After Theil (1950) and Sen (1968), with Siegel's pairs: the quantile q goes with the quantile q + 1/2.
    """
    chosen = _at_quantiles(values, weight, (np.arange(2 * _PAIRS) + 0.5) / (2 * _PAIRS))
    run = values[chosen[_PAIRS:]] - values[chosen[:_PAIRS]]
    rise = wanted[chosen[_PAIRS:]] - wanted[chosen[:_PAIRS]]
    apart = run > 0.0
    return max(0.0, float(np.median(rise[apart] / run[apart]))) if apart.any() else 0.0


def _tukey_weights(residuals: Doubles, weight: Doubles, noise: float) -> Doubles:
    """Returns 1 for small residuals, falling to 0 for outliers, measured by the median of their sizes."""
    sizes = np.abs(residuals)
    # Where most fit exactly, rounding must not count as a misfit.
    least = 1e-9 * float(sizes.max()) or 1.0
    limit = _TUKEY * max(_MEDIAN_DEVIATION * _median(sizes, weight), noise, least)
    return np.maximum(0.0, 1.0 - (sizes / limit) ** 2) ** 2


def _least_squares(values: Doubles, wanted: Doubles, weight: Doubles) -> tuple[float, float]:
    """Returns scale and shift of the weighted least squares; a flat source has the scale 0."""
    mean, middle = _mean(values, weight), _mean(wanted, weight)
    spread = _mean((values - mean) ** 2, weight)
    if _is_flat(spread, values[weight > 0.0]):
        return 0.0, middle
    scale = _mean((values - mean) * (wanted - middle), weight) / spread
    return scale, middle - scale * mean


def _is_flat(variance: float, values: Doubles) -> bool:
    return not math.sqrt(variance) > _FLAT * float(np.abs(values).max())


def _mean(values: Doubles, weight: Doubles) -> float:
    # A product of vectors would start the threads of numpy's library, which cost more than they save at this size.
    return float((values * weight).sum() / weight.sum())


def _spread(values: Doubles, weight: Doubles) -> float:
    return _mean(np.abs(values - _median(values, weight)), weight)


def _median(values: Doubles, weight: Doubles) -> float:
    """Returns the weighted median, one of the values; it need not sort them where all count the same."""
    if (weight == 1.0).all():
        middle = (values.size + 1) // 2 - 1
        return float(np.partition(values, middle)[middle])
    return float(values[_at_quantiles(values, weight, np.array([0.5]))[0]])


def _at_quantiles(values: Doubles, weight: Doubles, shares: Doubles) -> NDArray[np.intp]:
    """Returns where the weighted quantiles of `values` lie, intp of the shape of `shares`, 0..1."""
    order = np.argsort(values)
    heap = np.cumsum(weight[order])
    return order[np.minimum(np.searchsorted(heap, shares * heap[-1]), order.size - 1)]
