# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files a worker without packages reads inside Blender: file by file, the photo that Pillow's path gives."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mono3d_addon.blender.photos import pixels
from mono3d_addon.errors import Mono3DError
from mono3d_addon.worker.client import Worker
from tests.blender import made_pictures

PYTHON = os.environ.get("MONO3D_TEST_WORKER", "")
PHOTOS = Path(__file__).parents[1] / "photos"
SIDE = 1000
"""Longer side of the thumbnails, so that they show every pixel."""

DECODED_BY_BLENDER = (
    "a.jpg",
    "progressive.jpg",
    "noise 420.jpg",
    "grey.jpg",
    "several.mpo",
    *(f"turned {number}.jpg" for number in range(1, 9)),
    "lossy.webp",
    "alpha.webp",
    "lossless.webp",
    "a.jp2",
    "alpha.jp2",
    "grey.jp2",
    "8 bits.psd",
    "half PIZ.exr",
    "more/profile.jpg",
    "more/profile.webp",
    "more/turned.webp",
    "more/cmyk.jpg",
    "more/jpeg.tif",
)
DECODED_BY_THE_WORKER = (
    *(f"more/{name}.png" for name in ("rgb", "rgba", "grey", "deep", "palette", "grey and alpha", "profile", "turned")),
    *(f"more/{name}.tif" for name in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "deep", "alpha", "turned")),
    "more/profile.tif",
    *(f"more/rgb.{ending}" for ending in ("bmp", "tga", "ppm")),
    "more/alpha.tga",
    "full ZIP.exr",
    "half RLE.exr",
)

pytestmark = [
    pytest.mark.smoke,
    pytest.mark.skipif(not PYTHON, reason="MONO3D_TEST_WORKER names no Python with the worker's packages"),
]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    subprocess.run([PYTHON, str(made_pictures.__file__), str(folder)], check=True, timeout=120)
    return folder


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Worker, Worker]]:
    """A worker without packages in this Python, and one with them."""
    folder = tmp_path_factory.mktemp("workers")
    bare = Worker("describe", [], folder / "bare.log", folder, is_bare=True)
    full = Worker("describe", [], folder / "full.log", folder, python=PYTHON)
    yield bare, full
    bare.stop()
    full.stop()


def described(worker: Worker, photo: Path, folder: Path, decoded: dict[str, str]) -> tuple[dict[str, Any], np.ndarray]:
    """Returns what a worker says about a photo, and its upright pixels in sRGB, uint8 (h, w, 3)."""
    place = folder / "thumbnail.npy"
    request = {"photo": str(photo), "thumbnail": str(place), "side": SIDE, "max_pixels": 100.0, "decoded": decoded}
    return worker.submit(request).wait(), np.load(place)


@pytest.mark.parametrize("name", [*DECODED_BY_BLENDER, *DECODED_BY_THE_WORKER])
def test_the_photo_is_the_one_that_pillow_gives(
    name: str, pictures: Path, workers: tuple[Worker, Worker], tmp_path: Path
) -> None:
    photo = pictures / name
    decoded = pixels.hand_over([photo], 100.0, tmp_path, is_for_more=False)
    assert bool(decoded) == (name in DECODED_BY_BLENDER)
    (told, found), (expected_told, expected) = (
        described(workers[0], photo, tmp_path, decoded),
        described(workers[1], photo, tmp_path, {}),
    )
    assert told == expected_told and found.shape == expected.shape
    off = np.abs(found.astype(int) - expected.astype(int)).max()
    print(f"{name}: within {off}/255")
    assert off <= 2


@pytest.mark.parametrize("name", ["more/rgb.heic", "more/rgb.avif"])
def test_what_needs_packages_says_so(name: str, pictures: Path, workers: tuple[Worker, Worker], tmp_path: Path) -> None:
    decoded = pixels.hand_over([pictures / name], 100.0, tmp_path, is_for_more=False)
    with pytest.raises(Mono3DError, match="Install"):
        described(workers[0], pictures / name, tmp_path, decoded)


def test_the_real_photos_are_read(workers: tuple[Worker, Worker], tmp_path: Path) -> None:
    for photo in sorted(PHOTOS.iterdir()):
        if photo.suffix in (".jpg", ".png"):
            decoded = pixels.hand_over([photo], 100.0, tmp_path, is_for_more=False)
            (told, found), (expected_told, expected) = (
                described(workers[0], photo, tmp_path, decoded),
                described(workers[1], photo, tmp_path, {}),
            )
            assert told == expected_told and np.abs(found.astype(int) - expected.astype(int)).max() <= 2
