# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from PIL import Image, ImageCms, PngImagePlugin

from mono3d_addon.core.photo.photo import read_photo
from mono3d_addon.core.photo.texture_file import for_gltf, without_metadata

SECRETS = (b"SERIAL-77", b"Ada Lovelace", b"ftypmp42", b"a comment", b"http://ns.adobe.com", b"THUMB")
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def noise(mode: str = "RGB", size: tuple[int, int] = (80, 64)) -> Image.Image:
    channels = {"RGB": (3,), "RGBA": (4,), "L": (), "CMYK": (4,)}[mode]
    return Image.fromarray(np.random.default_rng(3).integers(0, 256, (size[1], size[0], *channels), np.uint8), mode)


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    """Returns a file with position, serial number, owner, comment, profile and a video behind it."""
    exif = Image.Exif()
    exif[0x013B] = "Ada Lovelace"
    exif.get_ifd(0x8769)[0xA431] = "SERIAL-77"
    exif.get_ifd(0x8825)[2] = (48.0, 8.0, 14.0)
    buffer = io.BytesIO()
    if kind == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_text("Author", "Ada Lovelace")
        info.add_itxt("XML:com.adobe.xmp", "http://ns.adobe.com", zip=False)
        options["pnginfo"] = info
    else:
        options |= {"comment": b"a comment", "xmp": b"<x http://ns.adobe.com/>"}
    picture.save(buffer, kind, exif=exif, icc_profile=PROFILE, **options)
    return buffer.getvalue() + b"\0\0\0\x18ftypmp42 a video"


@pytest.mark.parametrize(
    ("kind", "mode", "options"),
    [
        ("JPEG", "RGB", {}),
        ("JPEG", "RGB", {"progressive": True, "restart_marker_blocks": 2}),
        ("JPEG", "L", {"quality": 100}),
        ("PNG", "RGB", {}),
        ("PNG", "RGBA", {}),
    ],
)
def test_metadata_goes_and_pixels_and_profile_stay(kind: str, mode: str, options: dict[str, Any]) -> None:
    data = encoded(noise(mode), kind, **options)
    assert sum(secret in data for secret in SECRETS) >= 4
    plain = without_metadata(data)
    assert plain is not None and not any(secret in plain for secret in SECRETS)
    before, after = Image.open(io.BytesIO(data)), Image.open(io.BytesIO(plain))
    np.testing.assert_array_equal(np.asarray(before), np.asarray(after))
    assert after.info["icc_profile"] == PROFILE and not dict(after.getexif())
    assert without_metadata(plain) == plain


def test_the_thumbnail_of_jfif_goes() -> None:
    buffer = io.BytesIO()
    noise().save(buffer, "JPEG")
    data = buffer.getvalue()
    assert data[6:11] == b"JFIF\0"
    header = data[6:18] + b"\2\1THUMBS"
    plain = without_metadata(data[:4] + struct.pack(">H", len(header) + 2) + header + data[20:])
    assert plain == data


@pytest.mark.parametrize(
    "kind", ["16 bits", "palette", "grey", "CMYK", "lossless", "cut", "no end", "wrong byte", "text"]
)
def test_what_not_every_program_reads_is_no_texture(kind: str) -> None:
    buffer = io.BytesIO()
    if kind == "16 bits":
        Image.fromarray(np.zeros((9, 9), np.uint16)).save(buffer, "PNG")
    elif kind in ("palette", "grey"):
        noise().convert("P" if kind == "palette" else "L").save(buffer, "PNG")
    else:
        noise("CMYK" if kind == "CMYK" else "RGB").save(buffer, "PNG" if kind == "wrong byte" else "JPEG")
    data = buffer.getvalue()
    changed = {
        "lossless": lambda: data.replace(b"\xff\xc0", b"\xff\xc3"),
        "cut": lambda: data[: len(data) // 2],
        "no end": lambda: data[:-2],
        "wrong byte": lambda: data[:500] + bytes((data[500] ^ 1,)) + data[501:],
        "text": lambda: b"no picture",
    }
    assert without_metadata(changed.get(kind, lambda: data)()) is None


@given(
    some.binary(max_size=300), some.sampled_from([b"", b"\xff\xd8", b"\xff\xd8\xff\xda\0\x02", b"\x89PNG\r\n\x1a\n"])
)
def test_any_bytes_are_a_texture_or_none(data: bytes, start: bytes) -> None:
    assert without_metadata(start + data) is None or start


def test_png_in_gltf_is_marked_as_srgb_without_profile_gamma_or_size() -> None:
    buffer = io.BytesIO()
    noise().save(buffer, "PNG", icc_profile=PROFILE, dpi=(72, 144))
    plain = for_gltf(buffer.getvalue())
    assert b"sRGB" in plain[:64] and not any(kind in plain for kind in (b"iCCP", b"gAMA", b"cHRM", b"pHYs"))
    assert Image.open(io.BytesIO(plain)).info["srgb"] == 0
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(plain))), np.asarray(noise()))


@pytest.mark.parametrize("keep", [False, True])
def test_a_photo_keeps_its_metadata_only_where_asked(tmp_path: Path, keep: bool) -> None:
    data = encoded(noise(), "JPEG")
    (tmp_path / "cup.jpg").write_bytes(data)
    written = read_photo(tmp_path / "cup.jpg").write_texture(tmp_path, keep_metadata=keep).read_bytes()
    assert written == data if keep else written == without_metadata(data)


def test_sixteen_bits_and_palettes_become_plain_textures(tmp_path: Path) -> None:
    raw = b"".join(b"\0" + bytes(6 * 64) for _ in range(64))
    header = struct.pack(">IIBBBBB", 64, 64, 16, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(raw)), (b"IEND", b"")]
    parts = [
        len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big") for kind, body in chunks
    ]
    (tmp_path / "deep.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    written = read_photo(tmp_path / "deep.png").write_texture(tmp_path).read_bytes()
    assert written[24] == 8 and without_metadata(written) is not None
