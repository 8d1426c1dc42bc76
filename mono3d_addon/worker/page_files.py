# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a reconstruction for the web page: photo and depth as pictures, and the mesh for the viewer."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from .. import export
from ..core.files import atomic_write
from ..core.maps.colour_map import coloured
from ..core.maps.disparity import normalise
from ..core.photo.photo import shown_by
from ..core.photo.picture_writer import write_compact, write_png
from ..core.reconstruction import Reconstruction
from ..core.resampling import thumbnail
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
    pixels = shown_by(result.texture, result.pixels)
    if max(pixels.shape[:2]) > _LARGEST_SIDE:
        write_compact(thumbnail(pixels, _LARGEST_SIDE), folder / Path(PHOTOS[0]).stem, 90)
    else:
        name = PHOTOS[0] if result.texture.suffix == ".jpg" else PHOTOS[1]
        (folder / name).write_bytes(result.texture.read_bytes())
    write_png(coloured(normalise(result.disparity, 1.0)), folder / DEPTH)


def write_view(result: Reconstruction, folder: Path, pictures: Path) -> None:
    """Writes the mesh for the viewer into `folder` as VIEW, with the photo from `write_pictures` as texture."""
    photo = next(pictures / name for name in PHOTOS if (pictures / name).exists())
    with atomic_write(folder / VIEW) as beside:
        export.write(dataclasses.replace(result, texture=photo), "glb", beside)
