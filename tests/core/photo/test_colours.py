# SPDX-License-Identifier: GPL-3.0-or-later
"""One picture, whose colours are named in every way that files know: it must always come out as the same sRGB."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mono3d_addon.core.photo import boxes
from mono3d_addon.core.photo.colour_spaces import ADOBE_RGB, DISPLAY_P3, REC2020, SRGB, matrix_of
from mono3d_addon.core.photo.colours import OTHER_PROFILE, TONE_MAPPED
from mono3d_addon.core.photo.photo import Photo, read_photo
from mono3d_addon.core.photo.raster import Colours
from tests import shared_data
from tests.core.photo.picture_files import LINEAR, grey_profile, png, rgb_profile, tags_of, tiff

TRUTH = np.stack(np.meshgrid(np.arange(40, 232, 6), np.arange(60, 204, 6)), axis=2).astype(np.uint8)
TRUTH = np.dstack([TRUTH, np.full(TRUTH.shape[:2], 100, np.uint8)])
GREY = TRUTH[..., 0]
CODES = [SRGB, ADOBE_RGB, DISPLAY_P3, REC2020]


def read(folder: Path, data: bytes, name: str = "a.png") -> Photo:
    (folder / name).write_bytes(data)
    return read_photo(folder / name)


def error(photo: Photo, truth: NDArray[np.uint8] = TRUTH) -> float:
    """Returns the largest difference from the true picture."""
    wanted = truth if truth.ndim == 3 else truth[..., None]
    return float(np.abs(photo.pixels.astype(int) - wanted).max())


def light(values: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Returns sRGB values as linear light, 0..1."""
    x = values / 255.0
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)


def stored(linear: NDArray[np.float64], bits: int = 8) -> NDArray[Any]:
    return np.rint(np.clip(linear, 0, 1) * (2**bits - 1)).astype(np.uint8 if bits == 8 else np.uint16)


def in_space(primaries: Any) -> NDArray[np.float64]:
    """Returns the picture as linear light of other primaries."""
    return np.asarray(light(TRUTH) @ np.linalg.inv(matrix_of(primaries)).T)


def pq(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the PQ code of light of which 1 is 203 cd/m2 (SMPTE ST 2084)."""
    y = np.clip(linear * 203 / 10000, 0, None) ** (2610 / 16384)
    return ((3424 / 4096 + 2413 / 128 * y) / (1 + 2392 / 128 * y)) ** (2523 / 32)


def chrm(primaries: Any) -> tuple[bytes, bytes]:
    r, g, b, w = np.asarray(primaries).reshape(4, 2)
    return b"cHRM", struct.pack(">8I", *np.rint(np.concatenate([w, r, g, b]) * 1e5).astype(int))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("name", ["sRGB", "sRGB linear", "Linear"])
def test_a_profile_is_judged_by_its_curve_not_by_its_name(tmp_path: Path, bits: int, name: str) -> None:
    profile = (b"iCCP", b"p\0\0" + zlib.compress(rgb_profile(LINEAR, name)))
    photo = read(tmp_path, png(stored(light(TRUTH), bits), profile))
    assert error(photo) <= (4 if bits == 8 else 1)
    assert photo.texture is None and not photo.notes


def test_a_profile_of_srgb_under_another_name_changes_nothing(tmp_path: Path) -> None:
    curve = b"para" + bytes(4) + struct.pack(">HH5i", 3, 0, *(round(x * 65536) for x in SRGB_CURVE))
    photo = read(tmp_path, png(TRUTH, (b"iCCP", b"p\0\0" + zlib.compress(rgb_profile(curve, "Cafe")))))
    assert error(photo) == 0 and photo.texture is not None


SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("alpha", [False, True])
def test_grey_profiles(tmp_path: Path, bits: int, alpha: bool) -> None:
    values = stored(light(GREY), bits)
    if alpha:
        values = np.dstack([values, np.full_like(values, 2**bits - 1)])
    photo = read(tmp_path, png(values, (b"iCCP", b"p\0\0" + zlib.compress(grey_profile(LINEAR)))))
    assert error(photo, GREY) <= (4 if bits == 8 else 1)
    assert photo.mask is None and not photo.notes


def test_a_profile_for_other_channels_is_named(tmp_path: Path) -> None:
    photo = read(tmp_path, png(TRUTH, (b"iCCP", b"p\0\0" + zlib.compress(grey_profile(LINEAR)))))
    assert error(photo) == 0 and photo.notes == (OTHER_PROFILE,)


@pytest.mark.parametrize("bits", [8, 16])
def test_png_gamma(tmp_path: Path, bits: int) -> None:
    photo = read(tmp_path, png(stored(light(TRUTH), bits), (b"gAMA", struct.pack(">I", 100000))))
    assert error(photo) <= (4 if bits == 8 else 1)
    assert photo.texture is None
    usual = read(tmp_path, png(TRUTH, (b"gAMA", struct.pack(">I", 45455)), chrm(SRGB)))
    assert error(usual) == 0 and usual.texture is not None


def test_png_chromaticities_and_srgb_before_them(tmp_path: Path) -> None:
    x = in_space(DISPLAY_P3)
    p3 = stored(np.where(x <= 0.0031308, x * 12.92, 1.055 * np.maximum(x, 1e-9) ** (1 / 2.4) - 0.055))
    gamma = (b"gAMA", struct.pack(">I", 45455))
    assert error(read(tmp_path, png(p3, gamma, chrm(DISPLAY_P3)))) <= 2
    assert error(read(tmp_path, png(TRUTH, (b"sRGB", b"\0"), gamma, chrm(DISPLAY_P3)))) == 0
    assert error(read(tmp_path, png(p3, (b"cICP", bytes([12, 13, 0, 1])), (b"sRGB", b"\0")))) <= 2


@pytest.mark.parametrize("bits", [8, 16])
def test_pq_of_ordinary_brightness_is_exact(tmp_path: Path, bits: int) -> None:
    photo = read(tmp_path, png(stored(pq(in_space(REC2020)), bits), (b"cICP", bytes([9, 16, 0, 1]))))
    assert not photo.notes
    if bits == 16:
        assert error(photo) <= 1
    assert np.abs(photo.pixels.astype(float) - TRUTH).mean() < 1.5


def test_highlights_of_hdr_are_compressed_with_a_note(tmp_path: Path) -> None:
    scene = in_space(REC2020)
    scene[:8, :8] = 8.0
    photo = read(tmp_path, png(stored(pq(scene), 16), (b"cICP", bytes([9, 16, 0, 1]))))
    assert photo.notes == (TONE_MAPPED,)
    assert photo.pixels[0, 0].min() >= 253
    dark = light(TRUTH).max(axis=2) < 0.45
    dark[:8, :8] = False
    assert np.abs(photo.pixels.astype(int) - TRUTH)[dark].max() <= 1


def test_hlg_has_its_white_at_three_quarters(tmp_path: Path) -> None:
    values = np.full((20, 20, 3), round(0.75 * 65535), np.uint16)
    photo = read(tmp_path, png(values, (b"cICP", bytes([9, 18, 0, 1]))))
    assert photo.pixels.min() >= 250
    assert read(tmp_path, png(values // 2, (b"cICP", bytes([9, 18, 0, 1])))).pixels.max() < 200


def adobe_jpeg(space: int, index: str) -> bytes:
    stored_values = stored(np.maximum(in_space(ADOBE_RGB), 0.0) ** (256 / 563))
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA001] = space
    if index:
        exif.get_ifd(0x8769)[0xA005] = {1: index}
    buffer = io.BytesIO()
    Image.fromarray(stored_values).save(buffer, "JPEG", quality=100, subsampling=0, exif=exif)
    return buffer.getvalue()


@pytest.mark.parametrize(("space", "index", "is_adobe"), [(65535, "R03", True), (2, "", True), (65535, "R98", False)])
def test_adobe_rgb_by_exif(tmp_path: Path, space: int, index: str, is_adobe: bool) -> None:
    photo = read(tmp_path, adobe_jpeg(space, index), "a.jpg")
    assert (np.abs(photo.pixels.mean(axis=(0, 1)) - TRUTH.mean(axis=(0, 1))).max() < 1.0) == is_adobe
    assert (photo.texture is None) == is_adobe


def box(name: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I", 8 + len(body)) + name + body


def heif(*colours: bytes) -> bytes:
    """Returns the structure of a HEIC file with two items, of which the second has the colours and is the main one."""
    properties = [box(b"colr", b"nclx" + struct.pack(">HHHB", 1, 13, 1, 0)), *(box(b"colr", one) for one in colours)]
    numbers = bytes([0x80 | number for number in range(2, 2 + len(colours))])
    items = struct.pack(">IIHBBHB", 0, 2, 1, 1, 1, 2, len(colours)) + numbers
    meta = box(b"pitm", bytes(4), b"\0\2") + box(b"iprp", box(b"ipco", *properties), box(b"ipma", items))
    return box(b"ftyp", b"heic") + box(b"meta", bytes(4), meta)


def test_colours_of_heic_and_avif() -> None:
    p3 = b"nclx" + struct.pack(">HHHB", 12, 13, 1, 0x80)
    hdr = b"nclx" + struct.pack(">HHHB", 9, 16, 9, 0x80)
    assert boxes.colours_of(heif(p3)) == Colours(primaries=DISPLAY_P3)
    assert boxes.colours_of(heif(hdr)) == Colours(primaries=REC2020, transfer="pq")
    assert boxes.colours_of(heif(hdr, b"profPROFILE")) == Colours(icc=b"PROFILE")
    assert boxes.colours_of(heif()) == Colours()
    for cut in range(len(heif(p3))):
        boxes.colours_of(heif(p3)[:cut])


@pytest.mark.parametrize("transparent", [None, 40 * 257])
def test_grey_of_sixteen_bits_with_a_transparent_value(tmp_path: Path, transparent: int | None) -> None:
    chunks = [] if transparent is None else [(b"tRNS", struct.pack(">H", transparent))]
    photo = read(tmp_path, png(GREY.astype(np.uint16) * 257, *chunks))
    assert error(photo, GREY) == 0
    if transparent is None:
        assert photo.mask is None
    else:
        assert photo.mask is not None and np.array_equal(photo.mask, GREY != 40)


def test_a_transparent_colour_of_sixteen_bits_is_compared_exactly(tmp_path: Path) -> None:
    values = TRUTH.astype(np.uint16) * 257
    values[0, 0] += 1
    photo = read(tmp_path, png(values, (b"tRNS", struct.pack(">3H", *(TRUTH[0, 0].astype(int) * 257)))))
    assert photo.mask is None
    assert photo.texture is None, "16-bit PNG is not for GLB"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("photometric", [0, 1])
def test_white_is_zero(tmp_path: Path, dtype: Any, photometric: int) -> None:
    values = GREY.astype(dtype) * (257 if dtype == np.uint16 else 1)
    values = values if photometric else np.iinfo(dtype).max - values
    photo = read(tmp_path, tiff(tags_of(values, photometric), [values.tobytes()]), "a.tif")
    assert error(photo, GREY) == 0


@pytest.mark.parametrize("premultiplied", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("grey", [False, True])
def test_alpha_of_tiff(tmp_path: Path, premultiplied: bool, dtype: Any, grey: bool) -> None:
    full = np.iinfo(dtype).max
    colour = (GREY[..., None] if grey else TRUTH).astype(dtype) * (full // 255)
    alpha = np.full((*GREY.shape, 1), full // 2 + 1, dtype)
    alpha[:, :5] = 0
    shown = np.rint(colour * (alpha / full)).astype(dtype) if premultiplied else colour
    values = np.concatenate([shown, alpha], axis=2)
    tags = tags_of(values, 1 if grey else 2, _338=("H", (1 if premultiplied else 2,)))
    photo = read(tmp_path, tiff(tags, [values.tobytes()]), "a.tif")
    assert photo.mask is not None and not photo.mask[:, :5].any() and photo.mask[:, 5:].all()
    difference = np.abs(photo.pixels.astype(int) - (GREY[..., None] if grey else TRUTH))[:, 5:]
    assert difference.max() <= 2


@pytest.mark.parametrize("name", ["a.tga", "a.bmp"])
def test_alpha_that_is_zero_everywhere_is_not_transparency(tmp_path: Path, name: str) -> None:
    values = np.dstack([TRUTH, np.zeros_like(GREY)])
    if name == "a.tga":
        Image.fromarray(values).save(tmp_path / name)
        data = (tmp_path / name).read_bytes()
    else:
        header = struct.pack(
            "<IiiHHIIiiII4I", 108, 32, -24, 1, 32, 3, 0, 0, 0, 0, 0, 0xFF0000, 0xFF00, 0xFF, 0xFF << 24
        )
        header = header.ljust(108, b"\0")
        body = values[..., [2, 1, 0, 3]].tobytes()
        data = b"BM" + struct.pack("<IHHI", 14 + 108 + len(body), 0, 0, 14 + 108) + header + body
    photo = read(tmp_path, data, name)
    assert photo.mask is None and error(photo) == 0


TRUE_WITHIN = {
    **dict.fromkeys(("adobe.jpg", "p3.jpg", "p3_icc.heic", "other_linear.jpg", "linear_rec709.png", "cmyk.jpg"), 1.0),
    **dict.fromkeys(("gimp_linear_srgb.jpg", "dcf_adobe_r03.jpg", "gama1_rgb8.png", "rgbf32.tif"), 1.0),
    **dict.fromkeys(("p3_nclx.heic", "p3_cicp.png", "pq2020_cicp.png"), 3.0),
}
GREY_CASES = ("black0_16.tif", "white0_16.tif", "white0_8.tif", "grey16_trns.png")
LIGHT_CASES = ("lin16_grey.png", "lin8_grey.png", "lin8_greyalpha.png")


@pytest.mark.parametrize("name", [*TRUE_WITHIN, *GREY_CASES, *LIGHT_CASES])
def test_the_cases_have_their_true_colours(name: str) -> None:
    """Grey pictures have the luma of the true one, those of linear profiles its luminance."""
    picture = Image.open(shared_data.case("colour/truth.png")).convert("RGB")
    truth = np.asarray(picture, np.float64)
    if name in GREY_CASES:
        truth = np.asarray(picture.convert("L"), np.float64)[..., None]
    elif name in LIGHT_CASES:
        y = light(np.asarray(picture)) @ np.array([0.2126, 0.7152, 0.0722])
        truth = (np.where(y <= 0.0031308, y * 12.92, 1.055 * y ** (1 / 2.4) - 0.055) * 255.0)[..., None]
    means = read_photo(shared_data.case(f"colour/{name}")).pixels.mean(axis=(0, 1))
    assert np.abs(means - truth.mean(axis=(0, 1))).max() <= TRUE_WITHIN.get(name, 1.0)


def test_hdr_of_heic_keeps_its_ten_bits(tmp_path: Path) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    values = stored(pq(light(np.repeat(GREY[..., None], 3, axis=2))), 16)
    picture = pillow_heif.from_bytes(mode="RGB;16", size=(32, 24), data=values.tobytes())
    codes = {"color_primaries": 9, "transfer_characteristics": 16, "matrix_coefficients": 9, "full_range_flag": 1}
    try:
        picture.save(tmp_path / "a.heic", quality=100, save_nclx_profile=True, **codes)
    except Exception as error:  # libheif is built with or without an encoder.
        pytest.skip(f"no HEIC is written here: {error}")
    photo = read_photo(tmp_path / "a.heic")
    assert np.abs(photo.pixels.astype(float) - GREY[..., None]).mean() < 1.5
