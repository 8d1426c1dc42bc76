# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes built from a depth map: grid, adaptive, sphere, background fill, solid, normals."""
