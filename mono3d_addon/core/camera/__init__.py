# SPDX-License-Identifier: GPL-3.0-or-later
"""The camera of a photo: intrinsics, lens data from EXIF, sensor sizes, measured distances, Blender's equivalents."""
