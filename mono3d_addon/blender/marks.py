# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbered rings in the 3D views that mark picked points of a mesh."""

from __future__ import annotations

from typing import Any

import bpy

from . import interface

_RADIUS = 7.0
_RING = (1.0, 0.62, 0.1, 1.0)
_SHADOW = (0.0, 0.0, 0.0, 0.7)
_TEXT_SIZE = 16.0
_TEXT_OFFSET = (11.0, 6.0)


class Marks:
    """Marked points of one object, shown in all 3D views until hidden."""

    def __init__(self) -> None:
        self.points: list[Any] = []
        self._owner = ""
        self._handle: Any = None

    def show(self, owner: bpy.types.Object, points: list[Any]) -> None:
        """Shows `points`, in the object space of `owner`, instead of previous ones."""
        self._owner, self.points = owner.name, list(points)
        if self._handle is None and not bpy.app.background:
            self._handle = bpy.types.SpaceView3D.draw_handler_add(self._draw, (), "WINDOW", "POST_PIXEL")
        interface.redraw()

    def hide(self) -> None:
        """Removes the marks, if any."""
        self.points = []
        if self._handle is not None:
            bpy.types.SpaceView3D.draw_handler_remove(self._handle, "WINDOW")
            self._handle = None
            interface.redraw()

    def _draw(self) -> None:
        from bpy_extras.view3d_utils import location_3d_to_region_2d
        from mathutils import Vector

        context = bpy.context
        owner = bpy.data.objects.get(self._owner)
        # In quad view each of the four regions has its own view.
        view = context.region_data
        if owner is None or context.region is None or view is None:
            return
        for number, point in enumerate(self.points, 1):
            place = location_3d_to_region_2d(context.region, view, owner.matrix_world @ Vector(point))
            if place is not None:
                _draw_mark((place.x, place.y), str(number))


def _draw_mark(place: tuple[float, float], word: str) -> None:
    import blf
    from gpu_extras.presets import draw_circle_2d

    preferences: Any = bpy.context.preferences
    scale = preferences.system.ui_scale
    for color, wider in ((_SHADOW, 1.0), (_RING, 0.0), (_SHADOW, -1.0)):
        draw_circle_2d(place, color, (_RADIUS + wider) * scale, segments=32)
    font = 0
    blf.size(font, _TEXT_SIZE * scale)
    blf.color(font, *_RING)
    blf.enable(font, blf.SHADOW)
    blf.shadow(font, 3, *_SHADOW)
    blf.position(font, place[0] + _TEXT_OFFSET[0] * scale, place[1] + _TEXT_OFFSET[1] * scale, 0.0)
    blf.draw(font, word)
    blf.disable(font, blf.SHADOW)


picked = Marks()
"""The points for which distances are being entered."""
