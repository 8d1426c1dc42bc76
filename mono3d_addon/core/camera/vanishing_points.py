# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the lens of a photo by its vanishing points; numpy only.

Most edges of buildings and furniture run in three directions at right angles. Where the edges of two or three of them
converge in the picture, only one focal length lets the directions be at right angles (Caprile and Torre 1990). So for
every focal length the camera is turned until as many edges as possible agree, as in Manhattan world (Coughlan and
Yuille 1999), and the focal lengths are compared by that.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..arrays import Bytes
from ..photo.line_segments import Segments, find_segments
from ..scene_guess import Guess
from .automatic import FOCAL_DEVIATION, USUAL_FOCAL

_FEWEST, _MOST = 8, 200
"""Edges needed, and edges that are looked at, the longest ones."""
_NARROWEST, _WIDEST = math.radians(16.0), math.radians(104.0)
"""Fields of view, across the longer side, that are tried."""
_LENSES = 25
"""Focal lengths that are tried."""
_DIRECTION, _PLACE = math.radians(0.5), 0.0019
"""Deviation of the direction of an edge, and that of its ends, relative to the longer side, which counts the less the
longer it is."""
_ORDERLY = 0.6
"""Share of edges that are taken to run in one of the three directions."""
_SPREAD = math.radians(6.0)
"""Deviation from rows and columns of other edges, of which half run that way: horizons, waves, trunks."""
_LONG = 0.06
"""Length from which an edge counts in full."""
_SHARED = 1.0 / 6.0
"""What an edge counts relative to an independent measurement: many edges belong to one thing. Chosen on 68 photos with
a known lens, so that the errors keep to the deviations."""
_ORDER = 5.0
"""Logarithm of the likelihood from which three directions are likelier than one and an accident."""
_LEVEL, _HABIT = math.radians(4.0), 0.5
"""Deviation of a camera's roll, and how much the habit to hold cameras level counts."""
_UPRIGHT = math.radians(35.0)
"""Largest angle of an edge from the photo's columns that may be upright."""
_PITCHES = np.radians(np.arange(-50.0, 51.0, 5.0))
"""Of level cameras, whose upward directions are tried beside those in which edges meet."""
_CROSSINGS, _SEED = 100, 20261130
"""Pairs of steep edges whose crossing is tried, and the seed by which they are drawn."""
_UPS, _APART = 4, math.cos(math.radians(3.0))
"""Upward directions that are looked at for each lens, and the cosine of the least angle between them."""
_HEADINGS = np.radians(np.arange(0.0, 90.0, 3.0))
"""Directions of one wall that are tried for each upward direction."""
_COARSE = 3.0
"""Factor of the deviations while headings are tried."""
_STARTS, _ROUNDS = 2, 5
"""Axes for each lens that are improved, and how often."""
_FLOOR = 0.03
"""Least deviation of the logarithm of the focal length."""

Doubles = NDArray[np.float64]


def lens_of_lines(pixels: Bytes) -> Guess | None:
    """Returns the focal length, relative to the longer side, that the straight edges of a photo speak for.

    `pixels` is uint8 (h, w, 3), of a camera whose axis is in the middle. None where they say nothing.
    """
    segments = find_segments(pixels).longest(_MOST)
    if len(segments) < _FEWEST:
        return None
    shortest, longest = (math.log(0.5 / math.tan(angle / 2.0)) for angle in (_WIDEST, _NARROWEST))
    logarithms = np.linspace(shortest, longest, _LENSES)
    return _judged(logarithms, _Edges(segments).likelihoods(np.exp(logarithms)))


def _judged(logarithms: Doubles, likelihoods: Doubles) -> Guess | None:
    """Returns the focal length by the logarithms of likelihoods, float64 (lenses,), of equally spaced ones."""
    fine = np.linspace(logarithms[0], logarithms[-1], 20 * len(logarithms))
    # Edges without any order say nothing.
    evidence = np.logaddexp(0.0, np.interp(fine, logarithms, likelihoods) - _ORDER)
    usual = math.log(USUAL_FOCAL)
    found = evidence - 0.5 * ((fine - usual) / FOCAL_DEVIATION) ** 2
    share = np.exp(found - found.max())
    share /= share.sum()
    mean = float(share @ fine)
    variance = float(share @ (fine - mean) ** 2) + _FLOOR**2
    # What the edges say is what they change of what is usual.
    precision = 1.0 / variance - 1.0 / FOCAL_DEVIATION**2
    if precision < 0.1 / FOCAL_DEVIATION**2:
        return None
    value = (mean / variance - usual / FOCAL_DEVIATION**2) / precision
    return Guess(math.exp(value), 1.0 / math.sqrt(precision))


class _Edges:
    """The edges of a photo, and how well they agree with three directions at right angles.

    Directions, *axes*, are float64 (..., 3, 3): rows are unit vectors in the camera frame (x right, y down, z forward),
    of which the first points up.
    """

    def __init__(self, segments: Segments) -> None:
        self._x, self._y = segments.x, segments.y
        self._cos, self._sin = np.cos(segments.angle), np.sin(segments.angle)
        self._deviation = np.hypot(_DIRECTION, _PLACE / segments.length)
        self._weight = _SHARED * np.sqrt(np.minimum(1.0, segments.length / _LONG))
        self._other = _by_accident(segments.angle)
        steep = np.abs(self._cos) < math.sin(_UPRIGHT)
        self._steep = np.flatnonzero(steep)
        random = np.random.default_rng(_SEED)
        chance = segments.length[steep] / max(segments.length[steep].sum(), 1e-12)
        count = _CROSSINGS if len(chance) > 1 else 0
        self._pairs = random.choice(self._steep, (2, count), p=chance) if count else np.zeros((2, 0), np.intp)

    def likelihoods(self, focals: Doubles) -> Doubles:
        """Returns the logarithm of the likelihood of each focal length, float64 (n,).

        It is 0 where no direction, or a single one, is as likely as three.
        """
        focal = focals[:, None]
        axes = np.stack([self._starts(one) for one in focals])
        axes = self._turned(axes, focal)
        # What is best with one lens is nearly so with the next.
        best = axes[np.arange(len(axes)), np.argmax(self._scores(axes, focal), axis=1)]
        beside = np.stack([best, np.roll(best, 1, axis=0), np.roll(best, -1, axis=0)], axis=1)
        beside = np.concatenate([beside[:, :1], self._turned(beside[:, 1:], focal)], axis=1)
        scores = self._scores(beside, focal)
        axes = beside[np.arange(len(axes)), np.argmax(scores, axis=1)]
        # Edges in one direction alone, such as the grain of wood, agree with any lens.
        one = max(float(self._scores(axes, focals, only=slice(n, n + 1)).max()) for n in range(3))
        return np.asarray(scores.max(axis=1) - max(one, 0.0))

    def _planes(self, focal: Doubles) -> Doubles:
        """Returns normals of the planes through the camera and each edge, float64 (..., n, 3)."""
        wide = np.broadcast_to(focal[..., None], (*focal.shape, len(self._x)))
        across = np.broadcast_to(self._y * self._cos - self._x * self._sin, wide.shape)
        return np.stack([wide * self._sin, -wide * self._cos, across], axis=-1)

    def _off(self, axes: Doubles, focal: Doubles) -> tuple[Doubles, Doubles]:
        """Returns the sine of the angle between each edge and the vanishing point of each axis, and what it is divided
        by, float64 (..., 3, n) each; `focal` is (...)."""
        wide = focal[..., None, None]
        x = wide * axes[..., 0, None] - axes[..., 2, None] * self._x
        y = wide * axes[..., 1, None] - axes[..., 2, None] * self._y
        length = np.maximum(np.hypot(x, y), 1e-9)
        return (x * self._sin - y * self._cos) / length, length

    def _scores(self, axes: Doubles, focal: Doubles, blur: float = 1.0, only: slice = slice(None)) -> Doubles:
        """Returns the logarithm of the likelihood of axes, float64 (...), with the habit to hold cameras level.

        Edges in no direction have the likelihood 1. The result is that of all axes, or of `only` some of them.
        """
        deviation = blur * self._deviation
        density = _densities(self._off(axes, focal)[0], deviation)[..., only, :].sum(axis=-2)
        fits = np.log(1.0 - _ORDERLY + _ORDERLY * density / self._other) @ self._weight
        return np.asarray(fits - 0.5 * _HABIT * np.square(_roll(axes[..., 0, :]) / _LEVEL))

    def _starts(self, focal: float) -> Doubles:
        """Returns the best of many axes for a focal length, float64 (starts, 3, 3)."""
        ups = self._ups(focal)
        side = np.cross(ups, [0.0, 0.0, 1.0])
        side /= np.linalg.norm(side, axis=1, keepdims=True)
        ahead = np.cross(side, ups)
        cos, sin = np.cos(_HEADINGS)[:, None], np.sin(_HEADINGS)[:, None]
        one = cos * side[:, None] + sin * ahead[:, None]
        other = cos * ahead[:, None] - sin * side[:, None]
        up = np.broadcast_to(ups[:, None], one.shape)
        axes = np.stack([up, one, other], axis=-2).reshape(-1, 3, 3)
        scores = self._scores(axes, np.full(len(axes), focal), _COARSE)
        return np.asarray(axes[np.argsort(-scores)[:_STARTS]])

    def _ups(self, focal: float) -> Doubles:
        """Returns upward directions that steep edges agree with, float64 (n, 3), the best ones that differ."""
        level = np.stack([np.zeros_like(_PITCHES), -np.cos(_PITCHES), np.sin(_PITCHES)], axis=1)
        planes = self._planes(np.array(focal))
        crossing = np.cross(planes[self._pairs[0]], planes[self._pairs[1]])
        crossing *= np.where(crossing[:, 1:2] > 0.0, -1.0, 1.0)
        crossing /= np.maximum(np.linalg.norm(crossing, axis=1, keepdims=True), 1e-12)
        ups = np.concatenate([level, crossing[crossing[:, 1] < -math.sin(_UPRIGHT) / 2.0]])
        off = self._off(ups[:, None], np.full(len(ups), focal))[0][:, 0, self._steep]
        density = _densities(off, self._deviation[self._steep]) / self._other[self._steep]
        fits = np.log(1.0 - _ORDERLY + _ORDERLY * density) @ self._weight[self._steep]
        scores = fits - 0.5 * _HABIT * np.square(_roll(ups) / _LEVEL)
        chosen: list[int] = []
        for number in np.argsort(-scores).tolist():
            if all(float(ups[number] @ ups[other]) < _APART for other in chosen):
                chosen.append(number)
            if len(chosen) == _UPS:
                break
        return np.asarray(ups[chosen])

    def _turned(self, axes: Doubles, focal: Doubles) -> Doubles:
        """Returns axes, float64 (lenses, starts, 3, 3), turned so that edges agree better: iteratively reweighted
        least squares."""
        focal = np.broadcast_to(focal, axes.shape[:-2])
        planes = self._planes(focal)[..., None, :, :]
        for _ in range(_ROUNDS):
            off, length = self._off(axes, focal)
            density = _ORDERLY * _densities(off, self._deviation)
            share = density / ((1.0 - _ORDERLY) * self._other + density.sum(axis=-2, keepdims=True))
            weight = share * self._weight / np.square(self._deviation)
            slope = np.cross(axes[..., :, None, :], planes) / length[..., None]
            normal = np.einsum("...kn,...kni,...knj->...ij", weight, slope, slope, optimize=True)
            wanted = np.einsum("...kn,...kni->...i", weight * off, slope)
            # The habit to hold cameras level: turning about the axis of the lens changes the roll by as much.
            habit = _HABIT / _LEVEL**2
            normal[..., 2, 2] += habit
            wanted[..., 2] += habit * _roll(axes[..., 0, :])
            normal += 1e-6 * np.trace(normal, axis1=-2, axis2=-1)[..., None, None] * np.eye(3)
            turn = -np.linalg.solve(normal, wanted[..., None])[..., 0]
            axes = _orthonormal(axes + np.cross(turn[..., None, :], axes))
        return axes


def _densities(off: Doubles, deviation: Doubles) -> Doubles:
    """Returns the density, per radian, of edges whose direction is `off` that of one of three vanishing points."""
    return np.asarray(np.exp(-0.5 * np.square(off / deviation)) / (deviation * (3.0 * math.sqrt(math.tau))))


def _by_accident(angle: Doubles) -> Doubles:
    """Returns the density, per radian, of edges that run in none of the three directions, float64 (n,)."""
    off = np.abs(np.stack([angle, np.abs(angle) - math.pi / 2.0]))
    near = np.exp(-0.5 * np.square(off / _SPREAD)).mean(axis=0) / (_SPREAD * math.sqrt(math.tau))
    return np.asarray(0.5 / math.pi + 0.5 * near)


def _roll(ups: Doubles) -> Doubles:
    """Returns the roll of cameras with these upward directions, float64 (..., 3): radians, float64 (...)."""
    return np.asarray(np.arctan2(ups[..., 0], -ups[..., 1]))


def _orthonormal(axes: Doubles) -> Doubles:
    """Returns the nearest axes at right angles; the first one keeps its direction."""
    one = axes[..., 0, :] / np.linalg.norm(axes[..., 0, :], axis=-1, keepdims=True)
    other = axes[..., 1, :] - (axes[..., 1, :] * one).sum(-1, keepdims=True) * one
    other /= np.linalg.norm(other, axis=-1, keepdims=True)
    return np.stack([one, other, np.cross(one, other)], axis=-2)
