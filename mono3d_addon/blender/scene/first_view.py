# SPDX-License-Identifier: GPL-3.0-or-later
"""The view of a 3D viewport on a new result: framed, from beside the photo's camera, on a matching background."""

from __future__ import annotations

import dataclasses
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector

from ...core.preview import backdrop, views
from ...core.reconstruction import Reconstruction
from . import frame

_SENSOR = 72.0
"""Millimetres across the longer side of a viewport that Blender's focal lengths refer to."""
_LENSES = (1.0, 250.0)
"""Shortest and longest focal length of a viewport."""
_LINEAR_BELOW = 0.04045


def look(space: Any, size: tuple[int, int], result: Reconstruction) -> None:
    """Points the viewport `space`, `size` pixels wide and high, at `result`, if it shows a free perspective view.

    Views through a camera, orthographic views and views of panoramas, which have no side to be seen from, stay.
    """
    region = space.region_3d
    if region.view_perspective != "PERSP" or result.camera.is_panorama or not len(result.mesh.vertices):
        return
    orbit = views.orbit_of(result.mesh.vertices, result.camera)
    longer = max(size)
    shares = size[0] / longer, size[1] / longer
    # The photo's own field of view: another one would show near and far parts in other proportions than the photo.
    reach = max(tangent / share for tangent, share in zip(orbit.tangents, shares, strict=True))
    space.lens = float(np.clip(0.5 * _SENSOR / reach, *_LENSES))
    reach = 0.5 * _SENSOR / space.lens
    # A viewport looks along its middle: its lens cannot be shifted.
    free = dataclasses.replace(orbit, tangents=(reach * shares[0], reach * shares[1]), centre=(0.0, 0.0))
    view = views.beside(free, is_panorama=False)
    distance = float((view.turn @ orbit.pivot + view.shift)[2])
    eye = -view.turn.T @ view.shift
    target = eye + view.turn[2] * distance
    right, down, ahead = frame.to_blender(view.turn.astype(np.float32)).astype(np.float64)
    pose = Matrix(frame.pose(result.camera))
    turn = pose.to_3x3() @ Matrix(np.stack([right, -down, -ahead], axis=1).tolist())
    region.view_rotation = turn.to_quaternion()
    region.view_location = pose @ Vector(frame.to_blender(target[None].astype(np.float32))[0].tolist())
    region.view_distance = distance
    farthest = float(np.linalg.norm(orbit.points, axis=1).max())
    space.clip_end = max(space.clip_end, 10.0 * (farthest + distance))


def set_background(shading: Any, result: Reconstruction) -> None:
    """Gives solid shading with the theme's background one that goes with the photo."""
    if shading.type == "SOLID" and shading.background_type == "THEME":
        color = backdrop.backdrop(result.mesh).astype(np.float64)
        linear = np.where(color <= _LINEAR_BELOW, color / 12.92, ((color + 0.055) / 1.055) ** 2.4)
        shading.background_type = "VIEWPORT"
        shading.background_color = linear.tolist()


def hide_default_cube(target: bpy.types.Scene, layer: bpy.types.ViewLayer, eye: Any) -> bool:
    """Hides Blender's own cube, if it is as it was made, where it encloses the camera object `eye`.

    From inside, nothing but the cube would be seen. Returns whether it was hidden, also in renders.
    """
    cube = target.objects.get("Cube")
    if cube is None or cube.name not in layer.objects or not _is_default(cube):
        return False
    if max(abs(value) for value in eye.matrix_world.translation) >= 1.0 or cube.hide_get(view_layer=layer):
        return False
    cube.hide_set(True, view_layer=layer)
    cube.hide_render = True
    return True


def _is_default(cube: bpy.types.Object) -> bool:
    """Returns whether an object is a bare cube of two metres at the origin."""
    data = cube.data
    is_bare = not (cube.modifiers or cube.constraints or cube.children or cube.parent or cube.animation_data)
    if not is_bare or not isinstance(data, bpy.types.Mesh) or len(data.vertices) != 8:
        return False
    corners = [abs(vertex.co[axis]) for vertex in data.vertices for axis in range(3)]
    return cube.matrix_world == Matrix.Identity(4) and corners == [1.0] * 24
