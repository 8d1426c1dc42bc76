# SPDX-License-Identifier: GPL-3.0-or-later
"""More detail for large photos: the network also runs on overlapping tiles; the large shape stays that of the whole.

A network works at a few hundred pixels a side. A part of the photo at that same size has finer edges, but shows less
of the scene, so that the large shape is worse and has its own scale and shift. Here each tile is
aligned with the whole in scale and shift, first globally and then locally, and contributes only what is finer than the
local windows (two resolutions as in Miangoleh et al. 2021, "Boosting Monocular Depth Estimation Models
to High-Resolution"; a local least-squares fit as in He et al. 2013, "Guided Image Filtering", replaces its merging
network). Needs numpy and Pillow only; the network is passed in as a function.

The constants were chosen with the starter model on true depth (Middlebury, ray-cast scenes) and by looking at results.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core import resampling, windows
from ..core.arrays import Floats
from ..core.stages import ESTIMATING, Progress
from . import align

Network = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""From pixels uint8 (h, w, 3) to relative inverse depth float32 (rows, columns) at the network's own size.

The result covers all of the pixels; its scale and shift are unknown and differ from call to call.
"""

MOST_TILES = 9
"""At 3 x 3 tiles the result is 2.4 times as fine as the whole, for ten times its time.

2 x 2 tiles find true edges a tenth less well. 4 x 4 would be seventeen runs, of tiles that show a tenth of the photo.
"""
OVERLAP = 0.3
"""Least overlap of neighbouring tiles, as a share. From 0.2 to 0.4 the errors differ by less than 1 %."""
LEAST_GAIN = 1.3
"""Least factor by which the resolution must grow along a side; else the photo is not tiled."""

_POOR_FIT, _GOOD_FIT = 0.3, 0.6
"""R^2 up to which a tile does not count at all, and from which it counts fully.

Tiles of sky or of flat walls have little: there both results are guesses. Counting all tiles fully finds slightly more
edges but makes even parts slightly worse, by 0.2 %.
"""
_SURROUNDINGS = 0.06
"""Half width of the surroundings (share of the whole's shorter side) within which a tile is fitted to the whole.

With more, tiles bend floors and walls (0.15: even parts are 2 % worse than in the whole, here 0.4 %); with less, the
whole's blurred edges come back.
"""
_RELIEF = 0.6
"""Relief (share of the whole's spread) at which surroundings have as much say in their scale as all of the tile has.

The flatter they are the less they tell. With much more, edges that the tile sees higher than the whole have twice the
overshoot; with less, parts too fine for the whole are flattened.
"""
_STEEPEST = 2.0
"""Surroundings change the tile's scale by at most this factor: more would turn its noise into relief."""

_SEEN = 0.03
"""Half width (share of the whole's shorter side) of the windows in which the whole must have seen a tile's relief."""
_UNSEEN, _CLEAR = 0.1, 0.4
"""Share of a tile's relief in the whole up to which it does not count at all, and from which it counts fully.

Networks take a print on a shirt for relief if a tile shows little else; the whole sees a smooth shirt. Relief that the
whole could resolve but does not show is such a print.
"""
_FAINT = 0.03
"""Relief (share of the whole's spread) below which it is not judged: so little tears nothing."""


@dataclass(frozen=True)
class Span:
    """The tiles along one side of the result: where they start, how long each is, how long the side; in its pixels."""

    starts: tuple[int, ...]
    size: int
    length: int


@dataclass(frozen=True)
class Plan:
    """The size of the result, which is `down.length` x `across.length`, and the tiles it is made of."""

    down: Span
    across: Span

    @property
    def tiles(self) -> int:
        """How often the network runs."""
        return len(self.down.starts) * len(self.across.starts)


def plan(photo: tuple[int, int], network: tuple[int, int]) -> Plan | None:
    """Returns the tiles for a photo, None where it has too few pixels to gain; both sizes are (height, width).

    `network` is the size of the network's result on the whole photo. Each tile has that size in the result, where a
    pixel is as wide as high, so that a network that squeezes every photo to a square sees square tiles. Of all
    grids with at most MOST_TILES that with the finest result is taken, but never finer than the photo itself, and
    among equals that with the fewest tiles.
    """
    grids = [(rows, columns) for rows in range(1, MOST_TILES + 1) for columns in range(1, MOST_TILES // rows + 1)]
    # Rounding must not make more tiles look finer.
    best = min(grids, key=lambda grid: (round(_pixel(photo, network, grid), 9), grid[0] * grid[1]))
    pixel = _pixel(photo, network, best)
    down, across = (_span(*side, pixel) for side in zip(photo, network, best, strict=True))
    gain = max(down.length / network[0], across.length / network[1])
    return Plan(down, across) if gain >= LEAST_GAIN else None


def detailed(
    pixels: NDArray[np.uint8],
    estimate: Network,
    whole: Floats,
    progress: Progress = lambda words, fraction: None,
) -> Floats:
    """Returns the disparity `whole` of a photo with finer edges from tiles, float32 (rows, columns).

    `pixels` is uint8 (h, w, 3), and `whole` float32 what `estimate` gives for all of them. The result has the scale
    and shift of `whole`, stays within its range, and is larger, up to 2.4 times with 3 x 3 tiles, never larger than the
    photo. A photo too small to gain gives `whole` unchanged. Where tiles do not fit the whole, the whole is left.
    """
    grid = plan(pixels.shape[:2], whole.shape)
    if grid is None:
        return whole
    base = windows.resize(whole, grid.across.length, grid.down.length)
    result = base.copy()
    for number, (place, weight) in enumerate(_tiles(grid)):
        progress(f"{ESTIMATING}, {number + 1} of {grid.tiles}", number / grid.tiles)
        tile = _estimated(pixels, estimate, place, base.shape)
        target = _part(whole, place, base.shape)
        fine, trust = _fitted(tile, target, _SURROUNDINGS * min(whole.shape), float(whole.std()))
        if trust > 0.0:
            seen = _seen(fine, target, max(1, round(_SEEN * min(whole.shape))), float(whole.std()))
            result[place] += np.float32(trust) * weight * seen * (fine - base[place])
    return np.clip(result, whole.min(), whole.max())


Place = tuple[slice, slice]
Share = tuple[float, float]
"""Where a part of a side begins and ends, 0..1."""


def _pixel(photo: tuple[int, int], network: tuple[int, int], grid: tuple[int, int]) -> float:
    """Returns how many of the photo's pixels, at least 1, a side of the result's has with this many tiles."""
    reach = [size * (count - (count - 1) * OVERLAP) for size, count in zip(network, grid, strict=True)]
    return max(1.0, photo[0] / reach[0], photo[1] / reach[1])


def _span(photo: int, network: int, count: int, pixel: float) -> Span:
    # A side that the network has stretched is not shrunk below what the whole has.
    length = max(round(photo / pixel), min(photo, network))
    size = min(network, length)
    count = count if size < length else 1
    starts = tuple(round(index * (length - size) / max(1, count - 1)) for index in range(count))
    return Span(starts, size, length)


def _tiles(grid: Plan) -> Iterator[tuple[Place, Floats]]:
    """Yields the place of each tile in the result and its weights there; at every pixel all weights add up to 1."""
    down, across = _weights(grid.down), _weights(grid.across)
    for row, vertical in zip(grid.down.starts, down, strict=True):
        rows = slice(row, row + grid.down.size)
        for column, horizontal in zip(grid.across.starts, across, strict=True):
            columns = slice(column, column + grid.across.size)
            yield (rows, columns), np.outer(vertical[rows], horizontal[columns])


def _weights(span: Span) -> Floats:
    """Returns the weight of each tile along one side, float32 (tiles, length), which add up to 1.

    They fall smoothly to 0 at the ends of a tile, where the network sees one side only; where there is no other tile,
    at the ends of the photo, the weight is 1 all the same.
    """
    centres = np.arange(span.length) + 0.5
    starts = np.array(span.starts)[:, None]
    to_end = np.minimum(centres - starts, starts + span.size - centres)
    ramps = _smooth_step(to_end / (OVERLAP * span.size))
    return (ramps / ramps.sum(0)).astype(np.float32)


def _smooth_step(values: NDArray[np.float64]) -> NDArray[np.float64]:
    limited = np.clip(values, 0.0, 1.0)
    return limited * limited * (3.0 - 2.0 * limited)


def _estimated(pixels: NDArray[np.uint8], estimate: Network, place: Place, shape: tuple[int, ...]) -> Floats:
    """Returns the network's result on a tile, float32 at the size of `place` in a result of `shape`.

    The network is shown whole pixels of the photo, without copying them; what they show beyond the tile is cut off.
    """
    rows, vertical = _shown(place[0], shape[0], pixels.shape[0])
    columns, horizontal = _shown(place[1], shape[1], pixels.shape[1])
    height, width = (at.stop - at.start for at in place)
    return _cut(estimate(pixels[rows, columns]), vertical, horizontal, height, width)


def _shown(at: slice, length: int, photo: int) -> tuple[slice, Share]:
    """Returns the photo's pixels that show a tile along one side, and which share of these it takes up."""
    start, stop = at.start * photo / length, at.stop * photo / length
    first, last = math.floor(start), min(math.ceil(stop), photo)
    return slice(first, last), ((start - first) / (last - first), (stop - first) / (last - first))


def _part(whole: Floats, place: Place, shape: tuple[int, ...]) -> Floats:
    """Returns the part of `whole` that belongs to `place` in a result of `shape`, float32, as coarse as it is."""
    rows, columns = ((at.start / length, at.stop / length) for at, length in zip(place, shape, strict=True))
    height = max(1, round((rows[1] - rows[0]) * whole.shape[0]))
    width = max(1, round((columns[1] - columns[0]) * whole.shape[1]))
    return _cut(whole, rows, columns, height, width)


def _cut(values: Floats, rows: Share, columns: Share, height: int, width: int) -> Floats:
    """Returns this share of `values` down and across, which may cut through pixels, float32 (height, width)."""
    left, right = (min(share, 1.0) * values.shape[1] for share in columns)
    top, bottom = (min(share, 1.0) * values.shape[0] for share in rows)
    box = (left, top, right, bottom)
    return resampling.resize(np.asarray(values, np.float32), width, height, "bicubic", box)


def _fitted(tile: Floats, target: Floats, surroundings: float, spread: float) -> tuple[Floats, float]:
    """Returns the tile at the scale and shift of `target`, and how far, 0..1, it is to be trusted.

    tile          float32 (h, w), of unknown scale and shift
    target        the same part of the whole, float32, smaller
    surroundings  half width of the windows in which the two are fitted, in pixels of `target`
    spread        standard deviation of all of the whole

    The fit is sought at the size of `target`, where both are equally coarse, and leaves the tile's finer parts alone.
    """
    rows, columns = target.shape
    coarse = windows.resize(tile, columns, rows)
    scale, shift = align.scale_and_shift(coarse, target)
    if scale == 0.0 or not np.isfinite(tile).all():
        return tile, 0.0
    # Around zero, single precision suffices for the squares.
    middle = np.float32(target.mean())
    centred = np.float32(scale) * coarse + (np.float32(shift) - middle)
    fit = align.agreement(centred, target - middle)
    scales, shifts = _local_fit(centred, target - middle, max(1, round(surroundings)), _RELIEF * spread)
    scales, shifts = (windows.enlarge(part, tile.shape[1], tile.shape[0]) for part in (scales, shifts))
    fine = scales * (np.float32(scale) * tile + (np.float32(shift) - middle)) + shifts + middle
    return fine, float(_smooth_step(np.array((fit - _POOR_FIT) / (_GOOD_FIT - _POOR_FIT))))


def _seen(fine: Floats, target: Floats, radius: int, spread: float) -> Floats:
    """Returns how far the whole supports the relief of a fitted tile, float32 of its shape, 0..1.

    In windows of `radius` pixels of `target`, the whole, both are compared at its resolution, by the least-squares
    scale from the tile to the whole. What is at most two of its pixels wide, such as a wire, is too fine for the whole
    and is not judged; a morphological opening and closing removes it.
    """
    rows, columns = target.shape
    coarse = windows.resize(fine, columns, rows)
    coarse = windows.maximum(windows.minimum(coarse, 1), 1)
    coarse = windows.minimum(windows.maximum(coarse, 1), 1)
    source, wanted = coarse - windows.mean(coarse, radius), target - windows.mean(target, radius)
    doubt = np.float32((_FAINT * spread) ** 2 + 1e-30)
    scale = (windows.mean(source * wanted, radius) + doubt) / (windows.mean(source * source, radius) + doubt)
    share = _smooth_step((scale.astype(np.float64) - _UNSEEN) / (_CLEAR - _UNSEEN)).astype(np.float32)
    return windows.enlarge(windows.minimum(share, 1), fine.shape[1], fine.shape[0])


def _local_fit(source: Floats, target: Floats, radius: int, relief: float) -> tuple[Floats, Floats]:
    """Returns scale and shift, float32 (h, w) each, that bring `source` to `target` around each place.

    The mean of the least squares of all windows that hold the place. They are drawn to the scale 1, the less so the
    more the source varies in a window, measured by `relief`.
    """
    mean, middle = windows.mean(source, radius), windows.mean(target, radius)
    variance = np.maximum(windows.mean(source * source, radius) - mean * mean, np.float32(0.0))
    together = windows.mean(source * target, radius) - mean * middle
    doubt = np.float32(max(relief * relief, 1e-30))
    scale = np.clip((together + doubt) / (variance + doubt), 0.0, _STEEPEST).astype(np.float32)
    return windows.mean(scale, radius), windows.mean(middle - scale * mean, radius)
