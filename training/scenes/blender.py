# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's modules without their type stubs, by which every attribute may be None."""

from __future__ import annotations

import importlib
from typing import Any

bpy: Any = importlib.import_module("bpy")
# There only once bpy is imported.
mathutils: Any = importlib.import_module("mathutils")
