# SPDX-License-Identifier: GPL-3.0-or-later
"""Warns, before a mesh is made, that it is so large that Blender becomes slow, and offers a smaller one."""

from typing import Any

from .. import state
from ..texts import label
from . import chosen

_MANY = 2_000_000
"""Triangles from which on Blender's views and Edit Mode are slow on a usual computer."""


def triangles(values: Any) -> int:
    """Returns about how many triangles the mesh of the first chosen photo has; 0 if that is not known or not the grid.

    The grid has two for each vertex.
    """
    line = state.current.photos.get(chosen.key(values))
    if line is None or not line.longer or values.surface != "grid" or values.target_triangles:
        return 0
    columns = min(values.detail, line.longer)
    return 2 * columns * columns * line.shorter // line.longer


def draw(layout: Any, values: Any) -> None:
    """Shows the count, and the button for the adaptive surface, if there are many."""
    count = triangles(values)
    if count <= _MANY:
        return
    row = layout.row(align=True)
    label(row, "{count} million triangles", icon="ERROR", count=f"{count / 1e6:.1f}")
    row.prop_enum(values, "surface", "adaptive")
