# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos, cameras, depth and grid meshes; numpy only, no torch, no Open3D, no bpy."""
