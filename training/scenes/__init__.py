# SPDX-License-Identifier: GPL-3.0-or-later
"""Procedural scenes rendered by Blender: pictures with exact disparity, even at thin objects.

Scenes are generated in plain Python (`kinds`, `stage`, `shapes`); only `build` and `render` need `bpy`.
"""
