# SPDX-License-Identifier: GPL-3.0-or-later
"""Detail from tiles, with a fake network that knows the scene but sees it blurred and at a scale of its own."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from mono3d_addon.core import windows
from mono3d_addon.depth import tiles
from mono3d_addon.depth.tiles import detailed, plan

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

NETWORK = (64, 96)


class Network:
    """Takes a picture's red channel for its disparity and returns it box-averaged to a small size.

    Every call has a scale and shift of its own, unless `exact`.
    """

    def __init__(self, size: tuple[int, int] = NETWORK, *, exact: bool = False, slope: float = 0.0) -> None:
        self.size, self.exact, self.slope = size, exact, slope
        self.random = np.random.default_rng(0)
        self.seen: list[tuple[int, ...]] = []

    def __call__(self, pixels: Bytes) -> Floats:
        self.seen.append(pixels.shape)
        picture = Image.fromarray(np.ascontiguousarray(pixels[..., 0]).astype(np.float32) / np.float32(255))
        values = np.array(picture.resize(self.size[::-1], Image.Resampling.BOX))
        if self.exact:
            return values
        values += np.float32(self.slope * self.random.uniform(-1, 1)) * np.linspace(-1, 1, values.shape[1])
        scale, shift = self.random.uniform(0.2, 20.0), self.random.uniform(-5.0, 5.0)
        return (scale * values + shift).astype(np.float32)


def photo(rows: int = 320, columns: int = 480) -> Bytes:
    """A floor that comes nearer, with a ball, a box and bars before it; the red channel is the disparity."""
    row, column = np.mgrid[:rows, :columns] / np.array([rows, columns])[:, None, None]
    values = 20.0 + 100.0 * row
    values[np.hypot(row - 0.4, 1.5 * (column - 0.3)) < 0.2] = 190.0
    values[(abs(row - 0.7) < 0.15) & (abs(column - 0.75) < 0.12)] = 230.0
    values[(row < 0.6) & (column > 0.55) & (column * 16 % 1 < 0.3)] = 140.0
    return np.repeat(values.astype(np.uint8)[..., None], 3, axis=2)


def truth(pixels: Bytes, shape: tuple[int, ...]) -> Floats:
    return Network((shape[0], shape[1]), exact=True)(pixels)


def errors(result: Floats, pixels: Bytes) -> tuple[float, float]:
    """Returns the RMS error at the edges and away from them."""
    exact = truth(pixels, result.shape)
    near = windows.maximum(exact, 3) - windows.minimum(exact, 3) > 0.1
    wrong = (result - exact) ** 2
    return float(np.sqrt(wrong[near].mean())), float(np.sqrt(wrong[~near].mean()))


def whole_of(pixels: Bytes, size: tuple[int, int] = NETWORK) -> Floats:
    return Network(size, exact=True)(pixels)


def test_tiles_come_closer_to_the_truth_at_edges_above_all() -> None:
    pixels = photo()
    whole = whole_of(pixels)
    result = detailed(pixels, Network(), whole)
    assert result.dtype == np.float32
    assert 2.3 < result.shape[0] / whole.shape[0] < 2.5
    edge, even = errors(result, pixels)
    plain_edge, plain_even = errors(windows.resize(whole, result.shape[1], result.shape[0]), pixels)
    assert edge < 0.6 * plain_edge
    assert even < plain_even + 0.002


def test_no_seams_though_every_tile_leans_its_own_way() -> None:
    """On a smooth scene every jump between neighbours must be that of the scene, tile borders or not."""
    row, column = np.mgrid[:320, :480]
    values = 120 + 60 * np.sin(row / 90) * np.cos(column / 70) + row / 8
    pixels = np.repeat(np.round(values).astype(np.uint8)[..., None], 3, axis=2)
    result = detailed(pixels, Network(slope=0.15), whole_of(pixels))
    exact = truth(pixels, result.shape)
    assert not np.array_equal(result, windows.resize(whole_of(pixels), result.shape[1], result.shape[0]))
    for axis in (0, 1):
        assert np.abs(np.diff(result - exact, axis=axis)).max() < 0.012
    assert np.abs(result - exact).max() < 0.06


def test_the_large_shape_is_that_of_the_whole() -> None:
    pixels = photo()
    whole = whole_of(pixels)
    result = detailed(pixels, Network(slope=0.3), whole)
    coarse = windows.resize(result, 12, 8) - windows.resize(whole, 12, 8)
    assert np.abs(coarse).max() < 0.05


def test_scale_and_shift_are_those_of_the_whole() -> None:
    pixels = photo()
    whole = whole_of(pixels)
    one = detailed(pixels, Network(), whole)
    other = detailed(pixels, Network(), 900 * whole + 50)
    np.testing.assert_allclose(other, 900 * one + 50, atol=0.5)


@pytest.mark.parametrize("kind", ["noise", "constant", "nan", "inf", "contrary"])
def test_garbage_is_ignored(kind: str) -> None:
    pixels = photo()
    whole = whole_of(pixels)
    random = np.random.default_rng(0)

    def garbage(shown: Bytes) -> Floats:
        values = random.standard_normal(NETWORK).astype(np.float32)
        if kind == "contrary":
            return -Network(exact=True)(shown)
        if kind in ("nan", "inf"):
            exact = Network(exact=True)(shown)
            exact[5, 7] = float(kind)
            return exact
        return values if kind == "noise" else np.full(NETWORK, 3.0, np.float32)

    result = detailed(pixels, garbage, whole)
    plain = windows.resize(whole, result.shape[1], result.shape[0])
    assert np.array_equal(result, np.clip(plain, whole.min(), whole.max()))


def test_one_bad_tile_spoils_nothing_beyond_it() -> None:
    pixels = photo()
    good, calls = Network(), 0

    def mostly_good(shown: Bytes) -> Floats:
        nonlocal calls
        calls += 1
        return np.full(NETWORK, 1.0, np.float32) if calls == 5 else good(shown)

    whole = whole_of(pixels)
    result, all_good = detailed(pixels, mostly_good, whole), detailed(pixels, Network(), whole)
    middle = (slice(45, 110), slice(67, 164))
    changed = np.abs(result - all_good)
    assert changed[middle].max() > 0.1
    changed[middle] = 0.0
    assert changed.max() < 0.02


def test_the_less_a_tile_is_trusted_the_less_it_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "_fitted", lambda tile, *rest: (np.ones_like(tile), 0.25))
    whole = whole_of(photo())
    whole /= whole.max()
    result = detailed(photo(), Network(), whole)
    base = windows.resize(whole, result.shape[1], result.shape[0])
    np.testing.assert_allclose(result, np.clip(base + 0.25 * (1 - base), whole.min(), whole.max()), atol=1e-5)


def test_trust_falls_with_the_fit() -> None:
    target = whole_of(photo())
    noise = np.random.default_rng(0).standard_normal(target.shape).astype(np.float32) * target.std()
    trusts = [tiles._fitted(target + share * noise, target, 6.0, 0.2)[1] for share in (0.0, 0.5, 1.0, 3.0)]
    assert trusts[0] == trusts[1] == 1.0 and 0.0 < trusts[2] < 1.0 and trusts[3] == 0.0


def test_tiles_lie_where_they_belong_to_a_fraction_of_a_pixel() -> None:
    row, column = np.mgrid[:150, :200]
    for along, axis in ((row, 0), (column, 1)):
        pixels = np.repeat(along.astype(np.uint8)[..., None], 3, axis=2)
        place = (slice(30, 80), slice(41, 110))
        tile = tiles._estimated(pixels, lambda shown: shown[..., 0].astype(np.float32), place, (97, 127))
        expected = (np.arange(place[axis].start, place[axis].stop) + 0.5) * (150 / 97, 200 / 127)[axis] - 0.5
        assert np.abs(tile.mean(1 - axis) - expected)[4:-4].max() < 0.02


@given(st.floats(0.2, 1.8), st.floats(-3.0, 3.0))
def test_surroundings_with_relief_tell_their_own_scale_and_shift(scale: float, shift: float) -> None:
    source = whole_of(photo())
    target = np.float32(scale) * source + np.float32(shift)
    scales, shifts = tiles._local_fit(source, target, 8, 1e-4)
    np.testing.assert_allclose(scales * source + shifts, target, atol=2e-3)
    scales, shifts = tiles._local_fit(source, target, 8, 1e4)
    np.testing.assert_allclose(scales, 1.0, atol=1e-3)


@pytest.mark.parametrize("height", [30, 60, 90])
def test_a_print_that_only_tiles_take_for_relief_leaves_no_step(height: int) -> None:
    """The whole sees a smooth shirt; a tile sees its printed panel as a box before it."""
    pixels = photo()
    whole = whole_of(pixels)
    printed = pixels.copy()
    printed[230:300, 60:130, 0] += np.uint8(height)
    result = detailed(printed, Network(), whole)
    plain = detailed(pixels, Network(), whole)
    rows, columns = (
        slice(round(a * result.shape[i] / printed.shape[i]), round(b * result.shape[i] / printed.shape[i]))
        for i, (a, b) in enumerate(((215, 315), (45, 145)))
    )
    assert np.abs(result - plain)[rows, columns].max() < 0.2 * height / 255


def test_a_wire_too_fine_for_the_whole_is_kept() -> None:
    pixels = photo()
    whole = whole_of(pixels)
    pixels[250:, 100:104] += 25
    result = detailed(pixels, Network(), whole)
    wire = result[-20:, 48:52].max(1) - 0.5 * (result[-20:, 44] + result[-20:, 55])
    assert wire.min() > 0.06


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_constant_scene_stays_constant(level: int) -> None:
    pixels = np.full((320, 480, 3), level, np.uint8)
    whole = np.full(NETWORK, 0.7, np.float32)
    assert (detailed(pixels, Network(), whole) == np.float32(0.7)).all()


def test_a_photo_too_small_to_gain_is_left_alone() -> None:
    network = Network()
    whole = whole_of(photo(80, 120))
    assert detailed(photo(80, 120), network, whole) is whole
    assert not network.seen
    assert detailed(photo(90, 130), network, whole).shape == (90, 130)


SIDES = st.integers(1, 700)


@given(SIDES, SIDES, st.integers(1, 120), st.integers(1, 120))
def test_plans(height: int, width: int, rows: int, columns: int) -> None:
    grid = plan((height, width), (rows, columns))
    if grid is None:
        return
    assert 2 <= grid.tiles <= tiles.MOST_TILES
    for span, side, network in ((grid.down, height, rows), (grid.across, width, columns)):
        assert min(network, side) <= span.length <= side
        assert span.starts[0] == 0 and span.starts[-1] + span.size == span.length
        assert span.size <= network
        overlaps = span.size - np.diff(span.starts)
        assert (overlaps >= tiles.OVERLAP * span.size - 1.5).all()
        np.testing.assert_allclose(tiles._weights(span).sum(0), 1.0, atol=1e-5)
    total = np.zeros((grid.down.length, grid.across.length))
    for place, weight in tiles._tiles(grid):
        total[place] += weight
    np.testing.assert_allclose(total, 1.0, atol=1e-5)


@pytest.mark.parametrize(
    ("size", "network", "counts"),
    [
        ((3000, 4000), (384, 512), (3, 3)),
        ((4000, 3000), (512, 384), (3, 3)),
        ((600, 800), (384, 512), (2, 2)),
        ((1080, 1920), (384, 384), (2, 4)),  # square networks squeeze: more tiles along the longer side
        ((500, 8000), (128, 2048), (3, 3)),
    ],
)
def test_how_many_tiles(size: tuple[int, int], network: tuple[int, int], counts: tuple[int, int]) -> None:
    grid = plan(size, network)
    assert grid and (len(grid.down.starts), len(grid.across.starts)) == counts


@settings(max_examples=60, deadline=None)
@given(SIDES, SIDES, st.integers(2, 48), st.integers(2, 48), st.integers(0, 2**31))
def test_photos_of_every_size(height: int, width: int, rows: int, columns: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
    whole = whole_of(pixels, (rows, columns))
    network = Network((rows, columns))
    result = detailed(pixels, network, whole)
    assert result.dtype == np.float32 and np.isfinite(result).all()
    assert whole.min() <= result.min() and result.max() <= whole.max()
    assert all(min(shape) >= 1 for shape in network.seen)


@pytest.mark.parametrize("shape", [(2000, 1), (1, 2000), (1, 1)])
def test_photos_one_pixel_wide(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    result = detailed(pixels, Network((32, 32)), whole_of(pixels, (32, 32)))
    assert np.isfinite(result).all()


def test_tiles_keep_the_networks_aspect_and_cover_the_photo() -> None:
    pixels, network = photo(), Network()
    detailed(pixels, network, whole_of(pixels))
    assert len(network.seen) == 9
    for height, width, _ in network.seen:
        assert width / height == pytest.approx(1.5, rel=0.03)
        assert 0.38 < height / 320 < 0.45


def test_progress_is_told() -> None:
    told: list[tuple[str, float]] = []
    pixels = photo()
    detailed(pixels, Network(), whole_of(pixels), lambda words, fraction: told.append((words, fraction)))
    assert told[0] == ("Estimating depth, 1 of 9", 0.0) and told[-1][0] == "Estimating depth, 9 of 9"
    assert [fraction for _, fraction in told] == pytest.approx(np.arange(9) / 9)


def test_a_huge_photo_is_never_copied() -> None:
    pixels = np.broadcast_to(np.uint8(90), (8000, 12000, 3))  # 288 MB, if anyone wrote them down

    def small(shown: Bytes) -> Floats:
        step = shown[:: max(1, shown.shape[0] // 64), :: max(1, shown.shape[1] // 96)]
        return np.ascontiguousarray(step[:64, :96, 0]).astype(np.float32)

    whole = np.tile(np.linspace(0, 1, 96, dtype=np.float32), (64, 1))
    tracemalloc.start()
    detailed(pixels, small, whole)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6
