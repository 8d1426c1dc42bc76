# SPDX-License-Identifier: GPL-3.0-or-later
"""Sound files of unusual kinds are read, and what is not read is named with its remedy."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mono3d_addon.core.photo.photo import Photo, read_photo
from mono3d_addon.errors import Mono3DError
from tests import shared_data
from tests.core.photo.picture_files import LINEAR, png, rgb_profile, tags_of, tiff
from tests.core.photo.test_colours import GREY, TRUTH, error, light, read


def planes(values: NDArray[Any]) -> list[bytes]:
    return [np.ascontiguousarray(values[..., plane]).tobytes() for plane in range(values.shape[2])]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_planar_tiff_of_sixteen_bits(tmp_path: Path, order: str, big: bool) -> None:
    values = (TRUTH.astype(np.uint16) * 257).astype(f"{order}u2")
    tags = tags_of(values, 2, _284=("H", (2,)))
    assert error(read(tmp_path, tiff(tags, planes(values), order, big), "a.tif")) == 0


@pytest.mark.parametrize("compression", [1, 8])
@pytest.mark.parametrize("rows", [5, 24])
def test_strips_and_horizontal_differences(tmp_path: Path, compression: int, rows: int) -> None:
    values = TRUTH.astype("<u2") * 257
    differences = values.copy()
    differences[:, 1:] -= values[:, :-1]
    strips = [differences[top : top + rows].tobytes() for top in range(0, 24, rows)]
    tags = tags_of(values, 2, _259=("H", (compression,)), _317=("H", (2,)), _278=("I", (rows,)))
    packed = [zlib.compress(strip) if compression == 8 else strip for strip in strips]
    assert error(read(tmp_path, tiff(tags, packed), "a.tif")) == 0


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "zstd", "lzma"])
def test_compressions_of_libtiff(tmp_path: Path, compression: str) -> None:
    values = GREY.astype(np.uint16) * 257
    try:
        Image.fromarray(values).save(tmp_path / "a.tif", compression=compression)
    except (OSError, KeyError):
        pytest.skip(f"this Pillow writes no {compression}")
    assert error(read_photo(tmp_path / "a.tif"), GREY) == 0


@pytest.mark.parametrize("bits", [10, 12, 14, 24, 32])
def test_odd_depths(tmp_path: Path, bits: int) -> None:
    numbers = np.rint(GREY / 255 * (2**bits - 1)).astype(np.uint64)
    flags = (numbers[..., None] >> np.arange(bits - 1, -1, -1, dtype=np.uint64)) & np.uint64(1)
    rows = np.packbits(flags.reshape(len(GREY), -1).astype(np.uint8), axis=1)
    tags = tags_of(GREY, 1, _258=("H", (bits,)))
    order = ">" if bits in (24, 32) else "<"
    photo = read(tmp_path, tiff(tags, [rows.tobytes()], order), "a.tif")
    scale = 255 / GREY.max() if bits == 32 else 1.0  # 32-bit numbers are scaled by the largest.
    assert np.abs(photo.pixels[..., 0] - GREY * scale).max() <= 1


@pytest.mark.parametrize(
    ("dtype", "predictor", "named"),
    [
        *((dtype, predictor, True) for dtype in ("<f2", "<f4", ">f4", "<f8") for predictor in (1, 3)),
        ("<f4", 1, False),
        (">f4", 1, False),
    ],
)
def test_floating_point_colours_are_light(tmp_path: Path, dtype: str, predictor: int, named: bool) -> None:
    values = light(TRUTH).astype(dtype)
    tags = tags_of(values, 2, _317=("H", (predictor,)))
    raw = values.tobytes()
    if predictor == 3:
        height, width, channels = values.shape
        size = values.dtype.itemsize
        big = values.astype(values.dtype.newbyteorder(">")).view(np.uint8).reshape(height, width * channels, size)
        rows = big.transpose(0, 2, 1).reshape(height, -1)
        differences = rows.copy()
        differences[:, channels:] -= rows[:, :-channels]
        raw = differences.tobytes()
    if not named:
        # Some programs write 32-bit floating point without naming it.
        del tags[339]
    photo = read(tmp_path, tiff(tags, [raw], dtype[0]), "a.tif")
    assert error(photo) <= 1 and not photo.notes


@pytest.mark.parametrize("photometric", [8, 9])
def test_lab_of_sixteen_bits(tmp_path: Path, photometric: int) -> None:
    values = np.zeros((20, 20, 3), np.float64)
    values[..., 0] = np.linspace(10, 90, 20)
    scale = 65535 / 100 if photometric == 8 else 652.8
    coded = np.stack([values[..., 0] * scale, np.zeros((20, 20)), np.zeros((20, 20))], axis=2).astype(np.uint16)
    coded[..., 1:] += 0 if photometric == 8 else 32768
    photo = read(tmp_path, tiff(tags_of(coded, photometric), [coded.tobytes()]), "a.tif")
    y = ((values[..., 0] + 16) / 116) ** 3
    grey = np.where(values[..., 0] > 8, y, values[..., 0] / 903.3)
    assert np.abs(light(photo.pixels) - grey[..., None]).max() < 0.01


def bmp(values: NDArray[Any], bits: int, masks: tuple[int, ...] = (), palette: bytes = b"") -> bytes:
    height = len(values)
    rows = values.view(np.uint8).reshape(height, -1)
    rows = np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4)))[::-1]
    extra = struct.pack(f"<{len(masks)}I", *masks) + palette
    width = values.shape[1] * 8 // bits if bits < 8 else TRUTH.shape[1]
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, 3 if masks else 0, 0, 0, 0, len(palette) // 4, 0)
    start = 14 + len(header) + len(extra)
    return b"BM" + struct.pack("<IHHI", start + rows.size, 0, 0, start) + header + extra + rows.tobytes()


@pytest.mark.parametrize(
    "fields", [((8, 20), (8, 10), (8, 0)), ((10, 20), (10, 10), (10, 0)), ((11, 21), (11, 10), (10, 0))]
)
def test_any_bit_fields_of_bmp(tmp_path: Path, fields: tuple[tuple[int, int], ...]) -> None:
    pixels = np.zeros(GREY.shape, np.uint32)
    for channel, (bits, shift) in enumerate(fields):
        pixels |= np.rint(TRUTH[..., channel] / 255 * (2**bits - 1)).astype(np.uint32) << np.uint32(shift)
    masks = tuple((2**bits - 1) << shift for bits, shift in fields)
    assert error(read(tmp_path, bmp(pixels, 32, masks), "a.bmp")) <= 1


def test_two_bits_of_bmp(tmp_path: Path) -> None:
    palette = bytes([0, 0, 0, 0, 85, 85, 85, 0, 170, 170, 170, 0, 255, 255, 255, 0])
    numbers = (np.add.outer(np.arange(24), np.arange(32)) % 4).astype(np.uint8)
    packed = np.packbits(np.unpackbits(numbers[..., None], axis=2)[..., 6:].reshape(24, -1), axis=1)
    photo = read(tmp_path, bmp(packed, 2, (), palette), "a.bmp")
    assert np.array_equal(photo.pixels[..., 0], numbers * 85)


def test_bilevel_targa(tmp_path: Path) -> None:
    Image.fromarray(GREY > 128).save(tmp_path / "a.tga")
    assert np.array_equal(read_photo(tmp_path / "a.tga").pixels[..., 0] > 0, GREY > 128)


@pytest.mark.parametrize("flags", [0x00, 0x10, 0x20, 0x30])
def test_targa_whose_packets_cross_rows(tmp_path: Path, flags: int) -> None:
    stored = TRUTH if flags & 0x20 else TRUTH[::-1]
    stored = stored[:, ::-1] if flags & 0x10 else stored
    pixels = np.ascontiguousarray(stored[..., ::-1]).reshape(-1, 3)
    packets = b""
    for start in range(0, len(pixels), 100):
        part = pixels[start : start + 100]
        packets += bytes([len(part) - 1]) + part.tobytes()
    header = bytes([0, 0, 10]) + bytes(9) + struct.pack("<HHBB", 32, 24, 24, flags)
    assert error(read(tmp_path, header + packets, "a.tga")) == 0
    with pytest.raises(Mono3DError, match="damaged or cut off"):
        read(tmp_path, header + packets[:-200], "a.tga")


def radiance(values: NDArray[np.float64], *, is_packed: bool) -> bytes:
    peak = values.max(axis=2)
    exponent = np.floor(np.log2(np.maximum(peak, 1e-9))) + 1
    pixels = np.dstack([values / 2.0 ** (exponent - 8)[..., None], exponent + 128]).astype(np.uint8)
    if not is_packed:
        body = pixels.tobytes()
    else:
        body = b""
        for row in pixels:
            body += b"\2\2" + struct.pack(">H", len(row))
            for component in range(4):
                body += bytes([len(row)]) + row[:, component].tobytes()
    return b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 24 +X 32\n" + body


@pytest.mark.parametrize("is_packed", [False, True])
def test_radiance(tmp_path: Path, is_packed: bool) -> None:
    photo = read(tmp_path, radiance(light(TRUTH), is_packed=is_packed), "a.hdr")
    assert error(photo) <= 2 and not photo.notes
    with pytest.raises(Mono3DError, match="damaged or cut off"):
        read(tmp_path, radiance(light(TRUTH), is_packed=is_packed)[:-100], "a.hdr")


def exr(path: Path, values: NDArray[np.float32], prefix: str = "") -> Photo:
    library = pytest.importorskip("OpenEXR")
    channels = {f"{prefix}{name}": np.ascontiguousarray(values[..., i]) for i, name in enumerate("RGB")}
    library.File({"compression": library.ZIP_COMPRESSION, "type": library.scanlineimage}, channels).write(str(path))
    return read_photo(path)


@pytest.mark.parametrize("prefix", ["", "ViewLayer.Combined."])
def test_openexr(tmp_path: Path, prefix: str) -> None:
    values = light(TRUTH).astype(np.float32)
    photo = exr(tmp_path / "a.exr", values, prefix)
    assert error(photo) <= 1 and not photo.notes
    values[0, :4] = 50.0
    bright = exr(tmp_path / "b.exr", values, prefix)
    assert "compressed" in bright.notes[0]
    (tmp_path / "a.exr").write_bytes((tmp_path / "a.exr").read_bytes()[:600])
    with pytest.raises(Mono3DError, match="damaged or cut off"):
        read_photo(tmp_path / "a.exr")


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt", b"tEXt"])
def test_png_with_megabytes_of_text(tmp_path: Path, kind: bytes) -> None:
    text = b"a" * 3_000_000
    packed = zlib.compress(text)
    content = {b"zTXt": b"k\0\0" + packed, b"iTXt": b"k\0\1\0\0\0" + packed, b"tEXt": b"k\0" + text}[kind]
    photo = read(tmp_path, png(TRUTH, (kind, content)))
    assert error(photo) == 0


def pack_bits(row: bytes) -> bytes:
    """Returns a row in PackBits: its first three bytes as they are, then runs."""
    out = b"\x02" + row[:3]
    for place in range(3, len(row), 128):
        part = row[place : place + 128]
        same = len(part) > 1 and len(set(part)) == 1
        out += bytes((257 - len(part), part[0])) if same else bytes((len(part) - 1,)) + part
    return out


@pytest.mark.parametrize("name", [b"cHRM", b"gAMA", b"tIME", b"pHYs", b"sBIT", b"zTXt"])
def test_png_with_an_empty_additional_chunk(tmp_path: Path, name: bytes) -> None:
    assert error(read(tmp_path, png(TRUTH, (name, b"")))) == 0


def test_avif_of_twelve_bits_is_named(tmp_path: Path) -> None:
    box = b"av1C" + bytes((0x81, 0x40, 0x60, 0))
    with pytest.raises(Mono3DError, match="AVIF of 12 bits"):
        read(tmp_path, b"\0\0\0\x1cftypavif" + bytes(16) + box + bytes(100), "a.avif")


def test_jpeg_of_twelve_bits_is_named(tmp_path: Path) -> None:
    Image.fromarray(TRUTH).save(tmp_path / "a.jpg")
    data = bytearray((tmp_path / "a.jpg").read_bytes())
    data[data.index(b"\xff\xc0") + 4] = 12
    with pytest.raises(Mono3DError, match="JPEG of 12 bits"):
        read(tmp_path, bytes(data), "b.jpg")


def psd(
    *, channels: int = 3, bits: int = 8, layers: int = 0, version: int = 1, packed: bool = False, extra: bytes = b""
) -> bytes:
    """Returns a Photoshop file of the true picture, whose fourth channel is black in its left half."""
    mask = np.repeat(np.where(np.arange(32) < 16, 0, 255)[None], 24, axis=0)
    values = np.dstack([TRUTH, mask])[..., :channels].astype(np.float64) / 255
    if bits == 32:
        stored = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).astype(">f4")
    else:
        stored = np.rint(values * (2**bits - 1)).astype(f">u{bits // 8}")
    rows = [row.tobytes() for channel in range(channels) for row in stored[..., channel]]
    body = b"\0\0" + b"".join(rows)
    if packed:
        rows = [pack_bits(row) for row in rows]
        sizes = np.array([len(row) for row in rows], ">u4" if version == 2 else ">u2").tobytes()
        body = b"\0\1" + sizes + b"".join(rows)
    length = ">Q" if version == 2 else ">I"
    layer = struct.pack(length, 2 + struct.calcsize(length)) + struct.pack(length, 2) + struct.pack(">h", layers)
    header = b"8BPS" + struct.pack(">H6xHIIHH", version, channels, 24, 32, bits, 3)
    return (
        header + bytes(4) + struct.pack(">I", len(extra)) + extra + (layer if layers else struct.pack(length, 0)) + body
    )


def test_composite_of_photoshop(tmp_path: Path) -> None:
    assert error(read(tmp_path, psd(), "a.psd")) == 0
    photo = read(tmp_path, psd(channels=4), "a.psd")
    assert photo.mask is None, "a stored selection is not transparency"


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("version", "bits"), [(2, 8), (1, 16), (2, 16), (1, 32)])
def test_deep_and_large_photoshop_files(tmp_path: Path, version: int, bits: int, packed: bool) -> None:
    assert error(read(tmp_path, psd(version=version, bits=bits, packed=packed), "a.psd")) == 0
    photo = read(tmp_path, psd(version=version, bits=bits, packed=packed, channels=4, layers=-1), "a.psb")
    assert photo.mask is not None and photo.mask[:, 16:].all() and not photo.mask[:, :16].any()
    cut = psd(version=version, bits=bits, packed=packed)[:-40]
    with pytest.raises(Mono3DError, match="damaged or cut off"):
        read(tmp_path, cut, "a.psd")


def test_photoshop_files_without_a_composite_are_named(tmp_path: Path) -> None:
    resource = b"8BIM" + struct.pack(">HHI", 1057, 0, 6) + bytes((0, 0, 0, 1, 0, 0))
    with pytest.raises(Mono3DError, match="Maximize Compatibility"):
        read(tmp_path, psd(extra=resource), "a.psd")


def dng() -> bytes:
    thumbnail = np.full((32, 32, 3), 255, np.uint8)
    return tiff(tags_of(thumbnail, 2, _50706=("B", (1, 4, 0, 0))), [thumbnail.tobytes()])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (dng(), "camera raw: develop it"),
        (b"FUJIFILMCCD-RAW " + bytes(100), "camera raw: develop it"),
        (b"\0\0\0\x18ftypcrx " + bytes(100), "camera raw: develop it"),
        (b"II\x1a\0\0\0HEAPCCDR" + bytes(100), "camera raw: develop it"),
        (b"II\xbc\x01" + bytes(100), "JPEG XR"),
        (b"DDS \x7c" + bytes(100), "a texture for games"),
        (b"\0\0\1\0\1\0" + bytes(100), "an icon"),
        (b"\0\0\0\x18ftypmp42" + bytes(100), "a video"),
        (b"%PDF-1.7" + bytes(100), "a document"),
        (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", "a vector drawing"),
    ],
)
def test_other_kinds_are_named_with_the_remedy(tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(Mono3DError, match=words) as caught:
        read(tmp_path, data, "a.tif")
    assert "damaged" not in str(caught.value)


def test_raw_is_found_by_the_sensor_values_of_a_second_directory(tmp_path: Path) -> None:
    values = np.zeros((32, 32), np.uint16)
    raw = tiff(tags_of(values, 32803), [values.tobytes()])
    with pytest.raises(Mono3DError, match="camera raw: develop it"):
        read(tmp_path, raw, "a.nef")


@pytest.mark.parametrize(
    "name", ["cielab-dagams.tiff", "predictor-3-rgb-f32.tif", "rgb32bf.bmp", "big_icc.png", "big_itxt.png"]
)
def test_the_sound_cases_are_read(name: str) -> None:
    photo = read_photo(shared_data.case(f"files/{name}"))
    assert photo.mask is None and photo.pixels.std() > 10 and not photo.notes


def test_lossless_jpeg_is_not_its_own_texture() -> None:
    assert read_photo(shared_data.case("files/testimgl.jpg")).texture is None


def test_xmp_does_not_turn_avif() -> None:
    assert read_photo(shared_data.case("files/xmp_tags_orientation.avif")).size == (326, 268)


def test_the_raw_case_is_named() -> None:
    with pytest.raises(Mono3DError, match="camera raw: develop it"):
        read_photo(shared_data.case("files/exiftool_DNG.dng"))


def sources() -> dict[str, bytes]:
    """Returns a sound file of each kind."""
    deep = TRUTH.astype(np.uint16) * 257
    pixels = TRUTH.astype(np.uint32)
    packed = pixels[..., 0] << np.uint32(20) | pixels[..., 1] << np.uint32(10) | pixels[..., 2]
    targa = bytes([0, 0, 10]) + bytes(9) + struct.pack("<HHBB", 32, 24, 24, 0x20)
    packets = b"".join(bytes([31]) + row.tobytes() for row in TRUTH)
    profile = (b"iCCP", b"p\0\0" + zlib.compress(rgb_profile(LINEAR, "linear")))
    return {
        "a.png": png(deep, profile, (b"tRNS", bytes(6))),
        "b.png": png(TRUTH, (b"cICP", bytes([9, 16, 0, 1]))),
        "a.tif": tiff(tags_of(deep, 2), [deep.tobytes()]),
        "b.tif": tiff(tags_of(deep, 2, _259=("H", (8,))), [zlib.compress(deep.tobytes())], big=True),
        "a.bmp": bmp(packed, 32, (255 << 20, 255 << 10, 255)),
        "a.tga": targa + packets,
        "a.hdr": radiance(light(TRUTH), is_packed=True),
        "a.psd": psd(channels=4, layers=-1),
        "a.dng": dng(),
    }


@pytest.mark.parametrize("name", sorted(sources()))
def test_damage_is_a_picture_or_one_sentence(tmp_path: Path, name: str) -> None:
    rng = np.random.default_rng(11)
    data = sources()[name]
    for _ in range(120):
        damaged = bytearray(data)
        for place in rng.integers(0, min(len(data), 600), 3):
            damaged[place] = rng.integers(0, 256)
        try:
            read(tmp_path, bytes(damaged[: rng.integers(20, len(data) + 1)] if rng.random() < 0.3 else damaged), name)
        except Mono3DError as caught:
            assert "\n" not in str(caught)
