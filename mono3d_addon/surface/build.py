# SPDX-License-Identifier: GPL-3.0-or-later
"""The story of a surface: clean the points, put a skin over them, simplify it, and paint it with the photo."""

from __future__ import annotations

import numpy as np

from ..core.camera import Camera
from ..core.footprint import cell_size
from ..core.grid import Grid
from ..core.mesh import Bytes, Mesh, PointCloud
from ..core.normals import vertex_normals
from ..core.stages import Progress
from ..errors import Mono3DError
from ..settings import Settings
from .cloud import clean_cloud, picture_space
from .colors import sample
from .meshing import OrientedPoints, Skin, ball_pivoting, crop, drop_small_pieces, facing, poisson
from .picture_space import PictureSpace
from .simplify import decimate, smooth


def surface_mesh(
    grid: Grid, camera: Camera, pixels: Bytes, settings: Settings, progress: Progress
) -> tuple[Mesh, PointCloud]:
    """Returns the surface that `settings.surface` names, 'poisson' or 'ball_pivoting', and the points behind it.

    grid    all points of the depth map, with normals, colours and the triangles that are not torn
    pixels  the upright photo, uint8 (height, width, 3), sRGB

    Both are in the camera frame in metres. Every triangle shows its front to the camera, every vertex lies in the
    photo. All lengths in the settings are footprints, sizes of a grid cell at a point's own distance.
    Raises Mono3DError when no surface is left or Open3D is missing.
    """
    cloud = clean_cloud(grid, camera, settings, lambda stage, fraction: progress(stage, 0.2 * fraction))
    space = picture_space(grid, camera)
    points = OrientedPoints(space.points_in(cloud.points), space.normals_in(cloud.points, cloud.normals))
    progress("Building the surface", 0.2)
    if settings.surface == "ball_pivoting":
        skin = ball_pivoting(points)
    else:
        skin = poisson(points, settings.poisson_depth, settings.trim_density, settings.trim_distance)
    progress("Trimming the surface", 0.7)
    skin = drop_small_pieces(facing(crop(skin, *space.bounds())), settings.min_island / 100)
    if len(skin.triangles) == 0:
        raise Mono3DError("The surface came out empty; raise Trim far, lower Point spacing or use the grid surface.")
    return _finish(skin, space, pixels, settings, lambda stage, fraction: progress(stage, 0.8 + 0.2 * fraction)), cloud


def refine(mesh: Mesh, camera: Camera, pixels: Bytes, settings: Settings, progress: Progress) -> Mesh:
    """Returns `mesh`, such as the grid mesh, decimated and smoothed as `settings` say; the same where they do not.

    Texture coordinates, colours (from `pixels`, uint8 (height, width, 3), sRGB) and normals are made anew.
    Raises Mono3DError when Open3D is missing.
    """
    count = len(mesh.triangles)
    fewer = 0 < settings.target_triangles < count
    if count == 0 or not (fewer or settings.smooth > 0):
        return mesh
    reference = float(np.median(mesh.vertices[:, 2]))
    space = PictureSpace(camera, cell_size(len(mesh.vertices), camera), reference)
    skin = Skin(space.points_in(mesh.vertices), np.asarray(mesh.triangles, np.int32))
    return _finish(skin, space, pixels, settings, progress)


def _finish(skin: Skin, space: PictureSpace, pixels: Bytes, settings: Settings, progress: Progress) -> Mesh:
    progress("Reducing triangles", 0.0)
    reduced = decimate(skin, settings.target_triangles)
    if reduced is not skin:
        reduced = facing(crop(reduced, *space.bounds()))
    progress("Smoothing", 0.7)
    smoothed = smooth(reduced, settings.smooth)
    progress("Colouring", 0.9)
    vertices = space.points_out(smoothed.places)
    # Rounding to float32 may leave a vertex on the photo's border a hair outside.
    uv = np.clip(space.camera.uv(vertices), np.float32(0), np.float32(1))
    mesh = Mesh(vertices, smoothed.triangles, uv, sample(pixels, uv), vertex_normals(vertices, smoothed.triangles))
    progress("Colouring", 1.0)
    return mesh
