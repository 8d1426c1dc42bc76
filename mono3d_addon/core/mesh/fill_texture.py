# SPDX-License-Identifier: GPL-3.0-or-later
"""Paints the background where near things hide it: patches of what is seen of it, fitted together.

For each block of cells behind a near thing, PatchMatch (Barnes et al. 2009) finds a block of the background with like
colours around it at a like depth, in a small copy of the photo. Their pixels are copied at full size, neighbouring
blocks blended, and corrected by the smooth difference to the colours that the rims lead to expect.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import windows
from ..arrays import Bytes, Floats, folded
from ..windows import enlarge

_SMALL = 96
"""Blocks along the longer side of the small copy."""
_RADIUS = 2
_ROUNDS = 2
_CLEARLY = 0.8
"""Cost, relative to that of going on with what the neighbours copy, below which a block copies from elsewhere."""
_UNKNOWN = 1e3
_GUESSED = 0.35
"""Weight of a colour that is itself a guess, relative to one that is seen."""
_DEPTH = 0.25
"""Weight of a difference of the logarithm of depth, relative to one of a colour (0..1)."""
_FAR_AWAY = 0.02
"""Cost of copying from the other side of the photo, as a squared difference of colours."""
_TOO_LITTLE = 2e-3
"""Weight of a neighbouring block in a blend that is left out: half of the least weight of the nearest block."""
_SMOOTH = 3
"""Radius in blocks of the smooth correction."""
_BROAD = 1
"""Radius in blocks over which the broad band of what is copied is blended."""
_COARSE, _JOIN = 4, 1
"""Side in cells of the blocks, and radius in blocks of each of two passes, that smooth the change where the colours of
both sides join."""
_ENOUGH = 2.0
"""Number of cells around at which half of that change is made."""

Bools = NDArray[np.bool_]
Indices = NDArray[np.intp]


def painted(guide: Floats, expected: Floats, inverse: Floats, target: Bools, source: Bools) -> Floats:
    """Returns the colours, float32 (n, 3), 0..1, of the n cells of `target`, bool (rows, columns).

    guide     float32 (rows, columns, 3), the photo at this size
    expected  float32 (rows, columns, 3), smooth colours, used in `target`
    inverse   float32 (rows, columns), inverse depth of the background: the filled one in `target`
    source    bool (rows, columns), cells whose colours may be copied
    """
    rows, columns = target.shape
    block = max(1, -(-max(rows, columns) // _SMALL))
    small = _Small.of(guide, expected, inverse, target, source, block)
    if not small.target.any() or not small.source.any():
        return expected[target]
    match = _matched(small)
    off = _Offsets(small, match, block)
    return off.copied(guide, target)


def joined_smoothly(colors: Floats, guide: Floats, target: Bools, seen: Bools) -> Floats:
    """Returns `colors`, float32 (n, 3), 0..1, of the n cells of `target`, going over into those of the photo.

    The mean difference to the photo where it is `seen`, bool (rows, columns), is taken away around there, and fades.
    """
    rows, columns = target.shape
    at = np.flatnonzero(seen[target])
    if len(at) == 0:
        return colors
    place = np.flatnonzero(target)[at]
    high, wide = -(-rows // _COARSE), -(-columns // _COARSE)
    block = place // columns // _COARSE * wide + place % columns // _COARSE
    apart = np.column_stack([guide.reshape(-1, 3)[place] - colors[at], np.ones(len(at), np.float32)])
    sums = np.stack([np.bincount(block, part, high * wide) for part in apart.T], axis=1)
    level = sums.astype(np.float32).reshape(high, wide, 4)
    for _ in range(2):
        level = windows.total(level, _JOIN)
    change = level[..., :3] / (level[..., 3:] + np.float32(_ENOUGH * (2 * _JOIN + 1) ** 2))
    return np.clip(colors + _enlarged(change, _COARSE, rows, columns)[target], 0, 1).astype(np.float32)


def _enlarged(blocks: Floats, block: int, rows: int, columns: int) -> Floats:
    """Returns the values of blocks, float32 (h, w, 3), for all cells, float32 (rows, columns, 3)."""
    high, wide = blocks.shape[0] * block, blocks.shape[1] * block
    return np.stack([enlarge(blocks[..., part], wide, high)[:rows, :columns] for part in range(3)], axis=2)


@dataclass(frozen=True)
class _Small:
    """The small copy, one entry a block, padded by `_RADIUS` on all sides.

    features  float32 (h, w, 4): colour, and logarithm of inverse depth times `_DEPTH`
    expected  float32 (h, w, 3): smooth colours
    target    bool (h, w), blocks to paint
    source    bool (h, w), blocks that may be copied
    """

    features: Floats
    expected: Floats
    target: Bools
    source: Bools

    @classmethod
    def of(cls, guide: Floats, expected: Floats, inverse: Floats, target: Bools, source: Bools, block: int) -> _Small:
        share = _pooled(source[..., None].astype(np.float32), block)
        wanted = _pooled(target[..., None].astype(np.float32), block)
        seen = _pooled(guide * source[..., None], block) / np.maximum(share, 1e-6)
        smooth = _pooled(expected * target[..., None], block) / np.maximum(wanted, 1e-6)
        depth = _pooled(np.log(inverse)[..., None], block)
        is_target, is_source = wanted[..., 0] > 0, (share[..., 0] > 0.95) & (wanted[..., 0] == 0)
        colors = np.where(is_target[..., None], smooth, seen)
        features = np.concatenate([colors, depth * np.float32(_DEPTH)], axis=2)
        edge = [(_RADIUS, _RADIUS)] * 2
        return cls(
            np.pad(features, [*edge, (0, 0)]),
            np.pad(smooth, [*edge, (0, 0)]),
            np.pad(is_target, edge),
            np.pad(is_source, edge),
        )


def as_bytes(colors: Floats) -> Bytes:
    """Returns colours, 0..1, as uint8 of the same shape."""
    return np.clip(np.rint(colors * 255), 0, 255).astype(np.uint8)


def _pooled(values: Floats, block: int) -> Floats:
    """Returns the means of blocks, float32 (h, w, c); those at the far borders may be smaller."""
    return np.stack([windows.reduced(part, block) for part in np.moveaxis(values, 2, 0)], axis=2)


def _patch(width: int) -> Indices:
    """Returns the offsets in flat indices of the blocks of a patch that are compared: every second one."""
    down, right = np.mgrid[-_RADIUS : _RADIUS + 1, -_RADIUS : _RADIUS + 1]
    chosen = (down + right) % 2 == 0
    return (down * width + right)[chosen].astype(np.intp)


def _matched(small: _Small) -> Indices:
    """Returns for each target block, in the order of the small copy, the flat index of the block to copy."""
    random = np.random.default_rng(0)
    high, width = small.target.shape
    target, source = np.flatnonzero(small.target), np.flatnonzero(small.source)
    number = np.full(high * width, -1, np.intp)
    number[target] = np.arange(len(target))
    match = source[random.integers(0, len(source), len(target))]
    features = small.features.reshape(-1, 4).copy()
    trust = small.source.reshape(-1).astype(np.float32)
    trust[target] = _GUESSED
    is_source = small.source.reshape(-1)
    is_rim = windows.widened(small.source, 1).reshape(-1)[target]
    for turn in range(_ROUNDS):
        comparison = _Comparison(features, trust, is_source, target, width)
        cost = comparison.cost(match)
        if turn == 0:
            # Inside, neighbours copy from neighbours, so that what was found at the rims goes on.
            cost[~is_rim] = _UNKNOWN
        for strides in ((8, 4, 2, 1), (1,)) if turn == 0 else ((2, 1),):
            for offset in (stride * way for stride in strides for way in (1, -1, width, -width)):
                there = number[np.clip(target + offset, 0, high * width - 1)]
                candidate = np.where(there >= 0, match[there] - offset, match)
                match, cost = comparison.better(candidate, match, cost, 1.0)
            reach = max(high, width) // 2
            while reach >= 2:
                row, column = np.divmod(match, width)
                shift = random.integers(-reach, reach + 1, (2, len(match)))
                candidate = np.clip(row + shift[0], 0, high - 1) * width + np.clip(column + shift[1], 0, width - 1)
                match, cost = comparison.better(candidate, match, cost, _CLEARLY)
                reach //= 3
        features[target, :3] = features[match, :3]
    return match


class _Comparison:
    """Compares the surroundings of each target block with those of a source block."""

    def __init__(self, features: Floats, trust: Floats, is_source: Bools, target: Indices, width: int) -> None:
        self._features, self._is_source, self._target, self._width = features, is_source, target, width
        self._patch = _patch(width)
        around = target[:, None] + self._patch
        self._wanted = features[around]
        self._trust = trust[around]
        self._total = self._trust.sum(axis=1) + np.float32(1e-6)

    def cost(self, match: Indices) -> Floats:
        """Returns the cost of each match, float32 (n,), infinite where it is no source."""
        around = np.clip(match[:, None] + self._patch, 0, len(self._features) - 1)
        apart = folded(np.add, np.square(self._features[around] - self._wanted))
        # A block of the patch that may not be copied says nothing; many of them are a bad sign.
        apart = np.where(self._is_source[around], apart, np.float32(0.05))
        mean = (apart * self._trust).sum(axis=1) / self._total
        rows = np.abs(match // self._width - self._target // self._width)
        columns = np.abs(match % self._width - self._target % self._width)
        mean += np.float32(_FAR_AWAY / self._width) * np.maximum(rows, columns)
        return np.where(self._is_source[match], mean, np.float32(2 * _UNKNOWN)).astype(np.float32)

    def better(self, candidate: Indices, match: Indices, cost: Floats, share: float) -> tuple[Indices, Floats]:
        """Returns the matches, replaced by candidates with less than `share` of their cost, and their costs."""
        candidate = np.clip(candidate, 0, len(self._is_source) - 1)
        other = self.cost(candidate)
        is_better = other < cost * np.float32(share)
        return np.where(is_better, candidate, match), np.where(is_better, other, cost)


class _Offsets:
    """From where each block is copied, and the smooth correction of its colours."""

    def __init__(self, small: _Small, match: Indices, block: int) -> None:
        high, width = small.target.shape
        self._block = block
        target = np.flatnonzero(small.target)
        self._row = np.zeros((high, width), np.int32)
        self._column = np.zeros((high, width), np.int32)
        self._row.reshape(-1)[target] = (match // width - target // width) * block
        self._column.reshape(-1)[target] = (match % width - target % width) * block
        self._is_known = small.target
        apart = np.zeros((high, width, 3), np.float32)
        copied = small.features.reshape(-1, 4)[match, :3]
        apart.reshape(-1, 3)[target] = small.expected.reshape(-1, 3)[target] - copied
        # What is expected is known at the rims only.
        is_rim = small.target & windows.widened(small.source, 1)
        weight = is_rim[..., None].astype(np.float32)
        sums = windows.total(np.concatenate([apart * weight, weight], axis=2), _SMOOTH)
        correction = sums[..., :3] / (sums[..., 3:] + 1)
        # Two bands (Burt and Adelson 1983): the broad one blends over several blocks, so that no block shows.
        shown = small.features[..., :3].copy()
        shown.reshape(-1, 3)[target] = copied
        shown[small.target] += correction[small.target]
        self._broad = _blended(shown, small.source | small.target)
        self._copied_broad = _blended(small.features[..., :3], small.source)

    def copied(self, guide: Floats, target: Bools) -> Floats:
        """Returns the colours, float32 (n, 3), of the target cells, 0..1."""
        rows, columns = target.shape
        row, column = np.nonzero(target)
        down, right = (row + 0.5) / self._block - 0.5 + _RADIUS, (column + 0.5) / self._block - 0.5 + _RADIUS
        top, left = np.floor(down).astype(np.intp), np.floor(right).astype(np.intp)
        below, beyond = (down - top).astype(np.float32), (right - left).astype(np.float32)
        colors = np.zeros((len(row), 3), np.float32)
        total = np.zeros((len(row), 1), np.float32)
        inner = slice(_RADIUS, -_RADIUS)
        fine = (guide - _enlarged(self._copied_broad[inner, inner], self._block, rows, columns)).reshape(-1, 3)
        broad = _enlarged(self._broad[inner, inner], self._block, rows, columns)[target]
        for one, part in ((top, 1 - below), (top + 1, below)):
            for other, share in ((left, 1 - right + left), (left + 1, beyond)):
                known = self._is_known[one, other]
                weight = (part * share).astype(np.float32) * known
                # Steep weights keep the blends between unlike blocks narrow, and the texture sharp.
                weight = np.square(np.square(weight))
                used = np.flatnonzero(weight > _TOO_LITTLE)
                block, weight = (one[used], other[used]), weight[used, None]
                there = np.clip(row[used] + self._row[block], 0, rows - 1) * columns
                there += np.clip(column[used] + self._column[block], 0, columns - 1)
                colors[used] += weight * fine[there]
                total[used] += weight
        return np.clip(broad + colors / np.maximum(total, np.float32(1e-20)), 0, 1)


def _blended(values: Floats, known: Bools) -> Floats:
    """Returns the means, float32 (h, w, 3), of the blocks around each that are `known`, bool (h, w)."""
    weight = known[..., None].astype(np.float32)
    sums = windows.total(np.concatenate([values * weight, weight], axis=2), _BROAD)
    return np.asarray(sums[..., :3] / np.maximum(sums[..., 3:], np.float32(1e-6)), np.float32)
