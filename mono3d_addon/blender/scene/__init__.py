# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds and reads Blender scenes: objects, cameras, materials."""
