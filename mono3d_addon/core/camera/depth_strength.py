# SPDX-License-Identifier: GPL-3.0-or-later
"""What *Depth strength* does to near and far. Imports no numpy, because Blender's process needs it at once."""

from __future__ import annotations

import dataclasses

from ...settings import LEAST_NEAR, Settings

_LARGEST_FAR = 1_000_000.0
"""Metres: the bound of far."""


def strengthened(settings: Settings) -> Settings:
    """Returns settings of depth strength 1 that give the depth of `settings`, whose near and far are numbers.

    The ratio of far to near is raised to the power of the strength, while their geometric mean, the middle of the
    scene, stays. Inverse depth stays linear in disparity, so planes stay planes; points stay on their viewing rays.
    With strength 1 nothing changes. Near and far stay within their bounds.
    """
    change = (settings.far / settings.near) ** (0.5 * (settings.depth_strength - 1.0))
    near, far = max(settings.near / change, LEAST_NEAR), min(settings.far * change, _LARGEST_FAR)
    return dataclasses.replace(settings, near=near, far=far, depth_strength=1.0)
