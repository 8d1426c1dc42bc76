# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a picture of ours is from the true one of the same side view; holes count as wrong."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation
from skimage.metrics import structural_similarity

from benchmarks.views.rays import Floats, Picture

STEP = 1.1
"""Ratio of the depths of neighbouring pixels that makes an outline."""
TOLERANCE = 2
"""Pixels by which an outline may be off."""


class Score(NamedTuple):
    """Of one side view: share of holes, PSNR in decibels, SSIM, and outlines' F, precision and recall, 0..1."""

    holes: float
    psnr: float
    ssim: float
    outlines: float
    precision: float
    recall: float


def score(ours: Picture, true_colors: Floats, true_depth: Floats) -> Score:
    """Returns the scores of a picture against the true colours (h, w, 3), 0..1, and the true depth (h, w)."""
    # The opposite of what is right: no filling in of holes by chance colours is rewarded.
    opposite = np.where(true_colors < 0.5, 1.0, 0.0)
    share = ours.holes[..., None]
    colors = ours.colors * (1.0 - share) + opposite * share
    error = float(np.mean((colors - true_colors) ** 2))
    similarity = float(structural_similarity(colors, true_colors, channel_axis=-1, data_range=1.0))
    precision, recall = _agreement(outlines(ours.depth), outlines(true_depth))
    f_score = 2.0 * precision * recall / max(precision + recall, 1e-9)
    return Score(float(ours.holes.mean()), -10.0 * np.log10(max(error, 1e-9)), similarity, f_score, precision, recall)


def outlines(depth: Floats) -> NDArray[np.bool_]:
    """Returns the pixels (h, w) beside which another one is so much farther, sky or nothing included."""
    logarithm = np.log(np.where(np.isfinite(depth) & (depth > 0), depth, 1e9))
    found = np.zeros(depth.shape, bool)
    for axis in (0, 1):
        jump = np.abs(np.diff(logarithm, axis=axis)) > np.log(STEP)
        pad = [(0, 0), (0, 0)]
        pad[axis] = (0, 1)
        found |= np.pad(jump, pad)
    return found


def _agreement(ours: NDArray[np.bool_], true: NDArray[np.bool_]) -> tuple[float, float]:
    """Returns the share of our outlines that are true, and of the true ones that we have, within the tolerance."""
    around = np.ones((2 * TOLERANCE + 1, 2 * TOLERANCE + 1), bool)
    precise = float((ours & binary_dilation(true, around)).sum() / max(int(ours.sum()), 1))
    found = float((true & binary_dilation(ours, around)).sum() / max(int(true.sum()), 1))
    return precise, found
