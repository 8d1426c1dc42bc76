# SPDX-License-Identifier: GPL-3.0-or-later
"""Losses between disparities whose scale and shift are unknown.

Ranftl et al. 2020 (https://arxiv.org/abs/1907.01341): both are normalised by their median and their mean deviation from
it, and compared directly and by their gradients at several scales.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

SCALES = 4
SMALLEST_DEVIATION = 1e-3
SOFT = 2
"""Pixels of the halved label on either side of an edge within which a teacher's edge may be misplaced."""
STEP = 0.15
"""Smallest difference of neighbours at an edge, in mean deviations."""
SHARP = 0.6
REACHES = (1, 3)
"""Distances in pixels from an edge at which its two sides are compared."""


def normalised(disparity: Tensor) -> Tensor:
    """Returns disparities, float (n, h, w), minus their median and divided by their mean deviation from it."""
    centre, deviation = _measures(disparity)
    return (disparity - centre) / deviation


def exact(predicted: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the loss of disparities compared with true ones, both float (n, h, w), and that of their `edges`."""
    found, wanted = normalised(predicted), normalised(truth)
    return (found - wanted).abs().mean() + 0.5 * gradients(found - wanted), edges(found, wanted)


def labelled(predicted: Tensor, label: Tensor) -> Tensor:
    """Returns the loss of disparities compared with a teacher's, both float (n, h, w), the teacher's in 0..1.

    The teacher's edges are slightly misplaced, so any value between the minimum and maximum of the label within SOFT
    pixels of the halved size counts as correct. The plain difference keeps predictions in 0..1.
    """
    halved, halved_label = _halved(predicted), _halved(label)
    near, far = _largest_around(halved_label), -_largest_around(-halved_label)
    centre, deviation = _measures(halved_label)
    error = _outside(normalised(halved), (far - centre) / deviation, (near - centre) / deviation)
    loose = error.abs().mean() + 0.5 * gradients(error) + 0.3 * _outside(halved, far, near).abs().mean()
    return loose + 0.5 * edges(normalised(predicted), normalised(label))


def edges(found: Tensor, wanted: Tensor) -> Tensor:
    """Returns how much of the steps of `wanted` is missing in `found`, both `normalised`, as a share of each step.

    A step is what rises by more than STEP between neighbours, and by SHARP of what it rises around them. It is
    compared across its neighbours at REACHES pixels, so that a sharp edge a pixel beside the true one is better than a
    soft one: gradients alone ask for soft edges wherever the place is not sure (compare the structure-guided pairs of
    Xian et al. 2020, CVPR).
    """
    total, count = found.new_zeros(()), found.new_zeros(())
    for axis in (1, 2):
        length = wanted.shape[axis]
        jump = wanted.diff(dim=axis).abs()
        for reach in REACHES:
            # For a step between pixels i and i + 1, i - reach is compared with i + 1 + reach.
            span = length - 1 - 2 * reach
            step = jump.narrow(axis, reach, span)
            across_found, across_wanted = (
                values.narrow(axis, 2 * reach + 1, span) - values.narrow(axis, 0, span) for values in (found, wanted)
            )
            is_step = (step > STEP) & (step > SHARP * across_wanted.abs())
            total = total + ((across_found - across_wanted).abs() / step.clamp_min(STEP))[is_step].sum()
            count = count + is_step.sum()
    return total / (count + 1)


def gradients(error: Tensor) -> Tensor:
    """Returns the mean absolute gradient of an error, float (n, h, w), summed over SCALES."""
    total = error.new_zeros(())
    for scale in range(SCALES):
        coarse = error[:, :: 2**scale, :: 2**scale]
        total = total + coarse.diff(dim=1).abs().mean() + coarse.diff(dim=2).abs().mean()
    return total


def _measures(disparity: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the medians and the mean deviations from them, float (n, 1, 1)."""
    centre = disparity.flatten(1).median(dim=1).values[:, None, None]
    return centre, (disparity - centre).abs().mean(dim=(1, 2), keepdim=True).clamp_min(SMALLEST_DEVIATION)


def _halved(disparity: Tensor) -> Tensor:
    return functional.avg_pool2d(disparity.unsqueeze(1), 2).squeeze(1)


def _largest_around(disparity: Tensor) -> Tensor:
    return functional.max_pool2d(disparity.unsqueeze(1), 2 * SOFT + 1, stride=1, padding=SOFT).squeeze(1)


def _outside(value: Tensor, least: Tensor, largest: Tensor) -> Tensor:
    """Returns the distance of `value` from the range, negative below `least`, positive above `largest`, else 0."""
    return value - torch.maximum(torch.minimum(value, largest), least)
