# SPDX-License-Identifier: GPL-3.0-or-later
"""The view of a 3D viewport on results: from beside the photo's camera, or from its place, on a matching background."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from mathutils import Matrix, Vector

from ...core.camera.camera import Camera
from ...core.preview import backdrop, views
from ...core.reconstruction import Reconstruction
from . import frame

_SENSOR = 72.0
"""Millimetres across the longer side of a viewport that Blender's focal lengths refer to."""
_LENSES = (1.0, 250.0)
"""Shortest and longest focal length of a viewport."""
_NEAREST = 0.1
"""Distance before the nearest part at which a viewport begins to show things, as a fraction of that part's."""
_FILLED = 0.9
"""Fraction of a viewport that results fill."""
_LINEAR_BELOW = 0.04045


def look(space: Any, size: tuple[int, int], result: Reconstruction, matrix: Matrix) -> None:
    """Points the viewport `space`, `size` pixels wide and high, at `result`, if it shows a perspective view.

    `matrix` takes the mesh to the world. A view through a camera, which may look elsewhere, becomes a free one.
    Orthographic views and views of panoramas, which have no side to be seen from, stay.
    """
    region = space.region_3d
    if region.view_perspective == "ORTHO" or result.camera.is_panorama or not len(result.mesh.vertices):
        return
    region.view_perspective = "PERSP"
    orbit = views.orbit_of(result.mesh.vertices, result.camera)
    # The photo's own field of view: another one would show near and far parts in other proportions than the photo.
    tangents = _set_lens(space, size, orbit.tangents)
    # A viewport looks along its middle: its lens cannot be shifted.
    free = dataclasses.replace(orbit, tangents=tangents, centre=(0.0, 0.0))
    view = views.beside(free, is_panorama=False)
    distance = float((view.turn @ orbit.pivot + view.shift)[2])
    eye = -view.turn.T @ view.shift
    target = eye + view.turn[2] * distance
    right, down, ahead = frame.to_blender(view.turn.astype(np.float32)).astype(np.float64)
    pose = matrix @ Matrix(frame.pose(result.camera))
    turn = pose.to_3x3().normalized() @ Matrix(np.stack([right, -down, -ahead], axis=1).tolist())
    scale = matrix.median_scale
    region.view_rotation = turn.to_quaternion()
    region.view_location = pose @ Vector(frame.to_blender(target[None].astype(np.float32))[0].tolist())
    region.view_distance = scale * distance
    farthest = float(np.linalg.norm(orbit.points, axis=1).max())
    space.clip_start = min(space.clip_start, _NEAREST * scale * float(np.linalg.norm(orbit.points, axis=1).min()))
    space.clip_end = max(space.clip_end, 10.0 * scale * (farthest + distance))


def corners(result: Reconstruction, matrix: Matrix) -> list[Vector]:
    """Returns the corners of a result's box in the world, without a sky or what else is far behind everything.

    `matrix` takes the mesh to the world.
    """
    points = views.orbit_of(result.mesh.vertices, result.camera).points
    if not len(points):
        return []
    box = np.stack([points.min(axis=0), points.max(axis=0)])
    ends = np.array(list(itertools.product(*box.T)), np.float32)
    pose = matrix @ Matrix(frame.pose(result.camera))
    return [pose @ Vector(place) for place in frame.to_blender(ends).tolist()]


def look_at_all(space: Any, size: tuple[int, int], points: Sequence[Vector]) -> None:
    """Moves the viewport back until it contains `points` of the world, if it shows a free perspective view."""
    region = space.region_3d
    if region.view_perspective != "PERSP" or not points:
        return
    longer = max(size)
    reach = 0.5 * _SENSOR / space.lens * np.array(size) / longer * _FILLED
    turn = np.array(region.view_rotation.to_matrix())
    seen = np.array([point[:] for point in points]) @ turn
    # A point is seen if it is at most `reach` times as far aside as it is ahead, and ahead is -z.
    high, low = ((sign * seen[:, :2] + seen[:, 2:] * reach).max(axis=0) for sign in (1.0, -1.0))
    eye = np.array([*(0.5 * (high - low)), float(((high + low) / (2.0 * reach)).max())])
    region.view_distance = max(1e-3, eye[2] - float(seen[:, 2].mean()))
    region.view_location = Vector((turn @ (eye - [0.0, 0.0, region.view_distance])).tolist())
    space.clip_end = max(space.clip_end, 10.0 * (eye[2] - float(seen[:, 2].min())))


def look_from(space: Any, size: tuple[int, int], camera: Camera, eye: Any) -> None:
    """Shows in the viewport, `size` pixels wide and high, all that the camera object `eye` of a photo sees.

    The viewport's middle is the lens axis of the photo, which may be beside its centre. A panorama is seen ahead, with
    the viewport's own lens.
    """
    region = space.region_3d
    if not camera.is_panorama:
        across = max(camera.cx, camera.width - camera.cx) / camera.fx
        down = max(camera.cy, camera.height - camera.cy) / camera.fy
        _set_lens(space, size, (across, down))
    region.view_perspective = "PERSP"
    turn = eye.matrix_world.to_quaternion()
    region.view_rotation = turn
    # The viewpoint is behind the location by the distance.
    region.view_location = eye.matrix_world.translation + turn @ Vector((0.0, 0.0, -region.view_distance))
    space.clip_start = min(space.clip_start, eye.data.clip_start)
    space.clip_end = max(space.clip_end, eye.data.clip_end)


def _set_lens(space: Any, size: tuple[int, int], wanted: tuple[float, float]) -> tuple[float, float]:
    """Gives the viewport the longest lens that shows `wanted`: half the width and height of a picture at distance 1.

    Returns those that the viewport shows.
    """
    longer = max(size)
    shares = size[0] / longer, size[1] / longer
    reach = max(tangent / share for tangent, share in zip(wanted, shares, strict=True))
    space.lens = float(np.clip(0.5 * _SENSOR / reach, *_LENSES))
    reach = 0.5 * _SENSOR / space.lens
    return reach * shares[0], reach * shares[1]


def set_background(shading: Any, result: Reconstruction) -> None:
    """Gives solid shading with the theme's background one that goes with the photo."""
    if shading.type == "SOLID" and shading.background_type == "THEME":
        color = backdrop.backdrop(result.mesh).astype(np.float64)
        linear = np.where(color <= _LINEAR_BELOW, color / 12.92, ((color + 0.055) / 1.055) ** 2.4)
        shading.background_type = "VIEWPORT"
        shading.background_color = linear.tolist()
