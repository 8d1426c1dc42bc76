# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes walls, floors and table tops flat in a network's disparity.

The disparity of a plane is linear in the picture, whatever scale and shift a network gives it. So a region that the
network shows almost linear is replaced by its plane. What is not flat moves along with the planes that it touches, so
that no new steps appear and things stay where they stand.

Where the network gives normals too, they find planes whose depth is bent, and tell how they lean. Their disparity is
inverse depth then, up to a factor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import resampling, windows
from ..arrays import Bytes, Floats
from ..photo.resampling import resize_to
from .plane_normals import PlaneNormals, on_cells
from .plane_regions import Doubles, Labels, find_regions, plainness, positions
from .relative_slopes import GivenNormals

_SIDE = 176
"""Longer side, in cells, of the map in which planes are looked for."""
_PERCENTILE = 1.0
_STEEP, _STEEP_REACH = 0.008, 2
"""Residual of the plane over a window, relative to the range, above which a cell is on a discontinuity or crease."""
_SMALLEST = 0.012
"""Smallest share of the picture that a plane covers."""
_NARROW = 6
"""A plane has a cell that is this many cells away from the border of its region and of the picture. Slopes beside the
borders of narrower ones cannot be compared."""
_FEWEST = 40
"""Fewest cells of a region that is compared with its neighbours."""
_ASIDE, _PART, _WHOLE, _TURN = 4, 0.65, 0.95, 0.03
"""Distance from a border, in cells, at which slopes are compared; shares of the change between two planes that show
there if the surface only bends and if they meet in a crease; and least change, relative to the range per half of the
longer side."""
_AWAY = 0.02
"""Distance of a border from the line where two planes meet, in halves of the longer side, at which they still do."""
_LARGE = 0.08
"""Share of the picture from which a region may have a quarter more of such borders."""
_NOT_ROUND, _ROUND = 0.1, 0.24
"""Shares of a region's border where the surface only bends, up to which it is flat and from which it is a facet of
something round."""
_ROUNDS, _TUKEY = 6, 4.685 * 1.4826
_LINEAR, _COMPACT, _BUSY, _BIAS = 1.24, 0.29, -2.02, -0.91
"""Coefficients of a logistic regression on 776 regions of 63 rendered scenes with exact depth: see `_evidence`."""
_CONTRAST = 0.02
"""Slope of the brightness (0..1) per cell on an edge of the photo."""
_NO_EVIDENCE, _ALL_EVIDENCE = 0.0, 0.8
_FAR_OFF, _OFF = 2.5, 0.08
"""Cells farther off a plane than this many times the 80th percentile of the distances, or than this share of the range,
are not on it."""
_FARTHEST, _LEAST_FARTHEST, _RELATIVE = 0.15, 0.02, 0.06
"""Inverse depth that the farthest thing is taken to have, relative to the range; the least one where it is known; and
the largest distance of a cell from a plane, relative to the cell's inverse depth."""
_FEW, _MOST = 0.6, 0.8
"""Shares of a region's cells that lie on its plane, up to which it is none and from which it is one."""
_SAME = 0.02
"""RMS distance, relative to the range, below which two planes are one."""
_JOINT, _GAP = 10.0, 0.04
"""Weight of a cell on the border of two planes against one inside, and the gap at which they are held to be apart."""
_FREE = 0.004
"""Pull of a cell without a plane back to where the network saw it, against the pull of its neighbours."""
_ACROSS = 0.02
"""The pull of neighbours across a discontinuity, against that of others."""
_ITERATIONS = 60


@dataclass(frozen=True)
class Planes:
    """The planes in a disparity map.

    label       region of each cell, intp (rows, columns)
    planes      float64 (regions, 3), disparity `a x + b y + c` with `plane_regions.positions`
    confidence  float64 (regions,), 0 (not a plane) to 1
    on_plane    bool (rows, columns), cells that lie on the plane of their region
    """

    label: Labels
    planes: Doubles
    confidence: Doubles
    on_plane: NDArray[np.bool_]


def with_planes(disparity: Floats, pixels: Bytes, given: GivenNormals | None = None) -> Floats:
    """Returns a network's disparity, float32 (h, w), with its planes flat; unchanged where none was found.

    pixels  the photo, uint8 (height, width, 3)
    given   the network's normals, for which `disparity` must be inverse depth up to a factor; None: there are none
    """
    low, high = np.percentile(disparity, [_PERCENTILE, 100.0 - _PERCENTILE])
    span = float(high - low)
    if not span > 1e-6 * float(np.abs(disparity).max()) or min(disparity.shape) < 16:
        return disparity
    scale = min(1.0, _SIDE / max(disparity.shape))
    rows, columns = (max(8, round(side * scale)) for side in disparity.shape)
    small = _reduced(disparity, rows, columns)
    small = ((small - np.float32(low)) / np.float32(span)).astype(np.float32)
    slopes, even = _slopes(small)
    aspect = pixels.shape[1] / pixels.shape[0]
    normals = None if given is None else on_cells(given, rows, columns, aspect, float(low) / span)
    found = find_planes(small, resize_to(pixels, columns, rows), slopes, even, normals)
    if not (found.confidence > 0.0).any():
        return disparity
    change = _correction(small, found, even)
    return _applied(disparity, change * np.float32(span), found, float(low), span)


def find_planes(
    disparity: Floats,
    guide: NDArray[np.float32],
    slopes: Floats,
    even: NDArray[np.bool_],
    normals: PlaneNormals | None = None,
) -> Planes:
    """Returns the planes of a map.

    disparity  float32 (rows, columns), scaled to a range of 1
    guide      the photo at that size, float32 (rows, columns, 3) in 0..1
    slopes     float32 (rows, columns, 2), its slopes in the directions of `plane_regions.positions`
    even       bool (rows, columns), cells that are not on a discontinuity
    normals    what the network's normals say; None: it gives none
    """
    label = find_regions(disparity, guide, even.astype(np.float32))
    x, y = positions(disparity.shape)
    basis = np.stack([x, y, np.ones_like(x)], axis=-1)
    fits = _fits(label, basis, disparity, even)
    joined = _coplanar(label, fits.planes, basis)
    if joined.max() < label.max():
        label, fits = joined, _fits(joined, basis, disparity, even)
    perimeter, busy = _perimeters(label), _busy(guide)
    size = np.bincount(label.ravel())
    confidence = np.zeros(len(size))
    deep = _inner(label, _NARROW)[_NARROW:-_NARROW, _NARROW:-_NARROW]
    wide = np.bincount(label[_NARROW:-_NARROW, _NARROW:-_NARROW][deep], minlength=len(size)) > 0
    large = np.flatnonzero(wide & (size >= _SMALLEST * label.size) & fits.planes.any(axis=1))
    for region in large:
        inside = label == region
        evidence = _evidence(
            rise=float(np.hypot(*fits.planes[region][:2]) * np.sqrt(12.0 * x[inside].std() * y[inside].std())),
            spread=fits.spread[region],
            compactness=float(size[region] / perimeter[region] ** 2),
            busy=float(busy[inside].mean()),
        )
        confidence[region] = np.clip((evidence - _NO_EVIDENCE) / (_ALL_EVIDENCE - _NO_EVIDENCE), 0.0, 1.0)
    confidence = confidence * _angular(label, fits.planes, slopes, basis, even, guide)
    sure, farthest, flat = _inner(label, _ASIDE // 2) & even, np.full(len(size), _FARTHEST), np.zeros(len(size))
    if normals is not None:
        flat[large] = [normals.flatness(sure & (label == region)) for region in large]
        steep = normals.steepness(disparity, slopes)
        flat *= _angular(label, _leaning(label, sure, steep, basis, disparity), steep, basis, even, guide)
        confidence = np.maximum(confidence, flat)
        farthest[flat > 0.0] = max(normals.base, _LEAST_FARTHEST)
    reach = np.minimum(_OFF, _FAR_OFF * fits.spread + 0.01)[label]
    # A depth is the inverse: what is little in the near is much in the far.
    inverse = np.maximum(disparity, 0.0) + farthest[label]
    reach = np.minimum(reach, _RELATIVE * inverse)
    close = even & (np.abs(disparity - (basis * fits.planes[label]).sum(-1)) <= reach)
    shown = np.bincount(label[close], minlength=len(size)) / size
    confidence = confidence * np.clip((shown - _FEW) / (_MOST - _FEW), 0.0, 1.0)
    weight = close / np.square(inverse)
    leans = {}
    if normals is not None:
        known = np.flatnonzero((confidence > 0.0) & (flat > 0.0))
        leans = {region: normals.lean(sure & (label == region), basis, weight) for region in known.tolist()}
    planes = _joined(fits.planes, confidence, label, basis, disparity, weight, even, leans)
    close = np.abs(disparity - (basis * planes[label]).sum(-1)) <= reach
    return Planes(label, planes, confidence, even & close & (confidence > 0.0)[label])


@dataclass(frozen=True)
class _Fits:
    """Planes of regions, float64 (regions, 3), 0 where none was fitted, and the 80th percentile of the distances from
    them, float64 (regions,)."""

    planes: Doubles
    spread: Doubles


def _fits(label: Labels, basis: Doubles, disparity: Floats, even: NDArray[np.bool_]) -> _Fits:
    size = np.bincount(label.ravel())
    planes, spread = np.zeros((len(size), 3)), np.zeros(len(size))
    order = np.argsort(label.ravel(), kind="stable")
    ends = np.cumsum(size)
    flat_basis, values, usable = basis.reshape(-1, 3), disparity.ravel().astype(np.float64), even.ravel()
    for region in np.flatnonzero(size >= _FEWEST):
        cells = order[ends[region] - size[region] : ends[region]]
        cells = cells[usable[cells]]
        if len(cells) < 0.5 * size[region]:
            continue
        planes[region] = _fitted(flat_basis[cells], values[cells])
        spread[region] = np.quantile(np.abs(values[cells] - flat_basis[cells] @ planes[region]), 0.8)
    return _Fits(planes, spread)


def _evidence(*, rise: float, spread: float, compactness: float, busy: float) -> float:
    """Returns the logarithm of the odds that a region is flat.

    rise         change of its plane across it, relative to the range of the disparity
    spread       80th percentile of its distances from the plane
    compactness  its area divided by the square of its perimeter
    busy         share of its cells at edges of the photo
    """
    linear = np.log(rise + 0.02) - np.log(spread + 0.004)
    return float(_LINEAR * linear + _COMPACT * np.log(compactness) + _BUSY * busy + _BIAS)


def _angular(
    label: Labels,
    planes: Doubles,
    slopes: Floats,
    basis: Doubles,
    even: NDArray[np.bool_],
    guide: NDArray[np.float32],
) -> Doubles:
    """Returns how sure it is that each region is no facet of something round, float64 (regions,), 0..1."""
    bending = _round_borders(label, planes, slopes, basis, even, guide) / _perimeters(label)
    # Facets of round things are small.
    bending /= 1.0 + 0.25 * np.minimum(1.0, np.bincount(label.ravel()) / (_LARGE * label.size))
    return np.clip((_ROUND - bending) / (_ROUND - _NOT_ROUND), 0.0, 1.0)


def _leaning(label: Labels, used: NDArray[np.bool_], steep: Floats, basis: Doubles, disparity: Floats) -> Doubles:
    """Returns planes of the regions, float64 (regions, 3), with the mean of the slopes `steep`; 0 without a cell."""
    where, count = label[used], int(label.max()) + 1
    cells = np.maximum(np.bincount(where, minlength=count), 1)
    parts = (steep[..., 0], steep[..., 1], disparity, basis[..., 0], basis[..., 1])
    along, down, middle, x, y = (np.bincount(where, weights=part[used], minlength=count) / cells for part in parts)
    return np.stack([along, down, middle - along * x - down * y], axis=1)


def _round_borders(
    label: Labels,
    planes: Doubles,
    slopes: Floats,
    basis: Doubles,
    even: NDArray[np.bool_],
    guide: NDArray[np.float32],
) -> Doubles:
    """Returns the length of each region's border, float64 (regions,), at which the surface only bends.

    Where two planes meet, the slope changes at once. On a ball that is divided into facets it changes everywhere, and
    at a border by a part only of the difference between the facets.
    """
    total = np.zeros(len(planes))
    for axis in (0, 1):
        size = label.shape[axis]
        length = size - 2 * _ASIDE - 1
        if length < 1:
            continue
        before, after = range(length), range(2 * _ASIDE + 1, size)
        here, beside = range(_ASIDE, _ASIDE + length), range(_ASIDE + 1, _ASIDE + 1 + length)
        one, other = label.take(here, axis), label.take(beside, axis)
        seen = (one != other) & (label.take(before, axis) == one) & (label.take(after, axis) == other)
        one, other = one[seen], other[seen]
        gap = np.abs(((planes[other] - planes[one]) * basis.take(here, axis)[seen]).sum(axis=1))
        turn = planes[other, :2] - planes[one, :2]
        square = np.square(turn).sum(axis=1)
        # A border may be some cells away from where the planes meet.
        meet = gap < np.maximum(_GAP, _AWAY * np.sqrt(square))
        whole = (even.take(here, axis) & even.take(beside, axis))[seen] | meet
        known = planes[one].any(axis=1) & planes[other].any(axis=1) & whole
        found = slopes.take(after, axis)[seen] - slopes.take(before, axis)[seen]
        part = (found * turn).sum(axis=1) / np.maximum(square, 1e-12)
        is_round = np.clip((_WHOLE - part) / (_WHOLE - _PART), 0.0, 1.0) * (known & (square > _TURN**2))
        # Where the photo has an edge, one surface ends, even if the network bends it into the next.
        is_round = is_round * plainness(guide, axis).take(here, axis)[seen]
        for side in (one, other):
            total += np.bincount(side, weights=is_round, minlength=len(planes))
    return total


def _busy(guide: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Returns the cells, bool (rows, columns), at edges of the photo, float32 (rows, columns, 3)."""
    light = guide.mean(axis=2)
    soft = windows.mean(light, 1)
    down, across = np.gradient(soft)
    return windows.widened(np.hypot(down, across) > _CONTRAST, 1)


def _coplanar(label: Labels, planes: Doubles, basis: Doubles) -> Labels:
    """Returns regions after touching ones of nearly the same plane have become one, such as a wall on both sides of a
    stripe."""
    count = len(planes)
    keys = []
    for axis in (0, 1):
        one, other = label.take(range(label.shape[axis] - 1), axis), label.take(range(1, label.shape[axis]), axis)
        apart = one != other
        keys.append(np.minimum(one, other)[apart] * count + np.maximum(one, other)[apart])
    key = np.unique(np.concatenate(keys))
    one, other = key // count, key % count
    known = planes[one].any(axis=1) & planes[other].any(axis=1)
    one, other = one[known], other[known]
    # The mean square of the distance of two planes over a region follows from the moments of the region.
    moments = np.zeros((count, 3, 3))
    for left in range(3):
        for right in range(3):
            product = (basis[..., left] * basis[..., right]).ravel()
            moments[:, left, right] = np.bincount(label.ravel(), weights=product, minlength=count)
    between, both = planes[one] - planes[other], moments[one] + moments[other]
    square = np.einsum("ki,kij,kj->k", between, both, between) / both[:, 2, 2]
    target = np.arange(count)
    for number in np.argsort(square):
        if square[number] > _SAME**2:
            break
        first, second = target[one[number]], target[other[number]]
        # Chains of planes that turn little by little would make one of a round thing.
        if (
            first != second
            and np.einsum(
                "i,ij,j->",
                planes[first] - planes[second],
                moments[first] + moments[second],
                planes[first] - planes[second],
            )
            <= _SAME**2 * (moments[first] + moments[second])[2, 2]
        ):
            if moments[first][2, 2] < moments[second][2, 2]:
                first, second = second, first
            target[target == second] = first
            moments[first] += moments[second]
    return np.unique(target[label], return_inverse=True)[1].reshape(label.shape)


def _fitted(basis: Doubles, values: Doubles) -> Doubles:
    """Returns the plane, float64 (3,), of cells: least squares reweighted by Tukey's biweight."""
    weight: Doubles = np.ones(len(values))
    plane: Doubles = np.zeros(3)
    for _ in range(_ROUNDS):
        scaled = basis * weight[:, None]
        plane = np.asarray(np.linalg.lstsq(scaled.T @ basis, scaled.T @ values, rcond=None)[0], np.float64)
        off = np.abs(values - basis @ plane)
        limit = max(_TUKEY * float(np.median(off)), 1e-5)
        weight = np.square(np.maximum(0.0, 1.0 - np.square(off / limit)))
    return plane


def _joined(
    planes: Doubles,
    confidence: Doubles,
    label: Labels,
    basis: Doubles,
    disparity: Floats,
    weight: Doubles,
    even: NDArray[np.bool_],
    leans: Mapping[int, tuple[Doubles, Doubles]],
) -> Doubles:
    """Returns the planes fitted anew together, so that those that touch meet at their common border.

    `weight` is float64 (rows, columns). The fit is of least squares, without outliers that could turn the plane: so the
    place and slope of what the network shows stay, and only its bend goes. `leans` has what normals add to the
    equations of some regions.
    """
    sure = np.flatnonzero(confidence > 0.0)
    if not len(sure):
        return planes
    place = np.full(len(planes), -1)
    place[sure] = np.arange(len(sure))
    matrix = np.zeros((len(sure), 3, len(sure), 3))
    wanted = np.zeros((len(sure), 3))
    for number, region in enumerate(sure.tolist()):
        inside = label == region
        scaled = basis[inside] * weight[inside][:, None]
        matrix[number, :, number] += scaled.T @ basis[inside]
        wanted[number] += scaled.T @ disparity[inside]
        if region in leans:
            matrix[number, :, number] += leans[region][0]
            wanted[number] += leans[region][1]
    for axis in (0, 1):
        size = label.shape[axis]
        here, beside = range(size - 1), range(1, size)
        one, other = label.take(here, axis), label.take(beside, axis)
        touching = (one != other) & (place[one] >= 0) & (place[other] >= 0)
        touching &= even.take(here, axis) & even.take(beside, axis)
        first, second = place[one[touching]], place[other[touching]]
        middle = (basis.take(here, axis)[touching] + basis.take(beside, axis)[touching]) / 2
        gap = ((planes[one[touching]] - planes[other[touching]]) * middle).sum(-1)
        pull = _JOINT * np.maximum(0.0, 1.0 - np.square(gap / _GAP))
        squares = pull[:, None, None] * middle[:, :, None] * middle[:, None, :]
        for left, right, sign in ((first, first, 1), (second, second, 1), (first, second, -1), (second, first, -1)):
            np.add.at(matrix.transpose(0, 2, 1, 3), (left, right), sign * squares)
    size = 3 * len(sure)
    system = matrix.reshape(size, size) + 1e-6 * np.eye(size)
    result = planes.copy()
    result[sure] = np.linalg.solve(system, wanted.reshape(size)).reshape(-1, 3)
    return result


def _perimeters(label: Labels) -> Doubles:
    """Returns the number of sides of cells between each region and others, float64 (regions,)."""
    total = np.zeros(int(label.max()) + 1)
    for axis in (0, 1):
        size = label.shape[axis]
        one, other = label.take(range(size - 1), axis), label.take(range(1, size), axis)
        apart = one != other
        for side in (one, other):
            total += np.bincount(side[apart], minlength=len(total))
    return np.maximum(total, 1.0)


def _slopes(disparity: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Returns the slopes of the plane over a window around each cell, float32 (rows, columns, 2), and where the map,
    scaled to a range of 1, is close to that plane, bool (rows, columns)."""
    count = windows.counts(disparity.shape, _STEEP_REACH)
    x, y = (part.astype(np.float32) for part in positions(disparity.shape))
    parts = np.stack([x, y, disparity, x * x, x * y, y * y, x * disparity, y * disparity, disparity**2], axis=-1)
    mx, my, md, xx, xy, yy, xd, yd, dd = np.moveaxis(windows.total(parts, _STEEP_REACH) / count[..., None], -1, 0)
    cxx, cxy, cyy = xx - mx * mx, xy - mx * my, yy - my * my
    cxd, cyd, cdd = xd - mx * md, yd - my * md, dd - md * md
    determinant = np.maximum(cxx * cyy - cxy**2, 1e-20)
    slopes = np.stack([cyy * cxd - cxy * cyd, cxx * cyd - cxy * cxd], axis=-1) / determinant[..., None]
    even: NDArray[np.bool_] = cdd - (slopes[..., 0] * cxd + slopes[..., 1] * cyd) < _STEEP**2
    return slopes.astype(np.float32), even


def _correction(disparity: Floats, found: Planes, even: NDArray[np.bool_]) -> Floats:
    """Returns what to add to the map, float32 (rows, columns): the way to the planes on them, smooth elsewhere.

    Solves the screened Poisson equation by conjugate gradients.
    """
    x, y = positions(disparity.shape)
    plane = found.planes[found.label]
    sure = found.confidence[found.label]
    way = sure * (plane[..., 0] * x + plane[..., 1] * y + plane[..., 2] - disparity)
    held = np.where(found.on_plane, np.minimum(1.0, 4.0 * sure), 0.0)
    down = np.where(even[1:] & even[:-1], 1.0, _ACROSS)
    across = np.where(even[:, 1:] & even[:, :-1], 1.0, _ACROSS)
    own = held + _FREE * (1.0 - held)
    diagonal = own.copy()
    for side in (diagonal[1:], diagonal[:-1]):
        side += down
    for side in (diagonal[:, 1:], diagonal[:, :-1]):
        side += across

    def applied(values: Doubles) -> Doubles:
        result = diagonal * values
        result[1:] -= down * values[:-1]
        result[:-1] -= down * values[1:]
        result[:, 1:] -= across * values[:, :-1]
        result[:, :-1] -= across * values[:, 1:]
        return result

    change = np.where(found.on_plane, way, 0.0)
    rest = held * way - applied(change)
    ready = rest / diagonal
    direction, strength = ready, float((rest * ready).sum())
    for _ in range(_ITERATIONS):
        if strength < 1e-12 * change.size:
            break
        moved = applied(direction)
        length = strength / max(float((direction * moved).sum()), 1e-30)
        change += length * direction
        rest -= length * moved
        ready = rest / diagonal
        before, strength = strength, float((rest * ready).sum())
        direction = ready + (strength / before) * direction
    return change.astype(np.float32)


def _applied(disparity: Floats, change: Floats, found: Planes, low: float, span: float) -> Floats:
    """Returns the full map with the correction of the reduced one; inside planes its ripples go too."""
    rows, columns = disparity.shape
    moved = disparity + windows.enlarge(change, columns, rows)
    inner = windows.minimum(found.on_plane.astype(np.float32), 1)
    share = np.where(_inner(found.label, 1), inner * found.confidence[found.label], 0.0).astype(np.float32)
    share = windows.enlarge(share, columns, rows)
    label = resampling.nearest(found.label, columns, rows)
    x, y = positions(disparity.shape)
    plane = found.planes[label]
    flat = low + span * (plane[..., 0] * x + plane[..., 1] * y + plane[..., 2])
    return (moved + share * (flat - moved)).astype(np.float32)


def _inner(label: Labels, radius: int) -> NDArray[np.bool_]:
    """Returns the cells, bool (rows, columns), around which all of a window belong to one region."""
    numbers = label.astype(np.float32)
    inner: NDArray[np.bool_] = windows.maximum(numbers, radius) == windows.minimum(numbers, radius)
    return inner


def _reduced(values: Floats, rows: int, columns: int) -> Floats:
    return resampling.resize(np.asarray(values, np.float32), columns, rows, "box")
