# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares the result of an engine with that of plain float32."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .engine import MASK, SCALE, SCENE, SKY, Arrays, Precision
from .verdict import Verdict

LEAST_CORRELATION = 0.999
"""Of a reduced precision. Such depth looks the same; the next larger error known is ten times as large."""

LARGEST_GRAIN = 0.25
"""Of a reduced precision: the largest noise from pixel to pixel, as a share of the relief of the plain result.

More is visible in the mesh as a pattern on even surfaces, while the correlation does not show it.
"""

_FINEST_GRAIN = 5e-5
"""In standard deviations: so little is invisible on any surface."""

LARGEST_DIFFERENCE = 1e-3
"""Of another float32 engine, in standard deviations: several times the effect of another order of summation."""

LEAST_SPREAD = 0.5
"""Smallest standard deviation that counts, as a share of the root mean square."""

NEGLIGIBLE: Mapping[str, float] = types.MappingProxyType({SKY: 0.05, SCENE: 0.05, MASK: 0.05, SCALE: 0.02})
"""Differences that never matter in a reduced precision: in probabilities, and in logarithms of metres.

A photo without sky has probabilities of almost 0 throughout, whose correlation is that of rounding.
"""


def compare_all(plain: Arrays, found: Arrays, precision: Precision) -> Verdict:
    """Returns the verdict on the array of `found` that agrees least with the one of `plain` by the same name."""
    verdicts = [
        compare(one, other, precision, NEGLIGIBLE.get(name, 0.0))
        for name, array in plain.items()
        for one, other in zip(_comparable(name, array), _comparable(name, found[name]), strict=True)
    ]
    return min(verdicts, key=lambda verdict: (verdict.agrees, -verdict.difference))


def _comparable(name: str, array: NDArray[np.float32]) -> Sequence[NDArray[np.float32]]:
    """Returns the parts of an array whose numbers are of one kind: vectors by component, the scale as its logarithm."""
    if name == SCALE:
        with np.errstate(divide="ignore", invalid="ignore"):
            return [np.log(array)]
    return [array] if array.ndim < 4 else [array[..., axis] for axis in range(array.shape[-1])]


def compare(
    plain: NDArray[np.float32], found: NDArray[np.float32], precision: Precision, negligible: float = 0.0
) -> Verdict:
    """Returns whether `found`, of an engine that computes with `precision`, agrees with `plain` of the same shape.

    Differences up to `negligible` count as none in a reduced precision, and up to a hundredth of it in float32.
    """
    if found.shape != plain.shape or not np.isfinite(found).all():
        return Verdict(False, 0.0, float("inf"), "its numbers are out of range")
    expected, given = plain.astype(np.float64).ravel(), found.astype(np.float64).ravel()
    # Rounding is relative to size: of a flat result it is large compared with the spread.
    scale = max(float(expected.std()), LEAST_SPREAD * float(np.sqrt(np.square(expected).mean()))) or 1.0
    largest = float(np.abs(given - expected).max())
    difference = float(largest / scale)
    correlation = _correlation(expected, given, flat=difference <= LARGEST_DIFFERENCE)
    if largest <= negligible * (0.01 if precision == "float32" else 1.0):
        return Verdict(True, 1.0, 0.0)
    if precision == "float32":
        agrees, reason = difference <= LARGEST_DIFFERENCE, f"it differs by {difference:.1g} standard deviations"
    elif correlation <= LEAST_CORRELATION:
        agrees, reason = False, f"its correlation with plain float32 is {correlation:.4f}"
    else:
        own, grain = _grain(plain), _grain(found.astype(np.float64) - plain)
        agrees = bool(grain <= max(LARGEST_GRAIN * own, _FINEST_GRAIN * scale))
        reason = f"it is uneven by {grain / own if own else np.inf:.0%} of the relief of plain float32"
    return Verdict(agrees, correlation, difference, "" if agrees else reason)


def _grain(values: NDArray[Any]) -> float:
    """Returns by how much a pixel of `values`, (n, h, w), differs from the mean of the 3 x 3 around it; the median.

    0 where there are no pixels to compare, as in numbers about a whole picture, (n, count).
    """
    if values.ndim != 3:
        return 0.0
    rows, columns = values.shape[1] - 2, values.shape[2] - 2
    if rows < 1 or columns < 1:
        return 0.0
    around = sum(values[:, row : row + rows, column : column + columns] for row in range(3) for column in range(3))
    return float(np.median(np.abs(values[:, 1:-1, 1:-1] - around / 9.0)))


def _correlation(expected: NDArray[np.float64], given: NDArray[np.float64], *, flat: bool) -> float:
    if not (expected.std() and given.std()):
        return 1.0 if flat else 0.0
    return float(np.corrcoef(expected, given)[0, 1])
