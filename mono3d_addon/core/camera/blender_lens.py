# SPDX-License-Identifier: GPL-3.0-or-later
"""A pinhole camera in the words of Blender's camera, for Blender itself and for the camera file."""

from __future__ import annotations

from dataclasses import dataclass

from .camera import Camera

SENSOR_MM = 36.0
"""Longer side of the sensor, so that the lens is given as for full frame."""


@dataclass(frozen=True)
class Lens:
    """What Blender's camera wants to know: lens and sensor in mm, shift in parts of the fitted side."""

    fit: str
    millimetres: float
    shift_x: float
    shift_y: float


def lens_of(camera: Camera) -> Lens:
    """Returns the Blender lens of `camera`.

    Blender's view plane is `side` wide in units of one pixel's width, where `side` is the fitted one; the shift
    moves the plane, so it is opposite to the principal point's offset in x (`BKE_camera_params_compute_viewplane`).
    Pixels that are not square (`fx != fy`) are taken up by the render's pixel aspect, see
    `blender.camera.use`.
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
