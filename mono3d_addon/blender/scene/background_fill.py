# SPDX-License-Identifier: GPL-3.0-or-later
"""The material of the background fill: the second material slot of a mesh, with a texture of its own."""

from __future__ import annotations

from pathlib import Path

import bpy

from ...errors import Mono3DError
from ...settings import Settings
from . import material


def show(data: bpy.types.Mesh, name: str, texture: Path, settings: Settings, copy: Path | None = None) -> None:
    """Makes the second material of `data` show the texture file `texture`; creates the material if there is none.

    In an existing material only the image is replaced, so the user's changes stay. `copy` is the path for a copy of the
    texture beside the .blend file; None packs it. Raises Mono3DError and changes nothing if it cannot be read.
    """
    name = f"{name} behind"
    try:
        if len(data.materials) > 1 and material.exchange(data.materials[1], material.PHOTO, name, texture, copy=copy):
            return
        painted = material.load_image(name, texture, copy)
    except (RuntimeError, OSError) as error:
        raise Mono3DError(f"The texture of {name} cannot be read: {error}.") from error
    made = material.create(name, painted, settings.material, settings.shading)
    while len(data.materials) < 1:
        data.materials.append(None)
    if len(data.materials) < 2:
        data.materials.append(made)
    elif data.materials[1] is None:
        data.materials[1] = made
