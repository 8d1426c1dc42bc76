# SPDX-License-Identifier: GPL-3.0-or-later
"""The layout of the starter model behind its backbone as plain numbers, for the networks of every library."""

from __future__ import annotations

WIDTHS = (16, 32, 48, 64, 96)
"""Channels of the decoder at strides 2, 4, 8, 16 and 32."""
LATERAL_SIZES = (3, 3, 3, 3, 1)
"""Kernel sizes of the convolutions from the backbone's maps, whose strides are the same, to the decoder's."""
HEAD_WIDTH = 16
"""Channels within the heads for disparity and sky."""

SKY_LEVEL = 1
"""The decoder's map from which the sky is read: that at stride 4."""

SCENE_LEVEL = 4
"""The decoder's map from which the scene is read, beside the backbone's maps from stride 8 on."""
SCENE_WIDTHS = (16, 32, 64, 32)
"""Channels to which these maps, the decoder's last, are narrowed."""
CELLS = 3
"""Maps are averaged over this many rows and columns of cells: where something is says much about the scene."""
HIDDEN = 128
SPREAD = 1e-3
"""Added to the mean deviation of the averaged disparity before dividing by it."""
