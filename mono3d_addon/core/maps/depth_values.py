# SPDX-License-Identifier: GPL-3.0-or-later
"""A depth map supplied by the user or embedded in the photo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..arrays import Floats

Kind = Literal["disparity", "metres", "millimetres"]


@dataclass(frozen=True)
class DepthValues:
    """The contents of a depth map file.

    values  float32 (rows, columns), NaN where unknown; metres are infinite where there is nothing but background
    kind    meaning of the values, according to the file's metadata or the convention of its format
    """

    values: Floats
    kind: Kind
