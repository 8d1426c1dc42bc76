# SPDX-License-Identifier: GPL-3.0-or-later
"""Resampling by numpy, beside Pillow's."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mono3d_addon.core import pillow_filters, resampling
from mono3d_addon.version import ROOT

Image = pytest.importorskip("PIL.Image")
ImageFilter = pytest.importorskip("PIL.ImageFilter")

SIDES = st.integers(1, 90)
SEEDS = st.integers(0, 2**32 - 1)
FILTERS = st.sampled_from(["box", "bilinear", "bicubic"])
PLANES = ["bytes", "colours", "floats"]


def picture(seed: int, kind: str, rows: int, columns: int) -> NDArray[Any]:
    """Returns noise with edges, the worst that a filter can meet."""
    random = np.random.default_rng(seed)
    if kind == "floats":
        return random.normal(size=(rows, columns)).astype(np.float32)
    values = random.integers(0, 256, (rows, columns, 3), np.uint8)
    values[random.random((rows, columns)) < 0.3] = 255
    return values if kind == "colours" else values[..., 0].copy()


def assert_same(found: NDArray[Any], expected: NDArray[Any]) -> None:
    """To one step of 255, or a hundred-thousandth of the range."""
    assert found.shape == expected.shape and found.dtype == expected.dtype
    if found.dtype == np.uint8:
        assert int(np.abs(found.astype(np.int16) - expected).max(initial=0)) <= 1
        # Only ties may be rounded to another side.
        assert np.mean(found != expected) <= 0.02
    else:
        assert float(np.abs(found - expected).max(initial=0)) <= 1e-5 * max(1.0, float(np.ptp(expected)))


@pytest.mark.parametrize("kind", PLANES)
@given(SEEDS, SIDES, SIDES, SIDES, SIDES, FILTERS, st.booleans())
def test_resizing_gives_pillows_values(
    kind: str, seed: int, h: int, w: int, rows: int, columns: int, name: Any, has_box: bool
) -> None:
    values = picture(seed, kind, h, w)
    box = None
    if has_box:
        shares = np.random.default_rng(seed + 1).random(4)
        left, upper = shares[:2] * (w * 0.9, h * 0.9)
        right, lower = left + (w - left) * max(0.1, shares[2]), upper + (h - upper) * max(0.1, shares[3])
        box = (float(left), float(upper), float(right), float(lower))
    expected = np.asarray(Image.fromarray(values).resize((columns, rows), Image.Resampling[name.upper()], box=box))
    assert_same(pillow_filters.resize(values, columns, rows, name, box), expected)


@pytest.mark.parametrize("kind", PLANES)
@given(SEEDS, SIDES, SIDES, st.integers(1, 9), st.integers(1, 9))
def test_means_of_blocks_are_pillows(kind: str, seed: int, h: int, w: int, across: int, down: int) -> None:
    values = picture(seed, kind, h, w)
    expected = np.asarray(Image.fromarray(values).reduce((across, down)))
    assert_same(pillow_filters.reduce(values, across, down), expected)


@given(SEEDS, st.integers(1, 400), st.integers(1, 400), st.integers(1, 100))
def test_thumbnails_have_pillows_size_and_values(seed: int, h: int, w: int, side: int) -> None:
    values = picture(seed, "colours", h, w)
    expected = Image.fromarray(values)
    expected.thumbnail((side, side), Image.Resampling.BOX)
    assert_same(pillow_filters.thumbnail(values, side), np.asarray(expected))


@given(SEEDS, SIDES, SIDES, st.floats(0.1, 40.0))
def test_blurring_gives_pillows_values(seed: int, h: int, w: int, radius: float) -> None:
    values = picture(seed, "bytes", h, w)
    expected = np.asarray(Image.fromarray(values).filter(ImageFilter.BoxBlur(radius)))
    assert np.array_equal(resampling.box_blur(values, radius), expected)


@given(SEEDS, SIDES, SIDES)
def test_grey_is_pillows(seed: int, h: int, w: int) -> None:
    values = picture(seed, "colours", h, w)
    assert np.array_equal(resampling.grey(values), np.asarray(Image.fromarray(values).convert("L")))


@given(SEEDS, SIDES, SIDES, SIDES, SIDES)
def test_the_nearest_pixel_is_pillows(seed: int, h: int, w: int, rows: int, columns: int) -> None:
    for values in (picture(seed, "bytes", h, w), picture(seed, "bytes", h, w) > 100):
        expected = np.asarray(Image.fromarray(values).resize((columns, rows), Image.Resampling.NEAREST))
        assert np.array_equal(resampling.nearest(values, columns, rows), expected)


@pytest.mark.parametrize("kind", ["bytes", "colours"])
@given(SEEDS, SIDES, SIDES, st.integers(2, 60), st.integers(2, 60), st.sampled_from(["bilinear", "bicubic"]))
def test_warping_gives_pillows_values(kind: str, seed: int, h: int, w: int, rows: int, columns: int, name: Any) -> None:
    values = picture(seed, kind, h, w)
    random = np.random.default_rng(seed + 1)
    middle = int(random.integers(1, columns))
    # The lower right cell is missing, and corners lie outside.
    boxes = [(0, 0, middle, rows), (middle, 0, columns, rows // 2)]
    cells = [(box, tuple(random.uniform(-3, [w + 3, h + 3] * 4).tolist())) for box in boxes]
    expected = Image.fromarray(values).transform(
        (columns, rows), Image.Transform.MESH, cells, Image.Resampling[name.upper()]
    )
    assert_same(pillow_filters.warp(values, columns, rows, cells, name), np.asarray(expected))


_CHILD = """\
import sys
sys.path.insert(0, sys.argv[1])
from mono3d_addon.core import extras
extras.forbid()
import numpy as np
from mono3d_addon.core import resampling, windows
values = np.load(sys.argv[2] + "/values.npy")
bytes_ = np.clip(values * 40 + 128, 0, 255).astype(np.uint8)
cells = [((0, 0, 20, 30), (0.0, 0.0, 3.0, 50.0, 60.0, 55.0, 70.0, 2.0))]
np.savez(
    sys.argv[2] + "/found.npz",
    resized=windows.resize(values, 31, 17), enlarged=windows.enlarge(values, 200, 150),
    reduced=windows.reduced(values, 4), box=resampling.resize(bytes_, 9, 7, "box"),
    thumbnail=resampling.thumbnail(np.stack([bytes_] * 3, 2), 20),
    warped=resampling.warp(bytes_, 20, 30, cells, "bicubic"),
)
"""


def test_a_process_without_pillow_gives_the_same(tmp_path: Path) -> None:
    from mono3d_addon.core import windows

    values = picture(1, "floats", 60, 80)
    np.save(tmp_path / "values.npy", values)
    subprocess.run([sys.executable, "-c", _CHILD, str(ROOT), str(tmp_path)], check=True)
    as_bytes = np.clip(values * 40 + 128, 0, 255).astype(np.uint8)
    cells = [((0, 0, 20, 30), (0.0, 0.0, 3.0, 50.0, 60.0, 55.0, 70.0, 2.0))]
    with np.load(tmp_path / "found.npz") as found:
        assert_same(found["resized"], windows.resize(values, 31, 17))
        assert_same(found["enlarged"], windows.enlarge(values, 200, 150))
        assert_same(found["reduced"], windows.reduced(values, 4))
        assert_same(found["box"], resampling.resize(as_bytes, 9, 7, "box"))
        assert_same(found["thumbnail"], resampling.thumbnail(np.stack([as_bytes] * 3, 2), 20))
        assert_same(found["warped"], resampling.warp(as_bytes, 20, 30, cells, "bicubic"))


@pytest.mark.serial
def test_a_large_photo_is_reduced_within_a_second() -> None:
    photo = picture(2, "colours", 3000, 4000)
    began = time.perf_counter()
    pillow_filters.resize(photo, 384, 288, "box")
    assert time.perf_counter() - began < 1.0
