# SPDX-License-Identifier: GPL-3.0-or-later
"""Panoramas of a part of the sphere, by the tags of Google's Photo Sphere XMP metadata."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mono3d_addon.core.camera.camera import Camera
from mono3d_addon.core.camera.field_of_view import camera_notes, photo_camera
from mono3d_addon.core.camera.sphere_part import WHOLE_SPHERE, SpherePart, read_sphere_part
from mono3d_addon.core.photo.panorama import is_panorama
from mono3d_addon.core.photo.photo import read_photo
from mono3d_addon.settings import Settings
from tests import shared_data
from tests.core.camera.tagged import ORIENTATION, picture, xmp_packet


def gpano(full: tuple[int, int], area: tuple[int, int], left: int, top: int, **others: Any) -> dict[str, Any]:
    tags = {"ProjectionType": "equirectangular", "FullPanoWidthPixels": full[0], "FullPanoHeightPixels": full[1]}
    tags |= {"CroppedAreaImageWidthPixels": area[0], "CroppedAreaImageHeightPixels": area[1]}
    tags |= {"CroppedAreaLeftPixels": left, "CroppedAreaTopPixels": top}
    return {f"GPano:{name}": value for name, value in (tags | others).items()}


def degrees(part: SpherePart) -> list[float]:
    return [math.degrees(angle) for angle in part]


def camera_and_notes(path: Path) -> tuple[Camera, tuple[str, ...]]:
    photo = read_photo(path)
    around = is_panorama(photo, "auto")
    return (
        photo_camera(photo.size, photo.lens, Settings(), is_panorama=around),
        camera_notes(photo.size, photo.lens, Settings(), is_panorama=around),
    )


@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_a_part_of_the_sphere_is_where_the_tags_say(tmp_path: Path, ending: str) -> None:
    packet = xmp_packet(gpano((12000, 6000), (8000, 2000), 2500, 1800))
    camera, notes = camera_and_notes(picture(tmp_path / f"a.{ending}", (800, 200), xmp=packet))
    assert camera.is_panorama and notes == () and camera.source == "panorama of 240 x 60 degrees, XMP"
    assert degrees(camera.sphere_part) == pytest.approx([-120.0, 120.0, -36.0, 24.0])
    assert math.degrees(camera.field_of_view) == pytest.approx(240.0)
    assert not (camera.sphere_part.is_closed or camera.sphere_part.has_top or camera.sphere_part.has_bottom)
    assert (camera.cx, camera.cy) == pytest.approx((400.0, 120.0)), "the horizon keeps its row"


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("gpano_full.jpg", [-180.0, 180.0, -90.0, 90.0]),
        ("gpano_no_poles.jpg", [-180.0, 180.0, -67.5, 67.5]),
        ("gpano_partial.jpg", [-120.0, 120.0, -30.0, 30.0]),
    ],
)
def test_the_shared_cases(name: str, wanted: list[float]) -> None:
    camera, notes = camera_and_notes(shared_data.case(f"camera/{name}"))
    assert camera.is_panorama and notes == ()
    assert degrees(camera.sphere_part) == pytest.approx(wanted)


def test_the_whole_sphere_stays_what_it_was() -> None:
    camera = Camera.panorama(800, 400, "test")
    assert camera.sphere_part == WHOLE_SPHERE and camera.field_of_view == 2 * math.pi
    assert (camera.cx, camera.cy, camera.fx, camera.fy) == (400.0, 200.0, 800 / (2 * math.pi), 400 / math.pi)


@pytest.mark.parametrize(
    ("size", "tags"),
    [
        ((800, 200), gpano((1200, 600), (800, 200), 0, 500)),
        ((800, 200), gpano((700, 350), (800, 200), 0, 100)),
        ((800, 200), gpano((1200, 900), (800, 200), 0, 100)),
        ((800, 200), gpano((1200, 600), (400, 200), 0, 100)),
        ((800, 200), gpano((1200, 600), (800, 200), 0, -5)),
        ((800, 200), gpano((0, 0), (0, 0), 0, 0)),
        ((800, 200), gpano((120000, 60000), (800, 200), 0, 30000)),
        ((800, 200), gpano((1200, 600), (800, 200), 0, 200, ProjectionType="fisheye")),
        ((800, 200), {"GPano:ProjectionType": "equirectangular"}),
    ],
)
def test_tags_that_cannot_be_used_leave_an_ordinary_photo_with_a_note(
    tmp_path: Path, size: tuple[int, int], tags: dict[str, Any]
) -> None:
    camera, notes = camera_and_notes(picture(tmp_path / "a.jpg", size, xmp=xmp_packet(tags)))
    assert not camera.is_panorama and "panorama" in notes[0]


def test_wrong_tags_of_a_picture_twice_as_wide_as_high_leave_the_whole_sphere(tmp_path: Path) -> None:
    tags = gpano((700, 350), (800, 200), 0, 100)
    camera, _ = camera_and_notes(picture(tmp_path / "a.jpg", (400, 200), xmp=xmp_packet(tags)))
    assert camera.sphere_part == WHOLE_SPHERE


def test_a_turned_picture_is_an_ordinary_photo(tmp_path: Path) -> None:
    tags = gpano((1200, 600), (800, 200), 0, 200)
    path = picture(tmp_path / "a.jpg", (800, 200), {ORIENTATION: 6}, xmp_packet(tags))
    assert not is_panorama(read_photo(path), "auto")


def test_a_resized_panorama_keeps_its_part() -> None:
    tags = {name: str(value) for name, value in gpano((12000, 6000), (8000, 2000), 2000, 2000).items()}
    large, small = (read_sphere_part(tags, size, 1) for size in ((8000, 2000), (801, 200)))
    assert large == small


@given(
    st.floats(0.1, math.pi), st.floats(-1.5, 1.0), st.floats(0.1, 1.5), st.integers(2, 12), st.integers(2, 12)
)  # fmt: skip
def test_projection_undoes_back_projection(half: float, top: float, height: float, rows: int, columns: int) -> None:
    part = SpherePart(-half, half, top, min(top + height, 0.5 * math.pi))
    camera = Camera.panorama(columns * 10, rows * 10, "test", part)
    assert degrees(camera.sphere_part) == pytest.approx(degrees(part), abs=1e-6)
    points = camera.back_project(np.full((rows, columns), 2.0, np.float32))
    pixels = camera.project(points).reshape(rows, columns, 2)
    np.testing.assert_allclose(pixels[..., 0], np.tile(np.arange(columns) * 10 + 5.0, (rows, 1)), atol=1e-2)
    np.testing.assert_allclose(pixels[..., 1].T, np.tile(np.arange(rows) * 10 + 5.0, (columns, 1)), atol=1e-2)
