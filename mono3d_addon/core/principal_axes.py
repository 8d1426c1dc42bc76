# SPDX-License-Identifier: GPL-3.0-or-later
"""The directions in which groups of points in the plane extend."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]


class PrincipalAxes(NamedTuple):
    """The axes of groups of points; arrays are float64, (groups,) but for `along`.

    x, y    middle of the points
    angle   direction in which they extend most, radians from x towards y, -pi/2..pi/2
    most    variance in that direction
    least   variance across it
    along   how far each point is from the middle in that direction, (points,)
    """

    x: Doubles
    y: Doubles
    angle: Doubles
    most: Doubles
    least: Doubles
    along: Doubles


def principal_axes(x: Doubles, y: Doubles, group: NDArray[np.intp]) -> PrincipalAxes:
    """Returns the axes of points, float64 (points,); `group` has numbers from 0 on, none of which is left out."""
    count = np.bincount(group)

    def mean(values: Doubles) -> Doubles:
        return np.bincount(group, weights=values) / count

    left, top = mean(x), mean(y)
    x, y = x - left[group], y - top[group]
    cxx, cxy, cyy = mean(x * x), mean(x * y), mean(y * y)
    half, apart = (cxx + cyy) / 2.0, np.hypot((cxx - cyy) / 2.0, cxy)
    angle = 0.5 * np.arctan2(2.0 * cxy, cxx - cyy)
    along = x * np.cos(angle)[group] + y * np.sin(angle)[group]
    return PrincipalAxes(left, top, angle, half + apart, np.maximum(half - apart, 0.0), along)
