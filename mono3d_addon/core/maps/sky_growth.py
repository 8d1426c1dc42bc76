# SPDX-License-Identifier: GPL-3.0-or-later
"""Completes the sky that a network sees.

A network may see a part of a sky only, and leave out what is dark, cloudy or blown out. What goes on from its sky
without an edge, as far away, is the same sky, and so are bright clouds in it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .. import resampling, windows
from ..arrays import Floats
from ..mesh.islands import label_components
from ..photo.photo import Photo
from .sky_guess import CoarseView, coarse_view, deviation, guess_sky, smooth

_LIKELY = 0.5
_STEP, _EVEN = 0.03, 0.03
"""Largest difference, 0..1, of any channel between neighbouring cells of one region, and largest standard deviation of
the brightness around them. Ridges in haze are still edges."""
_DARK = 0.05
"""Brightness, 0..1, below which being even means nothing."""
_FAR = 0.3
"""Largest normalised disparity."""
_SHARE, _SMALLEST = 0.1, 0.002
"""Share of a region that the network must see as sky, and the smallest region, as a fraction of the photo."""
_LOWEST = 0.95
"""Fraction of the network's sky above what counts as its lowest row. Water below has its colours too."""
_MOST_OF_IT, _NEARER = 0.75, 0.03
"""Normalised disparity by which a cell below that may be nearer than this fraction of the network's sky."""
_GAP, _HINT, _BRIGHTER = 8, 0.05, 0.1
"""Half width in cells of clouds between parts of the sky, their least probability of sky, and by how much they are
brighter, 0..1."""
_FLOATING, _WHOLLY = 0.12, 0.9
"""Largest normalised disparity of what floats in the sky, and the fraction of a piece that must be as far."""
_WHITE, _MOSTLY = 0.97, 0.5
"""Smallest channel, 0..1, of what is blown out, and the fraction of a guessed sky that must be."""

Cells = NDArray[np.bool_]


def completed(probability: Floats, disparity: Floats, photo: Photo) -> Floats:
    """Returns `probability`, float32 (h, w), with all of each even region that is partly sky.

    So are clouds between its parts, and what floats in it far away.

    probability  float32 (h, w), 0..1, of a network, covering the photo
    disparity    float32 (h', w'), near = large, covering the photo
    """
    view = coarse_view(disparity, photo)
    rows, columns = view.grey.shape
    seen = np.clip(windows.resize(np.asarray(probability, np.float32), columns, rows), 0.0, 1.0)
    sure = seen > _LIKELY
    if not sure.any():
        return probability
    as_far = view.normalised < np.quantile(view.normalised[sure], _MOST_OF_IT) + np.float32(_NEARER)
    region = _regions(view, sure, as_far)
    area = np.bincount(region.ravel())
    is_sky = (np.bincount(region[sure], minlength=len(area)) > _SHARE * area) & (area > _SMALLEST * region.size)
    sky = sure | is_sky[region]
    sky |= _clouds(view, sky, as_far, seen)
    sky |= _floating(sky | (smooth(sky) > _LIKELY), view.normalised < np.float32(_FLOATING))
    # At the network's own size: how far the refinement looks for colours follows from it.
    height, width = probability.shape
    return np.maximum(probability, resampling.resize(sky.astype(np.float32), width, height, "box"))


def blown_out(disparity: Floats, photo: Photo) -> Floats | None:
    """Returns the probability of a white sky that a network does not see, as `guess_sky` does; None without one.

    There is no structure in it by which a network could tell. Other colours must be seen by the network: walls and
    studios are blue and grey too.
    """
    guess = guess_sky(disparity, photo)
    if guess is None:
        return None
    colors = coarse_view(disparity, photo).colors[guess > _LIKELY]
    return guess if (colors.min(axis=1) > _WHITE).mean() > _MOSTLY else None


def _regions(view: CoarseView, sure: Cells, as_far: Cells) -> NDArray[np.intp]:
    """Returns the number of the even region of every cell, intp (rows, columns)."""
    can_be = (view.normalised < _FAR) & (deviation(view.grey, 1) < _EVEN) & (view.grey > _DARK)
    lowest = int(np.quantile(np.nonzero(sure)[0], _LOWEST))
    can_be[lowest + 1 :] &= as_far[lowest + 1 :]
    can_be |= sure
    if view.kept is not None:
        can_be &= view.kept
    across, down = (np.abs(np.diff(view.colors, axis=axis)).max(axis=2) < _STEP for axis in (1, 0))
    return label_components(across & can_be[:, 1:] & can_be[:, :-1], down & can_be[1:] & can_be[:-1])


def _clouds(view: CoarseView, sky: Cells, as_far: Cells, seen: Floats) -> Cells:
    """Returns what is between parts of the sky, bool (rows, columns), as far, brighter, and perhaps sky to the network.

    Towers between them are darker, or no sky to the network at all.
    """
    between = ~windows.widened(~windows.widened(sky, _GAP), _GAP) & ~sky
    brightness = float(np.median(view.grey[sky]))
    return between & as_far & (seen > _HINT) & (view.grey > brightness + np.float32(_BRIGHTER))


def _floating(sky: Cells, as_far: Cells) -> Cells:
    """Returns the pieces of the rest, bool (rows, columns), that float in the sky, as far as it: clouds and planes."""
    rest = ~sky
    piece = label_components(rest[:, 1:] & rest[:, :-1], rest[1:] & rest[:-1])
    area = np.bincount(piece.ravel())
    floats = np.bincount(piece.ravel(), as_far.ravel()) > _WHOLLY * area
    floats[np.concatenate([piece[0], piece[-1], piece[:, 0], piece[:, -1]])] = False
    return rest & floats[piece]
