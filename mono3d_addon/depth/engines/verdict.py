# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of comparing an engine with plain float32. Plain Python: it is also read where numpy is missing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """How a result compares with the plain one.

    agrees       whether the engine may be used
    correlation  Pearson's, over all pixels; 1 for two flat results
    difference   the largest, in standard deviations of the plain result
    reason       why it may not be used, in a few words; else empty
    """

    agrees: bool
    correlation: float
    difference: float
    reason: str = ""
