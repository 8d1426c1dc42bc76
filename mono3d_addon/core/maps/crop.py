# SPDX-License-Identifier: GPL-3.0-or-later
"""Crops the area of the photo that becomes mesh."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...settings import Settings


def cropped(valid: NDArray[np.bool_] | None, shape: tuple[int, ...], settings: Settings) -> NDArray[np.bool_] | None:
    """Returns `valid`, bool (rows, columns) or None for all, False in cells whose centres the crop removes.

    `shape` is (rows, columns). Cropping does not change the depth of the remaining cells.
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
