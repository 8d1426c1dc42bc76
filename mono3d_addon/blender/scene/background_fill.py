# SPDX-License-Identifier: GPL-3.0-or-later
"""The material of the background fill: the second material slot of a mesh, with a texture of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import bpy

from ...errors import Mono3DError
from ...settings import Settings
from . import images, material, slots

SLOT = 1


def show(
    owners: Sequence[bpy.types.Object], name: str, texture: Path, settings: Settings, copy: Path | None = None
) -> None:
    """Makes the second material of objects that share one mesh show the texture file `texture`.

    In an existing material only the image is replaced, so the user's changes stay; other meshes keep theirs. `copy` is
    the path for a copy of the texture beside the .blend file; None packs it. Raises Mono3DError and changes nothing if
    it cannot be read.
    """
    name = f"{name} behind"
    try:
        painted = images.load(name, texture, copy)
    except (RuntimeError, OSError) as error:
        raise Mono3DError(f"The texture of {name} cannot be read: {error}.") from error
    present = slots.at(owners, SLOT)
    if any(slot.material is not None for slot in present):
        material.exchange(present, material.PHOTO, painted)
        material.remove_unused(painted)
    else:
        slots.fill(owners[0].data, SLOT, material.create(name, painted, settings))
