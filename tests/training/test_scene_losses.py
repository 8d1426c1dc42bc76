# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from mono3d_addon.depth.scene_vector import LENGTH  # noqa: E402
from training import scene_losses  # noqa: E402
from training.batches import NOT_KNOWN  # noqa: E402

pytestmark = pytest.mark.torch
UNKNOWN = torch.tensor([NOT_KNOWN])


def loss(values: tuple[float, float, float], deviation: float, wanted: tuple[float, float, float]) -> float:
    vector = torch.zeros(1, LENGTH)
    vector[0, :3] = torch.tensor(values)
    vector[0, 3:6] = math.log(deviation)
    return scene_losses.scene(vector, torch.tensor([wanted]), UNKNOWN).item()


def test_the_best_deviation_is_that_of_the_errors() -> None:
    """Of errors of 0.2, Laplace's density is largest with the scale 0.2, whose deviation is 0.2 times root 2."""
    tried = [0.05 * step for step in range(1, 20)]
    best = min(tried, key=lambda deviation: loss((0.2, 1.2, 0.2), deviation, (0.0, 1.0, 0.0)))
    assert best == pytest.approx(0.2 * math.sqrt(2.0), abs=0.05)


def test_what_is_not_known_does_not_count() -> None:
    nan = math.nan
    assert loss((5.0, 9.0, 3.0), 1.0, (nan, nan, nan)) == 0.0
    assert loss((5.0, 9.0, 0.0), 1.0, (nan, nan, 0.0)) == 0.0
    vector = torch.zeros(1, LENGTH, requires_grad=True)
    scene_losses.scene(vector, torch.full((1, 3), nan), UNKNOWN).backward()
    assert vector.grad is not None and not vector.grad.any()


def test_kinds_are_told_apart() -> None:
    vector = torch.zeros(1, LENGTH)
    vector[0, -1] = 5.0
    wanted = torch.full((1, 3), math.nan)
    right, wrong = (scene_losses.scene(vector, wanted, torch.tensor([kind])).item() for kind in (5, 0))
    assert right < 0.5 < wrong


def test_sky_is_where_the_truth_is_zero() -> None:
    truth = torch.full((1, 16, 16), 0.5)
    truth[:, :8] = 0.0
    share = scene_losses.sky_of_truth(truth)
    assert share.shape == (1, 4, 4) and share[0, :2].eq(1.0).all() and share[0, 2:].eq(0.0).all()
    known = torch.ones_like(share, dtype=torch.bool)
    logits = (share - 0.5) * 12.0
    assert scene_losses.sky(logits, share, known) < 0.01 < scene_losses.sky(-logits, share, known)
    assert scene_losses.sky(-logits, share, ~known).item() == 0.0


def test_what_a_teacher_sees_near_is_no_sky() -> None:
    label = torch.zeros(1, 8, 8)
    label[:, 4:] = 0.6
    assert scene_losses.ground_of_label(label).tolist() == [[[False, False], [True, True]]]


def test_what_is_taught_are_distances_and_their_deviations() -> None:
    teacher = torch.zeros(1, LENGTH)
    teacher[0, :3] = torch.tensor([0.3, 2.0, -0.1])
    teacher[0, 3:6] = torch.log(torch.tensor([0.3, 0.8, 0.5]))
    found = (teacher + 0.5).requires_grad_()
    optimiser = torch.optim.Adam([found], lr=0.02)
    for _ in range(800):
        optimiser.zero_grad()
        scene_losses.taught(found, teacher).backward()
        optimiser.step()
    taught = [0, 1, 3, 4]
    torch.testing.assert_close(found[0, taught], teacher[0, taught], atol=0.02, rtol=0.0)
    # The lens and the kind of scene are not.
    others = [2, *range(5, LENGTH)]
    torch.testing.assert_close(found[0, others], teacher[0, others] + 0.5)
