# SPDX-License-Identifier: GPL-3.0-or-later
"""The clean, evenly spaced point cloud behind a surface."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..core.arrays import Floats, Ints
from ..core.camera.camera import Camera
from ..core.mesh.footprint import cell_size
from ..core.mesh.grid import Grid
from ..core.mesh.mesh import PointCloud
from ..core.stages import Progress
from ..errors import Mono3DError
from ..settings import Settings
from . import open3d_library
from .picture_space import Doubles, PictureSpace, stretch

_BLOCK = 100_000
"""Points whose neighbours are in memory at a time."""


def picture_space(grid: Grid, camera: Camera) -> PictureSpace:
    """Returns the picture space of a grid; the median distance lies at w = 0, which keeps all figures small."""
    reference = float(np.median(grid.points[grid.connected, 2])) if len(grid.triangles) else 1.0
    return PictureSpace(camera, cell_size(len(grid.points), camera), reference)


def clean_cloud(grid: Grid, camera: Camera, settings: Settings, progress: Progress) -> PointCloud:
    """Returns the points of `grid` without the rims of its tears and without outliers, thinned to an even spacing.

    Outliers are points whose mean distance to their `outlier_neighbours` is more than `outlier_deviation` standard
    deviations above the average (Rusu et al. 2008), on surfaces seen at a grazing angle in proportion to how far
    apart their points are. Thinning takes the mean of the points in each cube of `voxel` cells; it comes first, as
    an outlier is alone in its cube and the search for neighbours takes most of the time; average and deviation are
    those of all points. Both happen in picture space (see `picture_space`), where far points are as close together
    as near ones: the spacing is `voxel` footprints at each point's own distance.
    Raises Mono3DError when nothing is left.
    """
    progress("Thinning the points", 0.0)
    rim = rim_points(grid)
    rim[rim] = ~_at_border(grid.points[rim], len(grid.points), camera)
    kept = grid.connected & ~rim
    if not kept.any():
        raise Mono3DError("No points are left for the surface; raise Tear or lower Smallest island.")
    space = picture_space(grid, camera)
    points = grid.points[kept]
    normals = space.normals_to_picture(points, grid.normals[kept])
    table = np.hstack([space.points_to_picture(points), normals, grid.colors[kept]])
    count = np.ones(len(table))
    if settings.voxel > 0:
        table, count = voxel_means(table, np.append(space.bounds()[0], -0.5 * settings.voxel), settings.voxel)
        # The mean of unit normals is shorter.
        table[:, 3:6] /= np.linalg.norm(table[:, 3:6], axis=1, keepdims=True)
    progress("Removing outliers", 0.3)
    if 0 < settings.outlier_neighbours < len(table):
        distance = mean_neighbour_distances(table[:, :3], settings.outlier_neighbours) / stretch(table[:, 3:6])
        average = np.average(distance, weights=count)
        deviation = np.sqrt(np.average((distance - average) ** 2, weights=count))
        table = table[distance <= average + settings.outlier_deviation * deviation]
    progress("Removing outliers", 1.0)
    # All rays run along +w: every normal of the grid has w < 0, and so have their means.
    positions = space.points_to_camera(table[:, :3])
    normals_out = space.normals_to_camera(positions, table[:, 3:6])
    return PointCloud(positions, normals_out, np.rint(table[:, 6:]).astype(np.uint8))


def mean_neighbour_distances(positions: Doubles, neighbours: int) -> Doubles:
    """Returns the mean distance, float64 (n,), of each of `positions`, float64 (n, 3), to its nearest `neighbours`."""
    open3d = open3d_library.load()
    search = open3d.core.nns.NearestNeighborSearch(open3d.core.Tensor.from_numpy(np.ascontiguousarray(positions)))
    search.knn_index()
    result = np.empty(len(positions))
    for start in range(0, len(positions), _BLOCK):
        block = np.ascontiguousarray(positions[start : start + _BLOCK])
        _, squared = search.knn_search(open3d.core.Tensor.from_numpy(block), neighbours + 1)
        # The first neighbour is the point itself, at distance 0.
        result[start : start + _BLOCK] = np.sqrt(squared.numpy()).sum(axis=1) / neighbours
    return result


def voxel_means(table: Doubles, origin: Doubles, voxel: float) -> tuple[Doubles, Doubles]:
    """Returns the mean row of each occupied cube of the side `voxel`, and how many rows it has, float64 (m, k), (m,).

    The first three columns of `table`, float64 (n, k), are the place; `origin`, float64 (3,), is a corner of a cube.
    Open3D's voxel grid sets its corners half a cube before the first point: with an even `voxel` every other point of
    a depth map is then exactly on a side, and rounding decides where it goes.
    """
    cube = np.floor((table[:, :3] - origin) / voxel).astype(np.int64)
    cube -= cube.min(axis=0)
    size = cube.max(axis=0) + 1
    _, which, count = np.unique(
        (cube[:, 0] * size[1] + cube[:, 1]) * size[2] + cube[:, 2], return_inverse=True, return_counts=True
    )
    sums = [np.bincount(which, column, len(count)) for column in table.T]
    return np.stack(sums, axis=1) / count[:, None], count.astype(np.float64)


def rim_points(grid: Grid) -> NDArray[np.bool_]:
    """Returns which points, bool (n,), lie on a rim of the grid's triangles.

    Around a point inside the surface, each neighbour follows another in one triangle and precedes another in the
    next: their numbers, added where they follow and taken away where they precede, cancel out. On a rim the first
    and the last neighbour remain.
    """
    triangles: Ints = grid.triangles
    balance = np.zeros(len(grid.points))
    for corner in range(3):
        following, preceding = triangles[:, (corner + 1) % 3], triangles[:, (corner + 2) % 3]
        # Differences of whole numbers this small are exact in float64, in any order.
        balance += np.bincount(triangles[:, corner], following - preceding, len(balance))
    return np.asarray(balance != 0)


def _at_border(points: Floats, count: int, camera: Camera) -> NDArray[np.bool_]:
    """Returns which `points` of a grid of `count`, bool (n,), are the photo's outermost: their rim is no tear."""
    cell = cell_size(count, camera)
    u, v = camera.project(points).T
    return np.asarray((u < cell) | (v < cell) | (u > camera.width - cell) | (v > camera.height - cell))
