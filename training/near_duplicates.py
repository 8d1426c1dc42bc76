# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding near-duplicate photos by a 64-bit difference hash."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from PIL import Image

MOST_DIFFERENT_BITS = 8
"""Largest number of differing bits between the hashes of near-duplicates."""


def difference_hash(picture: Image.Image) -> int:
    """Returns 64 bits: for 8 rows of 9 grey values, whether each value is less than that to the right of it."""
    small = picture.convert("L").resize((9, 8), Image.Resampling.BOX)
    grey = np.asarray(small, dtype=np.int16)
    return int.from_bytes(np.packbits(grey[:, :-1] < grey[:, 1:]).tobytes(), "big")


def mirrored_hash(picture: Image.Image) -> int:
    """Returns the hash of the mirror image."""
    return difference_hash(picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT))


def is_near_duplicate(one: int, others: Iterable[int]) -> bool:
    """Returns whether a hash is a near-duplicate of any of the `others`."""
    return any((one ^ other).bit_count() <= MOST_DIFFERENT_BITS for other in others)
