# SPDX-License-Identifier: GPL-3.0-or-later
"""The distances and the field of view that settings come to for one photo and its depth."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from ..settings import Settings
from .camera.automatic import FromFile, Resolved, resolve
from .camera.field_of_view import angle_of, photo_camera
from .camera.lens import Lens
from .maps.depth_values import DepthValues
from .scene_guess import SceneGuess

_EXTREMES = (1.0, 99.0)
"""Percentiles of a depth map in metres that are its near and far, as in `SceneGuess`."""
_MOST_SAMPLES = 1 << 17
"""About as many values of a large map count, since this is done for each mesh."""


def resolved(
    settings: Settings,
    size: tuple[int, int],
    lens: Lens,
    own: DepthValues | None,
    scene: SceneGuess | None,
    *,
    is_panorama: bool,
) -> Resolved:
    """Returns near, far and field of view of a photo of `size` (width, height), each with its source.

    `own` is the user's depth map, whose metres tell near and far; `scene` is what a network guesses. A panorama has no
    lens; its angle is that of the part of the sphere that it covers.
    """
    if is_panorama:
        angle = photo_camera(size, lens, settings, is_panorama=True).field_of_view
        settings = dataclasses.replace(settings, field_of_view=0.0)
    else:
        angle = angle_of(size, lens)
    return resolve(settings, scene, FromFile(*_span(own), angle))


def _span(own: DepthValues | None) -> tuple[float, float]:
    """Returns the distances of the nearest and the farthest parts of a depth map in metres; 0 where it has none."""
    if own is None or own.kind != "metres":
        return 0.0, 0.0
    step = max(1, math.isqrt(own.values.size // _MOST_SAMPLES))
    values = own.values[::step, ::step]
    known = values[np.isfinite(values) & (values > 0.0)]
    if not known.size:
        return 0.0, 0.0
    near, far = np.percentile(known, _EXTREMES)
    return float(near), float(far)
