# SPDX-License-Identifier: GPL-3.0-or-later
"""A depth map that the user brought along."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..arrays import Floats

Kind = Literal["disparity", "metres", "millimetres"]


@dataclass(frozen=True)
class DepthValues:
    """What a file holds.

    values  float32 (rows, columns), NaN where nothing is known
    kind    what the numbers are, as the file says itself or its format has it
    """

    values: Floats
    kind: Kind
