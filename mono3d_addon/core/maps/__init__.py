# SPDX-License-Identifier: GPL-3.0-or-later
"""Per-pixel maps: disparity, depth and its discontinuities, sky, ground, relief, and depth map files."""
