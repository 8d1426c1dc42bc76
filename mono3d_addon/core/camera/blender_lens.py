# SPDX-License-Identifier: GPL-3.0-or-later
"""Converts pinhole intrinsics to Blender's camera settings, for Blender itself and for the camera file."""

from __future__ import annotations

from dataclasses import dataclass

from .camera import Camera

SENSOR_MM = 36.0
"""Width of the longer side of the sensor: focal lengths are full-frame equivalents."""


@dataclass(frozen=True)
class Lens:
    """Blender's camera settings.

    fit          sensor fit, 'HORIZONTAL' or 'VERTICAL'
    millimetres  focal length for a sensor of `SENSOR_MM`
    shift_x, shift_y  lens shift as a fraction of the fitted side
    """

    fit: str
    millimetres: float
    shift_x: float
    shift_y: float


def lens_of(camera: Camera) -> Lens:
    """Returns Blender's lens settings for `camera`, a pinhole camera.

    Blender's view plane is `side` pixel widths wide along the fitted side. The shift moves the plane, so in x it has
    the opposite sign of the principal point's offset (`BKE_camera_params_compute_viewplane`). Non-square pixels
    (`fx != fy`) become the pixel aspect of the render, see `blender.scene.camera.use`.
    """
    height_per_width = camera.fx / camera.fy
    width, height = float(camera.width), camera.height * height_per_width
    horizontal = width >= height
    side = width if horizontal else height
    return Lens(
        fit="HORIZONTAL" if horizontal else "VERTICAL",
        millimetres=camera.fx * SENSOR_MM / side,
        shift_x=(0.5 * camera.width - camera.cx) / side,
        shift_y=(camera.cy - 0.5 * camera.height) * height_per_width / side,
    )
