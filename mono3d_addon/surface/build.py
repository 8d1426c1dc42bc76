# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps from grid to surface: clean the point cloud, reconstruct, simplify, smooth and colour."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ..core.arrays import Bytes
from ..core.camera.camera import Camera
from ..core.mesh.adaptive import adaptive_triangles
from ..core.mesh.footprint import cell_size
from ..core.mesh.grid import Grid
from ..core.mesh.mesh import Mesh, PointCloud
from ..core.mesh.normals import vertex_normals
from ..core.mesh.raster import cover
from ..core.stages import Progress
from ..errors import Mono3DError
from ..settings import Settings
from .cloud import clean_cloud, picture_space
from .colors import sample
from .meshing import OrientedPoints, Surface, ball_pivoting, crop, drop_small_pieces, front_facing, poisson
from .picture_space import PictureSpace
from .simplify import can_decimate, decimate, smooth

_SHARE = 0.1
"""Default number of triangles of an adaptive mesh, as a fraction of the grid's."""

_AHEAD = 1.5
"""Number of triangles before decimation, relative to the budget. More lower the mean error but raise the largest."""


_SAME_DEPTH = 0.05
"""Relative difference of depth within which a surface shows a point of the grid."""


def surface_mesh(
    grid: Grid, camera: Camera, pixels: Bytes, settings: Settings, progress: Progress, *, keep_rims: bool = False
) -> tuple[Mesh, PointCloud]:
    """Returns the Poisson or ball pivoting surface, by `settings.surface`, and the point cloud it is made from.

    grid    all points of the depth map, with normals, colours and the triangles that are not torn
    pixels  the upright photo, uint8 (height, width, 3), sRGB

    `keep_rims` uses the points beside tears too, which a network's depth map shows in wrong places.
    Both results are in the camera frame, metres. Every triangle faces the camera, every vertex is inside the photo.
    All lengths in the settings are in footprints (the size of a grid cell at a point's own distance).
    Raises Mono3DError if the surface is empty or Open3D is missing.
    """
    cloud = clean_cloud(
        grid, camera, settings, lambda stage, fraction: progress(stage, 0.2 * fraction), keep_rims=keep_rims
    )
    space = picture_space(grid, camera)
    normals = space.normals_to_picture(cloud.points, cloud.normals)
    points = OrientedPoints(space.points_to_picture(cloud.points), normals)
    progress("Building the surface", 0.2)
    if settings.surface == "ball_pivoting":
        surface = ball_pivoting(points)
    else:
        surface = poisson(points, settings.poisson_depth, settings.trim_density, settings.trim_distance)
    progress("Trimming the surface", 0.7)
    surface = drop_small_pieces(front_facing(crop(surface, *space.bounds())), settings.min_island / 100)
    if len(surface.triangles) == 0:
        raise Mono3DError("The surface came out empty; raise Trim far, lower Point spacing or use the grid surface.")
    mesh = _finish(surface, space, pixels, settings, lambda stage, fraction: progress(stage, 0.8 + 0.2 * fraction))
    return mesh, cloud


def left_out(mesh: Mesh, grid: Grid, shape: tuple[int, ...], camera: Camera) -> float:
    """Returns the share of the grid's connected points, 0..1, at which a mesh of the same camera has no surface.

    `shape` is (rows, columns) of the depth map.
    """
    rows, columns = shape
    uv = mesh.uv.astype(np.float64)
    positions = np.stack([uv[:, 0] * columns, (1.0 - uv[:, 1]) * rows], axis=1)
    inverse = 1.0 / mesh.vertices[:, 2].astype(np.float64)
    depth = grid.points[:, 2]
    shown = np.zeros(rows * columns, bool)
    for part in cover(positions, mesh.triangles, rows, columns):
        there = np.einsum("ij,ij->i", inverse[mesh.triangles[part.triangle]], part.weights)
        shown[part.cell[np.abs(there * depth[part.cell] - 1.0) < _SAME_DEPTH]] = True
    connected = grid.connected
    return float((connected & ~shown).sum() / max(int(connected.sum()), 1))


@dataclass(frozen=True)
class AdaptiveMesh:
    """An adaptive mesh and its depth error relative to the grid, `|z mesh / z grid - 1|`."""

    mesh: Mesh
    largest_error: float
    mean_error: float


def adaptive_mesh(
    grid: Grid, shape: tuple[int, ...], camera: Camera, pixels: Bytes, settings: Settings, progress: Progress
) -> AdaptiveMesh:
    """Returns an adaptive mesh of `grid` with about `settings.target_triangles` triangles.

    `shape` is (rows, columns) of the depth map. A target of 0 means a tenth of the grid's triangles, or more if the
    boundaries need them.
    First, an adaptive triangulation with a bounded error and 1.5 times the budget is built. Then quadric decimation
    removes the least important triangles, in image coordinates with the inverse depth as third axis, where planes
    remain planes. The first step bounds the largest error, the second lowers the mean. Boundaries keep all their points
    if the budget allows it. Errors are measured at every point of the grid. Without fast-simplification there is the
    first step only, with the whole budget.
    Raises Mono3DError if there are no triangles.
    """
    if len(grid.triangles) == 0:
        raise Mono3DError("No triangles are left for the surface; raise Tear or lower Smallest island.")
    rows, columns = shape
    target = settings.target_triangles or math.ceil(_SHARE * len(grid.triangles))
    progress("Finding flat parts", 0.0)
    is_reduced = can_decimate()
    triangles = adaptive_triangles(grid, rows, columns, int(_AHEAD * target) if is_reduced else target)
    space = picture_space(grid, camera)
    surface = Surface(space.points_to_picture(grid.points), triangles).only(np.ones(len(triangles), bool))
    if is_reduced:
        progress("Reducing triangles", 0.4)
        whole = Surface(space.to_inverse(surface.positions), surface.triangles)
        reduced = decimate(whole, target, keep_rims=not settings.target_triangles)
        surface = front_facing(crop(Surface(space.from_inverse(reduced.positions), reduced.triangles), *space.bounds()))
    progress("Measuring the error", 0.7)
    largest, mean = _errors(surface, space, grid, rows, columns)
    return AdaptiveMesh(
        _paint(surface, space, pixels, settings, lambda stage, fraction: progress(stage, 0.8 + 0.2 * fraction)),
        largest,
        mean,
    )


def _errors(surface: Surface, space: PictureSpace, grid: Grid, rows: int, columns: int) -> tuple[float, float]:
    """Returns the largest and the mean relative depth error at the points of `grid` that `surface` covers."""
    scale = np.array([columns, rows]) * space.cell / (space.camera.width, space.camera.height)
    positions = (surface.positions[:, :2] - space.bounds()[0]) * scale
    inverse = np.exp(-surface.positions[:, 2] / space.focal) / space.reference
    depth = np.where(grid.connected, grid.points[:, 2], np.nan)
    largest, total, count = 0.0, 0.0, 0
    for part in cover(positions, surface.triangles, rows, columns):
        guess = np.einsum("ij,ij->i", inverse[surface.triangles[part.triangle]], part.weights)
        error = np.abs(1.0 / (guess * depth[part.cell]) - 1.0)
        error = error[np.isfinite(error)]
        largest = max(largest, float(error.max(initial=0.0)))
        total, count = total + float(error.sum()), count + len(error)
    return largest, total / max(count, 1)


def refine(mesh: Mesh, camera: Camera, pixels: Bytes, settings: Settings, progress: Progress) -> Mesh:
    """Returns `mesh`, such as the grid mesh, decimated and smoothed by `settings`; unchanged if they ask for neither.

    Texture coordinates, colours (from `pixels`, uint8 (height, width, 3), sRGB) and normals are recomputed. Quads are
    kept unless the mesh is decimated. Raises Mono3DError if a package is missing.
    """
    count = len(mesh.triangles)
    fewer = 0 < settings.target_triangles < count
    if count == 0 or not (fewer or settings.smooth > 0):
        return mesh
    reference = float(np.median(mesh.vertices[:, 2]))
    space = PictureSpace(camera, cell_size(len(mesh.vertices), camera), reference)
    surface = Surface(space.points_to_picture(mesh.vertices), np.asarray(mesh.triangles, np.int32))
    done = _finish(surface, space, pixels, settings, progress)
    return done if fewer else replace(done, quads=mesh.quads)


def _finish(surface: Surface, space: PictureSpace, pixels: Bytes, settings: Settings, progress: Progress) -> Mesh:
    progress("Reducing triangles", 0.0)
    reduced = decimate(surface, settings.target_triangles)
    if reduced is not surface:
        reduced = front_facing(crop(reduced, *space.bounds()))
    return _paint(reduced, space, pixels, settings, lambda stage, fraction: progress(stage, 0.7 + 0.3 * fraction))


def _paint(surface: Surface, space: PictureSpace, pixels: Bytes, settings: Settings, progress: Progress) -> Mesh:
    progress("Smoothing", 0.0)
    smoothed = smooth(surface, settings.smooth)
    progress("Colouring", 0.7)
    vertices = space.points_to_camera(smoothed.positions)
    # Rounding to float32 may move a vertex slightly outside the photo.
    uv = np.clip(space.camera.uv(vertices), np.float32(0), np.float32(1))
    mesh = Mesh(vertices, smoothed.triangles, uv, sample(pixels, uv), vertex_normals(vertices, smoothed.triangles))
    progress("Colouring", 1.0)
    return mesh
