# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a disparity is from the one wanted, where neither scale nor shift is known.

Ranftl et al. 2020 (https://arxiv.org/abs/1907.01341): both are brought to one scale by their median and their mean
deviation from it, and compared in themselves and in their gradients at several scales.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

SCALES = 4
SMALLEST_DEVIATION = 1e-3
SOFT = 2
"""Pixels of the halved label on either side of an edge in which a teacher is not sure of its place."""
STEP = 0.15
"""Difference of neighbours, in mean deviations, from which on it is an edge."""
SHARP = 0.6
REACHES = (1, 3)
"""Pixels on either side of an edge at which its two sides are compared."""


def normalised(disparity: Tensor) -> Tensor:
    """Returns disparities, float (n, h, w), each less its median and divided by its mean deviation from that."""
    centre, deviation = _measures(disparity)
    return (disparity - centre) / deviation


def exact(predicted: Tensor, truth: Tensor) -> Tensor:
    """Returns the loss of disparities against true ones, both float (n, h, w)."""
    found, wanted = normalised(predicted), normalised(truth)
    return (found - wanted).abs().mean() + 0.5 * gradients(found - wanted) + edges(found, wanted)


def taught(predicted: Tensor, label: Tensor) -> Tensor:
    """Returns the loss of disparities against a teacher's, both float (n, h, w), those in 0..1.

    The teacher's edges are a little beside those of the photo, so that what lies between the least and the largest
    label within SOFT pixels of the halved size is right there. The plain difference keeps predictions in 0..1.
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
            # Between pixels i and i + 1 there is a step: i - reach is compared with i + 1 + reach.
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
    """Returns the mean change of an error, float (n, h, w), from pixel to pixel, summed over SCALES."""
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
    """Returns how far `value` is below the least (negative) or above the largest."""
    return value - torch.maximum(torch.minimum(value, largest), least)
