# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches for training: examples, size and shape. Batch number i is the same in every run on the same packs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from mono3d_addon.depth.scene_vector import KINDS

from . import sets
from .augment import Cut, crop, degrade
from .packed import Entry, Pack

Size = tuple[int, int]
"""Height and width, multiples of 32."""
NOT_KNOWN = -1
FEWEST_SEEN = 0.05
"""Smallest share of a cut without sky whose nearest and farthest distances are of use."""


class Facts(NamedTuple):
    """What is known of the pictures of a batch with exact disparity; NaN or NOT_KNOWN for what is not.

    focal     float32 (n,), focal length in pixels
    centre    float32 (n, 2), x and y of the optical axis in pixels
    scene     float32 (n, 3), logarithms of near and far in metres, and of the focal length per longer side
    kind      int64 (n,), number of the kind of scene
    has_sky   bool (n,), whether disparity 0 means sky
    """

    focal: Tensor
    centre: Tensor
    scene: Tensor
    kind: Tensor
    has_sky: Tensor


class Batch(NamedTuple):
    """Pictures, uint8 (n, 3, h, w): first those with a teacher's label, then those with exact disparity."""

    pictures: Tensor
    labels: Tensor
    """float32 (p, h, w)"""
    truths: Tensor
    """float32 (n - p, h, w)"""
    facts: Facts
    """of the exact pictures"""


@dataclass
class Source:
    """A pack, and the sets from which it is filled, some of which may grow."""

    pack: Pack
    places: Sequence[Path]
    is_growing: bool = False
    is_wanted: Callable[[str], bool] = lambda name: not sets.is_held_out(name)
    by_kind: dict[str | None, list[Entry]] = field(default_factory=dict)

    def fill(self) -> None:
        """Reads what is new in the sets."""
        places = [place for place in self.places if place.is_file() or any(place.glob(f"*{sets.DISPARITY_ENDING}"))]
        found: Iterable[sets.Example] = sets.read(places) if places else ()
        if self.is_growing:
            # In a folder, the file with the metres is written last: without it, a render is not complete.
            found = [one for one in found if one.metric_at is not None or one.picture_at.file in self.places]
        self.pack.add(example for example in found if self.is_wanted(example.name))
        self.by_kind = {}
        for entry in self.pack.entries:
            self.by_kind.setdefault(entry.metric.kind if entry.metric else None, []).append(entry)

    def drawn(self, random: Generator, weights: dict[str | None, float]) -> Entry:
        """Returns a random entry; a kind of scene is drawn first, with a weight beside the number of its pictures."""
        kinds = list(self.by_kind)
        shares = np.array([weights.get(kind, 1.0) * len(self.by_kind[kind]) ** 0.7 for kind in kinds])
        entries = self.by_kind[kinds[int(random.choice(len(kinds), p=shares / shares.sum()))]]
        return entries[int(random.integers(len(entries)))]


@dataclass(frozen=True)
class Batches(Dataset[Batch]):
    """A data set of `count` batches with `size` pictures each; the last share `large_share` has large pictures.

    Small pictures are faster; large ones are closer to the size at which the network is used. Growing sets are read
    again every `refill` batches.

    done     returns the share of the run that is done before a batch
    weights  how often to draw a kind of scene, relative to the number of its pictures; 1 if not named
    """

    photos: Source | None
    exact: Source | None
    count: int
    size: int
    exact_share: float
    large_share: float
    seed: int
    small: Size
    large: Size
    done: Callable[[int], float]
    refill: int = 150
    weights: dict[str | None, float] = field(default_factory=dict)

    def __len__(self) -> int:
        """Returns the number of batches."""
        return self.count

    def __getitem__(self, number: int) -> Batch:
        """Returns batch `number`."""
        for source in (self.photos, self.exact):
            if source is not None and source.is_growing and number % self.refill == 0:
                source.fill()
        random = np.random.default_rng((self.seed, number))
        size = shape(self.large if self.done(number) >= 1.0 - self.large_share else self.small, random)
        exact = self._number_of_exact(random)
        labelled = [self._drawn(self.photos, size, random) for _ in range(self.size - exact)]
        true = [self._drawn(self.exact, size, random) for _ in range(exact)]
        return Batch(
            torch.from_numpy(np.stack([pixels for _, _, pixels in labelled + true]).transpose(0, 3, 1, 2)),
            _stacked([cut for _, cut, _ in labelled], size),
            _stacked([cut for _, cut, _ in true], size),
            facts([entry for entry, _, _ in true], [cut for _, cut, _ in true]),
        )

    def _number_of_exact(self, random: Generator) -> int:
        """Returns the number of pictures with exact disparity, `exact_share` on average."""
        if self.photos is None or self.exact is None or not self.exact.by_kind:
            return self.size if self.photos is None else 0
        whole, rest = divmod(self.size * self.exact_share, 1.0)
        return int(whole) + int(random.random() < rest)

    def _drawn(self, source: Source | None, size: Size, random: Generator) -> tuple[Entry, Cut, NDArray[np.uint8]]:
        if source is None or not source.by_kind:
            raise ValueError("The sets contain no picture to train with: name larger ones.")
        entry = source.drawn(random, self.weights)
        cut = crop(source.pack.read(entry), size, random)
        return entry, cut, degrade(cut.picture, random)


def shape(size: Size, random: Generator) -> Size:
    """Returns a size with about as many pixels, multiples of 32.

    Half of the pictures are landscape as `size`, a fifth portrait, 12 % wide, 6 % tall and 12 % square.
    """
    height, width = size
    choice = random.random()
    if choice < 0.5:
        return height, width
    if choice < 0.7:
        return width, height
    if choice < 0.88:
        wide = max(32, height - 32), width + 64
        return wide if choice < 0.82 else wide[::-1]
    side = int((height * width) ** 0.5) // 32 * 32
    return side, side


def facts(entries: Sequence[Entry], cuts: Sequence[Cut]) -> Facts:
    """Returns what is known of cuts of entries."""
    rows = [_facts(*pair) for pair in zip(entries, cuts, strict=True)]
    focal, centre, scene, kind, has_sky = zip(*rows, strict=True) if rows else ((), (), (), (), ())
    return Facts(
        torch.tensor(focal, dtype=torch.float32),
        torch.tensor(centre, dtype=torch.float32).reshape(-1, 2),
        torch.tensor(scene, dtype=torch.float32).reshape(-1, 3),
        torch.tensor(kind, dtype=torch.int64),
        torch.tensor(has_sky, dtype=torch.bool),
    )


def _facts(entry: Entry, cut: Cut) -> tuple[float, tuple[float, float], tuple[float, float, float], int, bool]:
    metric = entry.metric
    near = far = focal = lens = math.nan
    if metric is not None and metric.focal is not None:
        focal = metric.focal * max(entry.shape) * cut.scale
        lens = math.log(focal / max(cut.disparity.shape))
    # A flat picture shows a photo: from its distances a network learns that whatever looks like a photo is near.
    if metric is not None and metric.inverse_metres is not None and metric.kind != sets.FLAT:
        seen = cut.disparity[cut.disparity > 0.0]
        if seen.size >= FEWEST_SEEN * cut.disparity.size:
            least, largest = np.percentile(seen[::3], (1.0, 99.0)) * metric.inverse_metres
            near, far = -math.log(largest), -math.log(least)
    kind = NOT_KNOWN
    if metric is not None and metric.kind is not None:
        kind = KINDS.index(metric.kind)
    return focal, cut.centre, (near, far, lens), kind, metric is not None and metric.inverse_metres is not None


def _stacked(cuts: Sequence[Cut], size: Size) -> Tensor:
    if cuts:
        return torch.from_numpy(np.stack([cut.disparity for cut in cuts]))
    return torch.zeros((0, *size))
