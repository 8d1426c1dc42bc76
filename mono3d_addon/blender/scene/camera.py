# SPDX-License-Identifier: GPL-3.0-or-later
"""The Blender camera that matches the photo's camera."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from typing import Any

import bpy
import numpy as np
from mathutils import Euler, Matrix

from ...core.camera.blender_lens import SENSOR_MM, lens_of
from ...core.camera.camera import Camera
from ...errors import Mono3DError
from .. import names
from . import frame

_SMALLEST_RENDER = 4
_NEAREST = 0.01
"""Nearest part of a result, as a fraction of its farthest, if only its box is known."""


def create(name: str, camera: Camera, image: bpy.types.Image | None, near: float, far: float) -> bpy.types.Object:
    """Returns a new camera object at the photo's viewpoint, not yet in a collection.

    That is the origin, looking along +Y, or a point above the ground. `image` becomes the background image; `near` and
    `far` are the result's extent in units of the scene. A panorama gets Cycles' equirectangular camera.
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
    _set_pose(made, camera)
    made[names.CAMERA] = json.dumps(dataclasses.asdict(camera))
    return made


def own_data(eyes: Sequence[bpy.types.Object]) -> None:
    """Gives camera objects data that no other object uses; what they share among them, they go on sharing."""
    for data in {eye.data for eye in eyes}:
        sharing = [eye for eye in eyes if eye.data == data]
        if data is not None and data.users - data.use_fake_user > len(sharing):
            copy = data.copy()
            for eye in sharing:
                eye.data = copy


def refit(eye: bpy.types.Object, camera: Camera, near: float, far: float) -> None:
    """Matches the camera object `eye` to `camera` and extends its clipping range; all else about it stays.

    `near` and `far` are the result's extent in metres. The camera is moved only if the pose of the photo's camera in
    the scene has changed.
    """
    data: Any = eye.data
    _set_view(data, camera)
    before = stored(eye)
    if (before.pitch, before.roll, before.elevation) != (camera.pitch, camera.roll, camera.elevation):
        _set_pose(eye, camera)
    units = eye.parent.matrix_world.median_scale if eye.parent else 1.0
    data.clip_start = min(data.clip_start, 0.1 * units * near)
    data.clip_end = max(data.clip_end, 10.0 * units * far)
    eye[names.CAMERA] = json.dumps(dataclasses.asdict(camera))


def make_again(owner: bpy.types.Object) -> bpy.types.Object:
    """Returns a new camera object for a mesh whose own is gone, or that is a copy; it is in the mesh's collections.

    Raises Mono3DError if the camera that the mesh stores cannot be read.
    """
    camera = stored(owner)
    pose = np.array(frame.pose(camera))
    seen = (np.array([corner[:] for corner in owner.bound_box]) - pose[:3, 3]) @ pose[:3, :3]
    # A photo's camera looks along y; a panorama, and that of a tilted camera, may be inside the box.
    far = float(np.linalg.norm(seen, axis=1).max()) or 10.0
    near = 0.0 if camera.is_panorama else float(seen[:, 1].min())
    units = owner.matrix_world.median_scale
    near, far = units * max(near, _NEAREST * far), units * far
    made = create(f"{owner.name} camera", camera, owner.get(names.IMAGE), near, far)
    made.parent = owner
    for collection in owner.users_collection:
        collection.objects.link(made)
    return made


def _set_pose(eye: bpy.types.Object, camera: Camera) -> None:
    eye.matrix_basis = Matrix(frame.pose(camera)) @ Euler(frame.CAMERA_ROTATION).to_matrix().to_4x4()


def _set_view(data: bpy.types.Camera, camera: Camera) -> None:
    if camera.is_panorama:
        _set_panorama(data, camera)
    else:
        _set_lens(data, camera)


def _set_lens(data: bpy.types.Camera, camera: Camera) -> None:
    lens = lens_of(camera)
    data.sensor_fit = lens.fit  # type: ignore[assignment]
    data.sensor_width = SENSOR_MM if lens.fit == "HORIZONTAL" else SENSOR_MM * camera.width / camera.height
    data.sensor_height = SENSOR_MM if lens.fit == "VERTICAL" else SENSOR_MM * camera.height / camera.width
    data.lens = lens.millimetres
    data.shift_x, data.shift_y = lens.shift_x, lens.shift_y


def _set_panorama(data: Any, camera: Camera) -> None:
    data.type = "PANO"
    # In 5.0 this moved from Cycles' settings to the camera itself.
    owner = data if hasattr(data, "panorama_type") else data.cycles
    owner.panorama_type = "EQUIRECTANGULAR"
    part = camera.sphere_part
    owner.longitude_min, owner.longitude_max = part.longitude_from, part.longitude_to
    owner.latitude_min, owner.latitude_max = -part.latitude_to, -part.latitude_from


def stored(owner: bpy.types.Object) -> Camera:
    """Returns the photo's camera stored on a mesh or camera object. Raises Mono3DError if it cannot be read."""
    try:
        return Camera(**json.loads(owner[names.CAMERA]))
    except KeyError as error:
        raise Mono3DError(f"'{owner.name}' was not made by Mono3D: it holds no camera.") from error
    except (TypeError, ValueError) as error:
        raise Mono3DError(
            f"The camera stored on '{owner.name}' is of another version of Mono3D; generate it again from the photo."
        ) from error


def use(scene: bpy.types.Scene, made: bpy.types.Object) -> None:
    """Makes `made` the scene's camera and sets the render size to the photo's, so that renders match the photo.

    For a panorama, also selects Cycles, the only engine with an equirectangular camera.
    """
    camera = stored(made)
    scene.camera = made
    # Blender renders at least 4 pixels per side; scale smaller photos up to keep their proportions.
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
