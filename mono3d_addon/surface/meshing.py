# SPDX-License-Identifier: GPL-3.0-or-later
"""Surface reconstruction from oriented points: screened Poisson and ball pivoting.

All coordinates are in picture space (see `picture_space`): one unit is one cell of the depth map, and the camera looks
along +w.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.arrays import Ints, marked
from ..core.mesh.islands import component_labels
from . import open3d_library
from .picture_space import Doubles, stretch

_BALL_RADII = (1.0, 2.0, 4.0, 8.0)
"""Radii relative to the point spacing: from frontal surfaces to surfaces at a grazing angle."""

_SHIFT = 0.01

_MARGIN = 1.5
"""Size of the octree relative to the extent of the points. At the default detail and depth its finest cell is 1.5 times
the point spacing. Smaller cells take much longer and add no detail."""


@dataclass(frozen=True)
class OrientedPoints:
    """Points of a surface: `positions` and unit `normals` (w < 0: towards the camera), float64 (n, 3)."""

    positions: Doubles
    normals: Doubles

    @property
    def are_spread(self) -> bool:
        """Whether there are at least three points, not all at the same position."""
        return len(self.positions) >= 3 and bool(np.ptp(self.positions, axis=0).any())


@dataclass(frozen=True)
class Surface:
    """A bare triangle mesh: `positions` float64 (n, 3), `triangles` int32 (m, 3), counter-clockwise from the camera."""

    positions: Doubles
    triangles: Ints

    def only(self, kept: NDArray[np.bool_]) -> Surface:
        """Returns the surface of the triangles that are `kept`, bool (m,), without unused vertices."""
        triangles = self.triangles[kept]
        used = marked(triangles, len(self.positions))
        number = np.cumsum(used, dtype=np.int32) - 1
        return Surface(self.positions[used], number[triangles])


def poisson(points: OrientedPoints, depth: int, trim_density: float, trim_distance: float) -> Surface:
    """Returns the screened Poisson surface (Kazhdan and Hoppe 2013), trimmed to where points support it.

    depth          depth of the octree; the finest cell is 1.5 / 2^depth of the extent of the points
    trim_density   percentage of vertices, those of lowest density, that are removed
    trim_distance  largest distance from the nearest point in cells, 0 for no limit. The limit is at least the octree's
                   finest cell, because the surface cannot follow the points more closely. It is up to 5 times larger on
                   surfaces at a grazing angle, where points are far apart along the view (see `stretch`).

    Poisson extracts a level set, at the mean of the function at all points, which may be some hundredths of a cell in
    front of or behind the points. The vertices are moved along the normals by the median of that distance.
    Returns an empty surface for too few points, for which Open3D would crash.
    """
    if not points.are_spread:
        return Surface(points.positions, np.empty((0, 3), np.int32))
    open3d = open3d_library.load()
    mesh, density = open3d.geometry.TriangleMesh.create_from_point_cloud_poisson(
        _cloud(open3d, points), depth=depth, scale=_MARGIN
    )
    surface = _surface(mesh)
    support = np.asarray(density)
    if len(support) == 0:
        return surface
    kept = np.ones(len(support), bool)
    if trim_density > 0:
        kept = support >= np.quantile(support, trim_density / 100)
    nearest, distance = nearest_points(surface.positions, points)
    if trim_distance > 0:
        finest = float(np.ptp(points.positions, axis=0).max()) * _MARGIN / 2**depth
        kept &= distance <= max(trim_distance, finest) * stretch(points.normals)[nearest]
    normals = points.normals[nearest]
    offset = np.einsum("ij,ij->i", surface.positions - points.positions[nearest], normals)
    if kept.any():
        surface = Surface(surface.positions - np.median(offset[kept]) * normals, surface.triangles)
    return surface.only(np.all(kept[surface.triangles], axis=1))


def ball_pivoting(points: OrientedPoints) -> Surface:
    """Returns the ball pivoting surface (Bernardini et al. 1999) with four radii.

    The points of a depth map lie on squares, whose four corners a ball touches at once; many triangles would be
    missing, depending on rounding. So the triangles are computed for points with random offsets of up to 1 % of their
    spacing, with a fixed seed, and applied to the original points.
    """
    if not points.are_spread:
        return Surface(points.positions, np.empty((0, 3), np.int32))
    open3d = open3d_library.load()
    spacing = float(np.median(np.asarray(_cloud(open3d, points).compute_nearest_neighbor_distance())))
    shift = np.random.default_rng(0).uniform(-_SHIFT * spacing, _SHIFT * spacing, points.positions.shape)
    shifted = _cloud(open3d, OrientedPoints(points.positions + shift, points.normals))
    radii = open3d.utility.DoubleVector([spacing * factor for factor in _BALL_RADII])
    mesh = open3d.geometry.TriangleMesh.create_from_point_cloud_ball_pivoting(shifted, radii)
    return Surface(points.positions, np.array(mesh.triangles, np.int32))


def nearest_points(positions: Doubles, points: OrientedPoints) -> tuple[NDArray[np.intp], Doubles]:
    """Returns the index of the nearest of the `points` to each of `positions`, float64 (n, 3), and its distance."""
    open3d = open3d_library.load()
    tensor = open3d.core.Tensor.from_numpy
    search = open3d.core.nns.NearestNeighborSearch(tensor(np.ascontiguousarray(points.positions)))
    search.knn_index()
    nearest, squared = (found.numpy()[:, 0] for found in search.knn_search(tensor(np.ascontiguousarray(positions)), 1))
    return np.asarray(nearest, np.intp), np.sqrt(squared)


def front_facing(surface: Surface) -> Surface:
    """Returns the triangles of `surface` that face the camera. Poisson surfaces also have back sides."""
    first, second, third = (surface.positions[surface.triangles[:, corner], :2] for corner in range(3))
    one, other = second - first, third - first
    return surface.only(one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0] < 0)


def crop(surface: Surface, least: NDArray[np.float64], largest: NDArray[np.float64]) -> Surface:
    """Returns `surface` cropped to the photo, from (u, v) `least` to `largest`, float64 (2,) each.

    Triangles outside are removed; in those that cross the border, vertices outside are moved onto it.
    """
    inside = np.all((surface.positions[:, :2] >= least) & (surface.positions[:, :2] <= largest), axis=1)
    rest = surface.only(np.any(inside[surface.triangles], axis=1))
    positions = rest.positions.copy()
    positions[:, :2] = np.clip(positions[:, :2], least, largest)
    return Surface(positions, rest.triangles)


def drop_small_pieces(surface: Surface, smallest: float) -> Surface:
    """Returns `surface` without the components that hold less than the fraction `smallest`, 0..1, of its triangles."""
    if len(surface.triangles) == 0 or smallest <= 0:
        return surface
    sides = np.concatenate([surface.triangles[:, :2], surface.triangles[:, 1:]]).astype(np.intp)
    piece = component_labels(sides, len(surface.positions))[surface.triangles[:, 0]]
    return surface.only(np.bincount(piece)[piece] >= smallest * len(surface.triangles))


def _surface(mesh: Any) -> Surface:
    return Surface(np.array(mesh.vertices, np.float64), np.array(mesh.triangles, np.int32))


def _cloud(open3d: Any, points: OrientedPoints) -> Any:
    cloud = open3d.geometry.PointCloud(open3d.utility.Vector3dVector(points.positions))
    cloud.normals = open3d.utility.Vector3dVector(points.normals)
    return cloud
