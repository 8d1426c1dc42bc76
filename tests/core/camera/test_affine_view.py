# SPDX-License-Identifier: GPL-3.0-or-later
"""Lens and shift of points in space."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mono3d_addon.core.camera import affine_view
from tests import shared_data


def stored() -> dict[str, NDArray[Any]]:
    with np.load(shared_data.path("networks_today") / "outputs" / "moge_recover.npz") as file:
        return {name: file[name] for name in file.files}


CASES = ("clean", "noisy", "masked", "tele", "wide_masked", "known_focal", "known_true_focal", "nothing")


@pytest.mark.parametrize("case", CASES)
def test_the_official_focal_length_and_shift(case: str) -> None:
    file = stored()
    points = file[f"{case}/points"]
    rows, columns = points.shape[:2]
    mask = file.get(f"{case}/mask", np.ones((rows, columns), bool))
    found = affine_view.view_of(points, mask, 1.0, columns / rows)
    known = file.get(f"{case}/known_focal")
    focal, shift = affine_view.solved(found.points, found.places, None if known is None else float(known))
    assert focal == pytest.approx(float(file[f"{case}/focal"]), rel=1e-4)
    assert shift == pytest.approx(float(file[f"{case}/shift"]), abs=1e-4 * max(1.0, float(np.median(points[..., 2]))))


def perspective(rows: int, columns: int, focal: float, shift: float, seed: int = 0) -> NDArray[np.float32]:
    """Returns points whose z lacks a shift, as seen by a lens of that focal length relative to the longer side."""
    rng = np.random.default_rng(seed)
    depth = 3.0 + rng.uniform(-1.0, 1.0, (rows, columns))
    pixels = focal * max(rows, columns)
    x = (np.arange(columns) + 0.5 - columns / 2) / pixels * depth
    y = (np.arange(rows) + 0.5 - rows / 2)[:, None] / pixels * depth
    return np.stack((x, y, depth - shift), axis=-1).astype(np.float32)


@pytest.mark.parametrize("size", [(48, 64), (64, 48), (90, 90), (30, 200)])
@pytest.mark.parametrize("focal", [0.35, 0.9, 4.0])
@pytest.mark.parametrize("shift", [-1.5, 0.0, 1.2])
def test_exact_points_give_lens_and_shift(size: tuple[int, int], focal: float, shift: float) -> None:
    aspect = size[1] / size[0]
    view = affine_view.view_of(perspective(*size, focal, shift), np.ones(size, bool), 2.0, aspect)
    angle = 2.0 * math.atan(0.5 / affine_view.in_longer_sides(view.focal, aspect))
    assert math.degrees(angle) == pytest.approx(math.degrees(2.0 * math.atan(0.5 / focal)), abs=0.002)
    assert view.shift == pytest.approx(shift, abs=2e-4 * (1 + focal))
    assert affine_view.in_half_diagonals(affine_view.in_longer_sides(1.3, aspect), aspect) == pytest.approx(1.3)


def test_a_known_lens_changes_the_shift() -> None:
    size, aspect = (60, 80), 80 / 60
    # Points for which a longer lens than the one that suits them best is known.
    view = affine_view.view_of(perspective(*size, 0.9, 1.0), np.ones(size, bool), 2.0, aspect)
    same = affine_view.in_half_diagonals(0.9, aspect)
    assert view.moved_by(same) == pytest.approx(0.0, abs=2e-3)
    assert view.moved_by(1.2 * same) > 0.5


def test_the_optimum_does_not_depend_on_the_starting_point() -> None:
    points = perspective(64, 64, 0.9, 0.0)
    noisy = points * (1.0 + 0.02 * np.random.default_rng(1).standard_normal(points.shape)).astype(np.float32)
    view = affine_view.view_of(noisy, np.ones((64, 64), bool), 1.0, 1.0)
    moved = affine_view.view_of(noisy + np.array([0, 0, 0.7], np.float32), np.ones((64, 64), bool), 1.0, 1.0)
    assert moved.shift + 0.7 == pytest.approx(view.shift, abs=1e-5) and moved.focal == pytest.approx(
        view.focal, rel=1e-6
    )


def test_nothing_to_see() -> None:
    points = perspective(20, 20, 0.9, 0.0)
    view = affine_view.view_of(points, np.zeros((20, 20), bool), 3.0, 1.0)
    assert (view.focal, view.shift, view.moved_by(2.0)) == (1.0, 0.0, 0.0)
