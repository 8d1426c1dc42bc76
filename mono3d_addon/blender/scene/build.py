# SPDX-License-Identifier: GPL-3.0-or-later
"""A reconstruction becomes objects in a Blender scene."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np

from ...core.reconstruction import Reconstruction
from ...errors import Mono3DError
from ...settings import Settings
from .. import names
from . import background_fill, camera, hand_made, material, mesh_data, source


@dataclass(frozen=True)
class Built:
    """What one photo became: a collection with the mesh object and the camera object, which follows the mesh."""

    collection: bpy.types.Collection
    mesh: bpy.types.Object
    camera: bpy.types.Object


_LONGEST_NAME = 200
"""Bytes of a file's name before "texture": most file systems take 255 in all."""


def build(
    result: Reconstruction, scene: bpy.types.Scene, blend: Path | None = None, *, replaces: bool = False
) -> Built:
    """Adds `result` to `scene`, in a collection of its own with the photo's name; returns what was made.

    Mesh and camera stand at the origin: the camera looks along +Y, Z is up, one unit is one metre. Where a floor was
    found, it is at height 0 and the camera stands above the origin, tilted as it was. The scene's own camera and
    render size change only where it has no camera yet. Textures are packed, unless the settings say otherwise and the
    path that the .blend file has or will have is given: then they are put beside it. Each gets a name that no file
    has yet, unless `replaces` tells that the .blend file is this result's alone and written anew with it.
    Raises Mono3DError when the texture cannot be read; nothing stays behind then.
    """
    beside = functools.partial(_beside, result, blend, replaces)
    try:
        image, relief = _images(result, beside)
    except (RuntimeError, OSError) as error:
        raise Mono3DError(f"The texture of {result.name} cannot be read: {error}.") from error
    settings = result.settings
    trusted = settings.surface == "grid" and not settings.target_triangles and settings.solid == "off"
    background_triangles = 0 if result.background is None else len(result.background.triangles)
    data = mesh_data.create(result.name, result.scene_whole, trusted=trusted, background_triangles=background_triangles)
    if relief is not None:
        mesh_data.set_normals(data, result.scene_whole.normals)
    data.materials.append(material.create(result.name, image, settings.material, settings.shading, relief))
    if result.background_texture is not None:
        copy = beside(result.background_texture, "behind_")
        try:
            background_fill.show(data, result.name, result.background_texture, settings, copy)
        except Mono3DError:
            _undo(data, image, relief)
            raise
    mesh = bpy.data.objects.new(result.name, data)
    near, far = _extent(result)
    eye = camera.create(f"{result.name} camera", result.camera, image, near, far)
    eye.parent = mesh
    mesh[names.SETTINGS] = settings.to_json()
    mesh[names.PHOTO] = str(result.photo)
    mesh[names.IMAGE] = image
    source.store(image, result)
    hand_made.remember(data)
    mesh[names.CAMERA] = json.dumps(dataclasses.asdict(result.camera))
    collection = bpy.data.collections.new(result.name)
    collection.objects.link(mesh)
    collection.objects.link(eye)
    scene.collection.children.link(collection)
    if scene.camera is None:
        camera.use(scene, eye)
    return Built(collection, mesh, eye)


def _undo(data: bpy.types.Mesh, *images: bpy.types.Image | None) -> None:
    made = list(data.materials)
    bpy.data.meshes.remove(data)
    for one in made:
        if one is not None:
            bpy.data.materials.remove(one)
    for image in images:
        if image is not None:
            bpy.data.images.remove(image)


def _images(
    result: Reconstruction, beside: Callable[[Path, str], Path | None]
) -> tuple[bpy.types.Image, bpy.types.Image | None]:
    """Returns the photo and, where there is one, the normal map."""
    photo = material.load_image(result.name, result.texture, beside(result.texture, ""))
    if result.normal_map is None:
        return photo, None
    copy = beside(result.normal_map, "normal_")
    return photo, material.load_image(f"{result.name} normal", result.normal_map, copy, "Non-Color")


def _beside(result: Reconstruction, blend: Path | None, replaces: bool, path: Path, kind: str) -> Path | None:
    """Returns where the picture at `path` goes beside the .blend file; None where it is packed."""
    if blend is None or result.settings.pack_texture:
        return None
    if replaces:
        return blend.with_name(f"{blend.stem}_{kind}texture{path.suffix}")
    start = f"{blend.stem}_{result.name}".encode(errors="ignore")[:_LONGEST_NAME].decode(errors="ignore")
    number, place = 2, blend.with_name(f"{start}_{kind}texture{path.suffix}")
    while place.exists():
        number, place = number + 1, blend.with_name(f"{start}_{kind}texture_{number}{path.suffix}")
    return place


def stored_settings(mesh: bpy.types.Object) -> Settings:
    """Returns the settings that made `mesh`. Raises Mono3DError when it was not made by Mono3D."""
    if not names.is_ours(mesh):
        raise Mono3DError(f"'{mesh.name}' was not made by Mono3D: it holds no settings.")
    return Settings.from_json(mesh[names.SETTINGS])


def _extent(result: Reconstruction) -> tuple[float, float]:
    """Distances in metres of the nearest and the farthest vertex; the settings' where there is none."""
    depth = result.mesh.vertices[:, 2]
    if result.camera.is_panorama:
        depth = np.linalg.norm(result.mesh.vertices, axis=1)
    if not len(depth):
        return result.settings.near, result.settings.far
    return float(np.min(depth)), float(np.max(depth))
