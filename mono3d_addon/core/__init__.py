# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos, cameras, depth maps and grid meshes. Needs NumPy and Pillow only: no torch, no Open3D, no bpy."""
