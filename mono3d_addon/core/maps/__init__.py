# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps over a photo: disparity, depth, edges, sky, ground, relief and the files that hold depth."""
