# SPDX-License-Identifier: GPL-3.0-or-later
"""Fisheye pictures whose colours are the directions of their rays, and what a pinhole makes of them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mono3d_addon.core.camera.field_of_view import camera_notes, photo_camera
from mono3d_addon.core.camera.lens import Lens
from mono3d_addon.core.photo.panorama import is_panorama
from mono3d_addon.core.photo.photo import Photo, read_photo
from mono3d_addon.core.photo.straighten import VIEW, fisheye_angle, straightened
from mono3d_addon.settings import Settings
from tests import shared_data
from tests.core.camera.tagged import xmp_packet

GOPRO = Lens(focal_length=3.0, focal_length_35mm=15.0, camera_name="GoPro HERO9 Black")
KODAK = Lens(focal_length=0.8, focal_length_35mm=8.0, camera_name="JK Imaging, Ltd. KODAK PIXPRO SP360")


def fisheye(width: int, height: int, angle: float) -> NDArray[np.uint8]:
    """Returns an equidistant picture, `angle` radians across its longer side; its colours are unit rays."""
    x, y = np.meshgrid(np.arange(width) + 0.5 - 0.5 * width, np.arange(height) + 0.5 - 0.5 * height)
    radius = np.hypot(x, y)
    theta = radius / max(width, height) * angle
    ray = np.stack([x / radius * np.sin(theta), y / radius * np.sin(theta), np.cos(theta)], axis=-1)
    return np.rint((ray * 0.5 + 0.5) * 255).astype(np.uint8)


def photo(pixels: NDArray[np.uint8], lens: Lens, mask: NDArray[np.bool_] | None = None) -> Photo:
    return Photo(Path("bent.jpg"), pixels, mask, lens, "0" * 64, (b"", ".jpg"))


@pytest.mark.parametrize(
    ("lens", "size", "degrees"),
    [(GOPRO, (400, 300), 122.6), (GOPRO, (270, 480), 118.2), (KODAK, (400, 400), 214.0)],
)
def test_every_pixel_shows_the_direction_that_the_camera_says(
    lens: Lens, size: tuple[int, int], degrees: float
) -> None:
    bent = photo(fisheye(*size, math.radians(degrees)), lens)
    made = straightened(bent, Settings())
    camera = photo_camera(made.size, made.lens, Settings(), is_panorama=False)
    view = VIEW if degrees != 118.2 else math.radians(98.7)
    assert camera.field_of_view == pytest.approx(view, rel=1e-3)
    assert f"straightened to {math.degrees(view):.0f} degrees" in camera.source
    assert max(made.size) / min(made.size) == pytest.approx(max(size) / min(size), rel=0.01)
    x, y = np.meshgrid(
        (np.arange(made.size[0]) + 0.5 - camera.cx) / camera.fx, (np.arange(made.size[1]) + 0.5 - camera.cy) / camera.fy
    )
    ray = np.stack([x, y, np.ones_like(x)], axis=-1)
    ray /= np.linalg.norm(ray, axis=-1, keepdims=True)
    assert np.abs(made.pixels / 255 * 2 - 1 - ray).max() < 0.02
    assert made.texture is None and made.digest != bent.digest and "straightened" in made.notes[-1]
    assert camera_notes(made.size, made.lens, Settings(), is_panorama=False) == ()


def test_the_mask_is_straightened_too() -> None:
    mask = np.zeros((300, 400), bool)
    mask[:, 200:] = True
    made = straightened(photo(fisheye(400, 300, 2.1), GOPRO, mask), Settings())
    assert made.mask is not None and made.mask[:, made.size[0] // 2 + 1 :].all()
    assert not made.mask[:, : made.size[0] // 2 - 1].any()


@pytest.mark.parametrize(
    ("lens", "size"),
    [
        (Lens(), (400, 300)),
        (Lens(focal_length_35mm=24.0, camera_name="GoPro HERO9 Black"), (400, 300)),
        (GOPRO, (400, 266)),
        (KODAK, (400, 300)),
        (Lens(focal_length_35mm=15.0, camera_name="GoPro HERO12 Black"), (400, 300)),
        (Lens(focal_length_35mm=9.0, camera_name="Insta360 ONE X2"), (400, 200)),
    ],
)
def test_others_stay_as_they_are(lens: Lens, size: tuple[int, int]) -> None:
    plain = photo(np.zeros((size[1], size[0], 3), np.uint8), lens)
    assert fisheye_angle(lens, size) == 0.0 and straightened(plain, Settings()) is plain


@pytest.mark.parametrize(
    "settings", [Settings(projection="pinhole"), Settings(mask="m.png"), Settings(depth_file="d.exr")]
)
def test_what_belongs_to_the_bent_picture_keeps_it(settings: Settings) -> None:
    bent = photo(fisheye(400, 300, 2.1), GOPRO)
    assert straightened(bent, settings) is bent
    assert any("fisheye" in note for note in camera_notes(bent.size, bent.lens, settings, is_panorama=False))


def test_a_cylindrical_panorama_becomes_an_equirectangular_one(tmp_path: Path) -> None:
    # 200 degrees around, 30 degrees up and 40 down; colours are the rays.
    width, focal = 800, 800 / math.radians(200)
    up, down = math.tan(math.radians(30)) * focal, math.tan(math.radians(40)) * focal
    rows = round(up + down)
    longitude = (np.arange(width) + 0.5 - width / 2) / focal
    y = (np.arange(rows) + 0.5 - up) / focal
    ray = np.stack(np.broadcast_arrays(np.sin(longitude)[None], y[:, None], np.cos(longitude)[None]), axis=-1)
    ray = ray / np.linalg.norm(ray, axis=-1, keepdims=True)
    full = (round(width * 1.8), 2 * rows)
    tags = {"ProjectionType": "cylindrical", "FullPanoWidthPixels": full[0], "FullPanoHeightPixels": full[1]}
    tags |= {"CroppedAreaImageWidthPixels": width, "CroppedAreaImageHeightPixels": rows}
    tags |= {"CroppedAreaTopPixels": round(rows - up), "CroppedAreaLeftPixels": 0}
    path = tmp_path / "cylinder.jpg"
    packet = xmp_packet({f"GPano:{name}": value for name, value in tags.items()})
    colours = np.rint((ray * 0.5 + 0.5) * 255).astype(np.uint8)
    Image.fromarray(colours).save(path, quality=100, subsampling=0, xmp=packet.encode())
    found = read_photo(path)
    assert not is_panorama(found, "auto")
    made = straightened(found, Settings())
    assert is_panorama(made, "auto") and "cylindrical" in made.notes[-1]
    camera = photo_camera(made.size, made.lens, Settings(), is_panorama=True)
    assert camera.source == "panorama of 200 x 70 degrees, XMP"
    wanted = camera.back_project(np.ones((made.size[1], made.size[0]), np.float32)).reshape(made.pixels.shape)
    error = np.abs(made.pixels / 255 * 2 - 1 - wanted)
    # JPEG alone makes errors of 0.03 here and there.
    assert np.quantile(error, 0.99) < 0.025 and error[2:-2].max() < 0.06
    kept = straightened(found, Settings(mask="m.png"))
    assert kept is found and camera_notes(kept.size, kept.lens, Settings(), is_panorama=False)


@pytest.mark.parametrize("name", ["gopro_fusion_fisheye.jpg", "gopro_hero9.jpg", "kodak_sp360_fisheye.jpg"])
def test_the_shared_cases(name: str) -> None:
    made = straightened(read_photo(shared_data.case(f"camera/{name}")), Settings())
    assert "straightened" in made.notes[-1]
    camera = photo_camera(made.size, made.lens, Settings(), is_panorama=False)
    assert math.degrees(camera.field_of_view) == pytest.approx(100.0)
