# SPDX-License-Identifier: GPL-3.0-or-later
"""Losses on surfaces of rendered scenes: relative depth, flatness of planes and directions of surfaces.

A perspective picture of a plane has an inverse depth that is linear in the pixels, so that second differences of the
error of inverse depth vanish exactly where a plane stays a plane. Scale and shift of a prediction are unknown and are
taken from the spreads and means of both. They are not fitted by least squares: such a scale shrinks the less the two
agree, which rewards a network for disagreeing, and it collapses.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

EVERY = 2
"""Only every other row and column is compared: a quarter of the work, for differences over several pixels."""
STRIDES = (2, 4, 8, 16)
"""Compared rows or columns between the samples of second differences."""
NORMAL_STRIDES = (1, 2, 5)
FARTHEST = 50.0
"""Largest depth, as a multiple of the nearest, to which relative errors refer."""
_FLAT = 0.004
"""Largest second difference of the truth on a plane, relative to its inverse depth."""
_LEVEL = 0.01
_STEP = 0.08
"""Smallest step between compared pixels at an edge, relative to inverse depth."""
_NEAREST = 0.99
_LARGEST_BEND, _LARGEST_ERROR = 0.5, 1.0
_SMALLEST_SPREAD = 1e-3
_SMALLEST_SQUARE = 1e-14


class Rays(NamedTuple):
    """The pinhole camera of each picture: focal length, float (n,), and centre x, y, float (n, 2), in pixels."""

    focal: Tensor
    centre: Tensor


class Surfaces(NamedTuple):
    """Three losses, scalars: relative error of inverse depth, bend of planes, and 1 - cosine of surface directions."""

    relative: Tensor
    bend: Tensor
    direction: Tensor


def surfaces(predicted: Tensor, truth: Tensor, rays: Rays) -> Surfaces:
    """Returns the losses of disparities compared with true inverse depths, both float (n, h, w), 0: sky."""
    predicted, truth = predicted[:, ::EVERY, ::EVERY], truth[:, ::EVERY, ::EVERY]
    rays = Rays(rays.focal / EVERY, rays.centre / EVERY)
    seen = truth > 0.0
    top = torch.quantile(truth.flatten(1)[:, ::5], _NEAREST, dim=1)[:, None, None].clamp_min(1e-9)
    seen = seen & (truth > top / (2.0 * FARTHEST))
    found = fitted(predicted, truth, seen)
    floor = truth.maximum(top / FARTHEST)
    error = found - truth
    relative = _mean((error.abs() / floor).clamp_max(_LARGEST_ERROR), seen)
    inside = seen & ~_beside_steps(truth, floor)
    bends = [_mean(*one) for one in _bends(error, truth, floor, inside)]
    angles = [_mean(*one) for one in _angles(found, truth, floor, inside, rays)]
    return Surfaces(relative, torch.stack(bends).mean(), torch.stack(angles).mean())


def fitted(predicted: Tensor, truth: Tensor, seen: Tensor) -> Tensor:
    """Returns predictions, float (n, h, w), with the mean and the mean deviation of the `truth` where it is `seen`."""
    weight = seen.to(truth.dtype)
    count = weight.sum(dim=(1, 2), keepdim=True).clamp_min(1.0)

    def moments(values: Tensor) -> tuple[Tensor, Tensor]:
        mean = (values * weight).sum(dim=(1, 2), keepdim=True) / count
        return mean, ((values - mean).abs() * weight).sum(dim=(1, 2), keepdim=True) / count

    (mean, spread), (true_mean, true_spread) = moments(predicted), moments(truth)
    return (predicted - mean) * (true_spread / spread.clamp_min(_SMALLEST_SPREAD)) + true_mean


def _beside_steps(truth: Tensor, floor: Tensor) -> Tensor:
    """Returns where there is a step in the truth within two compared pixels, bool (n, h, w).

    A sharp edge that a prediction puts a pixel aside would otherwise cost more there than a soft one.
    """
    step = torch.zeros_like(truth)
    step[:, 1:] = truth.diff(dim=1).abs()
    step[:, :, 1:] = step[:, :, 1:].maximum(truth.diff(dim=2).abs())
    return functional.max_pool2d((step > _STEP * floor).float().unsqueeze(1), 5, stride=1, padding=2).squeeze(1) > 0.0


def _bends(error: Tensor, truth: Tensor, floor: Tensor, seen: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Yields second differences of the error, relative to inverse depth, and where the truth is a plane."""
    height, width = truth.shape[1:]
    for stride in STRIDES:
        if min(height, width) <= 2 * stride:
            continue
        for kind in (_across, _down, _twisted):
            base, visible = _middle(kind, floor, stride), kind((~seen).float(), stride, is_sum=True) == 0.0
            is_plane = (kind(truth, stride).abs() < _FLAT * base) & visible
            yield (kind(error, stride).abs() / base).clamp_max(_LARGEST_BEND), is_plane


def _across(values: Tensor, k: int, *, is_sum: bool = False) -> Tensor:
    """Returns second differences along rows; with `is_sum`, the sums of what they take differences of."""
    return values[:, :, 2 * k :] + (2.0 if is_sum else -2.0) * values[:, :, k:-k] + values[:, :, : -2 * k]


def _down(values: Tensor, k: int, *, is_sum: bool = False) -> Tensor:
    return values[:, 2 * k :] + (2.0 if is_sum else -2.0) * values[:, k:-k] + values[:, : -2 * k]


def _twisted(values: Tensor, k: int, *, is_sum: bool = False) -> Tensor:
    right, left = values[:, :, 2 * k :], values[:, :, : -2 * k]
    if is_sum:
        return right[:, 2 * k :] + left[:, 2 * k :] + right[:, : -2 * k] + left[:, : -2 * k]
    return 0.5 * (right[:, 2 * k :] - left[:, 2 * k :] - right[:, : -2 * k] + left[:, : -2 * k])


def _middle(kind: object, values: Tensor, k: int) -> Tensor:
    rows = slice(None) if kind is _across else slice(k, -k)
    columns = slice(None) if kind is _down else slice(k, -k)
    return values[:, rows, columns]


def _angles(found: Tensor, truth: Tensor, floor: Tensor, seen: Tensor, rays: Rays) -> Iterator[tuple[Tensor, Tensor]]:
    """Yields 1 - cosine between the directions of surfaces, and where the truth is smooth."""
    height, width = truth.shape[1:]
    focal = rays.focal[:, None, None]
    x = (torch.arange(width, device=truth.device)[None, None] - rays.centre[:, 0, None, None]) / focal
    y = (torch.arange(height, device=truth.device)[None, :, None] - rays.centre[:, 1, None, None]) / focal
    for k in NORMAL_STRIDES:
        if min(height, width) <= 2 * k:
            continue
        inside = (slice(None), slice(k, -k), slice(k, -k))

        def plane(values: Tensor, k: int = k, inside: tuple[slice, ...] = inside) -> tuple[Tensor, Tensor, Tensor]:
            """Returns a, b and c of the tangent planes a X + b Y + c Z = 1, float (n, h, w) each."""
            across = (values[:, k:-k, 2 * k :] - values[:, k:-k, : -2 * k]) * (focal / (2 * k))
            down = (values[:, 2 * k :, k:-k] - values[:, : -2 * k, k:-k]) * (focal / (2 * k))
            along = values[inside] - x[..., k:-k] * across - y[:, k:-k] * down
            return across, down, along

        rough = _across(truth, k)[:, k:-k].abs() + _down(truth, k)[:, :, k:-k].abs()
        is_smooth = (rough < _LEVEL * floor[inside]) & seen[inside]
        yield 1.0 - _cosine(plane(found), plane(truth)), is_smooth


def _cosine(one: tuple[Tensor, ...], other: tuple[Tensor, ...]) -> Tensor:
    """Returns the cosine between vectors whose components are apart; torch's norm of so few numbers is slow."""

    def product(first: tuple[Tensor, ...], second: tuple[Tensor, ...]) -> Tensor:
        return torch.addcmul(torch.addcmul(first[0] * second[0], first[1], second[1]), first[2], second[2])

    return product(one, other) * torch.rsqrt(product(one, one) * product(other, other) + _SMALLEST_SQUARE)


def _mean(values: Tensor, where: Tensor) -> Tensor:
    weight = where.to(values.dtype)
    return (values * weight).sum() / (weight.sum() + 1.0)
