# SPDX-License-Identifier: GPL-3.0-or-later
"""The camera of a photo: lens, sensor, known distances, and what Blender calls them."""
