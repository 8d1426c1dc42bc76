# SPDX-License-Identifier: GPL-3.0-or-later
"""Losses of the outputs beside disparity: sky, distances, lens and kind of scene."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from mono3d_addon.depth.scene_vector import LARGEST_DEVIATION, QUANTITIES, SMALLEST_DEVIATION

from .batches import NOT_KNOWN

COUNT = len(QUANTITIES)
DISTANCES = [QUANTITIES.index("near"), QUANTITIES.index("far")]
STRIDE = 4
"""Pixels of the picture for each place of the sky's map."""
NOT_SKY = 0.25
"""Disparity of a teacher, 0..1, above which there is no sky."""
_KIND = 0.5
_SMOOTHING = 0.05


def sky(logits: Tensor, share: Tensor, known: Tensor) -> Tensor:
    """Returns the cross entropy of log odds of sky and its true `share`, float (n, h, w), where it is `known`."""
    weight = known.to(logits.dtype)
    entropy = functional.binary_cross_entropy_with_logits(logits, share, reduction="none")
    return (entropy * weight).sum() / weight.sum().clamp_min(1.0)


def sky_of_truth(truth: Tensor) -> Tensor:
    """Returns the share of sky, float (n, h / 4, w / 4), of true disparity, float (n, h, w), that is 0 in the sky."""
    return functional.avg_pool2d((truth == 0.0).float().unsqueeze(1), STRIDE).squeeze(1)


def ground_of_label(label: Tensor) -> Tensor:
    """Returns where a teacher's disparity, float (n, h, w), is too near for sky, bool (n, h / 4, w / 4)."""
    return functional.avg_pool2d(label.unsqueeze(1), STRIDE).squeeze(1) > NOT_SKY


def scene(vector: Tensor, wanted: Tensor, kind: Tensor) -> Tensor:
    """Returns the loss of scene vectors, float (n, LENGTH).

    wanted  logarithms of near, far and focal length, float (n, 3), NaN if unknown
    kind    number of the kind of scene, int64 (n,), NOT_KNOWN if unknown
    The negative logarithm of Laplace's density: the most likely value is the median, and large errors, of which there
    are many, count in proportion. The ratio of far to near, on which the relief depends, counts once more.
    """
    values, deviations = vector[:, :COUNT], log_deviations(vector)
    known = torch.isfinite(wanted)
    wanted = torch.where(known, wanted, torch.zeros_like(wanted))
    away = (values - wanted).abs()
    # A deviation of Laplace's distribution is the square root of two times its scale.
    surprise = math.sqrt(2.0) * away * torch.exp(-deviations) + deviations
    total = _mean(surprise, known)
    ratio = ((values[:, 1] - values[:, 0]) - (wanted[:, 1] - wanted[:, 0])).abs()
    total = total + _mean(ratio, known[:, 0] & known[:, 1])
    is_known = kind != NOT_KNOWN
    if is_known.any():
        entropy = functional.cross_entropy(
            vector[is_known, 2 * COUNT :], kind[is_known], label_smoothing=_SMOOTHING, reduction="sum"
        )
        total = total + _KIND * entropy / len(kind)
    return total


def taught(vector: Tensor, teacher: Tensor) -> Tensor:
    """Returns the loss of scene vectors compared with a teacher's, both float (n, LENGTH): distances.

    That is the cross entropy of Laplace's densities: the mean of `scene`'s surprise over what the teacher holds
    possible. It is least where value and deviation are the teacher's. A teacher that learnt from renders knows too
    little of a photo's lens.
    """
    away = (vector[:, DISTANCES] - teacher[:, DISTANCES]).abs()
    scale = torch.exp(log_deviations(teacher)[:, DISTANCES]) / math.sqrt(2.0)
    away = away + scale * torch.exp(-away / scale)
    deviations = log_deviations(vector)[:, DISTANCES]
    return (math.sqrt(2.0) * away * torch.exp(-deviations) + deviations).mean()


def log_deviations(vector: Tensor) -> Tensor:
    """Returns the logarithms of the deviations that scene vectors state, float (n, 3), within their limits."""
    return vector[:, COUNT : 2 * COUNT].clamp(math.log(SMALLEST_DEVIATION), math.log(LARGEST_DEVIATION))


def _mean(values: Tensor, where: Tensor) -> Tensor:
    return torch.where(where, values, torch.zeros_like(values)).sum() / where.numel() if where.numel() else values.sum()
