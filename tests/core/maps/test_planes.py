# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mono3d_addon.core.maps.plane_regions import find_regions
from mono3d_addon.core.maps.planes import with_planes
from mono3d_addon.core.maps.relative_slopes import GivenNormals, normals_of, places_of
from mono3d_addon.core.maps.superpixels import superpixels

Floats = NDArray[np.float32]
ROWS, COLUMNS = 128, 176
FOCAL = 150 / 176


class Scene(NamedTuple):
    """True disparity, photo, and the place of each surface: 0 floor, 1 back wall, 2 side wall, 3 ball."""

    truth: Floats
    pixels: NDArray[np.uint8]
    place: NDArray[np.intp]


def room(*, has_ball: bool = False) -> Scene:
    """A floor, a wall ahead and one at the left that meet at right angles, as a pinhole camera sees them."""
    row, column = np.mgrid[:ROWS, :COLUMNS]
    x, y = (column - COLUMNS / 2) / 150, (row - 50) / 150
    surfaces = np.stack([y / 1.4, np.full_like(x, 1 / 5.0), -x / 1.6 + 0 * y])
    place = np.argmax(surfaces, axis=0)
    truth = surfaces.max(axis=0)
    if has_ball:
        across, down = (column - 105) / 24, (row - 85) / 24
        inside = across**2 + down**2 < 1.0
        bulge = np.sqrt(np.maximum(1.0 - across**2 - down**2, 0.0))
        truth = np.where(inside, 0.28 + 0.12 * bulge, truth)
        place = np.where(inside, 3, place)
    colours = np.array([(150, 110, 70), (225, 222, 215), (150, 165, 190), (190, 40, 40)])
    shade = np.random.default_rng(0).normal(0, 1.0, (ROWS, COLUMNS, 3))
    return Scene(truth.astype(np.float32), np.clip(colours[place] + shade, 0, 255).astype(np.uint8), place)


def bent(truth: Floats, share: float = 0.03) -> Floats:
    """Returns a disparity as a network sees it: bent and rippled by a share of its range, at edges blurred."""
    row, column = np.mgrid[:ROWS, :COLUMNS]
    wave = np.sin(row / 21.0 + 1.0) * np.cos(column / 27.0) + 0.15 * np.sin(column / 2.5) * np.sin(row / 3.0)
    return (truth + share * np.ptp(truth) * wave).astype(np.float32)


def normals_seen(inverse: Floats) -> GivenNormals:
    """Returns the normals of an inverse depth, as a network gives them."""
    along, down = np.gradient(np.log(inverse), axis=(1, 0))
    slopes = np.stack([along, down], axis=-1).astype(np.float32) * np.float32(COLUMNS)
    return GivenNormals(normals_of(slopes, places_of(ROWS, COLUMNS, COLUMNS / ROWS), FOCAL), None, FOCAL)


def turned(given: GivenNormals, degrees: float) -> GivenNormals:
    """Returns normals that all lean by so many degrees more to the right."""
    turn = np.radians(degrees)
    to = np.array([[np.cos(turn), 0.0, -np.sin(turn)], [0.0, 1.0, 0.0], [np.sin(turn), 0.0, np.cos(turn)]], np.float32)
    return GivenNormals(given.normals @ to, None, FOCAL)


def off_plane(values: Floats, where: NDArray[np.bool_]) -> float:
    """Returns the RMS of values from their best plane over a place."""
    row, column = np.nonzero(where)
    basis = np.stack([row, column, np.ones_like(row)], axis=1).astype(np.float64)
    found = np.linalg.lstsq(basis, values[where].astype(np.float64), rcond=None)[0]
    return float(np.sqrt(np.mean((values[where] - basis @ found) ** 2)))


def inner(where: NDArray[np.bool_], rim: int = 5) -> NDArray[np.bool_]:
    padded = np.pad(where, rim, mode="edge")
    return np.logical_and.reduce(
        [
            padded[down : down + ROWS, across : across + COLUMNS]
            for down in range(0, 2 * rim + 1)
            for across in (0, rim, 2 * rim)
        ]
    )


def test_bent_floor_and_wall_become_flat_and_stay_where_they_are() -> None:
    scene = room()
    seen = bent(scene.truth)
    flat = with_planes(seen, scene.pixels)
    for surface in (0, 2):
        where = inner(scene.place == surface)
        assert off_plane(flat, where) < 0.25 * off_plane(seen, where)
        assert abs(float((flat - seen)[where].mean())) < 0.01 * np.ptp(scene.truth)
    assert np.abs(flat - scene.truth).mean() < np.abs(seen - scene.truth).mean()


def test_normals_find_planes_whose_depth_is_bent_and_tell_how_they_lean() -> None:
    scene = room()
    inverse = scene.truth
    seen = (inverse * np.exp(0.4 * (bent(inverse, 0.2) - inverse) / np.ptp(inverse))).astype(np.float32)
    without, flat = with_planes(seen, scene.pixels), with_planes(seen, scene.pixels, normals_seen(inverse))
    for surface in (0, 2):
        where = inner(scene.place == surface)
        assert off_plane(flat, where) < 0.4 * off_plane(without, where)
        assert np.abs((flat - inverse)[where]).mean() < 0.8 * np.abs((without - inverse)[where]).mean()


def test_a_little_of_the_lean_follows_the_normals() -> None:
    scene = room()
    true, others = (
        with_planes(scene.truth, scene.pixels, normals)
        for normals in (normals_seen(scene.truth), turned(normals_seen(scene.truth), 6.0))
    )
    where = inner(scene.place == 1)
    lean = np.gradient(others - true, axis=1)[where].mean() * COLUMNS / np.ptp(scene.truth)
    assert np.abs(true - scene.truth)[where].max() < 2e-3 * np.ptp(scene.truth)
    assert 0.0005 < abs(lean) < 0.1


def test_normals_that_say_nothing_change_nothing() -> None:
    scene = room()
    seen = bent(scene.truth)
    expected, known = with_planes(seen, scene.pixels), normals_seen(scene.truth)
    noise = np.random.default_rng(0).normal(size=(ROWS, COLUMNS, 3)).astype(np.float32)
    noise /= -np.sign(noise[..., 2:]) * np.linalg.norm(noise, axis=-1, keepdims=True)
    for useless in (
        GivenNormals(known.normals, np.zeros((ROWS, COLUMNS), bool), FOCAL),
        GivenNormals(-known.normals, None, FOCAL),
        GivenNormals(noise, None, FOCAL),
    ):
        assert np.array_equal(with_planes(seen, scene.pixels, useless), expected)


def test_no_new_steps_appear_where_flat_surfaces_meet() -> None:
    scene = room()
    seen = bent(scene.truth)
    flat = with_planes(seen, scene.pixels)
    for axis in (0, 1):
        most = np.abs(np.diff(seen, axis=axis)).max()
        assert np.abs(np.diff(flat, axis=axis)).max() < most + 0.015 * np.ptp(scene.truth)


def test_a_ball_stays_round_and_on_its_floor() -> None:
    scene = room(has_ball=True)
    seen = bent(scene.truth, 0.02)
    flat = with_planes(seen, scene.pixels)
    ball = inner(scene.place == 3, 3)
    assert off_plane(flat, ball) == pytest.approx(off_plane(seen, ball), rel=0.1)
    assert np.abs((flat - seen)[ball] - (flat - seen)[ball].mean()).max() < 0.02 * np.ptp(scene.truth)
    floor = inner(scene.place == 0)
    assert off_plane(flat, floor) < 0.5 * off_plane(seen, floor)


@pytest.mark.parametrize("kind", ["ball", "face", "hills", "cloth", "column"])
def test_what_is_curved_is_not_changed(kind: str) -> None:
    row, column = np.mgrid[:ROWS, :COLUMNS]
    x, y = (column - COLUMNS / 2) / 60, (row - ROWS / 2) / 60
    radius = x**2 + y**2
    ball = np.sqrt(np.maximum(1.0 - radius, 0.0))
    curved = {
        "ball": np.where(radius < 1, 0.3 + ball, 0.1),
        "face": np.where(x**2 + (y / 1.3) ** 2 < 0.8, 1.0 - 0.5 * x**2 - 0.2 * y**2, 0.2)
        + 0.15 * np.exp(-((x / 0.15) ** 2) - ((y - 0.1) / 0.3) ** 2),
        "hills": 0.5 + y / 4 + 0.12 * np.sin(5 * x) * np.sin(4 * y + x),
        "cloth": 0.5 + 0.1 * np.sin(9 * x + 2 * np.sin(2 * y)),
        "column": np.where(np.abs(x) < 0.8, 0.3 + 0.6 * np.sqrt(np.maximum(1 - (x / 0.8) ** 2, 0)), 0.2),
    }[kind].astype(np.float32)
    light = np.clip(120 + 90 * curved / np.ptp(curved), 0, 255)
    pixels = np.repeat(light[..., None], 3, axis=2).astype(np.uint8)
    place = {"ball": radius < 0.9, "face": radius < 0.5, "column": np.abs(x) < 0.7}.get(kind, np.ones(x.shape, bool))
    for normals in (None, normals_seen(curved)):
        change = (with_planes(curved, pixels, normals) - curved)[place]
        # The straight flank of a narrow fold that the picture's border cuts is taken for a plane.
        assert np.ptp(change) < (0.15 if kind == "cloth" else 0.03) * np.ptp(curved)


@settings(max_examples=3, deadline=None)
@given(st.floats(0.01, 100.0), st.floats(-50.0, 50.0))
def test_scale_and_shift_of_the_disparity_do_not_matter(scale: float, shift: float) -> None:
    scene = room()
    seen = bent(scene.truth)
    moved = (seen.astype(np.float64) * scale + shift).astype(np.float32)
    # The shift costs a float32 some of its digits.
    lost = 4e-7 * (abs(shift) + scale) / scale
    expected = with_planes(seen, scene.pixels)
    assert np.abs((with_planes(moved, scene.pixels) - shift) / scale - expected).max() < 2e-3 + 50 * lost


def test_exact_planes_stay_exact() -> None:
    scene = room()
    flat = with_planes(scene.truth, scene.pixels)
    for surface in (0, 1, 2):
        where = inner(scene.place == surface)
        assert np.abs(flat - scene.truth)[where].max() < 2e-3 * np.ptp(scene.truth)


def test_maps_without_planes_are_returned_as_they_are() -> None:
    scene, noise = room(), np.random.default_rng(1).random((ROWS, COLUMNS), np.float32)
    for values in (np.full((ROWS, COLUMNS), 0.3, np.float32), noise, noise[:8, :8]):
        assert with_planes(values, scene.pixels) is values


def test_regions_follow_surfaces_and_are_not_cut_by_a_bend() -> None:
    scene = room()
    seen = bent(scene.truth)
    scaled = ((seen - seen.min()) / np.ptp(seen)).astype(np.float32)
    label = find_regions(scaled, scene.pixels.astype(np.float32) / np.float32(255), np.ones_like(scaled))
    for surface in (0, 1, 2):
        inside = label[inner(scene.place == surface)]
        assert (inside == np.bincount(inside).argmax()).mean() > 0.97
    assert label.max() < 12


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(2, 9))
def test_every_cell_is_in_a_superpixel_near_it(rows: int, columns: int, step: int) -> None:
    features = np.random.default_rng(rows * columns).random((rows, columns, 2), np.float32)
    label = superpixels(features, step, 0.5)
    assert label.shape == (rows, columns)
    assert np.array_equal(np.unique(label), np.arange(label.max() + 1))
    for number in range(label.max() + 1):
        row, column = np.nonzero(label == number)
        assert np.ptp(row) < 3 * step and np.ptp(column) < 3 * step


def test_a_photo_upside_down_gives_the_same_upside_down() -> None:
    """No direction is taken for the ground: a table seen from straight above stays as it is seen."""
    scene = room()
    seen = bent(scene.truth)
    turned = with_planes(seen[::-1].copy(), scene.pixels[::-1].copy())[::-1]
    assert np.abs(turned - with_planes(seen, scene.pixels)).max() < 0.02 * np.ptp(scene.truth)


def test_flattening_moves_and_tilts_nothing_as_a_whole() -> None:
    """What a network says of the place and slope of a surface stays; only the bend goes."""
    scene = room()
    seen = bent(scene.truth)
    change = (with_planes(seen, scene.pixels) - seen).astype(np.float64) / np.ptp(scene.truth)
    row, column = np.mgrid[:ROWS, :COLUMNS] / COLUMNS
    for surface in (0, 2):
        where = scene.place == surface
        basis = np.stack([np.ones(where.sum()), row[where], column[where]], axis=1)
        weight = 1.0 / (seen[where] / np.ptp(scene.truth) + 0.15)
        offset = np.linalg.lstsq(basis * weight[:, None], change[where] * weight, rcond=None)[0]
        assert np.abs(basis @ offset).mean() < 0.003


def test_what_is_far_is_not_moved_far() -> None:
    """A small change of the inverse depth is a large one of the depth where the depth is large."""
    scene = room()
    seen = bent(scene.truth)
    low, high = np.percentile(seen, [1, 99])
    place = np.maximum(seen - low, 0.0) / (high - low)
    change = np.abs(with_planes(seen, scene.pixels) - seen) / (high - low)
    assert np.quantile(change / (place + 0.15), 0.995) < 0.07
