# SPDX-License-Identifier: GPL-3.0-or-later
"""The unit of a scene. Blender shows a length of one unit as `scale_length` metres."""

from __future__ import annotations

from typing import Any


def metres_per_unit(scene: Any) -> float:
    """Returns the metres that one unit of a scene is; 1 where it has no system of units."""
    if scene is None or scene.unit_settings.system == "NONE":
        return 1.0
    # Blender keeps 0.01 in 32 bits.
    return float(f"{scene.unit_settings.scale_length:.7g}")


def units_per_metre(scene: Any) -> float:
    """Returns the units of a scene that one metre is."""
    return 1.0 / metres_per_unit(scene)
