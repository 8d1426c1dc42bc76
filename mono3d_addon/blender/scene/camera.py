# SPDX-License-Identifier: GPL-3.0-or-later
"""A Blender camera that sees what the photo's camera saw."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import bpy
from mathutils import Euler, Matrix

from ...core.camera.blender_lens import SENSOR_MM, lens_of
from ...core.camera.camera import Camera
from ...errors import Mono3DError
from .. import names
from . import frame

_SMALLEST_RENDER = 4


def create(name: str, camera: Camera, image: bpy.types.Image | None, near: float, far: float) -> bpy.types.Object:
    """Returns a new camera object where the photo was taken, not yet in a collection.

    That is the origin, looking along +Y, or above the floor. `image` becomes its background; `near` and `far` are the
    distances in metres of the scene's ends. A panorama's camera is Cycles' equirectangular one.
    """
    data = bpy.data.cameras.new(name)
    _set_view(data, camera)
    data.clip_start, data.clip_end = 0.1 * near, 10.0 * far
    data.display_size = 0.25 * near
    if image is not None and not camera.is_panorama:
        data.show_background_images = True
        background = data.background_images.new()
        background.image = image
        background.alpha = 0.5
        background.frame_method = "STRETCH"
    made = bpy.data.objects.new(name, data)
    _stand(made, camera)
    made[names.CAMERA] = json.dumps(dataclasses.asdict(camera))
    return made


def refit(eye: bpy.types.Object, camera: Camera, near: float, far: float) -> None:
    """Makes the camera object `eye` see what `camera` sees, and far enough; everything else about it stays.

    It is moved only where the photo's camera stands otherwise in the scene than before.
    """
    data: Any = eye.data
    _set_view(data, camera)
    before = stored(eye)
    if (before.pitch, before.roll, before.elevation) != (camera.pitch, camera.roll, camera.elevation):
        _stand(eye, camera)
    data.clip_start, data.clip_end = min(data.clip_start, 0.1 * near), max(data.clip_end, 10.0 * far)
    eye[names.CAMERA] = json.dumps(dataclasses.asdict(camera))


def _stand(eye: bpy.types.Object, camera: Camera) -> None:
    eye.matrix_basis = Matrix(frame.pose(camera)) @ Euler(frame.CAMERA_ROTATION).to_matrix().to_4x4()


def _set_view(data: bpy.types.Camera, camera: Camera) -> None:
    if camera.is_panorama:
        _see_all_around(data)
    else:
        _set_lens(data, camera)


def _set_lens(data: bpy.types.Camera, camera: Camera) -> None:
    lens = lens_of(camera)
    data.sensor_fit = lens.fit  # type: ignore[assignment]
    data.sensor_width = SENSOR_MM if lens.fit == "HORIZONTAL" else SENSOR_MM * camera.width / camera.height
    data.sensor_height = SENSOR_MM if lens.fit == "VERTICAL" else SENSOR_MM * camera.height / camera.width
    data.lens = lens.millimetres
    data.shift_x, data.shift_y = lens.shift_x, lens.shift_y


def _see_all_around(data: Any) -> None:
    data.type = "PANO"
    # From 5.0 on the camera itself has what Cycles kept before.
    owner = data if hasattr(data, "panorama_type") else data.cycles
    owner.panorama_type = "EQUIRECTANGULAR"


def stored(owner: bpy.types.Object) -> Camera:
    """Returns the photo's camera stored on a mesh or camera object. Raises Mono3DError when it cannot be read."""
    try:
        return Camera(**json.loads(owner[names.CAMERA]))
    except KeyError as error:
        raise Mono3DError(f"'{owner.name}' was not made by Mono3D: it holds no camera.") from error
    except (TypeError, ValueError) as error:
        raise Mono3DError(
            f"The camera stored on '{owner.name}' is of another version of Mono3D; generate it again from the photo."
        ) from error


def use(scene: bpy.types.Scene, made: bpy.types.Object) -> None:
    """Makes `made` the scene's camera and gives renders the photo's size, so that they coincide with the photo.

    A panorama's makes Cycles the renderer, which alone sees in all directions.
    """
    camera = stored(made)
    scene.camera = made
    # Blender renders at least 4 pixels a side; a smaller photo keeps its proportions.
    scale = math.ceil(_SMALLEST_RENDER / min(camera.width, camera.height))
    render = scene.render
    render.resolution_x, render.resolution_y = scale * camera.width, scale * camera.height
    render.resolution_percentage = 100
    if camera.is_panorama:
        render.engine = "CYCLES"  # type: ignore[assignment]
        render.pixel_aspect_x = render.pixel_aspect_y = 1.0
        return
    render.pixel_aspect_x = max(1.0, camera.fy / camera.fx)
    render.pixel_aspect_y = max(1.0, camera.fx / camera.fy)
