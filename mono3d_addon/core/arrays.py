# SPDX-License-Identifier: GPL-3.0-or-later
"""Array types used throughout the package, and operations on arrays of short rows, such as points."""

from __future__ import annotations

import functools
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Bytes = NDArray[np.uint8]

Kind = TypeVar("Kind", bound=np.generic)


def folded(pick: np.ufunc, values: NDArray[Any]) -> Any:
    """Returns `pick.reduce(values, axis=-1)` for rows of less than eight values, the same bit by bit.

    numpy's own takes ten times as long where the rows are short.
    """
    return functools.reduce(pick, np.moveaxis(values, -1, 0))


def rows_where(which: NDArray[np.bool_], values: NDArray[Kind]) -> NDArray[Kind]:
    """Returns `values[which]`: the rows, of (n, ...), that `which`, bool (n,), chooses.

    numpy's own takes five times as long where the rows are short.
    """
    return np.compress(which, values, axis=0)


def marked(places: Ints, count: int) -> NDArray[np.bool_]:
    """Returns which of 0 to `count` - 1 are among `places`, such as triangles' points; bool (count,)."""
    found = np.zeros(count, bool)
    # With indices of its own type numpy takes less than half the time.
    found[places.reshape(-1).astype(np.intp)] = True
    return found
