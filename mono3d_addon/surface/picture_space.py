# SPDX-License-Identifier: GPL-3.0-or-later
"""Picture space, in which surfaces are reconstructed: image coordinates and the logarithm of the depth.

A point `X = (x, y, z)` has the coordinates `u = fx x / z`, `v = fy y / z`, `w = f log(z / reference)`, all divided by
the size of a grid cell. An offset of `dx` across or `dz` along the view is then about `dx / footprint` or
`dz / footprint`, where the footprint `z cell / f` is the size of a grid cell *at that point*. So

- a length of 1 is one cell of the depth map, near or far and at any scale: scaling the scene only shifts w;
- voxels, outlier removal, Poisson's octree and decimation distribute their detail evenly over the picture. In metres,
  a fixed voxel size would downsample the near parts, which matter most, far / near times more than the far parts;
- all viewing rays are parallel to w: a triangle faces the camera exactly if its normal has w < 0, moving a point along
  w does not move it in the photo, and no point can get behind the camera.

The mapping preserves orientation and, near the centre of the picture, angles (it is the log-polar mapping with the
image plane in place of the sphere).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core.arrays import Floats
from ..core.camera.camera import Camera
from ..core.mesh.normals import unit

Doubles = NDArray[np.float64]


_LONGEST = 5.0


def stretch(normals: Doubles) -> Doubles:
    """Returns the point spacing relative to a frontal surface, 1 / cos of the viewing angle, 1..5, float64 (n,).

    `normals` are unit vectors in picture space, float64 (n, 3). Without this factor, distance thresholds would treat
    ground at a grazing angle as holes and outliers. The limit of 5 keeps surfaces stretched along the view detectable.
    """
    return np.minimum(1.0 / np.maximum(np.abs(normals[:, 2]), 1e-9), _LONGEST)


@dataclass(frozen=True)
class PictureSpace:
    """Converts between the camera frame (metres) and picture space (grid cells).

    cell       side of a grid cell in pixels of the photo
    reference  distance in metres that lies at w = 0
    """

    camera: Camera
    cell: float
    reference: float

    @property
    def focal(self) -> float:
        """Focal length in cells: the scale of w."""
        return math.sqrt(self.camera.fx * self.camera.fy) / self.cell

    def points_to_picture(self, points: Floats) -> Doubles:
        """Returns `points`, float32 (n, 3), camera frame, metres, in front of the camera, in cells, float64 (n, 3)."""
        x, y, z = np.asarray(points, np.float64).T
        across = self.camera.fx / self.cell * x / z
        down = self.camera.fy / self.cell * y / z
        return np.stack([across, down, self.focal * np.log(z / self.reference)], axis=1)

    def points_to_camera(self, positions: Doubles) -> Floats:
        """Returns `positions`, float64 (n, 3) in cells, in the camera frame, metres, float32 (n, 3)."""
        u, v, w = positions.T
        z = self.reference * np.exp(w / self.focal)
        x, y = u * z * (self.cell / self.camera.fx), v * z * (self.cell / self.camera.fy)
        return np.stack([x, y, z], axis=1).astype(np.float32)

    def to_inverse(self, positions: Doubles) -> Doubles:
        """Returns `positions`, float64 (n, 3), with inverse depth instead of log depth as third axis.

        It is `f (1 - reference / z)`, which equals w to first order at the reference distance. Planes remain planes.
        """
        result = positions.copy()
        result[:, 2] = -self.focal * np.expm1(-positions[:, 2] / self.focal)
        return result

    def from_inverse(self, positions: Doubles) -> Doubles:
        """Returns the inverse of `to_inverse`. Points are kept in front of the camera."""
        result = positions.copy()
        result[:, 2] = -self.focal * np.log(np.maximum(1.0 - positions[:, 2] / self.focal, 1e-6))
        return result

    def normals_to_picture(self, points: Floats, normals: Floats) -> Doubles:
        """Returns unit normals in picture space, float64 (n, 3), for `normals` at `points`, both float32, camera frame.

        Normals transform by the transpose of the Jacobian of `points_to_camera`, whose columns are
        (z cell / fx, 0, 0), (0, z cell / fy, 0) and X / f; the common factor z cancels.
        """
        place = np.asarray(points, np.float64)
        normal = np.asarray(normals, np.float64)
        across = normal[:, 0] * (self.cell / self.camera.fx)
        down = normal[:, 1] * (self.cell / self.camera.fy)
        along = np.einsum("ij,ij->i", normal, place) / (place[:, 2] * self.focal)
        result = np.stack([across, down, along], axis=1)
        result /= np.linalg.norm(result, axis=1, keepdims=True)
        return np.asarray(result, np.float64)

    def normals_to_camera(self, points: Floats, normals: Doubles) -> Floats:
        """Returns unit normals in the camera frame, float32 (n, 3), the inverse of `normals_to_picture`."""
        ray = np.asarray(points, np.float64) / np.asarray(points[:, 2:], np.float64)
        x = normals[:, 0] * (self.camera.fx / self.cell)
        y = normals[:, 1] * (self.camera.fy / self.cell)
        z = normals[:, 2] * self.focal - x * ray[:, 0] - y * ray[:, 1]
        return unit(np.stack([x, y, z], axis=1).astype(np.float32))

    def bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns the smallest and the largest (u, v) of the photo, in cells, float64 (2,) each."""
        camera = self.camera
        least = np.array([-camera.cx, -camera.cy]) / self.cell
        largest = np.array([camera.width - camera.cx, camera.height - camera.cy]) / self.cell
        return least, largest
