# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells whether what a photo's file says of its lens can be taken as true."""

from __future__ import annotations

from mono3d_addon.core.camera.field_of_view import camera_notes, judge
from mono3d_addon.core.camera.lens import Lens
from mono3d_addon.settings import Settings

_WHOLE_SHAPES = (4 / 3, 3 / 2)
"""Longer by shorter side of sensors."""
_WIDE_SHAPE = 16 / 9
_SAME_SHAPE = 0.01
_FEWEST_OF_CAMERA = 2000
"""Smallest longer side, in pixels, of a wide picture that is as its camera wrote it."""


def known_focal(size: tuple[int, int], lens: Lens) -> float | None:
    """Returns the focal length per longer side of an upright photo of `size`; None where it is not told or in doubt.

    There is no doubt if the add-on takes what the file says without a note: the sources agree, and there is no sign of
    a crop, of an editor that may have cropped, or of another projection. And the photo has the shape of a sensor, 4:3
    or 3:2, or it is 16:9 with just the pixels that its tags tell of, so many as only a camera writes: wallpapers of
    that shape are crops.
    """
    found = judge(*size, lens)
    if found.focal_length <= 0.0 or lens.view_angle > 0.0 or lens.projection:
        return None
    if camera_notes(size, lens, Settings(), is_panorama=False) or not _is_whole(size, lens):
        return None
    return found.focal_length / max(size)


def _is_whole(size: tuple[int, int], lens: Lens) -> bool:
    longer, shorter = max(size), min(size)
    if any(_is_shaped(longer, shorter, shape) for shape in _WHOLE_SHAPES):
        return True
    tagged = {round(lens.tagged_width), round(lens.tagged_height)}
    return _is_shaped(longer, shorter, _WIDE_SHAPE) and longer >= _FEWEST_OF_CAMERA and tagged == {longer, shorter}


def _is_shaped(longer: int, shorter: int, shape: float) -> bool:
    return abs(longer / shorter / shape - 1.0) <= _SAME_SHAPE
