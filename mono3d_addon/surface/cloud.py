# SPDX-License-Identifier: GPL-3.0-or-later
"""Cleans and downsamples the point cloud from which a surface is reconstructed."""

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
"""Points per block of the neighbour search, to limit memory."""


def picture_space(grid: Grid, camera: Camera) -> PictureSpace:
    """Returns the picture space of a grid. The median distance is at w = 0, which keeps the numbers small."""
    reference = float(np.median(grid.points[grid.connected, 2])) if len(grid.triangles) else 1.0
    return PictureSpace(camera, cell_size(len(grid.points), camera), reference)


def clean_cloud(
    grid: Grid, camera: Camera, settings: Settings, progress: Progress, *, keep_rims: bool = False
) -> PointCloud:
    """Returns the points of `grid` without outliers, downsampled to an even spacing; without the rims of tears too,
    unless `keep_rims`.

    Outliers are points whose mean distance to `outlier_neighbours` neighbours is more than `outlier_deviation` standard
    deviations above the average (Rusu et al. 2008). On surfaces at a grazing angle, distances are divided by the
    spacing of their points (see `stretch`). Voxel downsampling, with a voxel size of `voxel` cells, comes first because
    the neighbour search takes most of the time; outliers are alone in their voxels. Average and deviation are weighted
    by the number of points per voxel. Both steps work in picture space (see `picture_space`), where far points are as
    dense as near ones: the spacing is `voxel` footprints at each point's own distance.
    Raises Mono3DError if no points are left.
    """
    progress("Thinning the points", 0.0)
    rim = rim_points(grid)
    rim[rim] = ~_at_border(grid.points[rim], len(grid.points), camera)
    kept = grid.connected if keep_rims else grid.connected & ~rim
    if not kept.any():
        raise Mono3DError("No points are left for the surface; raise Tear or lower Smallest island.")
    space = picture_space(grid, camera)
    points = grid.points[kept]
    normals = space.normals_to_picture(points, grid.normals[kept])
    table = np.hstack([space.points_to_picture(points), normals, grid.colors[kept]])
    count = np.ones(len(table))
    if settings.voxel > 0:
        table, count = voxel_means(table, np.append(space.bounds()[0], -0.5 * settings.voxel), settings.voxel)
        # Means of unit normals are shorter than 1.
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
    """Returns the mean distance of each of `positions`, float64 (n, 3), to its nearest `neighbours`, float64 (n,)."""
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
    """Returns the mean row of each occupied voxel, float64 (m, k), and its number of rows, float64 (m,).

    The first three columns of `table`, float64 (n, k), are positions. `voxel` is the side of a voxel, `origin`,
    float64 (3,), one of their corners. Open3D's voxel grid starts half a voxel before the first point: with an even
    voxel size every other point of a depth map would lie exactly on a border, and rounding would decide.
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
    """Returns which points, bool (n,), are on a boundary of the grid's triangles.

    Around an interior point, each neighbour is the next corner in one triangle and the previous corner in another, so
    the sum of the next minus the previous indices is 0. On a boundary the first and the last neighbour remain.
    """
    triangles: Ints = grid.triangles
    balance = np.zeros(len(grid.points))
    for corner in range(3):
        following, preceding = triangles[:, (corner + 1) % 3], triangles[:, (corner + 2) % 3]
        # Sums of integers of this size are exact in float64.
        balance += np.bincount(triangles[:, corner], following - preceding, len(balance))
    return np.asarray(balance != 0)


def _at_border(points: Floats, count: int, camera: Camera) -> NDArray[np.bool_]:
    """Returns which `points` of a grid of `count` points are at the photo's border, which is not a tear, bool (n,)."""
    cell = cell_size(count, camera)
    u, v = camera.project(points).T
    return np.asarray((u < cell) | (v < cell) | (u > camera.width - cell) | (v > camera.height - cell))
