# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a reconstruction for the web page: photo and depth as pictures, and the mesh for the viewer."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from PIL import Image

from .. import export
from ..core.files import atomic_write
from ..core.maps.colour_map import coloured
from ..core.maps.disparity import normalise
from ..core.reconstruction import Reconstruction
from .page_layout import DEPTH, PHOTOS, VIEW

_LARGEST_SIDE = 4096
"""Largest texture, in pixels a side, that all phones support."""


def under_name(result: Reconstruction, name: str) -> Reconstruction:
    """Returns the reconstruction with `name` as the photo's file name, and without paths of this computer."""
    settings = dataclasses.replace(result.settings, mask="", depth_file="", weights="")
    photo = Path(name)
    return dataclasses.replace(result, name=photo.stem, photo=photo, settings=settings)


def write_pictures(result: Reconstruction, folder: Path) -> None:
    """Writes the upright photo, as one of PHOTOS, and its coloured disparity as DEPTH, near bright, into `folder`."""
    with Image.open(result.texture, formats=("JPEG", "PNG")) as picture:
        reduced = max(picture.size) > _LARGEST_SIDE
        if reduced:
            picture.draft("RGB", (_LARGEST_SIDE, _LARGEST_SIDE))
            picture.thumbnail((_LARGEST_SIDE, _LARGEST_SIDE), Image.Resampling.BOX)
            picture.convert("RGB").save(folder / PHOTOS[0], quality=90)
    if not reduced:
        name = PHOTOS[0] if result.texture.suffix == ".jpg" else PHOTOS[1]
        (folder / name).write_bytes(result.texture.read_bytes())
    Image.fromarray(coloured(normalise(result.disparity, 1.0))).save(folder / DEPTH, compress_level=1)


def write_view(result: Reconstruction, folder: Path, pictures: Path) -> None:
    """Writes the mesh for the viewer into `folder` as VIEW, with the photo from `write_pictures` as texture."""
    photo = next(pictures / name for name in PHOTOS if (pictures / name).exists())
    with atomic_write(folder / VIEW) as beside:
        export.write(dataclasses.replace(result, texture=photo), "glb", beside)
