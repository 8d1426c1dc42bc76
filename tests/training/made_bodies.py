# SPDX-License-Identifier: GPL-3.0-or-later
"""A body of balls, in place of a baked one."""

from __future__ import annotations

import numpy as np

from training.scenes.furnished.bodies import Body, Region
from training.scenes.shapes import ball


def made_body(seat: float = 0.0) -> Body:
    """Returns a body of small balls, one for each region, at plausible heights, facing -y."""
    heights = {Region.FOOT: 0.05, Region.LOWER_LEG: 0.3, Region.UPPER_LEG: 0.7, Region.HIPS: 0.95, Region.TORSO: 1.2}
    vertices, faces, regions, start = [], [], [], 0
    for region in Region:
        height = heights.get(region, 1.3 if region in (Region.UPPER_ARM, Region.LOWER_ARM, Region.HAND) else 1.6)
        ahead = -0.08 if region in (Region.EYE, Region.IRIS, Region.LIPS, Region.BROWS) else 0.0
        shape = ball(0.05, 8).moved(0, ahead, height)
        quads = next(one for one in shape.faces if one.shape[1] == 4)
        triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
        vertices.append(shape.corners)
        faces.append(triangles + start)
        regions.append(np.full(len(triangles), region, np.uint8))
        start += len(shape.corners)
    return Body(np.concatenate(vertices), np.concatenate(faces), np.concatenate(regions), seat, 0.5, 0.5)
