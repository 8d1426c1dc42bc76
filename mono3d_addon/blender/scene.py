# SPDX-License-Identifier: GPL-3.0-or-later
"""A reconstruction becomes objects in a Blender scene."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

import bpy
import numpy as np

from ..core.reconstruction import Reconstruction
from ..errors import Mono3DError
from ..settings import Settings
from . import camera, hand_made, layer_behind, material, mesh_data, names, source


@dataclass(frozen=True)
class Built:
    """What one photo became: a collection with the mesh object and the camera object, which follows the mesh."""

    collection: bpy.types.Collection
    mesh: bpy.types.Object
    camera: bpy.types.Object


def build(result: Reconstruction, scene: bpy.types.Scene) -> Built:
    """Adds `result` to `scene`, in a collection of its own with the photo's name; returns what was made.

    Mesh and camera stand at the origin: the camera looks along +Y, Z is up, one unit is one metre. Where a floor was
    found, it is at height 0 and the camera stands above the origin, tilted as it was. The scene's own camera and
    render size change only where it has no camera yet.
    Raises Mono3DError when the texture cannot be read; nothing stays behind then.
    """
    try:
        image = material.load_image(result.name, result.texture)
    except RuntimeError as error:
        raise Mono3DError(f"The texture of {result.name} cannot be read: {error}.") from error
    settings = result.settings
    trusted = settings.surface == "grid" and not settings.target_triangles
    behind = 0 if result.behind is None else len(result.behind.triangles)
    data = mesh_data.create(result.name, result.scene_whole, trusted=trusted, behind=behind)
    data.materials.append(material.create(result.name, image, settings.material, settings.shading))
    if result.behind_texture is not None:
        try:
            layer_behind.show(data, result.name, result.behind_texture, settings)
        except Mono3DError:
            _undo(data, image)
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


def _undo(data: bpy.types.Mesh, image: bpy.types.Image) -> None:
    made = list(data.materials)
    bpy.data.meshes.remove(data)
    for one in made:
        if one is not None:
            bpy.data.materials.remove(one)
    bpy.data.images.remove(image)


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
