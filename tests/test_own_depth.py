# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import importlib.util
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from mono3d_addon.core.maps.depth_file import as_metres
from mono3d_addon.core.maps.depth_values import DepthValues
from mono3d_addon.core.maps.own_depth import filled, own_depth_map, own_disparity
from mono3d_addon.core.photo.hand_over import handed_over
from mono3d_addon.core.photo.photo import Photo, read_photo
from mono3d_addon.core.stages import ESTIMATING, Stages
from mono3d_addon.depth.disparity_cache import DisparityCache
from mono3d_addon.depth_source import depth_from_file, read_depth, source_of
from mono3d_addon.errors import Mono3DError
from mono3d_addon.session import Session
from mono3d_addon.settings import Settings
from tests.core.photo.picture_files import exr_header
from tests.core.photo.without_pillow import without_pillow

has_exr = pytest.mark.skipif(importlib.util.find_spec("OpenEXR") is None, reason="OpenEXR is not installed")

NEAR_LEFT = np.linspace(1.0, 5.0, 48, dtype=np.float32)[None, :] + np.linspace(0, 1, 36, dtype=np.float32)[:, None]
"""Metres, float32 (36, 48), growing to the right."""


def write_pfm(path: Path, values: NDArray[np.float32], order: str = "<") -> None:
    scale = {"<": -1.0, ">": 1.0}[order]
    data = values[::-1].astype(f"{order}f4").tobytes()
    path.write_bytes(f"Pf\n{values.shape[1]} {values.shape[0]}\n{scale}\n".encode() + data)


@pytest.fixture
def photo(tmp_path: Path) -> Photo:
    Image.new("RGB", (96, 72), (90, 120, 30)).save(tmp_path / "cup.jpg")
    return read_photo(tmp_path / "cup.jpg")


@pytest.mark.parametrize("kind", ["float16", "float32", "float64", ">f4"])
def test_npy_is_metres(tmp_path: Path, kind: str) -> None:
    np.save(tmp_path / "d.npy", NEAR_LEFT.astype(kind)[None])
    found = read_depth(tmp_path / "d.npy", 1.0)
    assert found.kind == "metres"
    np.testing.assert_allclose(found.values, NEAR_LEFT, rtol=1e-3)


@pytest.mark.parametrize("order", ["<", ">"])
def test_pfm_is_disparity_and_starts_at_the_bottom(tmp_path: Path, order: str) -> None:
    write_pfm(tmp_path / "d.pfm", NEAR_LEFT, order)
    found = read_depth(tmp_path / "d.pfm", 1.0)
    assert found.kind == "disparity"
    np.testing.assert_array_equal(found.values, NEAR_LEFT)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_are_kept(tmp_path: Path, suffix: str) -> None:
    values = (NEAR_LEFT * 1000).astype(np.uint16)
    Image.fromarray(values).save(tmp_path / f"d.{suffix}")
    found = read_depth(tmp_path / f"d.{suffix}", 1.0)
    assert found.kind == "disparity"
    np.testing.assert_array_equal(found.values, values)
    metres = as_metres(read_depth(tmp_path / f"d.{suffix}", 1.0, "millimetres"))
    np.testing.assert_allclose(metres.values, NEAR_LEFT, atol=0.001)


def test_a_grey_picture_may_have_three_equal_channels(tmp_path: Path) -> None:
    grey = (NEAR_LEFT * 40).astype(np.uint8)
    Image.fromarray(np.stack([grey] * 3, axis=2)).save(tmp_path / "d.png")
    np.testing.assert_array_equal(read_depth(tmp_path / "d.png", 1.0).values, grey)
    Image.fromarray(np.stack([grey, grey, 255 - grey], axis=2)).save(tmp_path / "c.png")
    with pytest.raises(Mono3DError, match="has colours"):
        read_depth(tmp_path / "c.png", 1.0)


@has_exr
@pytest.mark.parametrize("channels", [("Z",), ("Y",), ("R", "G", "B", "ViewLayer.Depth.Z"), ("something",)])
def test_exr_is_metres(tmp_path: Path, channels: tuple[str, ...]) -> None:
    import OpenEXR

    wanted = next((name for name in channels if name.endswith("Z")), channels[0])
    planes = {name: NEAR_LEFT if name == wanted else np.zeros_like(NEAR_LEFT) for name in channels}
    OpenEXR.File({"type": OpenEXR.scanlineimage}, planes).write(str(tmp_path / "d.exr"))
    found = read_depth(tmp_path / "d.exr", 1.0)
    assert found.kind == "metres"
    np.testing.assert_array_equal(found.values, NEAR_LEFT)
    with pytest.raises(Mono3DError, match="more than the limit"):
        read_depth(tmp_path / "d.exr", 0.001)
    (tmp_path / "d.exr").write_bytes((tmp_path / "d.exr").read_bytes()[:300])
    with pytest.raises(Mono3DError, match=r"'d\.exr' is not a readable EXR file"):
        read_depth(tmp_path / "d.exr", 1.0)


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    np.save(tmp_path / "d.npy", np.array([[Trap(sprung)]], dtype=object), allow_pickle=True)
    (tmp_path / "p.npy").write_bytes(pickle.dumps(Trap(sprung)))
    for name in ("d.npy", "p.npy"):
        with pytest.raises(Mono3DError, match=name):
            read_depth(tmp_path / name, 1.0)
    assert not sprung.exists()


def bad_files() -> dict[str, bytes]:
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (30000, 30000), }".ljust(117) + "\n"
    return {
        "empty.npy": b"",
        "words.npy": b"hello",
        "cut.npy": b"\x93NUMPY\x01\x00",
        "open.npy": b"\x93NUMPY\x01\x00" + struct.pack("<H", 16) + b"{'shape': (2,   ",
        "long.npy": b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode(),
        "cut.pfm": b"Pf\n30 20\n-1.0\n" + bytes(100),
        "color.pfm": b"PF\n30 20\n-1.0\n" + bytes(7200),
        "odd.pfm": b"Pf\nwide high\n-1\n",
        "huge.pfm": b"Pf\n99999999 99999999\n-1.0\n" + bytes(100),
        "cut.png": b"\x89PNG\r\n\x1a\n\0\0",
        "odd.exr": b"\x76\x2f\x31\x01" + bytes(50),
        "odd.tif": b"II*\0" + bytes(30),
    }


@pytest.mark.parametrize("name", sorted(bad_files()))
def test_bad_files_are_one_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(bad_files()[name])
    with pytest.raises(Mono3DError, match=name.replace(".", r"\.")) as caught:
        read_depth(tmp_path / name, 1.0)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.full((5, 5), np.nan, np.float32), "no depth values"),
        (np.zeros((5, 5, 3), np.float32), "shape"),
        (np.zeros((0, 5), np.float32), "shape"),
        (np.zeros(5, np.float32), "shape"),
        (np.zeros((5, 5), np.complex64), "real numbers"),
        (np.zeros((2000, 1000), np.float32), "more than the limit"),
    ],
)
def test_other_arrays_are_one_sentence(tmp_path: Path, array: NDArray[Any], words: str) -> None:
    np.save(tmp_path / "d.npy", array)
    with pytest.raises(Mono3DError, match=words):
        read_depth(tmp_path / "d.npy", 1.0)


@pytest.mark.parametrize("kind", ["metres", "millimetres", "disparity"])
def test_the_note_says_what_was_asked_for(photo: Photo, tmp_path: Path, kind: str) -> None:
    Image.fromarray((NEAR_LEFT * 1000).astype(np.uint16)).save(tmp_path / "d16.png")
    found = depth_from_file(photo, Settings(depth_file=str(tmp_path / "d16.png"), depth_kind=kind))
    assert found.notes[0].startswith(
        f"The depth 'd16.png' is {kind}" if kind == "disparity" else f"The depth 'd16.png' is in {kind};"
    )


def test_metres_stay_metres(photo: Photo) -> None:
    own = as_metres(DepthValues(NEAR_LEFT, "metres"))
    depth, valid = own_depth_map(own, photo, Settings(detail=48, near=10.0, far=20.0))
    assert valid is None
    np.testing.assert_allclose(depth, NEAR_LEFT, rtol=1e-6)


def test_a_coarse_map_of_metres_is_enlarged_in_place(photo: Photo) -> None:
    depth, _ = own_depth_map(DepthValues(NEAR_LEFT, "metres"), photo, Settings(detail=96))
    assert depth.shape == (72, 96)
    np.testing.assert_allclose(depth[1::2, 1::2], NEAR_LEFT, rtol=0.03)


def test_a_constant_distance_is_kept(photo: Photo) -> None:
    depth, _ = own_depth_map(DepthValues(np.full((36, 48), 7.5, np.float32), "metres"), photo, Settings(detail=48))
    np.testing.assert_allclose(depth, 7.5)


def test_a_finer_map_is_not_blended(photo: Photo) -> None:
    steps = np.where(np.arange(96) % 2, np.float32(1), np.float32(9))[None, :].repeat(72, 0)
    depth, _ = own_depth_map(DepthValues(steps, "metres"), photo, Settings(detail=40))
    np.testing.assert_allclose(np.minimum(np.abs(depth - 1), np.abs(depth - 9)), 0.0, atol=1e-5)


@pytest.mark.parametrize("size", [(144, 192), (216, 288), (115, 230), (72, 96)])
def test_a_plane_is_exact_where_the_mesh_is_coarser(photo: Photo, size: tuple[int, int]) -> None:
    def plane(rows: int, columns: int) -> NDArray[np.float32]:
        row, column = (np.arange(rows) + 0.5) / rows, (np.arange(columns) + 0.5) / columns
        return (1 / (0.3 + 0.2 * column + 0.1 * row[:, None])).astype(np.float32)

    depth, _ = own_depth_map(DepthValues(plane(*size), "metres"), photo, Settings(detail=96))
    assert np.abs(depth / plane(72, 96) - 1).max() < 1e-5


def test_between_two_surfaces_and_beside_unknown_pixels_the_pixel_under_the_centre_counts(photo: Photo) -> None:
    values = np.full((144, 192), 2.0, np.float32)
    values[:, 101:] = 4.0
    values[:50] = np.nan
    depth, valid = own_depth_map(DepthValues(values, "metres"), photo, Settings(detail=96))
    assert valid is not None
    assert np.isin(np.round(depth[valid], 5), [2.0, 4.0]).all()


@pytest.mark.parametrize("kind", ["metres", "disparity"])
def test_what_is_not_known_is_left_out(photo: Photo, kind: Any) -> None:
    values = NEAR_LEFT.copy()
    values[10:20, 5:15] = np.nan if kind == "disparity" else 1e10
    own = as_metres(DepthValues(values, kind))
    depth, valid = own_depth_map(own, photo, Settings(detail=48))
    assert valid is not None and np.isfinite(depth).all()
    np.testing.assert_array_equal(valid, np.isfinite(own.values))


def test_unknown_parts_and_the_photos_mask_add_up(photo: Photo) -> None:
    mask = np.ones((72, 96), bool)
    mask[:36] = False
    values = NEAR_LEFT.copy()
    values[:, :24] = 0.0
    own = as_metres(DepthValues(values, "metres"))
    _, valid = own_depth_map(own, dataclasses.replace(photo, mask=mask), Settings(detail=48))
    assert valid is not None and valid[18:, 24:].all() and valid.sum() == 18 * 24


def test_disparity_goes_by_near_and_far(photo: Photo) -> None:
    depth, _ = own_depth_map(
        DepthValues(np.float32(300) / NEAR_LEFT + np.float32(7), "disparity"),
        photo,
        Settings(detail=48, near=2.0, far=8.0, percentile=0.0),
    )
    assert depth.min() == pytest.approx(2.0) and depth.max() == pytest.approx(8.0)
    assert (np.diff(depth, axis=1) > 0).all()


@given(
    arrays(np.float32, (7, 9), elements=some.floats(0.5, 100.0, width=32)),
    arrays(bool, (7, 9)).filter(lambda known: known.any()),
)
def test_filling_keeps_what_is_known_and_invents_nothing(values: NDArray[np.float32], known: NDArray[np.bool_]) -> None:
    result = filled(np.where(known, values, np.float32(np.nan)), known)
    np.testing.assert_array_equal(result[known], values[known])
    assert np.isin(result, values[known]).all()


def test_nearer_is_larger(photo: Photo) -> None:
    assert (np.diff(own_disparity(DepthValues(NEAR_LEFT, "metres")), axis=1) < 0).all()


def test_a_folder_has_a_map_for_each_photo(photo: Photo, tmp_path: Path) -> None:
    folder = tmp_path / "depths"
    folder.mkdir()
    settings = Settings(depth_file=str(folder))
    with pytest.raises(Mono3DError, match=r"no depth map for 'cup\.jpg'; it would be called cup\.exr or cup_depth"):
        depth_from_file(photo, settings)
    np.save(folder / "cup_depth.npy", NEAR_LEFT)
    np.save(folder / "other.npy", NEAR_LEFT)
    found = depth_from_file(photo, settings)
    assert found.engine == "cup_depth.npy" and found.values is not None and not found.device
    assert "metres" in found.notes[0] and len(found.notes) == 1
    np.save(folder / "cup_depth.npy", NEAR_LEFT[:20])
    again = depth_from_file(photo, settings)
    assert "stretched" in again.notes[1]


def test_a_depth_map_is_read_before_any_stage_and_a_network_is_not(photo: Photo, tmp_path: Path) -> None:
    session, cache = Session(tmp_path), DisparityCache(tmp_path)
    with pytest.raises(Mono3DError, match="gone"):
        source_of(photo, Settings(depth_file=str(tmp_path / "gone.npy")), session, cache, is_panorama=False)
    with pytest.raises(Mono3DError, match="depth map"):
        source_of(photo, Settings(embedded_depth=True), session, cache, is_panorama=False)
    missing = source_of(photo, Settings(model="dpt_large_384"), session, cache, is_panorama=False)
    with pytest.raises(Mono3DError, match="not on this computer"):
        missing(Stages(lambda stage, share: None, {ESTIMATING: 1.0}))


@pytest.mark.parametrize(
    ("values", "told"),
    [(0.0, "is 0 everywhere"), (-2.0, "the -z axis of Blender"), (1e30, "no distance below 1e+08 metres")],
)
@pytest.mark.parametrize("kind", ["auto", "metres", "millimetres"])
def test_a_map_without_a_usable_distance_is_refused_with_the_reason(
    photo: Photo, tmp_path: Path, values: float, told: str, kind: str
) -> None:
    np.save(tmp_path / "d.npy", NEAR_LEFT * np.float32(0) + np.float32(values))
    with pytest.raises(Mono3DError, match="'d.npy'") as caught:
        depth_from_file(photo, Settings(depth_file=str(tmp_path / "d.npy"), depth_kind=kind))
    assert told in str(caught.value)


@pytest.mark.parametrize("factor", [-1.0, 1.0, 1e-30, 1e30, -1e30])
def test_disparity_of_any_scale_gives_a_finite_estimate(photo: Photo, tmp_path: Path, factor: float) -> None:
    np.save(tmp_path / "d.npy", NEAR_LEFT * np.float32(factor))
    found = depth_from_file(photo, Settings(depth_file=str(tmp_path / "d.npy"), depth_kind="disparity"))
    assert np.isfinite(found.disparity).all()
    np.save(tmp_path / "d.npy", NEAR_LEFT * 0)
    with pytest.raises(Mono3DError, match="is 0 everywhere"):
        depth_from_file(photo, Settings(depth_file=str(tmp_path / "d.npy"), depth_kind="disparity"))


@has_exr
def test_a_coloured_exr_is_no_depth_map(tmp_path: Path) -> None:
    import OpenEXR

    def save(**planes: NDArray[np.float32]) -> None:
        header = {"type": OpenEXR.scanlineimage}
        OpenEXR.File(header, planes).write(str(tmp_path / "d.exr"))

    save(R=NEAR_LEFT, G=NEAR_LEFT * 2, B=NEAR_LEFT)
    with pytest.raises(Mono3DError, match="has colours"):
        read_depth(tmp_path / "d.exr", 1.0)
    save(R=NEAR_LEFT, G=NEAR_LEFT, B=NEAR_LEFT)
    np.testing.assert_array_equal(read_depth(tmp_path / "d.exr", 1.0).values, NEAR_LEFT)
    save(R=NEAR_LEFT * 3, G=NEAR_LEFT * 2, B=NEAR_LEFT, Z=NEAR_LEFT)
    np.testing.assert_array_equal(read_depth(tmp_path / "d.exr", 1.0).values, NEAR_LEFT)


def grey_pictures() -> dict[str, tuple[NDArray[Any], dict[str, Any]]]:
    """Returns values of all types that pictures have, and how Pillow saves them, by the file's name."""
    eight = (NEAR_LEFT * 40).astype(np.uint8)
    sixteen = (NEAR_LEFT * 1000).astype(np.uint16)
    return {
        "eight.png": (eight, {}),
        "sixteen.png": (sixteen, {}),
        "colours.png": (np.dstack([eight] * 3), {}),
        "bits.png": (eight > 90, {}),
        "eight.tif": (eight, {}),
        "sixteen.tif": (sixteen, {"compression": "tiff_lzw"}),
        "colours.tif": (np.dstack([eight] * 3), {"compression": "packbits"}),
        "floats.tif": (NEAR_LEFT, {"compression": "tiff_adobe_deflate"}),
    }


@pytest.mark.parametrize("name", sorted(grey_pictures()))
def test_maps_are_the_same_without_pillow(tmp_path: Path, name: str) -> None:
    values, options = grey_pictures()[name]
    Image.fromarray(values).save(tmp_path / name, **options)
    wanted = read_depth(tmp_path / name, 1.0)
    with without_pillow():
        found = read_depth(tmp_path / name, 1.0)
    assert found.kind == wanted.kind
    np.testing.assert_array_equal(found.values, wanted.values)


def test_the_programs_own_png_is_metric_without_pillow_too(tmp_path: Path) -> None:
    texts = PngImagePlugin.PngInfo()
    for key, value in (("near", "1.0"), ("far", "6.0"), ("scale", "65535")):
        texts.add_text(key, value, zip=key == "far")
    share = (1 / NEAR_LEFT - 1 / 6) / (1 - 1 / 6)
    Image.fromarray(np.rint(share * 65535).astype(np.uint16)).save(tmp_path / "d.png", pnginfo=texts)
    for found in (read_depth(tmp_path / "d.png", 1.0), bare_depth(tmp_path / "d.png")):
        assert found.kind == "metres"
        np.testing.assert_allclose(found.values, NEAR_LEFT, rtol=1e-3)


def bare_depth(path: Path) -> DepthValues:
    with without_pillow():
        return read_depth(path, 1.0)


def test_a_jpeg_compressed_tiff_is_handed_over(tmp_path: Path) -> None:
    grey = (NEAR_LEFT * 40).astype(np.uint8)
    Image.fromarray(grey).save(tmp_path / "d.tif", compression="jpeg")
    with without_pillow(), pytest.raises(Mono3DError, match="TIFF files of this kind need the package Pillow"):
        read_depth(tmp_path / "d.tif", 1.0)
    np.save(tmp_path / "values.npy", np.dstack([grey, grey, grey]))
    handed = handed_over({"decoded": {str(tmp_path / "d.tif"): str(tmp_path / "values.npy")}})
    with without_pillow():
        np.testing.assert_array_equal(read_depth(tmp_path / "d.tif", 1.0, handed=handed).values, grey)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_an_exr_is_handed_over(tmp_path: Path, channels: int) -> None:
    (tmp_path / "d.exr").write_bytes(exr_header((48, 36)))
    values = np.dstack([*[NEAR_LEFT] * min(channels, 3), NEAR_LEFT * 0][:channels]) if channels > 1 else NEAR_LEFT
    np.save(tmp_path / "values.npy", values)
    handed = handed_over({"decoded": {str(tmp_path / "d.exr"): str(tmp_path / "values.npy")}})
    found = read_depth(tmp_path / "d.exr", 1.0, handed=handed)
    assert found.kind == "metres"
    np.testing.assert_array_equal(found.values, NEAR_LEFT)
    if channels > 2:
        np.save(tmp_path / "values.npy", values * np.arange(1, channels + 1, dtype=np.float32))
        with pytest.raises(Mono3DError, match="has colours"):
            read_depth(tmp_path / "d.exr", 1.0, handed=handed)
