# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a reconstruction for the web page: photo and depth as pictures, and the mesh for the viewer."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from ..core.files import atomic_write
from ..core.maps.colour_map import coloured
from ..core.maps.disparity import normalise
from ..core.mesh.coarse import coarsened
from ..core.mesh.mesh import Mesh
from ..core.photo.photo import shown_by
from ..core.photo.picture_writer import compact, write_compact, write_png
from ..core.photo.texture_file import has_alpha
from ..core.reconstruction import Reconstruction, in_scene
from ..core.resampling import thumbnail
from ..export.view import Layer, view_of
from .page_layout import DEPTH, DRAFT, PHOTOS, SIDES, VIEW

_LARGEST_SIDE = 4096
"""Largest texture, in pixels a side, that all phones support."""
_COPY_QUALITY = 80
_DRAFT_CELLS = 256
_DRAFT_SHARE = 0.5
"""Largest share of the vertices that a draft is worth its bytes for."""
_BEHIND_SIDES = (1024, 256)
_BEHIND_QUALITY = 70


def under_name(result: Reconstruction, name: str) -> Reconstruction:
    """Returns the reconstruction with `name` as the photo's file name, and without paths of this computer."""
    settings = dataclasses.replace(result.settings, mask="", depth_file="", weights="")
    photo = Path(name)
    return dataclasses.replace(result, name=photo.stem, photo=photo, settings=settings)


def write_pictures(result: Reconstruction, folder: Path) -> None:
    """Writes the upright photo, as one of PHOTOS, and its coloured disparity as DEPTH, near bright, into `folder`.

    Smaller copies of an opaque photo are those of `page_layout.SIDES`.
    """
    pixels = shown_by(result.texture, result.pixels)
    stem = Path(PHOTOS[0]).stem
    data = result.texture.read_bytes()
    if max(pixels.shape[:2]) > _LARGEST_SIDE:
        write_compact(thumbnail(pixels, _LARGEST_SIDE), folder / stem, 90)
    else:
        (folder / (PHOTOS[0] if result.texture.suffix == ".jpg" else PHOTOS[1])).write_bytes(data)
    if not has_alpha(data):
        for side in reversed(SIDES):
            if max(pixels.shape[:2]) > side:
                pixels = thumbnail(pixels, side)
                write_compact(pixels, folder / f"{stem}-{side}", _COPY_QUALITY)
    write_png(coloured(normalise(result.disparity, 1.0)), folder / DEPTH)


def write_view(result: Reconstruction, folder: Path) -> None:
    """Writes the mesh for the viewer into `folder` as VIEW, and a coarse one as DRAFT if it is large.

    Its texture has the address "photo", relative to that of the file.
    """
    camera, (side, draft_side) = result.camera, _BEHIND_SIDES
    normal_map = b"" if result.normal_map is None else result.normal_map.read_bytes()
    _write(view_of(result, _layers(result, result.mesh, result.background, side), normal_map), folder / VIEW)
    aspect = camera.width / camera.height
    mesh = coarsened(result.mesh, _DRAFT_CELLS, aspect)
    if len(mesh.triangles) and len(mesh.vertices) < _DRAFT_SHARE * len(result.mesh.vertices):
        background = None if result.background is None else coarsened(result.background, _DRAFT_CELLS, aspect)
        layers = _layers(result, mesh, background, draft_side)
        _write(view_of(result, layers, is_draft=True), folder / DRAFT)


def write_draft(result: Reconstruction, folder: Path) -> None:
    """Writes the mesh of a draft for the viewer into `folder` as VIEW; see `write_view`."""
    layers = _layers(result, result.mesh, result.background, _BEHIND_SIDES[1])
    _write(view_of(result, layers, is_draft=True), folder / VIEW)


def _write(data: bytes, path: Path) -> None:
    with atomic_write(path) as beside:
        beside.write_bytes(data)


def _layers(result: Reconstruction, mesh: Mesh, background: Mesh | None, side: int) -> list[Layer]:
    layers = [Layer("photo", in_scene(mesh, result.camera), "photo")]
    if background is not None and len(background.triangles) and result.background_texture is not None:
        pixels = shown_by(result.background_texture, result.background_pixels)
        picture = compact(thumbnail(pixels, side), _BEHIND_QUALITY)
        layers.append(Layer("behind", in_scene(background, result.camera), picture))
    return layers
