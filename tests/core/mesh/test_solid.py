# SPDX-License-Identifier: GPL-3.0-or-later
"""Solids are watertight for any tears, and have the requested thickness and size."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from mono3d_addon.core.arrays import Ints
from mono3d_addon.core.mesh.grid import build_grid
from mono3d_addon.core.mesh.manifold import separate_fans
from mono3d_addon.core.mesh.mesh import Mesh
from mono3d_addon.core.mesh.solid import print_scale, solid
from mono3d_addon.errors import Mono3DError
from tests.core import scenes


def torn(seed: int, rows: int, columns: int, holes: float) -> Mesh:
    """Returns a grid mesh with random holes, tears and points where components touch."""
    random = np.random.default_rng(seed)
    depth = (1.0 + random.integers(0, 3, (rows, columns)) + random.random((rows, columns)) * 0.02).astype(np.float32)
    view = scenes.camera(columns * 3, rows * 3)
    pixels = random.integers(0, 256, (rows * 3, columns * 3, 3), np.uint8)
    return build_grid(depth, view, pixels, 0.04, 0.0, random.random((rows, columns)) > holes).mesh(view)


def check_closed(triangles: Ints, vertices: int) -> None:
    """Every edge occurs once in each direction, and every vertex has one closed fan."""
    directed = Counter((int(a), int(b)) for one in triangles for a, b in zip(one, np.roll(one, -1), strict=True))
    assert set(directed.values()) <= {1}
    assert all((b, a) in directed for a, b in directed)
    following: dict[int, dict[int, int]] = {}
    for a, b, c in triangles.tolist():
        for here, one, other in ((a, b, c), (b, c, a), (c, a, b)):
            following.setdefault(here, {})[one] = other
    assert len(following) == vertices
    for ring in following.values():
        start = at = next(iter(ring))
        steps = 0
        while steps == 0 or at != start:
            at, steps = ring[at], steps + 1
        assert steps == len(ring)


def volume(mesh: Mesh) -> float:
    a, b, c = (mesh.vertices[mesh.triangles[:, index]].astype(np.float64) for index in range(3))
    return float((a * np.cross(b, c)).sum() / 6)


@limits(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(2, 12),
    st.integers(2, 12),
    st.floats(0, 0.4),
    st.sampled_from(["flat", "mirrored"]),
)
def test_random_torn_grids_become_closed(seed: int, rows: int, columns: int, holes: float, back: str) -> None:
    front = torn(seed, rows, columns, holes)
    body = solid(front, back, 3.0, 100.0)
    check_closed(body.triangles, len(body.vertices))
    assert len(front.triangles) == 0 or volume(body) > 0
    # No two vertices coincide: STL has positions only.
    assert len(np.unique(body.vertices, axis=0)) == len(body.vertices)
    for part in (body.uv, body.colors, body.normals):
        assert len(part) == len(body.vertices)


def test_two_pieces_that_touch_in_a_point_are_parted() -> None:
    places = np.array([[0, 0], [1, 0], [0, 1], [1, 1], [2, 1], [1, 2]], np.float32)
    vertices = np.column_stack([places, np.full(6, 4, np.float32)])
    triangles = np.array([[0, 2, 3], [0, 3, 1], [3, 5, 4]], np.int32)
    fans = separate_fans(triangles, 6)
    assert len(fans.source) == 7
    assert fans.source[fans.is_copy].tolist() == [3, 3]
    mesh = Mesh(
        vertices,
        triangles,
        places * np.float32(0.5),
        np.zeros((6, 3), np.uint8),
        np.tile([0, 0, -1], (6, 1)).astype("f4"),
    )
    body = solid(mesh, "flat", 3.0, 100.0)
    check_closed(body.triangles, len(body.vertices))
    one, other = body.vertices[:7][fans.is_copy]
    assert 0.05 < np.linalg.norm(one - other) < 0.3
    np.testing.assert_array_equal(body.vertices[:7][~fans.is_copy], vertices[fans.source[~fans.is_copy]])


@limits(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 9), st.integers(0, 40))
def test_any_bag_of_triangles_becomes_closed(seed: int, vertices: int, count: int) -> None:
    """Other meshers leave edges with three triangles, duplicates and coincident corners."""
    random = np.random.default_rng(seed)
    triangles = random.integers(0, vertices, (count, 3)).astype(np.int32)
    places = random.normal(size=(vertices, 3)).astype(np.float32) + np.array([0, 0, 9], np.float32)
    front = Mesh(places, triangles, places[:, :2].copy(), np.zeros((vertices, 3), np.uint8), places)
    body = solid(front, "flat", 3.0, 100.0)
    check_closed(body.triangles, len(body.vertices))


@pytest.mark.parametrize("back", ["flat", "mirrored"])
@pytest.mark.parametrize("seed", range(6))
def test_no_two_vertices_are_in_one_place(seed: int, back: str) -> None:
    """Programs that merge them would join what only touches; a surface made of points may have such vertices."""
    random = np.random.default_rng(seed)
    front = torn(seed, 9, 11, 0.3)
    places = front.vertices.copy()
    places[:, :2][random.random((len(places), 2)) < 0.2] = 0.0
    places[:, :2] *= random.choice([1.0, -1.0], (len(places), 2))
    places[random.integers(0, len(places), 9)] = places[random.integers(0, len(places), 9)]
    body = solid(replace(front, vertices=places.astype(np.float32)), back, 3.0, 100.0)
    check_closed(body.triangles, len(body.vertices))
    assert len(np.unique(body.vertices + 0.0, axis=0)) == len(body.vertices)


def test_a_third_triangle_on_an_edge_goes() -> None:
    triangles = np.array([[0, 1, 2], [1, 0, 3], [0, 1, 4], [2, 0, 1], [5, 5, 1]], np.int32)
    fans = separate_fans(triangles, 6)
    assert fans.source[fans.triangles].tolist() == [[0, 1, 2], [1, 0, 3]]
    assert len(fans.rim) == len(fans.source) == 4


def test_the_front_stays_and_the_back_lies_on_its_rays() -> None:
    view = scenes.camera(36, 30)
    front = torn(4, 10, 12, 0.2)
    body = solid(front, "flat", 3.0, 100.0)
    fans = separate_fans(front.triangles, len(front.vertices))
    half = len(fans.source)
    ahead, behind = body.vertices[:half], body.vertices[half : 2 * half]
    assert (np.abs(body.uv[:half] - view.uv(ahead)) < 1e-4).all()
    inner = np.setdiff1d(np.arange(half), fans.rim)
    np.testing.assert_allclose(view.uv(behind)[inner], view.uv(ahead)[inner], atol=1e-5)
    off = (view.uv(behind) - view.uv(ahead)) * [12, 10]
    assert (np.linalg.norm(off, axis=1) < 0.2).all()
    assert np.ptp(behind[:, 2]) < 1e-5
    assert fans.is_copy.any()
    moved = (ahead != front.vertices[fans.source]).any(axis=1)
    np.testing.assert_array_equal(moved, fans.is_copy)


@pytest.mark.parametrize("back", ["flat", "mirrored"])
@pytest.mark.parametrize(("thickness", "size"), [(3.0, 100.0), (0.5, 40.0), (30.0, 120.0)])
def test_millimetres_are_as_asked(back: str, thickness: float, size: float) -> None:
    view = scenes.camera(64, 48)
    front = build_grid(scenes.room(view).astype(np.float32), view, np.zeros((48, 64, 3), np.uint8), 0.04).mesh(view)
    body = solid(front, back, thickness, size)
    scale = print_scale(body, size)
    assert np.ptp(body.vertices, axis=0).max() * scale == pytest.approx(size, rel=1e-5)
    half = len(front.vertices)
    between = (body.vertices[half : 2 * half, 2] - body.vertices[:half, 2]) * scale
    assert between.min() == pytest.approx(thickness, rel=1e-3)


@pytest.mark.parametrize("back", ["flat", "mirrored"])
def test_walls_are_pleated_rows(back: str) -> None:
    """Rows are low at the front, no triangle spans front and back, and neighbours are not coplanar."""
    view = scenes.camera(64, 48)
    front = build_grid(scenes.room(view).astype(np.float32), view, np.zeros((48, 64, 3), np.uint8), 0.04).mesh(view)
    body = solid(front, back, 3.0, 100.0)
    rim = separate_fans(front.triangles, len(front.vertices)).rim
    half = len(front.vertices)
    walls = body.triangles[2 * len(front.triangles) :]
    rows = len(walls) // (2 * len(rim))
    assert 2 <= rows <= 12
    assert len(body.vertices) == 2 * half + (rows - 1) * len(np.unique(rim))
    span = np.ptp(body.vertices[walls, 2], axis=1).reshape(rows, 2, -1).max(axis=1)
    whole = (body.vertices[rim + half, 2] - body.vertices[rim, 2]).max(axis=1)
    assert (span < 0.9 * whole).all()
    assert (span[0] / whole).mean() < (span[-1] / whole).mean()
    # Without jitter, the walls along the upper border would be coplanar.
    slope = body.vertices[2 * half :, 1] / body.vertices[2 * half :, 2]
    upper = slope[slope < slope.min() + 0.3 / view.fy]
    assert len(np.unique(upper.round(6))) > 0.9 * len(upper)
    # Normals of the walls at the sides point out of the picture.
    out = body.normals[2 * half :][slope < slope.min() + 0.3 / view.fy]
    assert (out[:, 1] < 0).mean() > 0.9
    np.testing.assert_allclose(np.linalg.norm(body.normals, axis=1), 1, atol=1e-4)


def test_a_sliver_at_the_rim_is_not_turned_over() -> None:
    """The inward offset is limited by the width of the triangles, so the back does not flip."""
    places = np.array([[0, 0], [0, 2], [0.01, 4], [3, -1]], np.float32)
    vertices = np.column_stack([places, np.full(4, 9, np.float32)])
    triangles = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    normals = np.tile([0, 0, -1], (4, 1)).astype("f4")
    body = solid(Mesh(vertices, triangles, places, np.zeros((4, 3), np.uint8), normals), "flat", 3.0, 100.0)
    check_closed(body.triangles, len(body.vertices))
    for side in (0, 2):
        a, b, c = (body.vertices[body.triangles[side : side + 2, corner], :2] for corner in range(3))
        area = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
        assert (area < 0).all() if side == 0 else (area > 0).all()


def thin_strip(side: int, depth: float, seed: int) -> Mesh:
    """Returns a component along the picture's x axis with rim vertices at distance 1, tips of thin triangles."""
    random = np.random.default_rng(seed)
    tips, fine = 4, 20
    rim = np.column_stack([np.arange(tips), np.zeros(tips)])
    inner = np.column_stack([np.arange(tips * fine) / fine - 0.5, 1 + 0.02 * random.random(tips * fine)])
    fans = [(at * fine + tips + k, at * fine + tips + k + 1, at) for at in range(tips) for k in range(fine - 1)]
    joints = [((at + 1) * fine + tips - 1, (at + 1) * fine + tips, at) for at in range(tips - 1)]
    edges = [(at, (at + 1) * fine + tips, at + 1) for at in range(tips - 1)]
    triangles = np.array(fans + joints + edges, np.int32)
    places = np.concatenate([rim, inner]) * [1, side]
    a, b, c = (places[triangles[:, corner]] for corner in range(3))
    turned = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0] > 0
    triangles[turned] = triangles[turned][:, [0, 2, 1]]
    vertices = np.column_stack([places * 0.01, np.ones(len(places))]) * depth
    return Mesh(
        vertices.astype(np.float32),
        triangles,
        places.astype(np.float32),
        np.zeros((len(places), 3), np.uint8),
        np.tile([0, 0, -1], (len(places), 1)).astype("f4"),
    )


@limits(max_examples=40, deadline=None)
@given(
    st.floats(0.5, 4.0),
    st.floats(1.05, 3.0),
    st.integers(0, 2**32 - 1),
    st.sampled_from(["flat", "mirrored"]),
)
def test_walls_behind_one_edge_lean_apart(depth: float, farther: float, seed: int, back: str) -> None:
    """Adjacent near and far components: Open3D would report coplanar walls as intersecting."""
    near, far = thin_strip(1, depth, seed), thin_strip(-1, depth * farther, seed + 1)
    front = Mesh(
        np.concatenate([near.vertices, far.vertices]),
        np.concatenate([near.triangles, far.triangles + len(near.vertices)]).astype(np.int32),
        *(np.concatenate([getattr(near, part), getattr(far, part)]) for part in ("uv", "colors", "normals")),
    )
    body = solid(front, back, 30.0, 60.0)
    check_closed(body.triangles, len(body.vertices))
    count = len(front.vertices)
    behind = body.vertices[count:]
    on_axis = body.uv[count:, 1] == 0
    off = behind[on_axis, 1] / behind[on_axis, 2] * 100
    # All four vertices on the axis, in each row and in the back, of both components.
    assert (off > 0.03).sum() == (off < -0.03).sum() == len(off) / 2


@pytest.mark.parametrize("back", ["flat", "mirrored"])
def test_low_walls_beside_steep_fronts_are_hardly_pleated(back: str) -> None:
    """With a large inward offset, a vertex behind the rim would come in front of a steep surface."""
    depth = np.where(np.arange(12) % 4 < 2, 1.0, 3.0).astype(np.float32) * np.ones((9, 1), np.float32)
    view = scenes.camera(12, 9)
    front = build_grid(depth, view, np.zeros((9, 12, 3), np.uint8), 0.0).mesh(view)
    body = solid(front, back, 0.1, 1000.0)
    count = len(front.vertices)
    first, last = body.vertices[:count], body.vertices[count : 2 * count]
    # From 1 to 3 metres in one pixel, where 1 / z is linear: the first fifth recedes by 0.77 of its width.
    fallen = 0.77 * np.abs(view.project(last) - view.project(first)).max(axis=1)
    assert fallen.max() > 0
    assert (fallen < last[:, 2] - first[:, 2] + 1e-5).all()


def test_too_thick_is_a_clear_error() -> None:
    with pytest.raises(Mono3DError, match="too large for its size"):
        solid(torn(0, 5, 5, 0.0), "flat", 100.0, 50.0)
