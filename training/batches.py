# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches for training: examples, size and shape. Batch number i is the same in every run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor
from torch.utils.data import Dataset

from .augment import crop, degrade
from .sets import Example

Size = tuple[int, int]
"""Height and width, multiples of 32."""


class Batch(NamedTuple):
    """Pictures, float32 (n, 3, h, w) in -1..1: first those with a teacher's label, then those with exact disparity."""

    pictures: Tensor
    labels: Tensor
    """float32 (p, h, w)"""
    truths: Tensor
    """float32 (n - p, h, w)"""


@dataclass(frozen=True)
class Batches(Dataset[Batch]):
    """A data set of `count` batches with `size` pictures each; the last share `large_share` has large pictures.

    Small pictures are faster; large ones are closer to the size at which the network is used.
    """

    photos: Sequence[Example]
    exact: Sequence[Example]
    count: int
    size: int
    exact_share: float
    large_share: float
    seed: int
    small: Size
    large: Size

    def __len__(self) -> int:
        """Returns the number of batches."""
        return self.count

    def __getitem__(self, number: int) -> Batch:
        """Returns batch `number`."""
        random = np.random.default_rng((self.seed, number))
        size = shape(self.large if number >= self.count * (1.0 - self.large_share) else self.small, random)
        exact = self._number_of_exact(random)
        labelled = [_drawn(self.photos, size, random) for _ in range(self.size - exact)]
        true = [_drawn(self.exact, size, random) for _ in range(exact)]
        return Batch(
            torch.stack([picture for picture, _ in labelled + true]),
            _stacked([label for _, label in labelled], size),
            _stacked([truth for _, truth in true], size),
        )

    def _number_of_exact(self, random: Generator) -> int:
        """Returns the number of pictures with exact disparity, `exact_share` on average."""
        if not self.photos or not self.exact:
            return 0 if self.photos else self.size
        whole, rest = divmod(self.size * self.exact_share, 1.0)
        return int(whole) + int(random.random() < rest)


def shape(size: Size, random: Generator) -> Size:
    """Returns a landscape (60 %), portrait (25 %) or square size with about as many pixels; multiples of 32."""
    height, width = size
    choice = random.random()
    if choice < 0.6:
        return height, width
    if choice < 0.85:
        return width, height
    side = int((height * width) ** 0.5) // 32 * 32
    return side, side


def _drawn(examples: Sequence[Example], size: Size, random: Generator) -> tuple[Tensor, Tensor]:
    picture, disparity = crop(examples[int(random.integers(len(examples)))], size, random)
    pixels = degrade(picture, random) * 2.0 - 1.0
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))), torch.from_numpy(disparity.copy())


def _stacked(disparities: list[Tensor], size: Size) -> Tensor:
    if disparities:
        return torch.stack(disparities)
    return torch.zeros((0, *size))
