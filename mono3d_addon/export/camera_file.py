# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the camera as JSON, for other programs and for manual set-up."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from ..core.camera.automatic import Resolved, Value
from ..core.camera.blender_lens import SENSOR_MM, lens_of
from ..core.camera.camera import Camera
from ..core.camera.field_of_view import camera_notes
from ..core.mesh.footprint import median_footprint
from ..core.reconstruction import Reconstruction
from .files import Staging
from .frames import z_up

_PINHOLE = "pixel = (fx x / z + cx, fy y / z + cy) with x right, y down, z forward, metres (OpenCV)"
_PANORAMA = (
    "pixel = (fx longitude + cx, fy latitude + cy), radians to the right and downwards of z; x right, y down, "
    "z forward, metres; depth is the distance from the camera"
)


def write_camera(result: Reconstruction, path: Path, staging: Staging) -> None:
    """Writes the intrinsics, the field of view and its source, Blender's settings, and definitions of the frames."""
    text = json.dumps(describe(result), indent=2, ensure_ascii=False, allow_nan=False)
    staging.path_for(path).write_text(text + "\n", encoding="utf-8", errors="replace", newline="\n")


def describe(result: Reconstruction) -> dict[str, Any]:
    """Returns the contents of the camera file, ready for JSON; lengths in metres, angles in degrees."""
    camera = result.camera
    known = np.asarray(result.depth)[np.isfinite(result.depth) & (np.asarray(result.depth) > 0)]
    return {
        "photo": result.photo.name,
        **values_of(camera),
        "notes": list(
            camera_notes((camera.width, camera.height), result.lens, result.settings, is_panorama=camera.is_panorama)
        ),
        "distances": distances_of(result.resolved),
        "depth_metres": {"nearest": float(known.min()), "farthest": float(known.max())},
        "median_footprint_metres": median_footprint(np.asarray(result.depth), camera),
        "blender": blender_values(camera),
        "frames": {
            "pixels": "upright photo, origin at its upper left corner, y down, pixel centres at +0.5",
            "camera": _PANORAMA if camera.is_panorama else _PINHOLE,
            "scene": "the camera frame turned upright: y straight down, z level, the ground beneath the camera at the "
            "origin; the same as the camera frame where no ground was found or asked for",
            "blender, ply, stl, vtp": "scene (x, z, -y): z up, the camera looks along +y",
            "glb, obj": "scene (x, -y, -z): y up, the camera looks along -z",
            "usdz": "as glb, moved so that the middle of the mesh's lowest side is at the origin",
        },
    }


def values_of(camera: Camera) -> dict[str, Any]:
    """Returns intrinsics and pose in pixels, degrees and metres; None for the pose values of cameras without a pose."""
    return {
        "width": camera.width,
        "height": camera.height,
        "fx": camera.fx,
        "fy": camera.fy,
        "cx": camera.cx,
        "cy": camera.cy,
        "matrix": [[camera.fx, 0.0, camera.cx], [0.0, camera.fy, camera.cy], [0.0, 0.0, 1.0]],
        "field_of_view_degrees": {
            "longer_side": math.degrees(camera.field_of_view),
            "horizontal": math.degrees(_angle(camera, camera.width, camera.fx, camera.sphere_part.width)),
            "vertical": math.degrees(_angle(camera, camera.height, camera.fy, camera.sphere_part.height)),
        },
        "source": camera.source,
        "projection": camera.projection,
        "pitch_degrees": math.degrees(camera.pitch),
        "roll_degrees": math.degrees(camera.roll),
        "metres_above_floor": camera.elevation if camera.has_pose else None,
        "horizon_pixels_from_top": dict(zip(("left", "right"), camera.horizon(), strict=True))
        if camera.has_pose
        else None,
    }


def distances_of(resolved: Resolved) -> dict[str, Any]:
    """Returns near and far in metres with their sources, and both in words."""
    return {
        "near": _described(resolved.near),
        "far": _described(resolved.far),
        "words": resolved.distance_words,
    }


def _described(one: Value) -> dict[str, Any]:
    """Returns a distance; the factor is that of one standard deviation, 1 where the distance is known."""
    factor = math.exp(one.deviation)
    return {"metres": one.value, "source": one.source, "factor": factor, "is_rough": one.is_rough}


def _angle(camera: Camera, pixels: int, focal: float, of_part: float) -> float:
    return of_part if camera.is_panorama else 2 * math.atan(pixels / (2 * focal))


def blender_values(camera: Camera) -> dict[str, Any]:
    """Returns Blender's settings for this camera; shifts are fractions of the fitted side of the sensor.

    Non-square pixels are `fx / fy` times as tall as wide. Blender needs aspects of at least 1, so smaller ratios go to
    the x aspect.
    """
    if camera.is_panorama:
        part = camera.sphere_part
        return {
            "type": "PANO",
            "panorama_type": "EQUIRECTANGULAR",
            "longitude_degrees": [math.degrees(angle) for angle in (part.longitude_from, part.longitude_to)],
            "latitude_degrees": [math.degrees(-angle) for angle in (part.latitude_to, part.latitude_from)],
            "resolution_x": camera.width,
            "resolution_y": camera.height,
            "location": [0.0, 0.0, camera.elevation],
            "rotation_euler_degrees": rotation_euler(camera),
        }
    tall = camera.fx / camera.fy
    lens = lens_of(camera)
    return {
        "type": "PERSP",
        "sensor_fit": lens.fit,
        "sensor_mm": SENSOR_MM,
        "lens_mm": lens.millimetres,
        "shift_x": lens.shift_x,
        "shift_y": lens.shift_y,
        "pixel_aspect_x": max(1.0, 1.0 / tall),
        "pixel_aspect_y": max(1.0, tall),
        "resolution_x": camera.width,
        "resolution_y": camera.height,
        "location": [0.0, 0.0, camera.elevation],
        "rotation_euler_degrees": rotation_euler(camera),
    }


def rotation_euler(camera: Camera) -> list[float]:
    """Returns the camera's XYZ Euler angles in Blender, in degrees: 90, 0, 0 for a level camera.

    They are computed from M = Rz Ry Rx, whose columns are Blender's camera axes (right, up, back) in the scene.
    """
    if not camera.has_pose:
        return [90.0, 0.0, 0.0]
    axes = z_up(camera.rotation.T * np.array([[1.0], [-1.0], [-1.0]])).astype(np.float64).T
    angles = (
        math.atan2(axes[2, 1], axes[2, 2]),
        math.atan2(-axes[2, 0], math.hypot(axes[0, 0], axes[1, 0])),
        math.atan2(axes[1, 0], axes[0, 0]),
    )
    return [math.degrees(angle) for angle in angles]
