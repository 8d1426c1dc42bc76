# SPDX-License-Identifier: GPL-3.0-or-later
"""Further objects of the same photo, in the place of the first one."""

from __future__ import annotations

from typing import Any

import bpy

from .. import names
from . import reshaped

_KEPT = (names.SETTINGS, names.RESOLVED, names.KNOWN, names.PHOTO, names.IMAGE, names.CAMERA)


def adopt(owner: bpy.types.Object, made: bpy.types.Object) -> None:
    """Puts a new object in the place and the collections of `owner`, with what is stored on it and a camera."""
    for name in _KEPT:
        if (value := owner.get(name)) is not None:
            made[name] = value
    made.parent, made.matrix_parent_inverse = owner.parent, owner.matrix_parent_inverse
    made.matrix_basis = owner.matrix_basis
    collections: Any = owner.users_collection
    eye = reshaped.camera_of(owner)
    if eye is not None:
        seen: Any = eye.copy()
        seen.data, seen.parent, seen.name = seen.data.copy(), made, f"{made.name} camera"
    for collection in collections:
        collection.objects.link(made)
        if eye is not None:
            collection.objects.link(seen)
