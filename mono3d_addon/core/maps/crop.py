# SPDX-License-Identifier: GPL-3.0-or-later
"""Which part of the photo becomes mesh, in numbers of the user's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...settings import Settings


def cropped(valid: NDArray[np.bool_] | None, shape: tuple[int, ...], settings: Settings) -> NDArray[np.bool_] | None:
    """Returns `valid`, bool (rows, columns) or None for all, without the cells whose centres the crop leaves out.

    `shape` is (rows, columns). The depth does not depend on the crop: what is left of the scene stays where it is.
    """
    rows, columns = shape
    left, right, top, bottom = (
        getattr(settings, f"crop_{side}") / 100.0 for side in ("left", "right", "top", "bottom")
    )
    if not (left or right or top or bottom):
        return valid
    across = (np.arange(columns) + 0.5) / columns
    down = (np.arange(rows) + 0.5) / rows
    kept = np.logical_and.outer((down > top) & (down < 1.0 - bottom), (across > left) & (across < 1.0 - right))
    return kept if valid is None else kept & valid
