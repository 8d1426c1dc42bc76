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
"""Pixels of the label on either side of an edge in which a teacher is not sure of its place."""


def normalised(disparity: Tensor) -> Tensor:
    """Returns disparities, float (n, h, w), each less its median and divided by its mean deviation from that."""
    centre, deviation = _measures(disparity)
    return (disparity - centre) / deviation


def exact(predicted: Tensor, truth: Tensor) -> Tensor:
    """Returns the loss of disparities against true ones, both float (n, h, w): each edge counts to the pixel."""
    error = normalised(predicted) - normalised(truth)
    return error.abs().mean() + gradients(error)


def taught(predicted: Tensor, label: Tensor) -> Tensor:
    """Returns the loss of disparities, float (n, 2 h, 2 w), against a teacher's, float (n, h, w), in 0..1.

    The teacher's edges are soft and a little beside those of the photo, so that it is asked only what it knows: what
    lies between the least and the largest label within SOFT pixels is right. Where the label is even that is the label
    itself. The plain difference keeps predictions in 0..1.
    """
    halved = functional.avg_pool2d(predicted.unsqueeze(1), 2).squeeze(1)
    near, far = _largest_around(label), -_largest_around(-label)
    centre, deviation = _measures(label)
    error = _outside(normalised(halved), (far - centre) / deviation, (near - centre) / deviation)
    return error.abs().mean() + 0.5 * gradients(error) + 0.3 * _outside(halved, far, near).abs().mean()


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


def _largest_around(disparity: Tensor) -> Tensor:
    return functional.max_pool2d(disparity.unsqueeze(1), 2 * SOFT + 1, stride=1, padding=SOFT).squeeze(1)


def _outside(value: Tensor, least: Tensor, largest: Tensor) -> Tensor:
    """Returns how far `value` is below the least (negative) or above the largest."""
    return value - torch.maximum(torch.minimum(value, largest), least)
