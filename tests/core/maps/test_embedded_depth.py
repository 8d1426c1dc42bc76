# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from PIL import Image

from mono3d_addon.core.maps.embedded_depth import read_embedded
from mono3d_addon.core.photo.jpeg_parts import further_pictures, xmp_of
from mono3d_addon.errors import Mono3DError
from tests import phone_photos as made
from tests.core.photo.without_pillow import without_pillow

GREYS = np.linspace(0, 255, 40 * 30).reshape(30, 40).astype(np.uint8)
RANGE = 'GDepth:Near="0.5" GDepth:Far="4.0" GDepth:Mime="image/png"'
SHARES = GREYS / 255.0
INVERSE = 1 / ((1 - SHARES) / 0.5 + SHARES / 4.0)
LINEAR = 0.5 + SHARES * 3.5


def written(folder: Path, data: bytes, name: str = "phone.jpg") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("extended", [False, True])
@pytest.mark.parametrize(("form", "wanted"), [("RangeInverse", INVERSE), ("RangeLinear", LINEAR)])
@pytest.mark.parametrize(("unit", "scale"), [("", 1.0), ('GDepth:Units="m"', 1.0), ('GDepth:Units="mm"', 0.001)])
def test_gdepth(tmp_path: Path, extended: bool, form: str, wanted: Any, unit: str, scale: float) -> None:
    attributes = f'GDepth:Format="{form}" {RANGE} {unit}'
    found = read_embedded(written(tmp_path, made.gdepth(made.jpeg((80, 60)), GREYS, attributes, extended)), 1.0)
    assert found.kind == "metres"
    np.testing.assert_allclose(found.values, wanted * scale, rtol=1e-5)


@pytest.mark.parametrize("orientation", [1, 6])
def test_googles_depth_is_read_without_pillow(tmp_path: Path, orientation: int) -> None:
    photo = made.jpeg((80, 60), orientation)
    attributes = 'DepthMap:Format="RangeLinear" DepthMap:Near="0.5" DepthMap:Far="4.0" DepthMap:Units="Meters"'
    files = [
        made.gdepth(photo, GREYS, f'GDepth:Format="RangeLinear" {RANGE}', extended=True),
        made.dynamic_depth(photo, GREYS, attributes),
    ]
    for data in files:
        with without_pillow():
            found = read_embedded(written(tmp_path, data), 1.0)
        np.testing.assert_allclose(found.values, LINEAR if orientation == 1 else np.rot90(LINEAR, -1), rtol=1e-5)


def test_what_is_not_read_without_packages_is_named(tmp_path: Path) -> None:
    data = made.apple_jpeg(made.jpeg((80, 60)), GREYS, properties("depth"))
    with without_pillow(), pytest.raises(Mono3DError, match="JPEG depth maps inside photos need the package Pillow"):
        read_embedded(written(tmp_path, data), 1.0)
    heic = written(tmp_path, b"\0\0\0\x18ftypheic" + bytes(40), "phone.heic")
    with without_pillow("pillow_heif"), pytest.raises(Mono3DError, match="HEIC files need the package pillow-heif"):
        read_embedded(heic, 1.0)


def test_an_extended_packet_larger_than_a_segment_is_put_together(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 400), np.uint8)
    data = made.gdepth(made.jpeg((80, 60)), noise, f'GDepth:Format="RangeLinear" {RANGE}', extended=True)
    found = read_embedded(written(tmp_path, data), 1.0)
    np.testing.assert_allclose(found.values, 0.5 + noise / 255.0 * 3.5, rtol=1e-5)


def test_gdepth_without_distances_is_disparity(tmp_path: Path) -> None:
    data = made.gdepth(made.jpeg((80, 60)), GREYS, 'GDepth:Format="RangeInverse"', extended=False)
    found = read_embedded(written(tmp_path, data), 1.0)
    assert found.kind == "disparity" and found.values[0, 0] > found.values[-1, -1]


@pytest.mark.parametrize(("form", "wanted"), [("RangeInverse", INVERSE), ("RangeLinear", LINEAR)])
def test_dynamic_depth(tmp_path: Path, form: str, wanted: Any) -> None:
    attributes = f'DepthMap:Format="{form}" DepthMap:Near="0.5" DepthMap:Far="4.0" DepthMap:Units="Meters"'
    found = read_embedded(written(tmp_path, made.dynamic_depth(made.jpeg((80, 60)), GREYS, attributes)), 1.0)
    assert found.kind == "metres"
    np.testing.assert_allclose(found.values, wanted, rtol=1e-5)


def test_dynamic_depth_in_no_unit_of_length_is_disparity(tmp_path: Path) -> None:
    attributes = 'DepthMap:Format="RangeInverse" DepthMap:Near="0.5" DepthMap:Far="4.0" DepthMap:Units="Diopters"'
    found = read_embedded(written(tmp_path, made.dynamic_depth(made.jpeg((80, 60)), GREYS, attributes)), 1.0)
    assert found.kind == "disparity"


def properties(kind: str, accuracy: str = "", native: str = "") -> str:
    parts = {"AuxiliaryImageType": kind, "NativeFormat": native, "FloatMinValue": "0.4", "FloatMaxValue": "2.0"}
    text = "".join(f"<apdi:{key}>{value}</apdi:{key}>" for key, value in parts.items() if value)
    return text + (f"<depthData:Accuracy>{accuracy}</depthData:Accuracy>" if accuracy else "")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (properties("disparity", "relative"), "disparity"),
        (properties("kCGImageAuxiliaryDataTypeDisparity", "absolute"), "absolute"),
        (properties("depth"), "metres"),
        (properties("", native=str(int.from_bytes(b"hdis", "big"))), "disparity"),
        (properties("", native=str(int.from_bytes(b"fdep", "big"))), "metres"),
    ],
)
def test_the_second_picture_of_an_apple_jpeg(tmp_path: Path, text: str, kind: str) -> None:
    found = read_embedded(written(tmp_path, made.apple_jpeg(made.jpeg((80, 60)), GREYS, text)), 1.0)
    values = 0.4 + SHARES * 1.6
    assert found.kind == ("disparity" if kind == "disparity" else "metres")
    np.testing.assert_allclose(1 / found.values if kind == "absolute" else found.values, values, atol=0.03)


def test_the_pictures_behind_a_jpeg_are_those_that_pillow_sees(tmp_path: Path) -> None:
    data = made.apple_jpeg(made.jpeg((80, 60)), GREYS, properties("depth"))
    with Image.open(written(tmp_path, data)) as opened:
        assert getattr(opened, "n_frames", 1) == 3
    assert [picture[:2] for picture in further_pictures(data)] == [b"\xff\xd8"] * 2


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_depth_is_turned_like_the_photo(tmp_path: Path, orientation: int) -> None:
    photo = made.jpeg((80, 60), orientation)
    data = made.gdepth(photo, GREYS, f'GDepth:Format="RangeLinear" {RANGE}', extended=False)
    found = read_embedded(written(tmp_path, data), 1.0)
    turns = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.T,
        6: lambda a: np.rot90(a, -1),
        7: lambda a: a[::-1, ::-1].T,
        8: lambda a: np.rot90(a, 1),
    }
    np.testing.assert_allclose(found.values, turns[orientation](LINEAR), rtol=1e-5)


def test_the_auxiliary_image_of_heic(tmp_path: Path) -> None:
    pytest.importorskip("pillow_heif")
    greys = np.repeat(np.repeat(np.linspace(20, 230, 8).astype(np.uint8)[None, :], 96, 0), 16, 1)
    found = read_embedded(written(tmp_path, made.heic((256, 192), greys), "phone.heic"), 1.0)
    assert found.kind == "disparity" and found.values.shape == (96, 128)
    np.testing.assert_allclose(found.values, greys / 255.0, atol=0.05)


@pytest.mark.parametrize("name", ["phone.jpg", "phone.heic", "phone.png"])
def test_a_photo_without_depth_says_so(tmp_path: Path, name: str) -> None:
    if name.endswith("heic"):
        pillow_heif = pytest.importorskip("pillow_heif")
        pillow_heif.register_heif_opener()
    Image.new("RGB", (64, 64)).save(tmp_path / name)
    with pytest.raises(Mono3DError, match=f"'{name}' holds no depth map; switch"):
        read_embedded(tmp_path / name, 1.0)


def test_a_depth_that_is_too_large_is_refused(tmp_path: Path) -> None:
    data = made.gdepth(made.jpeg((80, 60)), GREYS, f'GDepth:Format="RangeLinear" {RANGE}', extended=False)
    with pytest.raises(Mono3DError, match="more than the limit"):
        read_embedded(written(tmp_path, data), 0.001)


def test_xmp_with_entities_is_not_read() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>'
    data = made.with_segments(made.jpeg((16, 16)), (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + bomb.encode()))
    assert xmp_of(data) == []


KINDS = {
    "gdepth": made.gdepth(made.jpeg((32, 24)), GREYS, f'GDepth:Format="RangeLinear" {RANGE}', extended=True),
    "dynamic": made.dynamic_depth(made.jpeg((32, 24)), GREYS, 'DepthMap:Near="0.5" DepthMap:Far="4"'),
    "apple": made.apple_jpeg(made.jpeg((32, 24)), GREYS, properties("depth")),
}


@pytest.mark.parametrize("kind", sorted(KINDS))
@given(data=some.data())
def test_damage_is_one_sentence_or_still_a_depth_map(
    tmp_path_factory: pytest.TempPathFactory, kind: str, data: Any
) -> None:
    content = bytearray(KINDS[kind])
    if data.draw(some.booleans()):
        content = content[: data.draw(some.integers(0, len(content)))]
    for _ in range(data.draw(some.integers(1, 8))):
        if content:
            content[data.draw(some.integers(0, len(content) - 1))] = data.draw(some.integers(0, 255))
    path = written(tmp_path_factory.getbasetemp(), bytes(content), "damaged.jpg")
    try:
        assert read_embedded(path, 1.0).values.ndim == 2
    except Mono3DError as error:
        assert "\n" not in str(error)
