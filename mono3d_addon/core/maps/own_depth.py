# SPDX-License-Identifier: GPL-3.0-or-later
"""Converts a depth map supplied by the user to the depth map of the mesh."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from ...settings import Settings
from .. import resampling
from ..arrays import Floats
from ..photo.photo import Photo
from ..photo.resampling import grid_size, resize_nearest
from .depth_map import depth_map
from .depth_values import DepthValues

_FLAT = 1e-6
_NEAREST, _FARTHEST = 0.0011, 9.9e5
"""Clipping distances in metres, inside the bounds of the settings 'near' and 'far'."""

_ONE_SURFACE = 0.02
"""Largest difference, far / near - 1, of neighbouring pixels on one surface."""

Known = NDArray[np.bool_]


def own_disparity(own: DepthValues) -> Floats:
    """Returns the map as inverse depth, float32 (rows, columns), near = large; unknown values are filled in."""
    values, known = own.values, np.isfinite(own.values)
    if own.kind != "disparity":
        values = np.divide(
            np.float32(1.0), np.clip(values, _NEAREST, _FARTHEST), where=known, out=np.zeros_like(values)
        )
    return filled(values, known)


def own_depth_map(own: DepthValues, photo: Photo, settings: Settings) -> tuple[Floats, Known | None]:
    """Returns depth and validity like `depth_map`, from the user's map, stretched over the photo.

    Values in metres do not change; near and far have no effect on them. A map at least as fine as the mesh is sampled
    at the cells' centres, without edge alignment and without mixing the sides of a discontinuity. A coarser one is
    upsampled like a network's.
    """
    columns, rows = grid_size(*photo.size, settings.detail)
    disparity, known = own_disparity(own), np.isfinite(own.values)
    known = resize_nearest(known, columns, rows)
    if disparity.shape[0] >= rows and disparity.shape[1] >= columns:
        disparity = at_centres(disparity, np.isfinite(own.values), columns, rows)
        settings = dataclasses.replace(settings, edge_aware=False)
    if own.kind == "disparity":
        depth, valid = depth_map(disparity, _without_unknown(photo, own), settings, is_estimated=False)
        return depth, (known if valid is None else valid & known) if not known.all() else valid
    depth = _metric(disparity, photo, settings)
    return depth, _valid(photo, known)


def at_centres(inverse: Floats, known: Known, columns: int, rows: int) -> Floats:
    """Returns an inverse depth map at the centres of `rows` x `columns` cells, float32; it is at least as fine.

    A plane is linear in inverse depth, so bilinear interpolation is exact on it. Where the four pixels around a centre
    are not all `known` or not on one surface, the pixel under it is taken.
    """
    nearest = resize_nearest(inverse, columns, rows)
    (top, down), (left, right) = (_between(*sizes) for sizes in zip(inverse.shape, (rows, columns), strict=True))
    if not down.any() and not right.any():
        return nearest
    bottom, end = np.minimum(top + 1, inverse.shape[0] - 1), np.minimum(left + 1, inverse.shape[1] - 1)
    corners = [np.ix_(row, column) for row in (top, bottom) for column in (left, end)]
    values = [inverse[corner] for corner in corners]
    high, low = np.maximum.reduce(values), np.minimum.reduce(values)
    one_surface = (high <= low * np.float32(1 + _ONE_SURFACE)) & np.logical_and.reduce([known[c] for c in corners])
    upper, lower = (one + (other - one) * right for one, other in (values[:2], values[2:]))
    return np.where(one_surface, upper + (lower - upper) * down[:, None], nearest).astype(np.float32)


def _between(length: int, count: int) -> tuple[NDArray[np.intp], Floats]:
    """Returns the pixel before the centre of each of `count` cells along `length` pixels, and how far it is beyond."""
    places = np.clip((np.arange(count) + 0.5) * (length / count) - 0.5, 0, length - 1)
    before = np.floor(places + 1e-9).astype(np.intp)
    beyond = places - before
    return before, np.where(np.abs(beyond) < 1e-6, 0.0, beyond).astype(np.float32)


def _metric(inverse: Floats, photo: Photo, settings: Settings) -> Floats:
    """Returns the depth of a map in 1/metres, with its own range as near and far, which keeps its values."""
    low, high = float(inverse.min()), float(inverse.max())
    if high - low <= _FLAT * high:
        columns, rows = grid_size(*photo.size, settings.detail)
        return np.full((rows, columns), 1.0 / high, np.float32)
    exact = dataclasses.replace(settings, near=1.0 / high, far=1.0 / low, depth_strength=1.0, percentile=0.0)
    return depth_map(inverse, dataclasses.replace(photo, mask=None), exact, is_estimated=False)[0]


def _valid(photo: Photo, known: Known) -> Known | None:
    if photo.mask is not None:
        rows, columns = known.shape
        known = known & resize_nearest(photo.mask, columns, rows)
    return None if known.all() else known


def _without_unknown(photo: Photo, own: DepthValues) -> Photo:
    """Returns the photo with unknown areas masked, so that filled values do not affect the percentile range."""
    known = np.isfinite(own.values)
    if known.all():
        return photo
    enlarged = resampling.nearest(known, *photo.size)
    mask = enlarged if photo.mask is None else photo.mask & enlarged
    return dataclasses.replace(photo, mask=mask if mask.any() else photo.mask)


def filled(values: Floats, known: Known) -> Floats:
    """Returns `values`, float32 (rows, columns), with unknown ones replaced by the nearest known value of the row.

    A row without known values is copied from the nearest row that has some. At least one value must be known.
    """
    if known.all():
        return values
    result = _filled_along(values, known)
    has: Known = np.asarray(known.any(axis=1))
    return result[_nearest(has[None, :])[0]]


def _filled_along(values: Floats, known: Known) -> Floats:
    return np.take_along_axis(values, _nearest(known), axis=1)


def _nearest(known: Known) -> NDArray[np.intp]:
    """Returns the column of the nearest known value in each cell's row, intp (rows, columns); 0 if there is none."""
    columns = np.arange(known.shape[1])
    before = np.maximum.accumulate(np.where(known, columns, -1), axis=1)
    after = np.minimum.accumulate(np.where(known, columns, 2 * known.shape[1])[:, ::-1], axis=1)[:, ::-1]
    to_before = np.where(before < 0, 2 * known.shape[1], columns - before)
    nearest = np.where(to_before <= after - columns, before, after)
    return np.clip(nearest, 0, known.shape[1] - 1)
