# SPDX-License-Identifier: GPL-3.0-or-later
"""Detects edits by the user to a mesh made by Mono3D, so that they are not overwritten."""

from __future__ import annotations

import zlib
from typing import Any

import bpy
import numpy as np

from .. import names


def remember(data: bpy.types.Mesh) -> None:
    """Stores the present digest of a mesh on it."""
    data[names.DIGEST] = digest(data)


def is_changed(owner: bpy.types.Object) -> bool:
    """Returns whether an object's mesh was edited: its vertices, faces, attributes, shape keys or vertex groups."""
    data: Any = owner.data
    return bool(owner.vertex_groups) or data.get(names.DIGEST) != digest(data)


def digest(data: Any) -> str:
    """Returns counts and checksums of a mesh's vertices and attribute names.

    Attributes whose names start with a dot are Blender's own, such as the selection.
    """
    vertices = np.empty(3 * len(data.vertices), dtype=np.float32)
    if len(vertices):
        data.attributes["position"].data.foreach_get("vector", vertices)
    attributes = sorted(item.name for item in data.attributes if not item.name.startswith("."))
    shape_keys = len(data.shape_keys.key_blocks) if data.shape_keys else 0
    words = f"{len(data.polygons)} {shape_keys} {attributes}".encode()
    return f"{len(data.vertices)}-{zlib.crc32(vertices.tobytes()):08x}-{zlib.crc32(words):08x}"
