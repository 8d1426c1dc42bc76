# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from training import losses

pytestmark = pytest.mark.torch


def _truth() -> torch.Tensor:
    truth = torch.full((2, 32, 48), 0.2)
    truth[:, 8:24, 10:30] = 0.7
    truth[1, 20:30, 38:46] = 1.0
    return truth


def _blurred(disparity: torch.Tensor) -> torch.Tensor:
    return functional.avg_pool2d(disparity.unsqueeze(1), 5, stride=1, padding=2, count_include_pad=False).squeeze(1)


def total(predicted: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    return torch.stack(losses.exact(predicted, truth)).sum()


@given(st.floats(0.1, 50.0), st.floats(-20.0, 20.0))
def test_scale_and_shift_do_not_count(scale: float, shift: float) -> None:
    truth = _truth()
    assert total(truth * scale + shift, truth).item() < 2e-3


def test_a_constant_prediction_has_a_finite_gradient() -> None:
    predicted = torch.zeros(2, 32, 48, requires_grad=True)
    total(predicted, _truth()).backward()
    assert predicted.grad is not None
    assert torch.isfinite(predicted.grad).all()


def test_soft_edges_cost_where_the_truth_is_known() -> None:
    truth = _truth()
    assert total(_blurred(truth), truth) > total(truth, truth) + 0.1


def test_a_misplaced_sharp_edge_is_better_than_a_soft_one() -> None:
    truth = losses.normalised(_truth())
    beside = torch.roll(truth, 1, dims=2)
    assert losses.edges(beside, truth) < 0.5 * losses.edges(losses.normalised(_blurred(_blurred(_truth()))), truth)
    assert losses.edges(truth, truth).item() == 0.0
    even = torch.zeros_like(truth)
    assert losses.edges(even, even).item() == 0.0


def test_any_edge_within_a_labels_soft_one_is_right() -> None:
    truth = _truth()
    label = _blurred(truth)
    sharp = losses.labelled(truth, label)
    assert sharp < 0.1
    assert losses.labelled(_blurred(_blurred(_blurred(truth))), label) > 3 * sharp


def test_a_missing_object_costs_though_edges_are_free() -> None:
    truth = _truth()
    without = truth.clone()
    without[:, 8:24, 10:30] = 0.2
    assert losses.labelled(without, truth) > losses.labelled(truth, truth) + 0.3


def test_the_teachers_range_is_kept() -> None:
    assert losses.labelled(_truth() * 3.0, _truth()) > losses.labelled(_truth(), _truth()) + 0.1


def test_inverted_is_worse_than_constant() -> None:
    truth = _truth()
    assert total(-truth, truth) > total(torch.zeros_like(truth), truth)
