# SPDX-License-Identifier: GPL-3.0-or-later
"""Surfaces through oriented points, in picture space: screened Poisson and ball pivoting.

All coordinates are those of `picture_space`: one unit is one cell of the depth map, the camera looks along +w.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.arrays import Ints
from ..core.mesh.islands import component_labels
from . import open3d_library
from .picture_space import Doubles, stretch

_BALL_RADII = (1.0, 2.0, 4.0, 8.0)
"""In spacings of the points: from neighbours seen from the front to those on a grazing surface."""

_SHIFT = 0.01

_MARGIN = 1.5
"""Size of the octree over that of the points. Its finest cell is then 1.5 spacings of the points at the default detail
and depth: smaller cells cost much time and find no more between the points."""


@dataclass(frozen=True)
class OrientedPoints:
    """Points of a surface: `positions` and unit `normals` (w < 0: towards the camera), float64 (n, 3)."""

    positions: Doubles
    normals: Doubles

    @property
    def span_something(self) -> bool:
        """Whether there are three points or more, not all at one place."""
        return len(self.positions) >= 3 and bool(np.ptp(self.positions, axis=0).any())


@dataclass(frozen=True)
class Surface:
    """A bare triangle mesh: `positions` float64 (n, 3), `triangles` int32 (m, 3), counter-clockwise from the camera."""

    positions: Doubles
    triangles: Ints

    def only(self, kept: NDArray[np.bool_]) -> Surface:
        """Returns the triangles that are `kept`, bool (m,), with the vertices that they use."""
        triangles = self.triangles[kept]
        used = np.zeros(len(self.positions), bool)
        used[triangles] = True
        number = np.cumsum(used, dtype=np.int32) - 1
        return Surface(self.positions[used], number[triangles])


def poisson(points: OrientedPoints, depth: int, trim_density: float, trim_distance: float) -> Surface:
    """Returns the screened Poisson surface (Kazhdan and Hoppe 2013) where the points support it.

    depth          levels of the octree; the finest cell is 1.5 / 2^depth of the extent of the points
    trim_density   per cent of the vertices, those with the least density of points, that are cut away
    trim_distance  cells; cuts what is farther than this from every point, 0: nothing. The surface cannot follow the
                   points more closely than its octree, so at a low `depth` the octree's cell counts instead. Points
                   on surfaces seen at a grazing angle lie far apart along the view, and reach farther, up to 5 times.

    Poisson finds the surface at one value, the mean of its function at all points; that leaves it some hundredths
    of a cell before or behind them. The vertices move back along the normals by the median of that distance.
    Too few points, or all at one place, give an empty surface: Open3D would crash.
    """
    if not points.span_something:
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
    """Returns the triangles that a rolling ball touches (Bernardini et al. 1999), at four radii of the ball.

    The points of a depth map lie on squares, whose four corners a ball touches at once; which triangles it then
    leaves out depends on rounding, and it leaves out many. So the ball rolls over points shifted by 1 % of their
    spacing, the same each time, and the triangles are those of the points where they are.
    """
    if not points.span_something:
        return Surface(points.positions, np.empty((0, 3), np.int32))
    open3d = open3d_library.load()
    spacing = float(np.median(np.asarray(_cloud(open3d, points).compute_nearest_neighbor_distance())))
    shift = np.random.default_rng(0).uniform(-_SHIFT * spacing, _SHIFT * spacing, points.positions.shape)
    shifted = _cloud(open3d, OrientedPoints(points.positions + shift, points.normals))
    radii = open3d.utility.DoubleVector([spacing * factor for factor in _BALL_RADII])
    mesh = open3d.geometry.TriangleMesh.create_from_point_cloud_ball_pivoting(shifted, radii)
    return Surface(points.positions, np.array(mesh.triangles, np.int32))


def nearest_points(positions: Doubles, points: OrientedPoints) -> tuple[NDArray[np.intp], Doubles]:
    """Returns which of the `points` is nearest to each of `positions`, float64 (n, 3), and how far it is: (n,) each."""
    open3d = open3d_library.load()
    tensor = open3d.core.Tensor.from_numpy
    search = open3d.core.nns.NearestNeighborSearch(tensor(np.ascontiguousarray(points.positions)))
    search.knn_index()
    nearest, squared = (found.numpy()[:, 0] for found in search.knn_search(tensor(np.ascontiguousarray(positions)), 1))
    return np.asarray(nearest, np.intp), np.sqrt(squared)


def front_facing(surface: Surface) -> Surface:
    """Returns the triangles of `surface` whose front the camera sees; Poisson also closes the back of things."""
    first, second, third = (surface.positions[surface.triangles[:, corner], :2] for corner in range(3))
    one, other = second - first, third - first
    return surface.only(one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0] < 0)


def crop(surface: Surface, least: NDArray[np.float64], largest: NDArray[np.float64]) -> Surface:
    """Returns `surface` cut off at the borders of the photo, (u, v) float64 (2,) each.

    Triangles outside go; in those that cross a border, the vertices outside move onto it.
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


def to_open3d(open3d: Any, surface: Surface) -> Any:
    """Returns `surface` as Open3D's legacy TriangleMesh."""
    return open3d.geometry.TriangleMesh(
        open3d.utility.Vector3dVector(surface.positions), open3d.utility.Vector3iVector(surface.triangles)
    )


def _surface(mesh: Any) -> Surface:
    return Surface(np.array(mesh.vertices, np.float64), np.array(mesh.triangles, np.int32))


def _cloud(open3d: Any, points: OrientedPoints) -> Any:
    cloud = open3d.geometry.PointCloud(open3d.utility.Vector3dVector(points.positions))
    cloud.normals = open3d.utility.Vector3dVector(points.normals)
    return cloud
