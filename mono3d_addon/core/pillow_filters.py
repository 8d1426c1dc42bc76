# SPDX-License-Identifier: GPL-3.0-or-later
"""Pillow's resampling by numpy alone, with its results: the same taps, the same order of sums, the same rounding.

A filter's support grows with the reduction, so that every pixel counts. The horizontal pass comes first. 8-bit values
are computed with weights in fixed point and rounded after each pass; float32 values with weights and sums in float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from .arrays import Bytes, Floats

Filter = Literal["box", "bilinear", "bicubic"]
Box = tuple[float, float, float, float]
"""Left, upper, right and lower bound in pixels."""
Cell = tuple[tuple[int, int, int, int], Sequence[float]]
"""A box of a new picture, and the x and y of its corners in the source.

These are upper left, lower left, lower right, upper right.
"""

Pixels = TypeVar("Pixels", Bytes, Floats)

_BITS = 22
"""Fractional bits of the weights of 8-bit values: 32, less 8 of the value and 2 for sums that overshoot."""
_HALF = 1 << (_BITS - 1)
_BLUR_BITS = 24
_BLOCK = 1 << 17
"""Values that are computed at a time, so that they stay in the processor's cache."""
_GAP = 2
"""`thumbnail` leaves this much of the reduction to the filter; means of blocks do the rest."""


def resize(values: Pixels, columns: int, rows: int, kind: Filter, box: Box | None = None) -> Pixels:
    """Returns `values`, uint8 or float32 (h, w) or (h, w, c), of which only `box` counts, at `rows` x `columns`."""
    height, width = values.shape[:2]
    # Pillow keeps the box in single precision.
    left, upper, right, lower = (float(np.float32(side)) for side in box or (0.0, 0.0, width, height))
    is_wider = columns != width or left != 0.0 or right != width
    is_higher = rows != height or upper != 0.0 or lower != height
    across, down = _Taps(width, left, right, columns, kind), _Taps(height, upper, lower, rows, kind)
    # The order matters for the rounding in between. Earlier versions of Pillow always begin with the horizontal pass.
    if height - rows > max(0, 2 * (width - columns)):
        values = _down(values, down) if is_higher else values
        return _across(values, across) if is_wider else values
    if is_wider:
        used = slice(int(down.first[0]), int(down.last[-1]))
        values, down.first = _across(values[used], across), down.first - used.start
    return _down(values, down) if is_higher else values


def reduce(values: Pixels, across: int, down: int) -> Pixels:
    """Returns the means of blocks of that many columns and rows; those at the far borders may be smaller."""
    height, width = values.shape[:2]
    columns, rows = np.arange(0, width, across), np.arange(0, height, down)
    kind = np.uint32 if values.dtype == np.uint8 else np.float64
    sums = np.add.reduceat(np.add.reduceat(values, rows, axis=0, dtype=kind), columns, axis=1)
    wide, high = np.diff(columns, append=width), np.diff(rows, append=height)
    area = (high[:, None] * wide).reshape(len(rows), len(columns), *([1] * (values.ndim - 2)))
    if values.dtype == np.uint8:
        factor = (np.float32(1 << 32) / (area * 256).astype(np.float32)).astype(np.uint32)
        return ((sums + (area // 2).astype(np.uint32)) * factor >> 24).astype(np.uint8)
    return (sums * (1.0 / area)).astype(np.float32)


def thumbnail(pixels: Bytes, side: int) -> Bytes:
    """Returns `pixels`, uint8 (h, w, c), reduced with a box filter to at most `side` pixels along the longer side."""
    height, width = pixels.shape[:2]
    if side >= max(width, height):
        return pixels
    columns, rows = _within(width, height, side)
    factors = [max(1, int(old / new / _GAP)) for old, new in ((width, columns), (height, rows))]
    if max(factors) == 1:
        return resize(pixels, columns, rows, "box")
    box = (0.0, 0.0, width / factors[0], height / factors[1])
    return resize(reduce(pixels, *factors), columns, rows, "box", box)


def box_blur(values: Bytes, radius: float) -> Bytes:
    """Returns the means of windows of 2 radius + 1 cells, uint8 (h, w); the border's values go on beyond it."""
    return _blurred(_blurred(values, radius, 1), radius, 0)


def grey(pixels: Bytes) -> Bytes:
    """Returns the luma of ITU-R BT.601, uint8 (h, w), of `pixels`, uint8 (h, w, 3)."""
    result = np.empty(pixels.shape[:2], np.uint8)
    for part in _blocks(len(pixels), pixels[0].size):
        red, green, blue = np.moveaxis(pixels[part].astype(np.uint32), 2, 0)
        result[part] = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16
    return result


def warp(values: Bytes, columns: int, rows: int, cells: Sequence[Cell], kind: Literal["bilinear", "bicubic"]) -> Bytes:
    """Returns a new picture, uint8 (rows, columns) or (rows, columns, 3); each cell shows its quadrangle of `values`.

    Positions inside a cell are bilinear. What lies outside of `values` or of the cells is 0.
    """
    packed = _packed(values)
    number = np.full((rows, columns), len(cells), np.intp)
    for index, ((left, upper, right, lower), _) in enumerate(cells):
        number[upper:lower, left:right] = index
    x_terms, y_terms = _terms(cells)
    across, along = np.arange(columns) + 0.5, np.arange(rows)[:, None] + 0.5
    result = np.empty((rows, columns, packed.dtype.itemsize), np.uint8)
    for part in _blocks(rows, columns * packed.dtype.itemsize):
        x, y = (
            first + slope * across + fall * along[part] + twist * across * along[part]
            for first, slope, fall, twist in (terms[:, number[part]] for terms in (x_terms, y_terms))
        )
        result[part] = _sampled(packed, x, y, _cubic_taps if kind == "bicubic" else _linear_taps)
    return np.ascontiguousarray(result[..., 0] if values.ndim == 2 else result[..., :3])


class _Taps:
    """Which source values make up each new one along an axis, and their weights."""

    def __init__(self, length: int, start: float, stop: float, count: int, kind: Filter) -> None:
        """Takes the size of an axis, the part of it that counts, and the number of new values.

        Sets `first` and `last`, intp (count,), the source values of each new one, and `weights`, float64 (taps, count).
        """
        shape, reach = _FILTERS[kind]
        scale = float(np.float32(stop) - np.float32(start)) / count
        wide = max(scale, 1.0)
        support = reach * wide
        centre = start + (np.arange(count) + 0.5) * scale
        self.first = np.maximum((centre - support + 0.5).astype(np.intp), 0)
        self.last = np.minimum((centre + support + 0.5).astype(np.intp), length)
        offset = np.arange(int((self.last - self.first).max()))[:, None]
        weights = shape((offset + self.first - centre + 0.5) * (1.0 / wide))
        weights = np.where(offset < self.last - self.first, weights, 0.0)
        # The sum in the order of the taps, as a loop does it.
        total = np.cumsum(weights, axis=0)[-1]
        self.weights = weights / np.where(total == 0.0, 1.0, total)

    def of(self, values: NDArray[Any]) -> NDArray[Any]:
        """Returns the weights for values of this type."""
        if values.dtype != np.uint8:
            return self.weights
        fixed = self.weights * (1 << _BITS)
        return np.trunc(fixed + np.copysign(0.5, fixed)).astype(np.int32)


def _box(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return ((x > -0.5) & (x <= 0.5)).astype(np.float64)


def _triangle(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum(1.0 - np.abs(x), 0.0)


def _keys(x: NDArray[np.float64], a: float = -0.5) -> NDArray[np.float64]:
    """Returns the cubic convolution kernel of Keys (1981, doi:10.1109/TASSP.1981.1163711)."""
    x = np.abs(x)
    near = ((a + 2.0) * x - (a + 3.0)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return np.where(x < 1.0, near, np.where(x < 2.0, far, 0.0))


_FILTERS: dict[Filter, tuple[Callable[[NDArray[np.float64]], NDArray[np.float64]], float]] = {
    "box": (_box, 0.5),
    "bilinear": (_triangle, 1.0),
    "bicubic": (_keys, 2.0),
}
"""Name -> the filter and its support at a scale of 1."""


def _across(values: Pixels, taps: _Taps) -> Pixels:
    weights = taps.of(values)
    columns = np.minimum(taps.first + np.arange(len(weights))[:, None], values.shape[1] - 1)
    result = np.empty((values.shape[0], len(taps.first), *values.shape[2:]), values.dtype)
    spread = (1, -1) if values.ndim == 2 else (1, -1, 1)
    for part in _blocks(len(values), result[:1].size):
        block = values[part].astype(weights.dtype)
        sums = _zero(block[:, : len(taps.first)].shape[:1] + result.shape[1:], weights.dtype)
        for column, weight in zip(columns, weights, strict=True):
            sums += block.take(column, axis=1) * weight.reshape(spread)
        result[part] = _rounded(sums)
    return result


def _down(values: Pixels, taps: _Taps) -> Pixels:
    weights = taps.of(values)
    lines = np.minimum(taps.first + np.arange(len(weights))[:, None], len(values) - 1)
    result = np.empty((len(taps.first), *values.shape[1:]), values.dtype)
    spread = (-1, *([1] * (values.ndim - 1)))
    for part in _blocks(len(result), result[:1].size):
        sums = _zero(result[part].shape, weights.dtype)
        for line, weight in zip(lines, weights, strict=True):
            sums += values.take(line[part], axis=0) * weight[part].reshape(spread)
        result[part] = _rounded(sums)
    return result


def _zero(shape: tuple[int, ...], kind: np.dtype[Any]) -> NDArray[Any]:
    """Returns where sums begin: one half for fixed point, which is then cut off."""
    return np.full(shape, _HALF if kind.kind == "i" else 0, kind)


def _rounded(sums: NDArray[Any]) -> NDArray[Any]:
    return np.clip(sums >> _BITS, 0, 255) if sums.dtype.kind == "i" else sums


def _blocks(length: int, size: int) -> list[slice]:
    """Returns parts of `length` rows of `size` values each that fit into the cache."""
    step = max(1, _BLOCK // max(1, size))
    return [slice(start, min(start + step, length)) for start in range(0, length, step)]


def _within(width: int, height: int, side: int) -> tuple[int, int]:
    """Returns the size whose longer side is `side` and whose shape is closest to that of width and height."""
    aspect = width / height
    if aspect <= 1.0:
        return max(1, _nearer(side * aspect, lambda x: abs(aspect - x / side))), side
    return side, max(1, _nearer(side / aspect, lambda y: abs(aspect - side / y) if y else 0.0))


def _nearer(value: float, error: Callable[[int], float]) -> int:
    return min(math.floor(value), math.ceil(value), key=error)


def _blurred(values: Bytes, radius: float, axis: int) -> Bytes:
    length, reach = values.shape[axis], int(radius)
    # Each step in single precision, also with a numpy before 2.
    width = np.float32(np.float32(radius) * np.float32(2)) + np.float32(1)
    whole = int(np.float32(1 << _BLUR_BITS) / width)
    rest = ((1 << _BLUR_BITS) - (reach * 2 + 1) * whole) // 2
    margin = [(0, 0), (0, 0)]
    margin[axis] = (reach + 2, reach + 1)
    wide = np.moveaxis(np.pad(values, margin, mode="edge"), axis, 0).astype(np.int64)
    sums = np.cumsum(wide, axis=0)
    inner = sums[2 * reach + 2 :][:length] - sums[1:][:length]
    ends = wide[1:][:length] + wide[2 * reach + 3 :][:length]
    blurred = (inner * whole + ends * rest + (1 << (_BLUR_BITS - 1))) >> _BLUR_BITS
    return np.ascontiguousarray(np.moveaxis(blurred.astype(np.uint8), 0, axis))


def _packed(values: Bytes) -> NDArray[Any]:
    """Returns each pixel as one number, uint8 (h, w) or uint32 (h, w), which is fetched faster than its channels."""
    if values.ndim == 2:
        return values
    four = np.zeros((*values.shape[:2], 4), np.uint8)
    four[..., : values.shape[2]] = values
    return four.view(np.uint32)[..., 0]


def _terms(cells: Sequence[Cell]) -> NDArray[np.float64]:
    """Returns what makes x and y in the source of 1, x, y and x y in the picture, float64 (2, 4, cells + 1).

    The last cell is outside of everything.
    """
    boxes = np.array([box for box, _ in cells], np.float64).reshape(-1, 4)
    corners = np.array([corners for _, corners in cells], np.float64).reshape(-1, 4, 2)
    first, lower, opposite, upper = np.moveaxis(corners, 1, 0)
    left, top = boxes[:, :1], boxes[:, 1:2]
    across, down = 1.0 / (boxes[:, 2:3] - left), 1.0 / (boxes[:, 3:] - top)
    slope, fall = (upper - first) * across, (lower - first) * down
    twist = (opposite - lower - upper + first) * across * down
    start = first - slope * left - fall * top + twist * left * top
    terms = np.stack([start, slope - twist * top, fall - twist * left, twist])
    return np.pad(np.moveaxis(terms, 2, 0), [(0, 0), (0, 0), (0, 1)], constant_values=-1.0)


def _sampled(
    packed: NDArray[Any],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    weights: Callable[[NDArray[np.float64]], list[NDArray[np.float64]]],
) -> Bytes:
    """Returns the picture at places inside it, uint8 (rows, columns, bytes of a packed pixel); 0 outside."""
    height, width = packed.shape
    inside = (x >= 0.0) & (x < width) & (y >= 0.0) & (y < height)
    x, y = np.where(inside, x - 0.5, 0.0), np.where(inside, y - 0.5, 0.0)
    left, top = np.floor(x), np.floor(y)
    across, down = weights(x - left), weights(y - top)
    before = len(across) // 2 - 1
    columns = [np.clip(left + (tap - before), 0, width - 1).astype(np.intp) for tap in range(len(across))]
    lines = [np.clip(top + (tap - before), 0, height - 1).astype(np.intp) * width for tap in range(len(down))]
    total = np.zeros((*x.shape, packed.dtype.itemsize))
    flat = packed.reshape(-1)
    for line, share in zip(lines, down, strict=True):
        sums = np.zeros_like(total)
        for column, weight in zip(columns, across, strict=True):
            sums += flat.take(line + column).view(np.uint8).reshape(total.shape) * weight[..., None]
        total += sums * share[..., None]
    return np.where(inside[..., None], np.clip(total, 0.0, 255.0), 0.0).astype(np.uint8)


def _linear_taps(d: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    return [1.0 - d, d]


def _cubic_taps(d: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Returns the weights of Keys' kernel with a = -1, which Pillow's transforms use."""
    return [
        d * (-1 + d * (2 - d)),
        1 + d * d * (-2 + d),
        d * (1 + d * (1 - d)),
        d * d * (-1 + d),
    ]
