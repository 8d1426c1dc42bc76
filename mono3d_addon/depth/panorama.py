# SPDX-License-Identifier: GPL-3.0-or-later
"""The disparity of a 360-degree panorama: a network runs on overlapping perspective views, which are then merged.

A network estimates inverse depth along the axis of a view, up to a scale and a shift that differ from view to view
(Ranftl et al. 2022, section 5). These are found for all views at once, so that the views agree where they overlap (as
in Rey-Area et al. 2022, "360MonoDepth", with scale and shift for each view instead of a deformable grid).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ..core.arrays import Bytes, Floats
from ..core.camera.camera import directions
from ..core.camera.sphere_part import WHOLE_SPHERE, SpherePart
from ..core.estimate import Estimate
from ..core.photo.resampling import resize_to
from ..core.scene_guess import Unit
from ..core.stages import ESTIMATING, Progress
from .estimator import Estimator, InferenceOptions
from .readings import in_metres, of_depth, through_lens

Doubles = NDArray[np.float64]
Fit = tuple[float, float]
"""Scale and shift of a view's disparity."""

_RINGS = ((0.0, 6), (-52.0, 4), (52.0, 4))
"""Rings of views: degrees below the horizon, and number of views. Together they cover all directions."""
_TANGENT = math.tan(math.radians(48.0))
"""Half the side of a view at distance 1."""
_RAMP = 0.35
"""Share of half a view's side over which its weight falls to 0 at the border."""
_SMALLEST_VIEW = 512
_ROWS, _COLUMNS = 512, 1024
_DIRECTIONS = 8000
_ROUNDS = 6
_TUKEY = 4.685 * 1.4826
_CLOSE = 0.02
"""Weight of the prior of scale 1 and shift 0 for each view, as a share of the weight of its overlaps."""
_LEAST_SCALE = 0.1
_LEAST_WEIGHT = 1e-3
_HIGHEST_BAND = math.radians(42.0)
"""Half the height of the highest band that one row of views sees."""
_LARGEST_TILT = math.radians(15.0)
_NARROWEST_VIEW, _WIDEST_VIEW = math.radians(24.0), math.radians(48.0)
"""Half the angle of views."""


@dataclass(frozen=True)
class View:
    """The orientation and the size of a view.

    axes     float64 (3, 3), its right, down and forward in the panorama's frame
    tangent  half its side at distance 1
    """

    axes: Doubles
    tangent: float = _TANGENT

    def place(self, rays: Doubles) -> tuple[Doubles, Doubles, Doubles]:
        """Returns where unit `rays`, float64 (..., 3), project in the view, -1..1 across and down, and 1 / z of each.

        Behind the view they are infinite.
        """
        x, y, z = np.moveaxis(rays @ self.axes.T, -1, 0)
        inverse = np.divide(1.0, z, out=np.full_like(z, np.inf), where=z > 0.05)
        with np.errstate(invalid="ignore"):
            return x * inverse / self.tangent, y * inverse / self.tangent, inverse


def views(part: SpherePart = WHOLE_SPHERE) -> tuple[View, ...]:
    """Returns the views that together cover all directions in `part`.

    A band around the horizon is seen by one row of views that are as high as the band.
    """
    if part == WHOLE_SPHERE:
        return _all_views()
    middle, half = 0.5 * (part.latitude_from + part.latitude_to), 0.5 * part.height
    if half > _HIGHEST_BAND or abs(middle) > _LARGEST_TILT:
        return _needed(_all_views(), part)
    angle = math.atan(1.1 * math.tan(half)) + math.radians(2.0)
    if 0.5 * part.width <= _WIDEST_VIEW:
        angle = max(angle, 0.5 * part.width + math.radians(2.0))
    angle = min(max(angle, _NARROWEST_VIEW), _WIDEST_VIEW)
    if part.is_closed:
        count = math.ceil(2.0 * math.pi / angle)
        turns = [2.0 * math.pi * number / count for number in range(count)]
    else:
        reach = max(0.0, 0.5 * part.width + math.radians(2.0) - angle)
        count = 1 + math.ceil(2.0 * reach / angle)
        turns = [float(turn) for turn in np.linspace(-reach, reach, count)] if count > 1 else [0.0]
    return tuple(_view(turn, middle, math.tan(angle)) for turn in turns)


def _all_views() -> tuple[View, ...]:
    return tuple(
        _view(2.0 * math.pi * number / count, math.radians(latitude))
        for latitude, count in _RINGS
        for number in range(count)
    )


def _view(turn: float, latitude: float, tangent: float = _TANGENT) -> View:
    forward = directions(np.array(turn), np.array(latitude))
    right = directions(np.array(turn + 0.5 * math.pi), np.array(0.0))
    return View(np.stack([right, np.cross(forward, right), forward]), tangent)


def _needed(around: Sequence[View], part: SpherePart) -> tuple[View, ...]:
    """Returns those views that see some direction in `part` best."""
    rays = directions(*_angles(48, 96, part))
    best = np.argmax([_weight(*view.place(rays)[:2]) for view in around], axis=0)
    return tuple(around[number] for number in np.unique(best))


def _pictures(around: Sequence[View], pixels: Bytes, view_size: int, part: SpherePart) -> list[Bytes]:
    size = max(view_size, _SMALLEST_VIEW)
    return [_picture(view, pixels, size, part) for view in around]


def _merged(around: Sequence[View], seen: Sequence[Floats], fits: Sequence[Fit], part: SpherePart) -> Floats:
    """Returns the inverse distance in all directions in `part`, from what views show and their scales and shifts."""
    aligned = [_Aligned(view, *fit, disparity) for view, disparity, fit in zip(around, seen, fits, strict=True)]
    rows, columns = _output_size(part)
    rays = directions(*_angles(rows, columns, part))
    total, heap = np.zeros((rows, columns)), np.zeros((rows, columns))
    # Only the borders of a part may be at the border of every view.
    least = 0.0 if part == WHOLE_SPHERE else _LEAST_WEIGHT
    for one in aligned:
        values, weight = one.at(rays, least)
        total += weight * values
        heap += weight
    return np.asarray(total / heap, np.float32)


def _shares(around: Sequence[View], seen: Sequence[Floats], part: SpherePart) -> Floats:
    """Returns in all directions in `part` the mean of what the views show, which does not depend on the distance."""
    rows, columns = _output_size(part)
    rays = directions(*_angles(rows, columns, part))
    least = 0.0 if part == WHOLE_SPHERE else _LEAST_WEIGHT
    total, heap = np.zeros((rows, columns)), np.zeros((rows, columns))
    for view, shares in zip(around, seen, strict=True):
        across, down, _ = view.place(rays)
        weight = _weight_of(across, down, least)
        inside = weight > 0.0
        total[inside] += weight[inside] * sample(shares, across[inside], down[inside])
        heap += weight
    return np.asarray(total / heap, np.float32)


def estimate(
    pixels: Bytes, part: SpherePart, estimator: Estimator, options: InferenceOptions, progress: Progress
) -> Estimate:
    """Returns the estimate of a panorama; its disparity is inverse distance in all directions in `part`.

    `pixels`, uint8 (height, width, 3), are the panorama: columns are longitudes, rows latitudes. For the whole sphere
    the disparity has 512 x 1024 values, for a part of it 1024 along its longer side. The views have
    `options.network_size` pixels a side, at least `_SMALLEST_VIEW`; beyond the part's borders they repeat its outermost
    pixels.

    Of relative views it says nothing of scene and sky: what a network guesses of single views, with the lens of a view,
    is not put together. What it measures is: only the views' scales are made equal then, and their sky is kept.
    """
    around = views(part)
    pictures = _pictures(around, pixels, options.network_size, part)
    seen: list[Estimate] = []
    if estimator.gains_by_many:
        seen.extend(estimator.estimate_all(pictures, options, progress))
    else:
        for number, picture in enumerate(pictures):
            progress(f"{ESTIMATING}, {number + 1} of {len(pictures)}", number / len(pictures))
            seen.append(estimator.estimate(picture, options))
    made = _together(around, seen, part)
    notes = tuple(dict.fromkeys(note for one in seen for note in one.notes))
    is_reduced = any(one.is_reduced for one in seen)
    return replace(made, engine=seen[0].engine, notes=notes, is_reduced=is_reduced, device=seen[0].device)


def _together(around: Sequence[View], seen: Sequence[Estimate], part: SpherePart) -> Estimate:
    measured = [
        in_metres(through_lens(one, 0.5 / view.tangent, 1.0), 0.5 / view.tangent)
        for view, one in zip(around, seen, strict=True)
    ]
    units = {None if one.scene is None or one.scene.measures is None else one.scene.measures.unit for one in measured}
    maps = [one.disparity for one in measured]
    # A view of nothing but sky has no unit, and ends the measuring.
    if None in units:
        return Estimate(_merged(around, maps, _fits(around, maps, part), part), "")
    fits = _fits(around, maps, part, has_shifts=False)
    inverse = np.maximum(_merged(around, maps, fits, part), np.finfo(np.float32).tiny)
    skies = [one.sky for one in measured if one.sky is not None]
    sky = _shares(around, skies, part) if len(skies) == len(around) else None
    holds = None
    if any(one.valid is not None for one in measured):
        known = [
            np.ones(one.disparity.shape, np.float32) if one.valid is None else one.valid.astype(np.float32)
            for one in measured
        ]
        holds = _shares(around, known, part) > 0.5
    return of_depth((1.0 / inverse).astype(np.float32), holds, sky, cast(Unit, units.pop()))


def _output_size(part: SpherePart) -> tuple[int, int]:
    if part == WHOLE_SPHERE:
        return _ROWS, _COLUMNS
    longer = max(part.width, part.height)
    rows, columns = (max(16, round(_COLUMNS * angle / longer)) for angle in (part.height, part.width))
    return rows, columns


@dataclass(frozen=True)
class _Aligned:
    """A view's disparity with the scale and shift that align it with the others."""

    view: View
    scale: float
    shift: float
    disparity: Floats

    def at(self, rays: Doubles, least: float = 0.0) -> tuple[Doubles, Doubles]:
        """Returns inverse distance and weight for each of the rays, 0 for both outside of the view.

        Rays that it sees weigh at least `least`.

        A point at the distance r along a ray lies at z = r cos(angle to the axis), so 1 / r = cos / z.
        """
        across, down, inverse = self.view.place(rays)
        weight = _weight_of(across, down, least)
        inside = weight > 0.0
        values = np.zeros(weight.shape)
        sampled = sample(self.disparity, across[inside], down[inside])
        values[inside] = (self.scale * sampled + self.shift) / inverse[inside]
        return values, weight


def _fits(
    around: Sequence[View], seen: Sequence[Floats], part: SpherePart = WHOLE_SPHERE, *, has_shifts: bool = True
) -> list[Fit]:
    """Returns scale and shift of each view's disparity, so that all agree: one least-squares fit over all overlaps.

    Without `has_shifts` all shifts are 0, because the views are measured up to a scale, and the unit stays theirs.

    Tukey's weights leave out outliers. A weak prior of scale 1 and shift 0 for each view also determines the scale and
    shift that all views have in common.
    """
    spread = float(np.mean([np.std(disparity) for disparity in seen])) or 1.0
    rays = _even_directions(_DIRECTIONS, part)
    count = len(around)
    plain = [
        _Aligned(view, 1.0, 0.0, disparity / np.float32(spread)) for view, disparity in zip(around, seen, strict=True)
    ]
    ones = [_Aligned(view, 0.0, 1.0, disparity) for view, disparity in zip(around, seen, strict=True)]
    values, weights = (np.stack(part) for part in zip(*(one.at(rays) for one in plain), strict=True))
    shifts = np.stack([one.at(rays)[0] for one in ones])
    pairs = [
        (i, j, np.flatnonzero((weights[i] > 0.0) & (weights[j] > 0.0)))
        for i in range(count)
        for j in range(i + 1, count)
    ]
    trust = {(i, j): weights[i, at] * weights[j, at] for i, j, at in pairs}
    found: Doubles = np.zeros(2 * count)
    for _ in range(_ROUNDS):
        normal, wanted = np.zeros((2 * count, 2 * count)), np.zeros(2 * count)
        for i, j, at in pairs:
            if not at.size:
                continue
            rows = np.stack([values[i, at], shifts[i, at], -values[j, at], -shifts[j, at]], axis=1)
            where = np.array([2 * i, 2 * i + 1, 2 * j, 2 * j + 1])
            normal[np.ix_(where, where)] += (rows * trust[i, j][:, None]).T @ rows
        hold = _CLOSE * max(float(np.trace(normal)) / (2 * count), 1e-9)
        normal[np.diag_indices(2 * count)] += hold
        if not has_shifts:
            normal[1::2], normal[:, 1::2] = 0.0, 0.0
            normal[np.arange(1, 2 * count, 2), np.arange(1, 2 * count, 2)] = 1.0
        wanted[0::2] = hold
        found = np.asarray(np.linalg.solve(normal, wanted), np.float64)
        trust = _trusted(found, values, shifts, weights, pairs)
    # Their mean scale stays that of the network.
    common = max(float(np.mean(found[0::2])), 1e-9)
    scales = np.maximum(found[0::2] / common, _LEAST_SCALE) / (spread if has_shifts else 1.0)
    return [(float(scale), float(shift)) for scale, shift in zip(scales, found[1::2] / common, strict=True)]


def _trusted(
    found: Doubles,
    values: Doubles,
    shifts: Doubles,
    weights: Doubles,
    pairs: Sequence[tuple[int, int, NDArray[np.intp]]],
) -> dict[tuple[int, int], Doubles]:
    """Returns the weight of each direction in each overlap, by how well its two views agree there."""
    apart = {
        (i, j): np.abs(
            found[2 * i] * values[i, at]
            + found[2 * i + 1] * shifts[i, at]
            - found[2 * j] * values[j, at]
            - found[2 * j + 1] * shifts[j, at]
        )
        for i, j, at in pairs
    }
    every = np.concatenate(list(apart.values())) if apart else np.zeros(0)
    limit = _TUKEY * float(np.median(every) if every.size else 0.0) + 1e-9
    return {
        (i, j): weights[i, at] * weights[j, at] * np.maximum(0.0, 1.0 - (apart[i, j] / limit) ** 2) ** 2
        for i, j, at in pairs
    }


def _weight(across: Doubles, down: Doubles) -> Doubles:
    """Returns the weight of places in a view, 1 inside, falling smoothly to 0 at its border."""
    to_border = np.clip((1.0 - np.maximum(np.abs(across), np.abs(down))) / _RAMP, 0.0, 1.0)
    return np.asarray(to_border * to_border * (3.0 - 2.0 * to_border))


def _weight_of(across: Doubles, down: Doubles, least: float) -> Doubles:
    """Returns the weight of places in a view as `_weight` does, but at least `least` inside of the view."""
    weight = _weight(across, down)
    if not least:
        return weight
    is_seen = np.maximum(np.abs(across), np.abs(down)) <= 1.0
    return np.where(is_seen, np.maximum(weight, least), 0.0)


def _picture(view: View, pixels: Bytes, size: int, part: SpherePart = WHOLE_SPHERE) -> Bytes:
    """Returns what a view sees, uint8 (size, size, 3), from a panorama made as small as the view needs."""
    needed = size * math.pi / math.atan(view.tangent)
    height, width = pixels.shape[:2]
    if part == WHOLE_SPHERE:
        columns, rows = round(needed), round(needed) // 2
    else:
        columns, rows = (max(2, round(needed * angle / (2.0 * math.pi))) for angle in (part.width, part.height))
    small = resize_to(pixels, min(width, columns), min(height, rows))
    step = ((np.arange(size) + 0.5) / size * 2.0 - 1.0) * view.tangent
    rays = step[None, :, None] * view.axes[0] + step[:, None, None] * view.axes[1] + view.axes[2]
    longitude = np.arctan2(rays[..., 0], rays[..., 2])
    latitude = np.arctan2(rays[..., 1], np.hypot(rays[..., 0], rays[..., 2]))
    down = (latitude - 0.5 * (part.latitude_from + part.latitude_to)) / (0.5 * part.height)
    if not part.is_closed:
        return np.asarray(np.rint(sample(small, longitude / (0.5 * part.width), down) * 255.0), np.uint8)
    wrapped = np.concatenate([small[:, -1:], small, small[:, :1]], axis=1)
    across = (longitude / math.pi * small.shape[1]) / wrapped.shape[1]
    return np.asarray(np.rint(sample(wrapped, across, down) * 255.0), np.uint8)


def sample(values: NDArray[np.float32], across: Doubles, down: Doubles) -> NDArray[np.float32]:
    """Returns `values`, float32 (h, w) or (h, w, c), at places -1..1 from border to border, linearly interpolated."""
    height, width = values.shape[:2]
    column = np.clip((across + 1.0) * (0.5 * width) - 0.5, 0.0, width - 1.0)
    row = np.clip((down + 1.0) * (0.5 * height) - 0.5, 0.0, height - 1.0)
    left, top = column.astype(np.intp), row.astype(np.intp)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    extra = (1,) * (values.ndim - 2)
    x = (column - left).astype(np.float32).reshape(*column.shape, *extra)
    y = (row - top).astype(np.float32).reshape(*row.shape, *extra)
    upper = values[top, left] * (1 - x) + values[top, right] * x
    lower = values[bottom, left] * (1 - x) + values[bottom, right] * x
    return np.asarray(upper * (1 - y) + lower * y, np.float32)


def _angles(rows: int, columns: int, part: SpherePart = WHOLE_SPHERE) -> tuple[Doubles, Doubles]:
    longitude = ((np.arange(columns) + 0.5) / columns - 0.5) * part.width
    latitude = ((np.arange(rows) + 0.5) / rows - 0.5) * part.height
    return longitude[None, :], latitude[:, None] + 0.5 * (part.latitude_from + part.latitude_to)


def _even_directions(count: int, part: SpherePart = WHOLE_SPHERE) -> Doubles:
    """Returns directions spread evenly over `part`, float64 (about count, 3): a Fibonacci spiral (Gonzalez 2010)."""
    if part != WHOLE_SPHERE:
        area = part.width * (math.sin(part.latitude_to) - math.sin(part.latitude_from))
        count = round(count * 4.0 * math.pi / area)
    number: Doubles = np.arange(count, dtype=np.float64) + 0.5
    height: Doubles = np.arcsin(1.0 - 2.0 * number / count)
    turn = number * math.pi * (3.0 - math.sqrt(5.0))
    if part == WHOLE_SPHERE:
        return directions(turn, height)
    around = np.abs((turn + math.pi) % (2.0 * math.pi) - math.pi)
    inside = (around <= 0.5 * part.width) & (height >= part.latitude_from) & (height <= part.latitude_to)
    return directions(turn[inside], height[inside])
