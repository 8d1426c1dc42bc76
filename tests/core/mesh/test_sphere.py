# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mono3d_addon.core.camera.camera import Camera
from mono3d_addon.core.camera.sphere_part import SpherePart
from mono3d_addon.core.mesh.sphere import build_sphere
from mono3d_addon.core.photo.panorama import is_panorama
from mono3d_addon.core.photo.photo import read_photo
from mono3d_addon.errors import Mono3DError

ROWS, COLUMNS = 24, 48
VIEW = Camera.panorama(480, 240, "test")
PIXELS = np.random.default_rng(0).integers(0, 256, (240, 480, 3), np.uint8)


def even() -> NDArray[np.float32]:
    return np.full((ROWS, COLUMNS), 2.0, np.float32)


def test_projection_undoes_back_projection() -> None:
    distance = np.random.default_rng(1).uniform(0.5, 9.0, (ROWS, COLUMNS)).astype(np.float32)
    points = VIEW.back_project(distance)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), distance.ravel(), rtol=1e-5)
    u, v = VIEW.project(points).reshape(ROWS, COLUMNS, 2).transpose(2, 0, 1)
    np.testing.assert_allclose(u, np.tile((np.arange(COLUMNS) + 0.5) * 10, (ROWS, 1)), atol=1e-2)
    np.testing.assert_allclose(v.T, np.tile((np.arange(ROWS) + 0.5) * 10, (COLUMNS, 1)), atol=1e-2)
    ahead = VIEW.project(np.array([[0, 0, 1], [1, 0, 0], [0, 1, 1e-9]], np.float32))
    np.testing.assert_allclose(ahead, [[240, 120], [360, 120], [240, 240]], atol=1e-2)


def test_a_sphere_is_closed_and_shows_its_inside() -> None:
    mesh = build_sphere(even(), PIXELS, 0.04, 0.001)
    np.testing.assert_allclose(np.linalg.norm(mesh.vertices, axis=1), 2.0, rtol=1e-5)
    corners = mesh.vertices[mesh.triangles].astype(np.float64)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (np.einsum("ij,ij->i", normal, corners.mean(axis=1)) < 0).all(), "every triangle faces the camera"
    assert (np.linalg.norm(normal, axis=1) > 0).all(), "none is degenerate"
    assert np.linalg.norm(normal, axis=1).sum() / 2 == pytest.approx(4 * math.pi * 4, rel=0.02)
    # With vertices merged by position, every edge has two triangles: no gap at the seam or the poles.
    _, place = np.unique(np.round(mesh.vertices, 4), axis=0, return_inverse=True)
    edges = np.sort(place[mesh.triangles][:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    _, uses = np.unique(edges, axis=0, return_counts=True)
    assert (uses == 2).all()
    np.testing.assert_allclose(np.einsum("ij,ij->i", mesh.normals, mesh.vertices), -2.0, atol=0.02)


def test_texture_coordinates_are_the_projection() -> None:
    distance = np.random.default_rng(2).uniform(1.9, 2.1, (ROWS, COLUMNS)).astype(np.float32)
    mesh = build_sphere(distance, PIXELS, 0.0)
    inner = (np.abs(mesh.uv[:, 0] - 0.5) < 0.499) & (np.abs(mesh.uv[:, 1] - 0.5) < 0.499)
    np.testing.assert_allclose(VIEW.uv(mesh.vertices)[inner], mesh.uv[inner], atol=1e-4)
    assert {0.0, 1.0} <= set(mesh.uv[:, 0]) and {0.0, 1.0} <= set(mesh.uv[:, 1])
    # No triangle spans the whole panorama.
    assert np.ptp(mesh.uv[mesh.triangles][..., 0], axis=1).max() < 2 / COLUMNS


def test_it_is_torn_like_a_grid() -> None:
    distance = even()
    distance[8:16, 20:28] = 1.0
    whole, torn = (len(build_sphere(distance, PIXELS, tear).triangles) for tear in (0.0, 0.04))
    assert 0 < whole - torn < 2 * 2 * 36
    hidden = np.ones((ROWS, COLUMNS), bool)
    hidden[8:16, 20:28] = False
    assert len(build_sphere(distance, PIXELS, 0.04, 0.0, hidden).triangles) < torn


def test_the_seam_is_torn_where_the_distance_jumps() -> None:
    distance = even()
    distance[:, COLUMNS // 2 :] = 6.0
    mesh = build_sphere(distance, PIXELS, 0.04)
    middle = np.abs(mesh.uv[:, 1] - 0.5) < 0.3
    for u, radius in ((0.0, 2.0), (1.0, 6.0)):
        at = middle & (mesh.uv[:, 0] == u)
        np.testing.assert_allclose(np.linalg.norm(mesh.vertices[at], axis=1), radius, rtol=1e-5)


@pytest.mark.parametrize(
    ("part", "open_borders"),
    [
        (SpherePart(-2.0, 2.0, -0.6, 0.5), 1),
        (SpherePart(-math.pi, math.pi, -1.2, 1.2), 2),
        (SpherePart(-math.pi, math.pi, -0.5 * math.pi, 0.3), 1),
    ],
)
def test_a_part_of_a_sphere_is_open_at_its_borders_alone(part: SpherePart, open_borders: int) -> None:
    mesh = build_sphere(even(), PIXELS, 0.04, part=part)
    camera = Camera.panorama(480, 240, "test", part)
    np.testing.assert_allclose(np.linalg.norm(mesh.vertices, axis=1), 2.0, rtol=1e-5)
    corners = mesh.vertices[mesh.triangles].astype(np.float64)
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    wanted = 4 * part.width * (math.sin(part.latitude_to) - math.sin(part.latitude_from))
    assert (area > 0).all() and area.sum() / 2 == pytest.approx(wanted, rel=0.02)
    assert (np.einsum("ij,ij->i", mesh.normals, mesh.vertices) < -1.9).all()
    inner = np.abs(mesh.uv[:, 0] - 0.5) < 0.499
    np.testing.assert_allclose(camera.uv(mesh.vertices)[inner, 1], mesh.uv[inner, 1], atol=1e-4)
    is_level = inner & (np.abs(mesh.uv[:, 1] - 0.5) < 0.499)
    np.testing.assert_allclose(camera.uv(mesh.vertices)[is_level], mesh.uv[is_level], atol=1e-4)
    assert {0.0, 1.0} <= set(mesh.uv[:, 0]) and {0.0, 1.0} <= set(mesh.uv[:, 1])
    _, place = np.unique(np.round(mesh.vertices, 4), axis=0, return_inverse=True)
    edges = np.sort(place[mesh.triangles][:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    border, uses = np.unique(edges, axis=0, return_counts=True)
    border = border[uses == 1]
    assert set(uses) == {1, 2} and len(np.unique(border)) == len(border), "the borders are closed lines"
    assert _count_lines(border) == open_borders


def _count_lines(edges: NDArray[np.int64]) -> int:
    """Returns how many connected lines the edges form."""
    groups: list[set[int]] = []
    for first, second in edges.tolist():
        touched = [group for group in groups if first in group or second in group]
        groups = [group for group in groups if group not in touched] + [{first, second}.union(*touched)]
    return len(groups)


PACKET = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" {}/></rdf:RDF></x:xmpmeta>'
)


@pytest.mark.parametrize("name", ["around.jpg", "around.png", "around.webp"])
def test_a_photo_that_says_so_is_a_panorama(tmp_path: Path, name: str) -> None:
    packet = PACKET.format('GPano:ProjectionType="equirectangular"').encode()
    Image.new("RGB", (200, 100)).save(tmp_path / name, xmp=packet)
    if name.endswith("png"):
        from PIL.PngImagePlugin import PngInfo

        text = PngInfo()
        text.add_itxt("XML:com.adobe.xmp", packet.decode())
        Image.new("RGB", (200, 100)).save(tmp_path / name, pnginfo=text)
    photo = read_photo(tmp_path / name)
    assert is_panorama(photo, "auto") and is_panorama(photo, "equirectangular")
    assert not is_panorama(photo, "pinhole")


def test_others_are_ordinary_photos(tmp_path: Path) -> None:
    packet = PACKET.format('GPano:ProjectionType="equirectangular"').encode()
    Image.new("RGB", (200, 100)).save(tmp_path / "plain.jpg")
    Image.new("RGB", (200, 60)).save(tmp_path / "part.jpg", xmp=packet)
    plain, part = read_photo(tmp_path / "plain.jpg"), read_photo(tmp_path / "part.jpg")
    assert not is_panorama(plain, "auto") and is_panorama(plain, "equirectangular")
    assert not is_panorama(part, "auto")
    with pytest.raises(Mono3DError, match=r"'part\.jpg' is 200 x 60 pixels; a full panorama is twice as wide as high"):
        is_panorama(part, "equirectangular")
