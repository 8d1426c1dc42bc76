# SPDX-License-Identifier: GPL-3.0-or-later
"""Solids of photos, checked with Open3D and trimesh."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mono3d_addon import pipeline
from mono3d_addon.core.mesh.mesh import Mesh
from mono3d_addon.errors import Mono3DError
from mono3d_addon.session import Session
from mono3d_addon.settings import Settings
from mono3d_addon.surface import open3d_library
from mono3d_addon.version import ROOT
from tests import shared_data
from tests.surface.crossings import cross, crossing_pairs

trimesh = pytest.importorskip("trimesh")

pytestmark = [
    pytest.mark.torch,
    pytest.mark.open3d,
    pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed"),
]

OURS = ("astronaut.png", "china.jpg", "coffee.png")
SHARED = [
    "canon_ixus.jpg",
    "chelsea.png",
    "coolpix_p6000.jpg",
    "flower.jpg",
    "fujifilm_dx10.jpg",
    "iphone.jpg",
    "iphone_13_pro_max.heic",
    "jolla.jpg",
    "nokia_8_3.jpg",
    "rocket.jpg",
]

PHOTOS = ["coffee.png", *(pytest.param(name, marks=pytest.mark.thorough) for name in (*OURS[:2], *SHARED))]
"""The quick tier takes one photo; the others differ in their noise and their silhouettes."""

_MOST_MISTAKEN = 2
"""How many pairs of a solid Open3D may take for crossing, with its tolerance, that do not cross."""


@pytest.fixture(scope="module")
def open3d() -> Any:
    try:
        return open3d_library.load()
    except Mono3DError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


def photo_named(name: str) -> Path:
    if name.endswith(".heic"):
        pytest.importorskip("pillow_heif")
    return ROOT / "tests" / "photos" / name if name in OURS else shared_data.path(f"photos/{name}")


def solid_of(photo: Path, data: Path, folder: Path, **settings: Any) -> Mesh:
    folders = pipeline.Folders(folder)
    return pipeline.reconstruct(photo, Settings(**settings), lambda stage, share: None, Session(data), folders).mesh


def judge(mesh: Mesh, open3d: Any, *, may_cross: bool = False, tries_all_pairs: bool = False) -> Any:
    """Returns Open3D's mesh after trimesh and Open3D have found `mesh` closed and manifold, with and without shared
    vertices, and no two of its triangles cross.

    With `tries_all_pairs` Open3D must agree that none cross, which takes it the square of the number of triangles.
    """
    one = trimesh.Trimesh(mesh.vertices, mesh.triangles, process=False)
    loose = trimesh.Trimesh(mesh.vertices[mesh.triangles].reshape(-1, 3), np.arange(mesh.triangles.size).reshape(-1, 3))
    for read in (one, loose):
        assert read.is_watertight and read.is_winding_consistent and read.volume > 0
        assert len(read.faces) == len(mesh.triangles)
    other = for_open3d(mesh.vertices, mesh.triangles, open3d)
    assert other.is_edge_manifold(allow_boundary_edges=False)
    assert other.is_vertex_manifold()
    assert other.is_orientable()
    assert may_cross or not crossing_pairs(mesh.vertices, mesh.triangles)
    if tries_all_pairs and not other.is_watertight():
        pairs = np.asarray(other.get_self_intersecting_triangles())
        assert 0 < len(pairs) <= _MOST_MISTAKEN, pairs
        assert not any(cross(*(mesh.vertices[mesh.triangles[one]] for one in pair)) for pair in pairs)
    return other


def for_open3d(vertices: NDArray[np.float32], triangles: NDArray[np.integer[Any]], open3d: Any) -> Any:
    return open3d.geometry.TriangleMesh(
        open3d.utility.Vector3dVector(vertices.astype(np.float64)), open3d.utility.Vector3iVector(triangles)
    )


@pytest.mark.parametrize(
    ("surface", "detail", "back"),
    [
        pytest.param("grid", 56, "flat", marks=pytest.mark.thorough),
        ("grid", 56, "mirrored"),
        ("adaptive", 64, "mirrored"),
        ("adaptive", 128, "flat"),
        pytest.param("adaptive", 128, "mirrored", marks=pytest.mark.thorough),
    ],
)
@pytest.mark.parametrize("name", PHOTOS)
def test_every_photo_becomes_a_solid(
    name: str, surface: str, detail: int, back: str, data: Path, tmp_path: Path, open3d: Any
) -> None:
    judge(solid_of(photo_named(name), data, tmp_path, solid=back, surface=surface, detail=detail), open3d)


@pytest.mark.parametrize("back", ["flat", "mirrored"])
@pytest.mark.parametrize("surface", ["grid", "adaptive"])
def test_a_solid_in_one_piece(surface: str, back: str, data: Path, tmp_path: Path, open3d: Any) -> None:
    photo = ROOT / "tests" / "photos" / "coffee.png"
    mesh = solid_of(photo, data, tmp_path, solid=back, surface=surface, detail=72, tear=0.0)
    _, sizes, _ = judge(mesh, open3d).cluster_connected_triangles()
    assert len(sizes) == 1


@pytest.mark.parametrize(
    ("surface", "back"), [("grid", "flat"), pytest.param("adaptive", "mirrored", marks=pytest.mark.thorough)]
)
@pytest.mark.parametrize("name", PHOTOS)
def test_more_detail(name: str, surface: str, back: str, data: Path, tmp_path: Path, open3d: Any) -> None:
    mesh = solid_of(photo_named(name), data, tmp_path, solid=back, surface=surface, detail=256)
    judge(mesh, open3d, may_cross=True)


@pytest.mark.parametrize("surface", ["poisson", "ball_pivoting"])
def test_other_surfaces_become_solids_too(surface: str, data: Path, tmp_path: Path, open3d: Any) -> None:
    """They may have several layers on one ray, whose solids intersect."""
    photo = ROOT / "tests" / "photos" / "coffee.png"
    mesh = solid_of(photo, data, tmp_path, solid="flat", surface=surface, detail=200, poisson_depth=7)
    judge(mesh, open3d, may_cross=True)


def test_the_judge_sees_a_solid_that_crosses_itself(data: Path, tmp_path: Path, open3d: Any) -> None:
    """The same body with a corner in the middle of its back pulled to the other side, by Open3D and exactly."""
    mesh = solid_of(ROOT / "tests" / "photos" / "coffee.png", data, tmp_path, solid="mirrored", detail=40)
    judge(mesh, open3d, tries_all_pairs=True)
    spoilt = mesh.vertices.copy()
    off_middle = np.linalg.norm(mesh.uv - 0.5, axis=1)
    behind = np.flatnonzero(off_middle == off_middle.min())[-1]
    spoilt[behind] *= np.float32(0.05)
    other = for_open3d(spoilt, mesh.triangles, open3d)
    assert not other.is_watertight()
    pairs = np.sort(np.asarray(other.get_self_intersecting_triangles()), axis=1).tolist()
    exact = {(one, two) for one, two in pairs if cross(*(spoilt[mesh.triangles[part]] for part in (one, two)))}
    # Open3D leaves out those that only just cross.
    assert exact and exact <= {(min(pair), max(pair)) for pair in crossing_pairs(spoilt, mesh.triangles)}
