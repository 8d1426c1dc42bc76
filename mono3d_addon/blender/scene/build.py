# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the objects of a reconstruction in a Blender scene."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np

from ...core.mesh.mesh import empty_mesh
from ...core.reconstruction import Reconstruction
from ...errors import Mono3DError
from ...settings import Settings
from .. import names
from ..scene_units import units_per_metre
from . import as_nodes, background_fill, camera, depth_image, hand_made, images, material, mesh_data, points, source


@dataclass(frozen=True)
class Built:
    """The objects built for one photo: the mesh object and the camera object, its child, in a collection.

    The mesh object is a point cloud where the settings ask for one (see `points`). `has_own_collection` tells whether
    the collection was made for them.
    """

    collection: bpy.types.Collection
    mesh: bpy.types.Object
    camera: bpy.types.Object
    has_own_collection: bool = True


def build(
    result: Reconstruction,
    scene: bpy.types.Scene,
    blend: Path | None = None,
    *,
    into: bpy.types.Collection | None = None,
    replaces: bool = False,
) -> Built:
    """Adds `result` to `scene`, to the collection `into`, else to a new one with the photo's name; returns the objects.

    Mesh and camera are at the origin: the camera looks along +Y and Z is up. The mesh is in metres; where a unit of the
    scene is none, its object is scaled. If ground was found, it is at height 0 and the camera is above the origin,
    tilted as it was. The scene's active camera and render size change only if it has no camera yet. Textures are
    packed, unless the settings forbid it and `blend`, the path of the .blend file, is given: then they are stored
    beside it, under names that no file has yet, or with `replaces` under fixed names. Raises Mono3DError and leaves
    nothing behind if the texture cannot be read.
    """
    beside = functools.partial(_beside, result, blend, replaces)
    try:
        image, relief = _images(result, beside)
    except (RuntimeError, OSError) as error:
        raise Mono3DError(f"The texture of {result.name} cannot be read: {error}.") from error
    settings = result.settings
    is_cloud = settings.build_as == names.POINTS
    mesh = points.of(result) if is_cloud else _surface(result, image, relief, beside)
    units = units_per_metre(scene)
    mesh.scale = (units, units, units)
    near, far = (units * distance for distance in extent(result))
    eye = camera.create(f"{result.name} camera", result.camera, image, near, far)
    eye.parent = mesh
    # In numbers, so that another network or version reshapes it to the same distances.
    mesh[names.SETTINGS] = result.resolved.pinned_to(settings).to_json()
    mesh[names.RESOLVED] = result.resolved.to_json()
    mesh[names.PHOTO] = str(result.photo)
    mesh[names.IMAGE] = image
    source.store(image, result)
    mesh[names.CAMERA] = json.dumps(dataclasses.asdict(result.camera))
    collection = into or bpy.data.collections.new(result.name)
    collection.objects.link(mesh)
    collection.objects.link(eye)
    if into is None:
        scene.collection.children.link(collection)
    if scene.camera is None:
        camera.use(scene, eye)
    return Built(collection, mesh, eye, has_own_collection=into is None)


def _surface(
    result: Reconstruction,
    image: bpy.types.Image,
    relief: bpy.types.Image | None,
    beside: Callable[[Path, str], Path | None],
) -> bpy.types.Object:
    """Returns the object with the surface: its mesh, or the nodes that make it."""
    settings, background = result.settings, result.background or empty_mesh()
    is_for_nodes = settings.is_for_nodes(is_panorama=result.camera.is_panorama)
    whole = background if is_for_nodes else result.scene_whole
    is_grid = settings.surface == "grid" and not settings.target_triangles and settings.solid == "off"
    trusted = is_grid or is_for_nodes
    data = mesh_data.create(result.name, whole, trusted=trusted, background_triangles=len(background.triangles))
    if (relief is not None or result.has_given_normals) and not is_for_nodes:
        mesh_data.set_normals(data, whole.normals)
    data.materials.append(material.create(result.name, image, settings, relief))
    made = bpy.data.objects.new(result.name, data)
    if result.background_texture is not None:
        copy = beside(result.background_texture, "behind_")
        try:
            background_fill.show([made], result.name, result.background_texture, settings, copy)
        except Mono3DError:
            _undo(made, data, image, relief)
            raise
    hand_made.remember(data)
    if is_for_nodes:
        as_nodes.add(made)
        pinned = result.resolved.pinned_to(settings)
        depth = depth_image.create(result.name, result.shown_depth)
        as_nodes.show(made, depth, image, result.camera, pinned, is_exact=result.own is not None)
    return made


def _undo(mesh: bpy.types.Object, data: bpy.types.Mesh, *pictures: bpy.types.Image | None) -> None:
    made = list(data.materials)
    bpy.data.objects.remove(mesh)
    bpy.data.meshes.remove(data)
    for one in made:
        if one is not None:
            bpy.data.materials.remove(one)
    for picture in pictures:
        if picture is not None:
            bpy.data.images.remove(picture)


def _images(
    result: Reconstruction, beside: Callable[[Path, str], Path | None]
) -> tuple[bpy.types.Image, bpy.types.Image | None]:
    """Returns the images of the photo and, if there is one, of the normal map."""
    photo = images.load(result.name, result.texture, beside(result.texture, ""))
    if result.normal_map is None:
        return photo, None
    copy = beside(result.normal_map, "normal_")
    return photo, images.load(f"{result.name} normal", result.normal_map, copy, "Non-Color")


def _beside(result: Reconstruction, blend: Path | None, replaces: bool, path: Path, kind: str) -> Path | None:
    """Returns the path for the texture `path` beside the .blend file; None if it is packed."""
    if blend is None or result.settings.pack_texture:
        return None
    if replaces:
        return blend.with_name(f"{blend.stem}_{kind}texture{path.suffix}")
    return images.beside(blend, result.name, kind, path.suffix)


def stored_settings(mesh: bpy.types.Object) -> Settings:
    """Returns the settings that made `mesh`. Raises Mono3DError if it was not made by Mono3D."""
    if not names.is_ours(mesh):
        raise Mono3DError(f"'{mesh.name}' was not made by Mono3D: it holds no settings.")
    return Settings.from_json(mesh[names.SETTINGS])


def extent(result: Reconstruction) -> tuple[float, float]:
    """Returns the distances in metres of the nearest and farthest vertex; near and far if there are no vertices."""
    depth = result.mesh.vertices[:, 2]
    if result.camera.is_panorama:
        depth = np.linalg.norm(result.mesh.vertices, axis=1)
    if not len(depth):
        return result.resolved.near.value, result.resolved.far.value
    return float(np.min(depth)), float(np.max(depth))
