# SPDX-License-Identifier: GPL-3.0-or-later
"""The depth of a photo as its source gives it, before any setting of the mesh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .arrays import Floats
from .camera.affine_view import AffineView
from .maps.depth_values import DepthValues
from .maps.own_depth import own_disparity
from .scene_guess import SceneGuess


@dataclass(frozen=True)
class Estimate:
    """The depth of a photo, from a network or from a depth map. All maps cover the whole photo, at any size.

    disparity      inverse depth, float32 (rows, columns), near = large, finite. That of a network is relative: its
                   scale and shift are unknown and differ from photo to photo, unless `scene.measures` tells them
    engine         what made it, for reports: the engine that ran the network, or the name of the depth map
    notes          sentences for the user
    is_reduced     whether memory allowed only a smaller network size than asked for
    device         the device that ran the network; empty where none ran
    values         the depth itself where the source gives more than disparity: with a unit, or with holes.
                   `disparity` then follows from it
    scene          what the network says about distances, lens and kind of scene; None where it says nothing
    sky            probability that there is sky, float32 (rows, columns), 0..1; None where the source does not give it
    valid          where the depth holds, bool (rows, columns); None: everywhere
    view           the points behind the disparity, from which it follows for another lens; None where there are none
    normals        unit vectors in the camera frame, float32 (rows, columns, 3); None where the source gives none
    """

    disparity: Floats
    engine: str
    notes: tuple[str, ...] = ()
    is_reduced: bool = False
    device: str = ""
    values: DepthValues | None = None
    scene: SceneGuess | None = None
    sky: Floats | None = None
    valid: NDArray[np.bool_] | None = None
    normals: Floats | None = None
    view: AffineView | None = None


def estimate_from(values: DepthValues, source: str, notes: tuple[str, ...] = ()) -> Estimate:
    """Returns the estimate that a depth map makes; `source` names the map."""
    return Estimate(own_disparity(values), source, notes, values=values)
