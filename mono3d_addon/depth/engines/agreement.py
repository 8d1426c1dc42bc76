# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an engine's result is that of plain float32."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .engine import Precision
from .verdict import Verdict

LEAST_CORRELATION = 0.999
"""Of a reduced precision. A photo's depth is then the same to the eye; the next larger error known is ten times it."""

LARGEST_DIFFERENCE = 1e-3
"""Of another float32 engine, in standard deviations: several times what another order of the sums makes."""


def compare(plain: NDArray[np.float32], found: NDArray[np.float32], precision: Precision) -> Verdict:
    """Returns whether `found`, of an engine that computes with `precision`, agrees with `plain` of the same shape."""
    if found.shape != plain.shape or not np.isfinite(found).all():
        return Verdict(False, 0.0, float("inf"), "its numbers are out of range")
    expected, given = plain.astype(np.float64).ravel(), found.astype(np.float64).ravel()
    spread = expected.std()
    # A wholly flat result has no spread to measure by; its own size is the next best.
    scale = spread or abs(expected[0]) or 1.0
    difference = float(np.abs(given - expected).max() / scale)
    correlation = _correlation(expected, given, flat=difference <= LARGEST_DIFFERENCE)
    if precision == "float32":
        agrees, reason = difference <= LARGEST_DIFFERENCE, f"it differs by {difference:.1g} standard deviations"
    else:
        agrees, reason = correlation > LEAST_CORRELATION, f"its correlation with plain float32 is {correlation:.4f}"
    return Verdict(agrees, correlation, difference, "" if agrees else reason)


def _correlation(expected: NDArray[np.float64], given: NDArray[np.float64], *, flat: bool) -> float:
    if not (expected.std() and given.std()):
        return 1.0 if flat else 0.0
    return float(np.corrcoef(expected, given)[0, 1])
