# SPDX-License-Identifier: GPL-3.0-or-later
"""Colour profiles without LittleCMS, beside LittleCMS."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from mono3d_addon.core.photo import little_cms
from mono3d_addon.core.photo.colour_spaces import (
    ADOBE_RGB,
    DISPLAY_P3,
    REC2020,
    SRGB,
    XYZ_D50_TO_SRGB,
    matrix_of,
)
from mono3d_addon.core.photo.colours import DAMAGED_PROFILE, OTHER_PROFILE, UNUSED_PROFILE, to_srgb
from mono3d_addon.core.photo.raster import Colours, Raster
from tests.core.photo.picture_files import LINEAR, grey_profile, icc

PRO_PHOTO = (0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001, 0.3457, 0.3585)
SRGB_PARAMETERS = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def gamma(value: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(value * 256))


def table(value: float, count: int = 64) -> bytes:
    entries = np.rint(np.linspace(0, 1, count) ** value * 65535).astype(">u2")
    return b"curv\0\0\0\0" + struct.pack(">I", count) + entries.tobytes()


CURVES = {
    "gamma 1.8": gamma(1.8),
    "gamma 2.2": gamma(563 / 256),
    "table": table(2.2),
    "sRGB": b"para\0\0\0\0" + struct.pack(">HH5i", 3, 0, *(round(x * 65536) for x in SRGB_PARAMETERS)),
}
PRIMARIES = {"sRGB": SRGB, "Adobe RGB": ADOBE_RGB, "P3": DISPLAY_P3, "Rec. 2020": REC2020, "ProPhoto": PRO_PHOTO}


def profile_of(primaries: Any, curve: bytes) -> bytes:
    to_xyz = np.linalg.inv(XYZ_D50_TO_SRGB) @ matrix_of(primaries)
    colorants = {name: tuple(to_xyz[:, i]) for i, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))}
    return icc(b"RGB ", dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve), colorants, "profile")


def colours(count: int = 20_000) -> NDArray[np.uint8]:
    random = np.random.default_rng(0)
    grey = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    return np.concatenate([grey, random.integers(0, 256, (count, 3), np.uint8)])[None]


def both(raster: Raster, profile: bytes, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    """Returns what `to_srgb` makes of the picture with LittleCMS, and without."""
    named = Colours(icc=profile)
    expected = to_srgb(raster, named)
    with monkeypatch.context() as without:
        without.setattr(little_cms, "ImageCms", None)
        return expected, to_srgb(raster, named)


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("primaries", PRIMARIES)
def test_matrices_and_curves_give_the_same_colours(primaries: str, curve: str, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = profile_of(PRIMARIES[primaries], CURVES[curve])
    expected, found = both(Raster(colours(), "rgb"), profile, monkeypatch)
    difference = np.abs(found[0].astype(int) - expected[0])
    assert difference.max() <= 2, np.argwhere(difference > 2)[:3]
    assert found[1:] == expected[1:]
    assert found[1] == (primaries == "sRGB" and curve == "sRGB")


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_profiles_need_no_package(curve: str, dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.linspace(0, np.iinfo(dtype).max, 256).astype(dtype)[None]
    expected, found = both(Raster(values, "grey"), grey_profile(CURVES[curve]), monkeypatch)
    assert np.array_equal(found[0], expected[0]) and found[1:] == expected[1:]
    with_rgb = both(Raster(values, "grey"), profile_of(ADOBE_RGB, CURVES[curve]), monkeypatch)
    assert np.abs(with_rgb[0][0].astype(int) - with_rgb[1][0]).max() <= 2


def test_a_profile_of_tables_is_named_and_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    curves = dict.fromkeys((b"rTRC", b"gTRC", b"bTRC", b"A2B0"), LINEAR)
    monkeypatch.setattr(little_cms, "ImageCms", None)
    for space, kind, channels in ((b"RGB ", "rgb", 3), (b"CMYK", "cmyk", 4)):
        profile = icc(space, curves, {}, "tables")
        values = np.full((2, 3, channels), 90, np.uint8)
        pixels, is_plain, notes = to_srgb(Raster(values, kind), Colours(icc=profile))  # type: ignore[arg-type]
        assert notes == (UNUSED_PROFILE,)
        assert np.array_equal(pixels, to_srgb(Raster(values, kind), Colours())[0])  # type: ignore[arg-type]
        assert is_plain == (kind == "rgb")


@pytest.mark.parametrize("has_cms", [True, False])
def test_damaged_and_foreign_profiles_are_told_apart(has_cms: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not has_cms:
        monkeypatch.setattr(little_cms, "ImageCms", None)
    raster = Raster(np.full((2, 3, 3), 90, np.uint8), "rgb")
    whole = grey_profile(CURVES["sRGB"])
    assert to_srgb(raster, Colours(icc=whole))[2] == (OTHER_PROFILE,)
    for damaged in (whole[:36] + b"none" + whole[40:], whole[:60], b"RGB " * 9):
        assert to_srgb(raster, Colours(icc=damaged))[2] == (DAMAGED_PROFILE,)


def test_lab_of_eight_bits_is_closer_to_the_truth_than_littlecms() -> None:
    truth = colours(2000)
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    values = ImageCms.applyTransform(Image.fromarray(truth), ImageCms.buildTransform(srgb, lab, "RGB", "LAB"))
    assert values is not None
    found = to_srgb(Raster(np.asarray(values), "lab"), Colours())[0]
    errors = [np.abs(one.astype(int) - truth) for one in (found, np.asarray(values.convert("RGB")))]
    assert errors[0].mean() < 0.7 < errors[1].mean() and errors[0].max() < errors[1].max()


def test_ink_is_pillows() -> None:
    values = np.random.default_rng(0).integers(0, 256, (40, 50, 4), np.uint8)
    values[0, :8] = [
        [0, 0, 0, 0],
        [255] * 4,
        [255, 0, 0, 0],
        [0, 0, 0, 255],
        [1] * 4,
        [254] * 4,
        [0, 255, 0, 1],
        [9] * 4,
    ]
    expected = np.asarray(Image.frombytes("CMYK", (50, 40), values.tobytes()).convert("RGB"))
    assert np.array_equal(to_srgb(Raster(values, "cmyk"), Colours())[0], expected)
