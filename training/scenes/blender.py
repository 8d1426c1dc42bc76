# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's modules without their type stubs, in which every attribute may be None."""

from __future__ import annotations

import importlib
from typing import Any

bpy: Any = importlib.import_module("bpy")
# Available only after bpy is imported.
mathutils: Any = importlib.import_module("mathutils")
