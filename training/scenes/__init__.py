# SPDX-License-Identifier: GPL-3.0-or-later
"""Made-up scenes rendered by Blender: pictures whose disparity is exact, at thin things too.

What a scene holds is decided in plain Python (`kinds`, `stage`, `shapes`); `build` and `render` alone need `bpy`.
"""
