# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets a photo's camera upright on the ground, with what the result can be trusted to.

The ground of an estimated depth map is bent and sloped by several degrees, while people hold cameras level. So its roll
is not believed: that of upright edges in the photo is, else the camera counts as held level.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrays import Bytes, Floats
from ..camera.camera import Camera
from ..camera.uprights import find_uprights
from .ground import camera_on_ground, ground_below

_MOST_DOUBT = math.radians(8.0)
"""Largest angle between the ground's roll and the camera's; a ground that slopes more is not trusted at all."""
_LEAST_DOUBT = 1.5
"""Degrees of doubt that remain where both agree."""

NO_GROUND = "No clear ground was found, so the scene was not levelled."


@dataclass(frozen=True)
class Levelled:
    """The camera as it stands in the scene, None without a ground to be trusted, and a sentence about it."""

    camera: Camera | None
    note: str


def levelled(camera: Camera, depth: Floats, valid: NDArray[np.bool_] | None, pixels: Bytes | None) -> Levelled:
    """Returns the camera with pitch, roll and elevation, and how far they can be trusted.

    depth, valid  see `ground.camera_on_ground`
    pixels        the photo, uint8 (h, w, 3), if the depth was estimated; None for exact depth, whose ground is trusted
    """
    found = camera_on_ground(camera, depth, valid)
    if found is None:
        return Levelled(None, NO_GROUND)
    if pixels is None or camera.is_panorama:
        return Levelled(found, f"Levelled on the ground of the depth map: the camera {_held(found)}.")
    uprights = find_uprights(pixels, camera)
    is_clear = uprights is not None and uprights.is_clear
    roll = uprights.likely if uprights is not None and is_clear else 0.0
    doubt = abs(found.roll - roll)
    if doubt > _MOST_DOUBT:
        return Levelled(
            None,
            f"The ground cannot be trusted, it slopes sideways by {math.degrees(doubt):.0f} degrees, so the scene was "
            "not levelled.",
        )
    held = dataclasses.replace(found, roll=roll)
    held = dataclasses.replace(held, elevation=ground_below(held, found, depth, valid))
    by = "by upright edges" if is_clear else "taken as held level, for want of upright edges"
    about = max(_LEAST_DOUBT, math.degrees(doubt))
    return Levelled(held, f"Levelled on the ground, to about {about:.2g} degrees: the camera {_held(held)}, {by}.")


def _held(camera: Camera) -> str:
    pitch, roll = round(math.degrees(camera.pitch)), round(math.degrees(camera.roll))
    looks = f"looks {abs(pitch)} degrees {'up' if pitch > 0 else 'down'}" if pitch else "looks straight ahead"
    return f"{looks} and is rolled by {abs(roll)} degrees" if roll else f"{looks} and is not rolled"
