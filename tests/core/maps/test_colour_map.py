# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mono3d_addon.core.maps.colour_map import coloured, table


def oklab_lightness(colours: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The published forward transform, from 8-bit sRGB."""
    encoded = colours / 255.0
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    to_lms = [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566]]
    to_lms += [[0.0883024619, 0.2817188376, 0.6299787005]]
    return np.asarray(np.cbrt(linear @ np.array(to_lms).T) @ [0.2104542553, 0.7936177850, -0.0040720468])


def test_lightness_grows_evenly() -> None:
    lightness = oklab_lightness(table())
    straight = np.linspace(lightness[0], lightness[-1], 256)
    assert lightness[0] < 0.2 and lightness[-1] > 0.95
    assert np.abs(lightness - straight).max() < 0.005


def test_colours_change_gently_and_are_colourful() -> None:
    steps = np.abs(np.diff(table().astype(int), axis=0))
    assert steps.max() <= 8
    assert np.ptp(table().astype(int), axis=1).max() > 150


def test_values_find_their_place() -> None:
    values = np.array([[0.0, 1.0], [2.0, -1.0], [0.5, np.nan]], dtype=np.float32)
    found = coloured(values)
    assert found.shape == (3, 2, 3) and found.dtype == np.uint8
    dark, bright = table()[0], table()[-1]
    assert (found[0, 0] == dark).all() and (found[1, 1] == dark).all() and (found[2, 1] == dark).all()
    assert (found[0, 1] == bright).all() and (found[1, 0] == bright).all()
    assert (found[2, 0] == table()[128]).all()
