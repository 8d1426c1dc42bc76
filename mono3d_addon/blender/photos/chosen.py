# SPDX-License-Identifier: GPL-3.0-or-later
"""The photos chosen in a scene: files, or an image open in Blender."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy

from ...core.photo.endings import PHOTO_ENDINGS
from ...errors import Mono3DError
from .. import names, temporary

_SOURCES = ("FILE", "GENERATED")


def is_usable(image: Any) -> bool:
    """Returns whether an image is a still picture: no movie, no render result, no depth image of the add-on."""
    return image.source in _SOURCES and image.type in {"IMAGE", "UV_TEST"} and names.DEPTH not in image


def is_any(values: Any) -> bool:
    """Returns whether a `MONO3D_PG_settings` names a photo."""
    return bool(values.photo or values.image)


def key(values: Any) -> str:
    """Returns the key that identifies the first chosen photo."""
    return f"image {values.image.name_full}" if values.image else str(values.photo)


def is_photo_of(values: Any, owner: bpy.types.Object) -> bool:
    """Returns whether the first chosen photo is the one that the result `owner` was made of."""
    made_of = str(owner.get(names.PHOTO, ""))
    if values.image:
        return Path(made_of).stem in (_stem(values.image), Path(values.image.filepath).stem)
    return bool(bpy.path.abspath(values.photo) == made_of)


def choose(values: Any, found: Sequence[str]) -> None:
    """Chooses photos by their paths."""
    values.image = None
    values.photo = found[0]
    for path in found[1:]:
        values.more_photos.add().name = path


def files(values: Any) -> list[Path]:
    """Returns the paths of all chosen photos; an image open in Blender is written to a temporary file.

    Raises Mono3DError if none is chosen or the image cannot be written.
    """
    if values.image:
        return [image_file(values.image)]
    found = paths(values)
    if not found:
        raise Mono3DError("Choose a photo first.")
    return [Path(bpy.path.abspath(path)).absolute() for path in found]


def paths(values: Any) -> list[str]:
    """Returns the chosen paths, as they were chosen."""
    return [values.photo, *(item.name for item in values.more_photos)] if values.photo else []


def image_file(image: Any) -> Path:
    """Returns a file with the content of `image`: its own file if that is unchanged, else a temporary one.

    A packed photo is written byte for byte, to keep its EXIF data. Raises Mono3DError if it cannot be written.
    """
    own = Path(bpy.path.abspath(image.filepath, library=image.library)) if image.filepath else Path()
    plain = image.source == "FILE" and not image.is_dirty and own.suffix.lower() in PHOTO_ENDINGS
    if plain and not image.packed_file and own.is_file():
        return own
    name = _stem(image)
    try:
        if plain and image.packed_file:
            path = temporary.scratch() / f"{name}{own.suffix.lower()}"
            path.write_bytes(image.packed_file.data)
        else:
            path = temporary.scratch() / f"{name}.png"
            _save(image, path)
    except (OSError, RuntimeError) as error:
        raise Mono3DError(f"The image '{image.name}' cannot be written to a file: {str(error).strip()}") from error
    return path


def _stem(image: Any) -> str:
    """Returns the name, without an ending, of a file for an image."""
    return bpy.path.clean_name(Path(image.name).stem) or "image"


def _save(image: Any, path: Path) -> None:
    """Writes the pixels as PNG from a copy: saving the image itself would change its source."""
    import numpy as np

    images: Any = bpy.data.images
    width, height = image.size
    if not width * height:
        raise RuntimeError("it has no pixels")
    pixels = np.empty(width * height * image.channels, dtype=np.float32)
    image.pixels.foreach_get(pixels)
    rgba = np.ones((width * height, 4), dtype=np.float32)
    # One channel is grey, two are grey and alpha.
    colours = pixels.reshape(-1, image.channels)
    rgba[:, :3] = colours[:, :3] if image.channels >= 3 else colours[:, :1]
    if image.channels in (2, 4):
        rgba[:, 3] = colours[:, -1]
    copy = images.new(image.name, width, height, alpha=True, float_buffer=image.is_float)
    try:
        copy.colorspace_settings.name = image.colorspace_settings.name
        copy.pixels.foreach_set(rgba.reshape(-1))
        copy.file_format = "PNG"
        copy.filepath_raw = str(path)
        copy.save()
    finally:
        images.remove(copy)
