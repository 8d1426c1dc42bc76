# SPDX-License-Identifier: GPL-3.0-or-later
"""Points in space whose z is known up to a shift: the lens and the shift for which they look as they do in the photo.

A network may give points (x, y, z) up to a factor and, for z, a shift s (Wang et al. 2025, "MoGe",
https://arxiv.org/abs/2410.19115). Through a lens of the focal length f, a point is seen at (f x, f y) / (z + s). For
every s the best f follows from least squares, so that s is the only unknown, and f too where the lens is known.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats

Doubles = NDArray[np.float64]
Known = NDArray[np.bool_]

_SIDE = 64
"""Rows and columns of the sample of points that is fitted, as in the official code of MoGe."""
_ROUNDS = 100
_LARGEST_DAMPING = 1e12
_PRECISE = 1e-12
"""Step, as a share of the depth of the points, from which the shift counts as found."""


@dataclass(frozen=True)
class AffineView:
    """A sample of the points behind an estimate.

    points   float32 (n, 3): x right, y down, z forward, up to a factor, and z up to a shift
    places   float32 (n, 2): where each is seen, across and down on a plane whose half diagonal is 1
    scale    metres for 1
    shift    the one with which the estimate's distances were made
    focal    the focal length that belongs to it, in half diagonals
    """

    points: Floats
    places: Floats
    scale: float
    shift: float
    focal: float

    def moved_by(self, focal: float) -> float:
        """Returns by how many metres all distances grow if the focal length is `focal`, in half diagonals."""
        return (solved(self.points, self.places, focal)[1] - self.shift) * self.scale


def view_of(points: Floats, mask: Known, scale: float, aspect: float) -> AffineView:
    """Returns the view of a map of points, float32 (rows, columns, 3), with the shift that suits them best.

    mask    bool (rows, columns), which of them count
    scale   metres for 1
    aspect  width / height of the photo, whatever that of the map
    """
    rows, columns = (np.arange(_SIDE) * length // _SIDE for length in points.shape[:2])
    kept = mask[np.ix_(rows, columns)].ravel()
    some = points[np.ix_(rows, columns)].reshape(-1, 3)[kept]
    places = _view_plane(points.shape[0], points.shape[1], aspect)[np.ix_(rows, columns)].reshape(-1, 2)[kept]
    focal, shift = solved(some, places)
    return AffineView(some, places, scale, shift, focal)


def _view_plane(rows: int, columns: int, aspect: float) -> Floats:
    """Returns where the centres of cells lie on a plane whose half diagonal is 1, float32 (rows, columns, 2)."""
    diagonal = math.hypot(1.0, aspect)
    across = ((2.0 * np.arange(columns) + 1.0) / columns - 1.0) * (aspect / diagonal)
    down = ((2.0 * np.arange(rows) + 1.0) / rows - 1.0) / diagonal
    return np.stack(np.meshgrid(across, down), axis=-1).astype(np.float32)


def in_half_diagonals(focal: float, aspect: float) -> float:
    """Returns a focal length that is relative to the longer side of a photo of that aspect ratio."""
    return 2.0 * focal * max(1.0, aspect) / math.hypot(1.0, aspect)


def in_longer_sides(focal: float, aspect: float) -> float:
    """Returns a focal length in half diagonals, relative to the longer side."""
    return 0.5 * focal * math.hypot(1.0, aspect) / max(1.0, aspect)


def solved(points: Floats, places: Floats, focal: float | None = None) -> tuple[float, float]:
    """Returns the focal length, in half diagonals, and the shift for which `points` are seen at `places`.

    points  float32 (n, 3), and `places`, float32 (n, 2), see `AffineView`
    focal   the focal length if it is known

    The sum of squared distances in the view plane is as small as possible. Fewer than two points give the focal length
    1, or the known one, and no shift.
    """
    if len(points) < 2:
        return (1.0 if focal is None else focal), 0.0
    sides, depth = points[:, :2].astype(np.float64), points[:, 2:].astype(np.float64)
    wanted = places.astype(np.float64)

    def fit(shift: float) -> tuple[float, Doubles, Doubles]:
        """Returns the focal length, what is left of the distances, and the slope of that, each float64 (2 n,)."""
        seen = sides / (depth + shift)
        slope = -seen / (depth + shift)
        if focal is not None:
            return focal, (focal * seen - wanted).ravel(), (focal * slope).ravel()
        power = float((seen * seen).sum())
        best = float((seen * wanted).sum()) / power
        change = float((slope * wanted).sum() - 2.0 * best * (seen * slope).sum()) / power
        return best, (best * seen - wanted).ravel(), (change * seen + best * slope).ravel()

    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        shift = _least(lambda at: fit(at)[1:], _PRECISE * float(np.median(depth)))
        return fit(shift)[0], shift


def _least(fit: Callable[[float], tuple[Doubles, Doubles]], precision: float) -> float:
    """Returns where the sum of squares of `fit`, which also gives its slope, is smallest, going downhill from 0.

    Levenberg (1944) and Marquardt (1963), for one unknown.
    """
    at, damping = 0.0, 1e-3
    left, slope = fit(at)
    cost = float(left @ left)
    for _ in range(_ROUNDS):
        curvature = float(slope @ slope)
        if not curvature > 0.0:
            break
        step = -float(slope @ left) / (curvature * (1.0 + damping))
        if abs(step) <= precision:
            break
        further, steeper = fit(at + step)
        costs = float(further @ further)
        if costs < cost:
            at, left, slope, cost, damping = at + step, further, steeper, costs, 0.1 * damping
        elif damping < _LARGEST_DAMPING:
            damping *= 10.0
        else:
            break
    return at
