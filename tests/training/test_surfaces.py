# SPDX-License-Identifier: GPL-3.0-or-later
"""Losses on surfaces: of planes, whose inverse depth is linear in the pixels."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from torch import Tensor  # noqa: E402

from training.surfaces import Rays, fitted, surfaces  # noqa: E402

pytestmark = pytest.mark.torch
SIZE = 96, 128
ROWS, COLUMNS = torch.meshgrid(torch.linspace(-1, 1, SIZE[0]), torch.linspace(-1, 1, SIZE[1]), indexing="ij")
RAYS = Rays(torch.tensor([100.0]), torch.tensor([[63.5, 47.5]]))
ROOM = (0.6 + 0.2 * COLUMNS).maximum(0.5 + 0.4 * ROWS)[None]
"""A floor in front of an oblique wall."""


@given(st.floats(0.5, 20.0), st.floats(-5.0, 5.0), st.floats(-0.3, 0.3), st.floats(-0.3, 0.3))
def test_planes_that_stay_planes_cost_nothing(scale: float, shift: float, across: float, down: float) -> None:
    truth = (0.7 + across * COLUMNS + down * ROWS)[None]
    found = surfaces(truth * scale + shift, truth, RAYS)
    assert found.bend.item() < 1e-5
    assert found.relative.item() < 5e-3 and found.direction.item() < 5e-3, found


def test_a_bent_wall_costs_by_its_bend() -> None:
    even = surfaces(ROOM, ROOM, RAYS)
    bends = [surfaces(ROOM + bend * COLUMNS**2, ROOM, RAYS).bend.item() for bend in (0.02, 0.1)]
    assert even.bend.item() < 1e-4 < bends[0] < 0.3 * bends[1]


def test_a_wall_that_faces_elsewhere_costs() -> None:
    turned = surfaces(ROOM + 0.3 * COLUMNS, ROOM, RAYS)
    assert turned.direction.item() > 10 * surfaces(ROOM, ROOM, RAYS).direction.item() + 0.01


def test_the_sky_does_not_count() -> None:
    truth = torch.where(ROWS[None] < -0.5, torch.zeros(()), ROOM)
    predicted = torch.where(ROWS[None] < -0.5, torch.rand(1, *SIZE), ROOM)
    above = surfaces(predicted, truth, RAYS)
    # Differences across the skyline see it.
    assert above.relative.item() < 0.01 and above.bend.item() < 0.05


def test_disagreeing_is_never_cheap() -> None:
    """With a least-squares scale, a prediction unlike the truth would become flat, and cost nothing."""
    wild = torch.rand(1, *SIZE, generator=torch.Generator().manual_seed(0))
    unrelated, own = surfaces(wild, ROOM, RAYS), surfaces(ROOM + 0.02 * COLUMNS**2, ROOM, RAYS)
    assert unrelated.bend > 10 * own.bend
    assert surfaces(-ROOM, ROOM, RAYS).relative > 10 * own.relative


def test_the_scale_is_the_ratio_of_spreads_and_learns() -> None:
    seen = torch.ones_like(ROOM, dtype=torch.bool)
    predicted = (torch.rand(1, *SIZE) * 7.0 - 3.0).requires_grad_()
    scaled = fitted(predicted, ROOM, seen)

    def spread(values: Tensor) -> Tensor:
        return (values - values.mean()).abs().mean()

    torch.testing.assert_close(spread(scaled), spread(ROOM), rtol=1e-4, atol=1e-6)
    # The spread of what is fitted is fixed: there is nothing to gain by shrinking.
    (gradient,) = torch.autograd.grad(spread(scaled), predicted)
    assert (gradient * (predicted - predicted.mean())).sum().abs() < 1e-3


def test_a_constant_prediction_has_a_finite_gradient() -> None:
    predicted = torch.zeros_like(ROOM).requires_grad_()
    torch.stack(list(surfaces(predicted, ROOM, RAYS))).sum().backward()
    assert predicted.grad is not None and torch.isfinite(predicted.grad).all()
