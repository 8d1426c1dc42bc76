# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of an engine after it was held against plain float32. Plain Python: it is read where no numpy is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """How a result compares with the plain one.

    agrees       whether the engine may be used
    correlation  Pearson's, over all pixels; 1 for two flat results
    difference   the largest, in standard deviations of the plain result
    reason       why it may not be used, in a few words; empty where it may
    """

    agrees: bool
    correlation: float
    difference: float
    reason: str = ""
