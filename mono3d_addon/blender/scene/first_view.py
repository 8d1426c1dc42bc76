# SPDX-License-Identifier: GPL-3.0-or-later
"""The view of a 3D viewport on results: from beside the photo's camera, or from its place, on a matching background."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
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
_HALVINGS = 40
"""Steps in which a lens is found, to far below a millionth."""
_LINEAR_BELOW = 0.04045


@dataclass(frozen=True)
class Pane:
    """Width and height of a viewport in pixels, and how many of its columns the sidebar and the tools cover."""

    width: int
    height: int
    left: int = 0
    right: int = 0

    @property
    def shares(self) -> tuple[float, float]:
        """Width and height as fractions of the longer one, to which Blender's focal lengths refer."""
        longer = max(self.width, self.height)
        return self.width / longer, self.height / longer

    @property
    def uncovered(self) -> tuple[float, float]:
        """Where the columns that can be seen begin and end; -1 and 1 are the viewport's sides."""
        if self.left + self.right > 0.5 * self.width:
            return -1.0, 1.0
        return 2.0 * self.left / self.width - 1.0, 1.0 - 2.0 * self.right / self.width


def look(space: Any, pane: Pane, result: Reconstruction, matrix: Matrix) -> None:
    """Points the viewport `space`, whose size is `pane`, at `result`, if it shows a perspective view.

    `matrix` takes the mesh to the world. The result is shown beside what covers the viewport. A view through a camera,
    which may look elsewhere, becomes a free one. Orthographic views and views of panoramas, which have no side to be
    seen from, stay.
    """
    region = space.region_3d
    if region.view_perspective == "ORTHO" or result.camera.is_panorama or not len(result.mesh.vertices):
        return
    region.view_perspective = "PERSP"
    orbit = views.orbit_of(result.mesh.vertices, result.camera)
    # The photo's own field of view: another one would show near and far parts in other proportions than the photo.
    shown, aside = _set_lens(space, pane, orbit.tangents)
    # What a viewport of another shape shows beyond the photo's frame stays empty: the view is that of a photo.
    scale = min(one / other for one, other in zip(shown, orbit.tangents, strict=True))
    across, down = orbit.tangents
    # A viewport looks along its middle: its lens cannot be shifted.
    free = dataclasses.replace(orbit, tangents=(scale * across, scale * down), centre=(0.0, 0.0))
    view = views.beside(free, is_panorama=False)
    distance = float((view.turn @ orbit.pivot + view.shift)[2])
    eye = -view.turn.T @ view.shift
    right, down, ahead = view.turn
    # From the same place: the viewport's middle turns away from what is seen at `aside`.
    right, ahead = (
        right * math.cos(aside) + ahead * math.sin(aside),
        ahead * math.cos(aside) - right * math.sin(aside),
    )
    target = eye + ahead * distance
    view = dataclasses.replace(view, turn=np.stack([right, down, ahead]))
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


def look_at_all(space: Any, pane: Pane, points: Sequence[Vector]) -> None:
    """Moves the viewport back until it contains `points` of the world, if it shows a free perspective view."""
    region = space.region_3d
    if region.view_perspective != "PERSP" or not points:
        return
    reach = 0.5 * _SENSOR / space.lens * np.array(pane.shares)
    first, last = pane.uncovered
    middle = np.array([0.5 * (first + last), 0.0]) * reach
    reach = np.array([0.5 * (last - first), 1.0]) * reach * _FILLED
    turn = np.array(region.view_rotation.to_matrix())
    seen = np.array([point[:] for point in points]) @ turn
    # A point is seen if it is at most `reach` times as far from the middle as it is ahead, and ahead is -z.
    seen[:, :2] += seen[:, 2:] * middle
    high, low = ((sign * seen[:, :2] + seen[:, 2:] * reach).max(axis=0) for sign in (1.0, -1.0))
    ahead = float(((high + low) / (2.0 * reach)).max())
    eye = np.array([*(0.5 * (high - low) - middle * ahead), ahead])
    region.view_distance = max(1e-3, eye[2] - float(seen[:, 2].mean()))
    region.view_location = Vector((turn @ (eye - [0.0, 0.0, region.view_distance])).tolist())
    space.clip_end = max(space.clip_end, 10.0 * (eye[2] - float(seen[:, 2].min())))


def look_from(space: Any, pane: Pane, camera: Camera, eye: Any) -> None:
    """Shows in the viewport, whose size is `pane`, all that the camera object `eye` of a photo sees.

    The viewport's middle is the lens axis of the photo, which may be beside its centre. A panorama is seen ahead, with
    the viewport's own lens.
    """
    region = space.region_3d
    if not camera.is_panorama:
        across = max(camera.cx, camera.width - camera.cx) / camera.fx
        down = max(camera.cy, camera.height - camera.cy) / camera.fy
        _set_lens(space, Pane(pane.width, pane.height), (across, down))
    region.view_perspective = "PERSP"
    turn = eye.matrix_world.to_quaternion()
    region.view_rotation = turn
    # The viewpoint is behind the location by the distance.
    region.view_location = eye.matrix_world.translation + turn @ Vector((0.0, 0.0, -region.view_distance))
    space.clip_start = min(space.clip_start, eye.data.clip_start)
    space.clip_end = max(space.clip_end, eye.data.clip_end)


def _set_lens(space: Any, pane: Pane, wanted: tuple[float, float]) -> tuple[tuple[float, float], float]:
    """Gives the viewport the longest lens that shows `wanted`: half the width and height of a picture at distance 1.

    Returns those that the uncovered part of the viewport shows, and the angle of its middle to the right of the
    viewport's, in radians.
    """
    shortest, longest = _LENSES
    low, high = (math.log(0.5 * _SENSOR / lens) for lens in (longest, shortest))
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        shown, _ = _shown(pane, math.exp(middle))
        enough = all(one >= other for one, other in zip(shown, wanted, strict=True))
        low, high = (low, middle) if enough else (middle, high)
    space.lens = min(max(0.5 * _SENSOR / math.exp(high), shortest), longest)
    return _shown(pane, 0.5 * _SENSOR / space.lens)


def _shown(pane: Pane, reach: float) -> tuple[tuple[float, float], float]:
    """Returns what `_set_lens` does, for a viewport whose longer side shows `reach` to both sides at distance 1."""
    across, down = (share * reach for share in pane.shares)
    first, last = (math.atan(side * across) for side in pane.uncovered)
    aside = 0.5 * (first + last)
    wide = math.tan(0.5 * (last - first))
    # Beside the middle of a viewport everything is shown larger.
    return (wide, down * (math.cos(aside) - wide * abs(math.sin(aside)))), aside


def set_background(shading: Any, result: Reconstruction) -> None:
    """Gives solid shading with the theme's background one that goes with the photo."""
    if shading.type == "SOLID" and shading.background_type == "THEME":
        color = backdrop.backdrop(result.mesh).astype(np.float64)
        linear = np.where(color <= _LINEAR_BELOW, color / 12.92, ((color + 0.055) / 1.055) ** 2.4)
        shading.background_type = "VIEWPORT"
        shading.background_color = linear.tolist()
