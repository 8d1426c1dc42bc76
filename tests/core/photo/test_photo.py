# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import io
import os
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from mono3d_addon.core.photo.photo import read_photo
from mono3d_addon.core.photo.resampling import centre_pixels, grid_size
from mono3d_addon.errors import Mono3DError
from tests import shared_data

RAMP = np.stack(np.meshgrid(np.arange(48) * 5, np.arange(32) * 7), axis=2).astype(np.uint8)
PIXELS = np.dstack([RAMP, np.full((32, 48), 60, np.uint8)])
"""Red grows to the right, green downwards."""


def saved(folder: Path, picture: Image.Image, name: str, **options: object) -> Path:
    path = folder / name
    picture.save(path, **options)  # type: ignore[arg-type]
    return path


# EXIF orientation: how the stored picture is made from the upright one (CIPA DC-008, tag 274).
STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["png", "tif", "jpg"])
def test_every_orientation_becomes_upright(tmp_path: Path, orientation: int, ending: str) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](PIXELS)))
    options = {"quality": 100, "subsampling": 0} if ending == "jpg" else {}
    photo = read_photo(saved(tmp_path, stored, f"o.{ending}", exif=exif, **options))
    assert photo.size == (48, 32)
    assert np.abs(photo.pixels.astype(int) - PIXELS).max() <= (3 if ending == "jpg" else 0)
    assert (photo.texture is not None) == (orientation == 1 and ending != "tif")


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="file names are text there")
def test_the_name_is_text_whatever_the_file_is_called(tmp_path: Path) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "caf\udce9.png")
    assert read_photo(tmp_path / "caf\udce9.png").name == "caf?"


@pytest.mark.parametrize("number", range(2, 9))
def test_the_orientation_set_shows_one_picture(number: int) -> None:
    upright = read_photo(shared_data.path("photos/orientation/landscape_1.jpg")).pixels.astype(float)
    turned = read_photo(shared_data.path(f"photos/orientation/landscape_{number}.jpg")).pixels.astype(float)
    assert turned.shape == upright.shape
    difference = np.abs(turned - upright).mean()
    for wrong in (turned[:, ::-1], turned[::-1], turned[::-1, ::-1]):
        assert difference < 0.3 * np.abs(wrong - upright).mean()


def test_grey_and_sixteen_bits_keep_their_scale(tmp_path: Path) -> None:
    grey = PIXELS[..., 0]
    deep = Image.fromarray(grey.astype(np.uint16) * 257)
    for picture, name in ((Image.fromarray(grey), "a.png"), (deep, "b.png"), (deep, "c.tif")):
        photo = read_photo(saved(tmp_path, picture, name))
        assert np.array_equal(photo.pixels, np.dstack([grey] * 3)), name


def test_floating_point_and_bilevel(tmp_path: Path) -> None:
    grey = (PIXELS[..., 0] / 255).astype(np.float32)
    assert np.array_equal(read_photo(saved(tmp_path, Image.fromarray(grey), "f.tif")).pixels[..., 1], PIXELS[..., 0])
    bits = Image.fromarray(PIXELS[..., 0] > 100)
    assert np.array_equal(read_photo(saved(tmp_path, bits, "b.png")).pixels[..., 2] > 0, PIXELS[..., 0] > 100)


def test_palette_with_and_without_transparency(tmp_path: Path) -> None:
    palette = Image.fromarray(PIXELS).quantize(64, dither=Image.Dither.NONE)
    photo = read_photo(saved(tmp_path, palette, "p.png"))
    assert np.array_equal(photo.pixels, np.asarray(palette.convert("RGB")))
    assert photo.mask is None
    index = palette.getpixel((0, 0))
    clear = read_photo(saved(tmp_path, palette, "t.png", transparency=index))
    assert clear.mask is not None
    assert np.array_equal(clear.mask, np.asarray(palette) != index)


def test_alpha_is_the_mask(tmp_path: Path) -> None:
    alpha = np.where(np.arange(48)[None, :] < 20, 0, 255).astype(np.uint8).repeat(32, 0).reshape(32, 48)
    picture = Image.fromarray(np.dstack([PIXELS, alpha]))
    photo = read_photo(saved(tmp_path, picture, "a.png"))
    assert photo.mask is not None
    assert np.array_equal(photo.mask, alpha > 0)
    assert np.array_equal(photo.pixels[:, 20:], PIXELS[:, 20:])
    opaque = read_photo(saved(tmp_path, Image.fromarray(PIXELS).convert("RGBA"), "o.png"))
    assert opaque.mask is None


def test_cmyk(tmp_path: Path) -> None:
    cmyk = Image.fromarray(PIXELS).convert("CMYK")
    photo = read_photo(saved(tmp_path, cmyk, "c.tif"))
    assert np.abs(photo.pixels.astype(int) - PIXELS).max() <= 2


def wide_profile() -> bytes:
    """Returns the profile of a colour space with swapped red and green primaries, so that errors are obvious."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for at in range(132, 132 + 12 * int.from_bytes(profile[128:132], "big"), 12):
        if profile[at : at + 4] == b"rXYZ":
            red = at
        elif profile[at : at + 4] == b"gXYZ":
            green = at
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile).replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be"))


def test_colour_profile_is_converted(tmp_path: Path) -> None:
    photo = read_photo(saved(tmp_path, Image.fromarray(PIXELS), "i.png", icc_profile=wide_profile()))
    assert np.abs(photo.pixels.astype(int) - PIXELS[..., [1, 0, 2]]).max() <= 2
    assert photo.texture is None


def test_srgb_profile_changes_nothing(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo = read_photo(saved(tmp_path, Image.fromarray(PIXELS), "i.png", icc_profile=profile))
    assert np.array_equal(photo.pixels, PIXELS)


def test_damaged_profile_is_left_out_and_told(tmp_path: Path) -> None:
    photo = read_photo(saved(tmp_path, Image.fromarray(PIXELS), "i.png", icc_profile=b"nonsense" * 30))
    assert np.array_equal(photo.pixels, PIXELS)
    assert "profile" in photo.notes[0]


def test_heic_is_read_upright() -> None:
    photo = read_photo(shared_data.path("photos/iphone_13_pro_max.heic"))
    assert photo.size == (3024, 4032)
    assert photo.lens.focal_length_35mm == 26.0


def test_texture_is_the_same_picture(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    stored = Image.fromarray(np.ascontiguousarray(STORED[6](PIXELS)))
    photo = read_photo(saved(tmp_path, stored, "o.png", exif=exif))
    assert np.array_equal(np.asarray(Image.open(photo.write_texture(tmp_path))), PIXELS)


def test_an_untouched_file_is_its_own_texture(tmp_path: Path) -> None:
    path = saved(tmp_path, Image.fromarray(PIXELS), "o.jpg")
    texture = read_photo(path).write_texture(tmp_path)
    assert texture.read_bytes() == path.read_bytes()
    assert texture.suffix == ".jpg"


def bomb(width: int, height: int) -> bytes:
    """Returns a PNG whose header declares far more pixels than the file contains."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


def jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 300, 3), np.uint8)).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"Dear diary, this is no photo.\n" * 50, "not a photo"),
        (jpeg()[:5000], "damaged or cut off"),
        (jpeg()[:30], "damaged|not a photo"),
        (bomb(60000, 60000), "3600|60000 x 60000"),
        (bomb(20000, 10), "20000 x 10"),
        (bomb(1, 1), "1 x 1"),
        (bomb(64, 64), "damaged or cut off"),
    ],
)
def test_what_is_no_photo_is_one_clear_sentence(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "häßlich und leer.jpg"
    path.write_bytes(content)
    with pytest.raises(Mono3DError, match=words) as caught:
        read_photo(path)
    assert path.name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_folder_and_unreadable(tmp_path: Path) -> None:
    with pytest.raises(Mono3DError, match="no file"):
        read_photo(tmp_path / "gone.jpg")
    with pytest.raises(Mono3DError, match="folder"):
        read_photo(tmp_path)
    locked = tmp_path / "locked.jpg"
    locked.write_bytes(jpeg())
    locked.chmod(0)
    if os.access(locked, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(Mono3DError, match="permissions"):
        read_photo(locked)


def test_pixel_limit_is_the_settings(tmp_path: Path) -> None:
    path = saved(tmp_path, Image.new("RGB", (200, 100)), "g.png")
    read_photo(path, max_pixels=0.02)
    with pytest.raises(Mono3DError, match=r"0\.019 megapixels"):
        read_photo(path, max_pixels=0.019)


def test_pillows_own_limit_is_put_back(tmp_path: Path) -> None:
    before = Image.MAX_IMAGE_PIXELS
    with pytest.raises(Mono3DError):
        read_photo(tmp_path / "gone.jpg")
    read_photo(saved(tmp_path, Image.fromarray(PIXELS), "o.png"))
    assert before == Image.MAX_IMAGE_PIXELS


def test_grid_size_keeps_the_shape() -> None:
    assert grid_size(4000, 3000, 1024) == (1024, 768)
    assert grid_size(600, 400, 1024) == (600, 400)
    assert grid_size(20, 16000, 1024) == (16, 1024)


def test_cells_are_the_pixels_under_the_centres() -> None:
    assert centre_pixels(6, 6).tolist() == [0, 1, 2, 3, 4, 5]
    assert centre_pixels(6, 2).tolist() == [1, 4]
