# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes the materials of existing objects, and where their textures are stored.

Materials that the user changed are left alone, unless `rebuild` is called. `owners` are objects that share one mesh.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import bpy

from ...errors import Mono3DError
from ...settings import Settings
from .. import names
from . import background_fill, images, material, reshaped, slots

FRONT = 0
"""Number of the slot with the material of the photo."""
NODES = frozenset({"material", "shading", "normal_map"})
"""Settings that decide about the nodes of a material."""
AT_ONCE = frozenset({"material", "shading", "pack_texture"})
"""Settings that need no other mesh."""


def refusal(owners: Sequence[bpy.types.Object], settings: Settings) -> str:
    """Returns why the materials cannot be changed, if the user changed them; empty if they are as `settings` made them.

    A second material that does not show the fill's texture is the user's own and does not matter.
    """
    front = slots.at(owners, FRONT)
    if not any(slot.material is not None for slot in front):
        return f"'{owners[0].name}' has no material; 'Rebuild Material' makes it."
    for slot in (*front, *_behind(owners)):
        if slot.material is not None and not material.is_as_made(slot.material, settings):
            return f"The material '{slot.material.name}' was changed by hand; 'Rebuild Material' replaces its nodes."
    return ""


def restyle(owners: Sequence[bpy.types.Object], before: Settings, wanted: Settings) -> None:
    """Changes materials and images of objects made with `before` as far as `wanted` differs, but for the normal map.

    Raises Mono3DError and changes nothing if the user changed a material, or if textures cannot be stored.
    """
    is_other = (before.material, before.shading) != (wanted.material, wanted.shading)
    if is_other and (reason := refusal(owners, before)):
        raise Mono3DError(reason)
    if before.pack_texture != wanted.pack_texture:
        _store_textures(owners, is_packed=wanted.pack_texture)
    if is_other:
        _rebuild(owners, wanted)


def rebuild(owners: Sequence[bpy.types.Object], settings: Settings) -> None:
    """Makes the materials anew, also those that the user changed. They keep the images that they show.

    A first material without the photo is the user's own: it stays in the file, and another takes its place.
    Raises Mono3DError if the photo is gone.
    """
    photo: Any = owners[0].get(names.IMAGE)
    if photo is None:
        raise Mono3DError(reshaped.without_photo(owners[0]))
    front = slots.at(owners, FRONT)
    if not front:
        slots.fill(owners[0].data, FRONT, material.create(owners[0].name, photo, settings))
    for slot in front:
        if material.image_of(slot.material) is None:
            material.put(slot, material.create(owners[0].name, photo, settings))
    _rebuild(owners, settings)


def set_relief(owners: Sequence[bpy.types.Object], settings: Settings, relief: bpy.types.Image | None) -> None:
    """Gives the photo's material another normal map, or takes it away, unless the user changed the material.

    A normal map that is there is replaced in any case.
    """
    front = slots.at(owners, FRONT)
    if relief is not None:
        material.exchange(front, material.RELIEF, relief)
    for slot in front:
        shown = material.image_of(slot.material, material.RELIEF)
        if slot.material is None or shown == relief or not material.is_as_made(slot.material, settings):
            continue
        made = material.own(slot)
        image = material.image_of(made)
        if made is not None and image is not None:
            material.rebuild(made, image, settings, relief)
            material.remove_unused(shown)
    material.remove_unused(relief)


def _rebuild(owners: Sequence[bpy.types.Object], settings: Settings) -> None:
    for slot in (*slots.at(owners, FRONT), *_behind(owners)):
        made = material.own(slot)
        image = material.image_of(made)
        if made is not None and image is not None:
            material.rebuild(made, image, settings, material.image_of(made, material.RELIEF))


def _behind(owners: Sequence[bpy.types.Object]) -> Iterator[bpy.types.MaterialSlot]:
    for slot in slots.at(owners, background_fill.SLOT):
        if material.image_of(slot.material) is not None:
            yield slot


def _store_textures(owners: Sequence[bpy.types.Object], *, is_packed: bool) -> None:
    if not is_packed and not bpy.data.filepath:
        raise Mono3DError("The textures are stored beside the .blend file; save it first.")
    for image in _images(owners):
        try:
            if is_packed:
                images.pack(image)
            else:
                images.unpack(image, Path(bpy.data.filepath))
        except (RuntimeError, OSError) as error:
            raise Mono3DError(f"The texture '{image.name}' cannot be stored: {str(error).strip()}") from error


def _images(owners: Sequence[bpy.types.Object]) -> list[bpy.types.Image]:
    found: dict[bpy.types.Image | None, None] = {owners[0].get(names.IMAGE): None}
    for slot in (*slots.at(owners, FRONT), *_behind(owners)):
        for node in (material.PHOTO, material.RELIEF):
            found[material.image_of(slot.material, node)] = None
    return [image for image in found if image is not None and image.library is None]
