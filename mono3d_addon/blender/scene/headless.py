# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes .blend files from a Blender in background mode."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bpy

from ...core import reconstruction
from ...core.files import atomic_write
from ...core.reconstruction import Reconstruction
from ...errors import Mono3DError
from ...settings import Settings
from ..photos import pixels
from . import build as scene
from . import camera, colours, images

WRITING = "Writing the .blend file"


def write(result: Reconstruction, blend: Path) -> dict[str, float]:
    """Writes `result` as a .blend file; returns the seconds of each stage.

    Replaces the file open in this Blender by an empty one. The .blend file contains the photo or has it beside it, a
    render reproduces the photo's colours (view transform "Standard"), and it opens with a view through the photo's
    camera. Raises Mono3DError if it cannot be written; an existing file is replaced only by a complete one.
    """
    began = time.perf_counter()
    target = _empty_scene()
    built = scene.build(result, target, blend, replaces=True)
    _prepare_to_open(target, built)
    with atomic_write(blend) as beside, _no_thumbnail(), images.at_paths(_relative_paths()):
        try:
            bpy.ops.wm.save_as_mainfile(filepath=str(beside), copy=True, compress=False, relative_remap=False)
        except RuntimeError as error:
            raise Mono3DError(f"The .blend file cannot be made: {str(error).strip()}") from error
    return {WRITING: time.perf_counter() - began}


@contextmanager
def _no_thumbnail() -> Iterator[None]:
    """Keeps Blender from writing a thumbnail to the desktop's cache."""
    preferences: Any = bpy.context.preferences
    before = preferences.filepaths.file_preview_type
    preferences.filepaths.file_preview_type = "NONE"
    try:
        yield
    finally:
        preferences.filepaths.file_preview_type = before


def _relative_paths() -> dict[bpy.types.Image, str]:
    """Returns relative paths of the images beside the .blend file, so that both can be moved together."""
    loose = (image for image in bpy.data.images if image.source == "FILE" and not image.packed_file)
    return {image: f"//{Path(image.filepath_raw).name}" for image in loose}


def warm_up() -> None:
    """Loads Blender's factory file."""
    _empty_scene()


def decode(photo: Path, settings: Settings, folder: Path) -> dict[str, str]:
    """Returns the key `decoded` of a request for `photo`, with the pixels in `folder` (see `photos.pixels`)."""
    return pixels.for_job(photo, settings, folder, is_for_more=False)


class BlenderSceneWriter:
    """Writes scenes in the running Blender."""

    def write(self, folder: Path, blend: Path) -> dict[str, float]:
        """Writes the scene of the reconstruction saved in `folder` to `blend`; returns the seconds of each stage."""
        return write(reconstruction.load(folder), blend)

    def close(self) -> None:
        """Does nothing: there is no process to end."""


def _empty_scene() -> Any:
    """Opens Blender's factory file without objects and keeps the user's preferences."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    target: Any = bpy.context.scene
    colours.use(target)
    return target


def _prepare_to_open(target: bpy.types.Scene, built: scene.Built) -> None:
    camera.use(target, built.camera)
    layer = target.view_layers[0]
    layer.objects.active = built.mesh
    built.mesh.select_set(True, view_layer=layer)
    far = built.camera.data.clip_end  # type: ignore[union-attr]
    for screen in bpy.data.screens:
        for area in screen.areas:
            space: Any = area.spaces.active
            if area.type == "VIEW_3D":
                space.shading.type = "MATERIAL"
                space.clip_end = max(space.clip_end, far)
                space.region_3d.view_perspective = "CAMERA"


def remove_temporary_folder() -> None:
    """Removes this Blender's folder for temporary files, as Blender's own exit does."""
    folder = Path(bpy.app.tempdir)
    # Blender falls back to the system's folder if it cannot make one of its own.
    if folder.name.startswith("blender_"):
        shutil.rmtree(folder, ignore_errors=True)
