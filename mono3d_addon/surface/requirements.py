# SPDX-License-Identifier: GPL-3.0-or-later
"""The extras (see `core.extras`) that surfaces need, so that a user hears of a missing one before a network runs."""

from __future__ import annotations

from ..core import extras
from ..settings import Settings

OPEN3D, OF_POINTS = "open3d", "Poisson and ball pivoting surfaces"
FAST_SIMPLIFICATION, REDUCED = "fast_simplification", "Surfaces with fewer triangles"
"""A top-level module, and what needs it."""


def require(settings: Settings) -> None:
    """Raises Mono3DError if this process lacks a package that the surface of a photo with these settings needs.

    A grid shows only later whether it has more triangles than wanted.
    """
    if settings.surface in ("poisson", "ball_pivoting"):
        extras.require(OF_POINTS, OPEN3D)
        if settings.target_triangles > 0:
            extras.require(REDUCED, FAST_SIMPLIFICATION)
