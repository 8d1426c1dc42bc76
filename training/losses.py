# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a disparity is from the one wanted, where neither scale nor shift is known.

Ranftl et al. 2020 (https://arxiv.org/abs/1907.01341): both are brought to one scale by their median and their mean
deviation from it, and compared in themselves and in their gradients at several scales.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

SCALES = 4
SMALLEST_DEVIATION = 1e-3


def normalised(disparity: Tensor) -> Tensor:
    """Returns disparities, float (n, h, w), each less its median and divided by its mean deviation from that."""
    flat = disparity.flatten(1)
    centred = flat - flat.median(dim=1, keepdim=True).values
    deviation = centred.abs().mean(dim=1, keepdim=True).clamp_min(SMALLEST_DEVIATION)
    return (centred / deviation).view_as(disparity)


def difference(predicted: Tensor, wanted: Tensor) -> Tensor:
    """Returns the mean difference of two batches of disparities, float (n, h, w), after `normalised`."""
    return (normalised(predicted) - normalised(wanted)).abs().mean()


def gradient_difference(predicted: Tensor, wanted: Tensor, scales: int = SCALES) -> Tensor:
    """Returns the mean difference of the gradients, summed over `scales`, each with half as many samples."""
    error = normalised(predicted) - normalised(wanted)
    total = error.new_zeros(())
    for scale in range(scales):
        coarse = error[:, :: 2**scale, :: 2**scale]
        total = total + coarse.diff(dim=1).abs().mean() + coarse.diff(dim=2).abs().mean()
    return total


def taught(predicted: Tensor, label: Tensor) -> Tensor:
    """Returns the loss of disparities, float (n, 2 h, 2 w), against a teacher's, float (n, h, w), in 0..1.

    The teacher's edges are soft, so that it is asked only what it knows: the prediction is averaged to the label's
    size, and its finest gradients are left alone. The plain difference keeps predictions in 0..1.
    """
    halved = functional.avg_pool2d(predicted.unsqueeze(1), 2).squeeze(1)
    coarser = functional.avg_pool2d(halved.unsqueeze(1), 2).squeeze(1)
    coarser_label = functional.avg_pool2d(label.unsqueeze(1), 2).squeeze(1)
    return (
        difference(halved, label)
        + 0.5 * gradient_difference(coarser, coarser_label, SCALES - 1)
        + 0.3 * (halved - label).abs().mean()
    )


def exact(predicted: Tensor, truth: Tensor) -> Tensor:
    """Returns the loss of disparities against true ones, both float (n, h, w): each edge counts to the pixel."""
    return difference(predicted, truth) + gradient_difference(predicted, truth)
