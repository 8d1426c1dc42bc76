# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells whether a mesh is still as Mono3D made it, so that nobody's own work is overwritten."""

from __future__ import annotations

import zlib
from typing import Any

import bpy
import numpy as np

from .. import names


def remember(data: bpy.types.Mesh) -> None:
    """Stores on a mesh what it looks like now."""
    data[names.DIGEST] = digest(data)


def is_changed(owner: bpy.types.Object) -> bool:
    """Tells whether the mesh of an object is not as it was made: its shape, its attributes, shape keys or weights."""
    data: Any = owner.data
    return bool(owner.vertex_groups) or data.get(names.DIGEST) != digest(data)


def digest(data: Any) -> str:
    """Returns counts, a checksum of the vertices and the names of the attributes of a mesh.

    Names with a dot are Blender's own, such as what is selected.
    """
    vertices = np.empty(3 * len(data.vertices), dtype=np.float32)
    if len(vertices):
        data.attributes["position"].data.foreach_get("vector", vertices)
    attributes = sorted(item.name for item in data.attributes if not item.name.startswith("."))
    shape_keys = len(data.shape_keys.key_blocks) if data.shape_keys else 0
    words = f"{len(data.polygons)} {shape_keys} {attributes}".encode()
    return f"{len(data.vertices)}-{zlib.crc32(vertices.tobytes()):08x}-{zlib.crc32(words):08x}"
