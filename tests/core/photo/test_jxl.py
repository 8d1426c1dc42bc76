# SPDX-License-Identifier: GPL-3.0-or-later
"""JPEG XL: depth, alpha, colours, orientation, size before decoding, and damage."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pillow_jxl  # noqa: F401  # Registers the format that these tests write.
import pytest
from numpy.typing import NDArray
from PIL import Image

from mono3d_addon.core.photo import jxl_file
from mono3d_addon.core.photo.boxes import each_box
from mono3d_addon.core.photo.colour_spaces import DISPLAY_P3
from mono3d_addon.core.photo.damage import Damaged
from mono3d_addon.core.photo.photo import read_photo
from mono3d_addon.errors import Mono3DError
from tests.core.photo.picture_files import icc
from tests.core.photo.test_colours import GREY, TRUTH, error, in_space, light, read, stored

P3_COLORANTS = {
    b"rXYZ": (0.5151, 0.2412, -0.0011),
    b"gXYZ": (0.2920, 0.6922, 0.0419),
    b"bXYZ": (0.1571, 0.0666, 0.7841),
}
ORIENTATION, FOCAL_LENGTH_35 = 274, 0xA405


def jxl(values: NDArray[Any], **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(values).save(file, "JXL", lossless=True, effort=1, **options)
    return file.getvalue()


def exif(orientation: int) -> Image.Exif:
    made = Image.Exif()
    made[ORIENTATION] = orientation
    made.get_ifd(0x8769)[FOCAL_LENGTH_35] = 28
    return made


def jpeg_of_a_phone(path: Path, orientation: int) -> None:
    """Writes the picture as a JPEG in Display P3, to be turned."""
    gamma = b"curv" + bytes(4) + struct.pack(">IH", 1, round(2.2 * 256))
    profile = icc(b"RGB ", {b"rTRC": gamma, b"gTRC": gamma, b"bTRC": gamma}, P3_COLORANTS, "Display P3")
    values = np.rint(np.clip(in_space(DISPLAY_P3), 0, 1) ** (1 / 2.2) * 255).astype(np.uint8)
    large = values.repeat(8, axis=0).repeat(8, axis=1)
    Image.fromarray(large).save(path, quality=98, subsampling=0, icc_profile=profile, exif=exif(orientation))


def without(data: bytes, unwanted: bytes) -> bytes:
    """Returns a file of boxes without those of one name."""
    kept = [(name, content) for name, content in each_box(data) if name != unwanted]
    assert len(kept) < len(list(each_box(data)))
    return b"".join(struct.pack(">I4s", 8 + len(content), name) + content for name, content in kept)


def test_colour_is_that_of_the_file_and_alpha_a_mask(tmp_path: Path) -> None:
    photo = read(tmp_path, jxl(TRUTH), "a.jxl")
    assert error(photo) == 0 and photo.mask is None and photo.texture is None and not photo.notes
    alpha = np.where(np.arange(32) < 20, 255, 0).astype(np.uint8)
    photo = read(tmp_path, jxl(np.dstack([TRUTH, np.tile(alpha, (24, 1))])), "b.jxl")
    assert photo.mask is not None and photo.mask[:, :20].all() and not photo.mask[:, 20:].any()
    assert np.abs(photo.pixels[:, :20].astype(int) - TRUTH[:, :20]).max() == 0


@pytest.mark.parametrize("bits", [8, 16])
def test_grey_of_both_depths(tmp_path: Path, bits: int) -> None:
    # The plug-in calls 16 bits linear light.
    values = GREY if bits == 8 else stored(light(GREY), 16)
    assert error(read(tmp_path, jxl(values), "a.jxl"), GREY) <= 1


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_packed_jpeg_keeps_colours_orientation_and_lens(tmp_path: Path, orientation: int) -> None:
    jpeg_of_a_phone(tmp_path / "a.jpg", orientation)
    with Image.open(tmp_path / "a.jpg") as picture:
        picture.save(tmp_path / "a.jxl", lossless_jpeg=True)
    wanted = read_photo(tmp_path / "a.jpg")
    assert wanted.pixels.shape[:2] == ((192, 256) if orientation == 1 else (256, 192))
    turned = TRUTH if orientation == 1 else np.rot90(TRUTH, -1)
    assert error(read_photo(tmp_path / "a.jpg"), turned.repeat(8, axis=0).repeat(8, axis=1)) < 12
    packed = read_photo(tmp_path / "a.jxl")
    assert np.array_equal(packed.pixels, wanted.pixels) and packed.lens == wanted.lens
    # Without the description of the JPEG, the decoder makes the pixels itself, and turns them itself.
    data = without((tmp_path / "a.jxl").read_bytes(), b"jbrd")
    decoded = read(tmp_path, data, "b.jxl")
    assert decoded.pixels.shape == wanted.pixels.shape
    assert np.abs(decoded.pixels.astype(int) - wanted.pixels).mean() < 1


def test_exif_does_not_turn_a_picture_again(tmp_path: Path) -> None:
    """ISO/IEC 18181-2: the orientation in the picture's own data counts, not the one in EXIF."""
    photo = read(tmp_path, jxl(TRUTH, exif=exif(6).tobytes(), use_container=True), "a.jxl")
    assert error(photo) == 0 and photo.lens.focal_length_35mm == 28


@pytest.mark.parametrize("container", [False, True])
@pytest.mark.parametrize(
    "size", [(16, 16), (256, 256), (24, 16), (264, 8), (640, 480), (192, 108), (17, 31), (9000, 3), (3, 600), (60, 50)]
)
def test_the_size_is_read_from_the_header(size: tuple[int, int], container: bool) -> None:
    data = jxl(np.zeros((size[1], size[0]), np.uint8), use_container=container)
    assert data.startswith(jxl_file.SIGNATURES[container])
    assert jxl_file.size_of(data) == size


def test_the_size_is_checked_before_anything_is_decoded(tmp_path: Path) -> None:
    # Large, 2^30 on both sides, and nothing else.
    bits = 0 | 3 << 1 | (2**30 - 1) << 3 | 1 << 33
    with pytest.raises(Mono3DError, match="1073741824 x 1073741824 pixels, more than the limit"):
        read(tmp_path, b"\xff\x0a" + bits.to_bytes(12, "little"), "a.jxl")


@pytest.mark.parametrize("container", [False, True])
def test_damaged_files_are_one_sentence(tmp_path: Path, container: bool) -> None:
    generator = np.random.default_rng(1)
    data = jxl(generator.integers(0, 256, (32, 32, 3), dtype=np.uint8), use_container=container)
    cuts = [data[:length] for length in (2, 3, 12, 30, 45, len(data) // 2, len(data) - 1)]
    broken = bytearray(data)
    for place in range(60, len(data), 40):
        broken[place] ^= 0x55
    for number, content in enumerate([*cuts, bytes(broken)]):
        with pytest.raises(Mono3DError, match=r"^'\d+\.jxl' is (damaged or cut off|not a photo)") as caught:
            read(tmp_path, content, f"{number}.jxl")
        assert "\n" not in str(caught.value)
    with pytest.raises(Damaged):
        jxl_file.size_of(data[: 12 if container else 3])
