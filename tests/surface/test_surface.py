# SPDX-License-Identifier: GPL-3.0-or-later
"""Point clouds and surfaces from a grid with exact depth."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from mono3d_addon.core.camera.camera import Camera
from mono3d_addon.core.mesh.grid import Grid
from mono3d_addon.core.mesh.grid_cells import with_quads
from mono3d_addon.core.mesh.manifold import separate_fans
from mono3d_addon.core.mesh.mesh import Mesh
from mono3d_addon.errors import Mono3DError
from mono3d_addon.settings import Settings
from mono3d_addon.surface import open3d_library
from mono3d_addon.surface.build import adaptive_mesh, left_out, refine, surface_mesh
from mono3d_addon.surface.cloud import clean_cloud, picture_space, rim_points
from mono3d_addon.surface.meshing import (
    OrientedPoints,
    Surface,
    crop,
    drop_small_pieces,
    front_facing,
    nearest_points,
    poisson,
)
from mono3d_addon.surface.simplify import without_foldovers
from tests.surface import results

pytest.importorskip("fast_simplification")
pytestmark = pytest.mark.open3d

COARSE = Settings(surface="poisson", poisson_depth=7, voxel=1.0, detail=160)


@pytest.fixture(scope="module", autouse=True)
def open3d() -> Iterator[None]:
    try:
        open3d_library.load()
    except Mono3DError as error:
        pytest.skip(str(error))
    yield


@pytest.fixture(scope="module")
def camera() -> Camera:
    return results.view()


@pytest.fixture(scope="module")
def grid(camera: Camera) -> Grid:
    return results.grid(camera)


@pytest.fixture(scope="module", name="poisson")
def poisson_mesh(grid: Grid, camera: Camera) -> Mesh:
    return surface_mesh(grid, camera, results.picture(camera), COARSE, results.quiet)[0]


def check_invariants(mesh: Mesh, camera: Camera) -> None:
    """Faces the camera, is inside the photo, is textured by projection and has the correct types."""
    assert [mesh.vertices.dtype, mesh.uv.dtype, mesh.normals.dtype] == [np.float32] * 3
    assert [str(mesh.triangles.dtype), str(mesh.colors.dtype)] == ["int32", "uint8"]
    assert len(np.unique(mesh.triangles)) == len(mesh.vertices)
    assert (mesh.vertices[:, 2] > 0).all()
    corners = mesh.vertices[mesh.triangles].astype(np.float64)
    area = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    size = np.linalg.norm(area, axis=1)
    front_facing = -(area * corners.mean(axis=1)).sum(axis=1)
    assert (front_facing >= -1e-4 * size).all()
    assert (front_facing > 0).mean() > 0.999
    assert mesh.uv.min() >= 0
    assert mesh.uv.max() <= 1
    np.testing.assert_allclose(mesh.uv, camera.uv(mesh.vertices), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-5)
    column, row = mesh.uv[:, 0] * camera.width - 0.5, (1 - mesh.uv[:, 1]) * camera.height - 0.5
    inner = (column > 0) & (row > 0) & (column < camera.width - 1) & (row < camera.height - 1)
    expected = np.stack([column * 255 / camera.width, row * 255 / camera.height], axis=1)
    assert np.abs(mesh.colors[inner, :2] - expected[inner]).max() <= 2


def test_poisson_lies_within_one_per_cent_of_the_truth(poisson: Mesh, camera: Camera) -> None:
    found = results.error(poisson.vertices)
    assert np.quantile(found, 0.99) < 0.01
    assert np.median(found) < 0.001
    check_invariants(poisson, camera)


def test_poisson_covers_the_photo_and_bridges_no_tear(poisson: Mesh, camera: Camera) -> None:
    corners = poisson.uv[poisson.triangles] * [camera.width, camera.height]
    one, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = (one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]).sum() / 2
    # Behind a silhouette, the wall continues up to the trim distance of a few cells.
    assert 0.95 < area / (camera.width * camera.height) < 1.04
    depth = poisson.vertices[poisson.triangles][..., 2]
    assert (depth.max(axis=1) / depth.min(axis=1)).max() < 1.25


def test_without_trimming_the_bridges_are_there(poisson: Mesh, grid: Grid, camera: Camera) -> None:
    """Without trimming, the surface has vertices far from all points."""
    untrimmed = replace(COARSE, trim_distance=0.0, trim_density=0.0)
    mesh, _ = surface_mesh(grid, camera, results.picture(camera), untrimmed, results.quiet)
    assert (results.error(mesh.vertices) > 0.03).sum() > 2 * (results.error(poisson.vertices) > 0.03).sum()


@pytest.mark.parametrize("octree", [6, 7])
def test_the_poisson_surface_is_neither_before_nor_behind_its_points(grid: Grid, camera: Camera, octree: int) -> None:
    cloud = clean_cloud(grid, camera, Settings(), results.quiet)
    space = picture_space(grid, camera)
    normals = space.normals_to_picture(cloud.points, cloud.normals)
    points = OrientedPoints(space.points_to_picture(cloud.points), normals)
    positions = poisson(points, octree, 2.0, 3.0).positions
    nearest, distance = nearest_points(positions, points)
    assert distance.max() <= 5 * 5
    away = ((positions - points.positions[nearest]) * points.normals[nearest]).sum(axis=1)
    assert abs(np.median(away)) < 0.003


def test_ball_pivoting_faces_the_camera_and_is_exact(grid: Grid, camera: Camera) -> None:
    settings = Settings(surface="ball_pivoting", detail=160)
    mesh, cloud = surface_mesh(grid, camera, results.picture(camera), settings, results.quiet)
    check_invariants(mesh, camera)
    assert results.error(mesh.vertices).max() < 0.01
    assert len(mesh.triangles) > 1.8 * len(cloud.points)


@pytest.mark.parametrize("scale", [0.001, 1000.0])
@pytest.mark.parametrize("surface", ["poisson", "ball_pivoting"])
def test_the_size_of_the_scene_does_not_matter(camera: Camera, scale: float, surface: str) -> None:
    settings = replace(COARSE, surface=surface, poisson_depth=6, voxel=2.0)
    picture = results.picture(camera)
    plain, points = surface_mesh(results.grid(camera), camera, picture, settings, results.quiet)
    scaled, scaled_points = surface_mesh(results.grid(camera, scale), camera, picture, settings, results.quiet)
    assert len(scaled_points.points) == pytest.approx(len(points.points), rel=0.01)
    assert len(scaled.triangles) == pytest.approx(len(plain.triangles), rel=0.02)
    limits = [0.5, 0.9, 0.99]
    np.testing.assert_allclose(
        np.quantile(results.error(scaled.vertices, scale), limits),
        np.quantile(results.error(plain.vertices), limits),
        rtol=0.2,
        atol=1e-5,
    )
    size = np.ptp(plain.vertices, axis=0)
    np.testing.assert_allclose(np.ptp(scaled.vertices, axis=0) / scale, size, rtol=0.01)


def test_outliers_go_and_the_rest_stays(grid: Grid, camera: Camera) -> None:
    random = np.random.default_rng(3)
    inside = np.flatnonzero(grid.connected & ~rim_points(grid))
    wild = random.choice(inside, 60, replace=False)
    points = grid.points.copy()
    points[wild] *= random.uniform(0.3, 0.6, (60, 1)).astype(np.float32)
    spoilt = replace(grid, points=points)
    settings = Settings(voxel=0.0)
    kept = clean_cloud(spoilt, camera, settings, results.quiet)
    assert (results.error(kept.points) > 0.02).sum() <= 3
    assert len(kept.points) > 0.9 * len(inside)
    spoilt_cloud = clean_cloud(spoilt, camera, replace(settings, outlier_neighbours=0), results.quiet)
    assert (results.error(spoilt_cloud.points) > 0.02).sum() >= 55
    thinned = clean_cloud(spoilt, camera, Settings(voxel=2.0), results.quiet)
    assert (results.error(thinned.points) > 0.02).sum() <= 3
    assert len(thinned.points) > 0.2 * len(inside)


def test_a_floor_seen_at_a_grazing_angle_is_no_outlier(grid: Grid, camera: Camera) -> None:
    inside = grid.points[grid.connected & ~rim_points(grid)]
    cloud = clean_cloud(grid, camera, Settings(voxel=0.0), results.quiet)
    floor, kept = (np.abs(points[:, 1] - results.FLOOR) < 1e-3 for points in (inside, cloud.points))
    assert kept.sum() > 0.97 * floor.sum()


def test_the_cloud_is_thinned_evenly_near_and_far(grid: Grid, camera: Camera) -> None:
    settings = Settings(voxel=3.0, outlier_neighbours=0)
    cloud = clean_cloud(grid, camera, settings, results.quiet)
    on_ball = np.abs(np.linalg.norm(cloud.points - results.BALL, axis=1) - results.RADIUS) < 0.005
    on_wall = np.abs(cloud.points[:, 2] - results.WALL) < 0.005
    pixels = camera.project(cloud.points)
    centre = camera.project(results.BALL[None].astype(np.float32))[0]
    middle = np.linalg.norm(pixels - centre, axis=1) < 15
    near = (on_ball & middle).sum() / (np.pi * 15**2)
    wall_pixels = np.isclose(results.room(camera), results.WALL).sum()
    far = on_wall.sum() / wall_pixels
    assert far == pytest.approx(1 / 9, rel=0.2)
    assert near == pytest.approx(far, rel=0.45)


def test_normals_and_colours_of_the_cloud_are_those_of_the_scene(grid: Grid, camera: Camera) -> None:
    cloud = clean_cloud(grid, camera, Settings(voxel=2.0), results.quiet)
    assert ((cloud.normals * cloud.points).sum(axis=1) < 0).all()
    wall = np.abs(cloud.points[:, 2] - results.WALL) < 1e-3
    assert np.quantile(cloud.normals[wall, 2], 0.9) < -0.999
    pixels = camera.project(cloud.points)
    assert np.abs(cloud.colors[:, 0] - (pixels[:, 0] - 0.5) * 255 / camera.width).max() < 3


def test_the_rim_is_where_the_mesh_is_torn(camera: Camera) -> None:
    whole = results.grid(camera, tear=0.0)
    rim = rim_points(whole).reshape(camera.height, camera.width)
    assert not rim[1:-1, 1:-1].any()
    assert rim[0].all()
    torn = results.grid(camera)
    assert rim_points(torn).reshape(camera.height, camera.width)[1:-1, 1:-1].any()


def test_a_triangle_that_lies_on_its_neighbour_is_turned_back() -> None:
    positions = np.array([[0, 0, 0], [4, 0, 0], [2, 3, 0], [2, 1, 5]], np.float64)
    surface = without_foldovers(Surface(positions, np.array([[0, 1, 3], [0, 2, 1]], np.int32)))
    assert {frozenset(one) for one in surface.triangles.tolist()} == {frozenset({0, 2, 3}), frozenset({1, 2, 3})}
    assert len(front_facing(surface).triangles) == 2


@pytest.mark.parametrize("seed", range(20))
def test_turning_triangles_back_puts_no_third_on_an_edge(seed: int) -> None:
    random = np.random.default_rng(seed)
    row, column = np.mgrid[:7, :7]
    positions = np.stack([column.ravel(), row.ravel(), random.uniform(1, 2, 49)], axis=1)
    positions[:, :2] += random.uniform(-0.9, 0.9, (49, 2))
    corner = (row[:-1, :-1] * 7 + column[:-1, :-1]).reshape(-1, 1)
    triangles = np.concatenate([corner + np.array(half) for half in ((0, 7, 1), (1, 7, 8))]).astype(np.int32)
    turned = without_foldovers(Surface(positions, triangles)).triangles
    edges = Counter(frozenset((int(one[k]), int(one[k - 1]))) for one in turned for k in range(3))
    assert max(edges.values()) <= 2
    assert all(len(edge) == 2 for edge in edges)


def test_decimation_reaches_its_target_and_keeps_the_outline(grid: Grid, camera: Camera) -> None:
    full = grid.mesh(camera)
    small = refine(full, camera, results.picture(camera), Settings(target_triangles=5000), results.quiet)
    assert len(small.triangles) == pytest.approx(5000, rel=0.06)
    check_invariants(small, camera)
    assert results.error(small.vertices).max() < 0.005

    def covered(mesh: Mesh) -> float:
        corners = mesh.uv[mesh.triangles].astype(np.float64)
        one, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
        return float((one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]).sum() / 2)

    assert covered(small) == pytest.approx(covered(full), abs=1e-4)
    tiny = refine(full, camera, results.picture(camera), Settings(target_triangles=300), results.quiet)
    assert len(tiny.triangles) < 700


def test_an_adaptive_mesh_is_no_worse_than_decimation_and_tells_its_error(grid: Grid, camera: Camera) -> None:
    picture = results.picture(camera)
    made = adaptive_mesh(grid, (camera.height, camera.width), camera, picture, Settings(), results.quiet)
    count = len(made.mesh.triangles)
    assert 0.09 * len(grid.triangles) < count <= 0.105 * len(grid.triangles)
    check_invariants(made.mesh, camera)
    assert made.largest_error < 0.005
    assert made.mean_error < 0.0005
    plain = refine(grid.mesh(camera), camera, picture, Settings(target_triangles=count), results.quiet)
    assert made.largest_error < depth_error(plain, grid, camera).max()
    found = depth_error(made.mesh, grid, camera)
    assert found.max() == pytest.approx(made.largest_error, rel=0.01)
    assert found.mean() == pytest.approx(made.mean_error, rel=0.2)


def depth_error(mesh: Mesh, grid: Grid, camera: Camera) -> np.ndarray:
    """Returns the depth errors along the rays through the grid's points, cast by Open3D."""
    open3d = open3d_library.load()
    scene = open3d.t.geometry.RaycastingScene()
    scene.add_triangles(np.asarray(mesh.vertices, np.float32), np.asarray(mesh.triangles, np.uint32))
    points = grid.points[grid.connected]
    rays = np.hstack([np.zeros_like(points), points]).astype(np.float32)
    hit = scene.cast_rays(open3d.core.Tensor(rays))["t_hit"].numpy()
    # At the boundary a ray may miss the surface by rounding.
    assert np.isfinite(hit).mean() > 0.97
    return np.abs(hit[np.isfinite(hit)] - 1)


def test_an_adaptive_mesh_needs_no_package(grid: Grid, camera: Camera, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("open3d", "fast_simplification"):
        monkeypatch.setitem(sys.modules, name, None)
    picture = results.picture(camera)
    made = adaptive_mesh(grid, (camera.height, camera.width), camera, picture, Settings(smooth=2), results.quiet)
    # In so small a picture the cells at its tears alone are more than a tenth.
    assert 0.05 * len(grid.triangles) < len(made.mesh.triangles) <= 0.15 * len(grid.triangles)
    check_invariants(made.mesh, camera)
    assert made.largest_error < 0.005 and made.mean_error < 0.001
    with pytest.raises(Mono3DError, match="Surfaces with fewer triangles need the package fast-simplification"):
        refine(grid.mesh(camera), camera, picture, Settings(target_triangles=500), results.quiet)


def test_the_silhouette_of_an_adaptive_mesh_is_that_of_the_grid(grid: Grid, camera: Camera) -> None:
    full = grid.mesh(camera)
    picture = results.picture(camera)
    made = adaptive_mesh(grid, (camera.height, camera.width), camera, picture, Settings(), results.quiet).mesh
    few = refine(full, camera, picture, Settings(target_triangles=len(made.triangles)), results.quiet)
    for mesh in (made, few):
        one, other = (points_on_rim(some, camera) for some in (mesh, full))
        away = np.linalg.norm(one[:, None] - other[None], axis=2)
        assert away.min(axis=1).max() < 1.0
        assert away.min(axis=0).max() < 1.0


def points_on_rim(mesh: Mesh, camera: Camera) -> np.ndarray:
    """Returns points along the open edges, in pixels, at most a quarter pixel apart."""
    edges = separate_fans(mesh.triangles, len(mesh.vertices))
    ends = camera.project(mesh.vertices)[edges.source[edges.rim]]
    count = int(np.ceil(4 * np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1).max())) + 1
    share = np.linspace(0, 1, count)[None, :, None]
    points = (ends[:, None, 0] * (1 - share) + ends[:, None, 1] * share).reshape(-1, 2)
    return np.unique(np.round(points * 4) / 4, axis=0)


def test_budgets_that_the_rims_alone_exceed_are_met_all_the_same(grid: Grid, camera: Camera) -> None:
    settings = Settings(target_triangles=300)
    made = adaptive_mesh(grid, (camera.height, camera.width), camera, results.picture(camera), settings, results.quiet)
    assert len(made.mesh.triangles) < 700
    assert made.largest_error > 0.005


def test_smoothing_keeps_quads(grid: Grid, camera: Camera) -> None:
    mesh = with_quads(grid.mesh(camera), grid, camera.width)
    smooth = refine(mesh, camera, results.picture(camera), Settings(smooth=2), results.quiet)
    np.testing.assert_array_equal(smooth.quads, mesh.quads)
    np.testing.assert_array_equal(smooth.triangles, mesh.triangles)
    fewer = refine(mesh, camera, results.picture(camera), Settings(target_triangles=4000), results.quiet)
    assert len(fewer.quads) == 0


def test_smoothing_removes_noise_without_moving_the_picture(camera: Camera) -> None:
    plain = results.grid(camera)
    noise = 1 + 0.002 * np.random.default_rng(5).standard_normal((len(plain.points), 1)).astype(np.float32)
    noisy = replace(plain, points=plain.points * noise).mesh(camera)
    exact = plain.mesh(camera).vertices
    smooth = refine(noisy, camera, results.picture(camera), Settings(smooth=10), results.quiet)
    np.testing.assert_allclose(smooth.uv, noisy.uv, atol=1e-5)
    wall = np.isclose(exact[:, 2], results.WALL) & (exact[:, 1] < -0.9)
    before, after = (np.std(mesh.vertices[wall, 2]) for mesh in (noisy, smooth))
    assert after < 0.5 * before
    assert smooth.vertices[wall, 2].mean() == pytest.approx(results.WALL, rel=1e-3)


def test_a_mesh_that_needs_nothing_stays_the_same(grid: Grid, camera: Camera) -> None:
    mesh = grid.mesh(camera)
    assert refine(mesh, camera, results.picture(camera), Settings(target_triangles=10**7), results.quiet) is mesh


def test_small_pieces_go_and_the_border_cuts_straight() -> None:
    positions = np.array([[0, 0, 0], [0, 2, 0], [2, 0, 0], [2, 2, 0], [9, 9, 0], [9, 10, 0], [10, 9, 0]], np.float64)
    surface = Surface(positions, np.array([[0, 1, 2], [2, 1, 3], [4, 5, 6]], np.int32))
    assert len(drop_small_pieces(surface, 0.4).triangles) == 2
    assert len(drop_small_pieces(surface, 0.3).triangles) == 3
    cut = crop(surface, np.array([-1.0, -1.0]), np.array([1.5, 5.0]))
    assert len(cut.triangles) == 2
    assert cut.positions[:, 0].max() == 1.5


def test_a_grid_without_triangles_is_a_clear_error(grid: Grid, camera: Camera) -> None:
    empty = replace(grid, triangles=np.empty((0, 3), np.int32))
    with pytest.raises(Mono3DError, match="No points are left"):
        surface_mesh(empty, camera, results.picture(camera), COARSE, results.quiet)


def test_what_a_surface_leaves_out_is_measured(grid: Grid, camera: Camera) -> None:
    whole = grid.mesh(camera)
    shape = (camera.height, camera.width)
    assert left_out(whole, grid, shape, camera) < 1e-3
    left = whole.uv[whole.triangles][:, :, 0].max(axis=1) < 0.25
    share = (grid.points[grid.connected, 0] / grid.points[grid.connected, 2] * camera.fx + camera.cx) / camera.width
    cut = replace(whole, triangles=whole.triangles[~left])
    assert left_out(cut, grid, shape, camera) == pytest.approx(float((share < 0.25).mean()), abs=0.01)
