# SPDX-License-Identifier: GPL-3.0-or-later
"""Mono3D in Blender: the only folder that imports bpy."""
