# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a new result goes in a scene: beside what is there, at the 3D cursor, or in the place of another result.

Its camera is a child of its mesh, so that the camera sees the photo wherever the mesh goes.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector
from numpy.typing import NDArray

from ...core.reconstruction import Reconstruction
from .. import names
from . import build, camera, frame, reshaped

_GAP = 0.1
"""Gap between a result and what is beside it, relative to the width of the result."""
_SURROUNDINGS = 50.0
"""How many times as wide and deep as a result a thing is at least in which the result stands, such as a ground plane.

Beyond it the result would be so far from the origin that coordinates of 32 bits blur it by a pixel."""
_WITHOUT_SURFACE = {"CAMERA", "LIGHT", "LIGHT_PROBE", "SPEAKER", "ARMATURE", "LATTICE", "EMPTY"}

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class _Box:
    """A box along the axes of the world: its lowest and highest corner, float64 (3,)."""

    low: Doubles
    high: Doubles

    @property
    def size(self) -> Doubles:
        return self.high - self.low

    @classmethod
    def of(cls, points: Iterable[Any], matrix: Matrix) -> _Box:
        """Returns the box of points, which `matrix` takes to the world."""
        places = np.array([matrix @ Vector(point) for point in points], np.float64)
        return cls(places.min(axis=0), places.max(axis=0))


def is_default_cube(one: bpy.types.Object) -> bool:
    """Returns whether an object is as Blender's own cube: bare, of two metres, at the origin."""
    data = one.data
    is_bare = not (one.modifiers or one.constraints or one.children or one.parent or one.animation_data)
    if not is_bare or not isinstance(data, bpy.types.Mesh) or len(data.vertices) != 8:
        return False
    corners = [abs(vertex.co[axis]) for vertex in data.vertices for axis in range(3)]
    return one.matrix_world == Matrix.Identity(4) and corners == [1.0] * 24


def has_others(layer: bpy.types.ViewLayer) -> bool:
    """Returns whether a view of the layer shows things with a surface, besides results and Blender's default cube."""
    layer.update()
    return any(
        one.type not in _WITHOUT_SURFACE
        and one.visible_get(view_layer=layer)
        and not names.is_ours(one)
        and not is_default_cube(one)
        for one in layer.objects
    )


def put_beside(built: build.Built, layer: bpy.types.ViewLayer, result: Reconstruction) -> bool:
    """Moves a new result to the right until its box is free of all else in the layer; returns whether it was moved.

    The box includes the camera, so that nothing is between it and the mesh.
    """
    layer.update()  # the matrices of what was just built or moved
    own = _box_of(built, result)
    steps = 0.0
    others = [box for box in _boxes(layer, built) if not _is_around(box, own)]
    gap = np.array([_GAP * own.size[0], 0.0, 0.0])
    while True:
        shift = np.array([steps, 0.0, 0.0])
        margin = gap if steps else 0.0
        ends = [box.high[0] for box in others if _overlap(box, own.low + shift - margin, own.high + shift + margin)]
        if not ends:
            break
        # A little more than the gap, so that rounding does not make it meet the same box again.
        steps = max(ends) - own.low[0] + 1.001 * gap[0]
    if steps:
        built.mesh.location.x += steps
        layer.update()
    return steps > 0.0


def put_at_cursor(built: build.Built, target: bpy.types.Scene) -> None:
    """Moves a new result so that its origin, the photo's camera or the ground below it, is at the 3D cursor."""
    built.mesh.location = target.cursor.location
    for layer in target.view_layers:
        layer.update()


def can_be_replaced(old: Any, built: build.Built) -> bool:
    """Returns whether an object is a result of this file that a new one can take the place of: both plain meshes."""
    new: Any = built.mesh
    return (
        old is not None
        and all(one.type == "MESH" and names.SETTINGS in one and names.NODES not in one for one in (old, new))
        and old.library is None
        and old.override_library is None
        and old.mode == "OBJECT"
    )


def put_in_place_of(
    built: build.Built, old: bpy.types.Object, target: bpy.types.Scene, result: Reconstruction
) -> build.Built:
    """Gives the object `old` the mesh, photo, camera and name of `result`; returns the objects that are left.

    Its place, modifiers, children, collections, and all else about it stay.
    """
    before: Any = old.data
    image = old.get(names.IMAGE)
    old.data = built.mesh.data
    for key in (names.SETTINGS, names.RESOLVED, names.PHOTO, names.IMAGE, names.CAMERA):
        old[key] = built.mesh[key]
    for key in (names.KNOWN, names.DRAFT):
        old.pop(key, None)
    eye = reshaped.own_camera_of(old)
    if eye is None:
        eye = built.camera
        eye.parent = old
        for collection in old.users_collection:
            collection.objects.link(eye)
        built.collection.objects.unlink(eye)
    else:
        camera.own_data([eye])
        data: Any = eye.data
        lens: Any = built.camera.data
        camera.refit(eye, result.camera, *build.extent(result))
        for background in data.background_images:
            if background.image == image:
                background.image = old[names.IMAGE]
        if target.camera == built.camera:
            target.camera = eye
        bpy.data.objects.remove(built.camera)
        bpy.data.cameras.remove(lens)
    bpy.data.objects.remove(built.mesh)
    if built.has_own_collection and not built.collection.all_objects:
        bpy.data.collections.remove(built.collection)
    if before.users == 0:
        bpy.data.meshes.remove(before)
    old.name = old.data.name = result.name  # type: ignore[union-attr]
    for layer in target.view_layers:
        layer.update()
    return build.Built(old.users_collection[0], old, eye, has_own_collection=False)


def _box_of(built: build.Built, result: Reconstruction) -> _Box:
    """Returns the box of a result and its camera."""
    places = frame.to_blender(result.scene_whole.vertices)
    corners = _Box(places.min(axis=0), places.max(axis=0)) if len(places) else _Box(np.zeros(3), np.zeros(3))
    whole = _Box.of(_corners(corners), built.mesh.matrix_world)
    eye = np.array(built.camera.matrix_world.translation, np.float64)
    return _Box(np.minimum(whole.low, eye), np.maximum(whole.high, eye))


def _corners(box: _Box) -> list[tuple[float, ...]]:
    sides = [(float(low), float(high)) for low, high in zip(box.low, box.high, strict=True)]
    return list(itertools.product(*sides))


def _boxes(layer: bpy.types.ViewLayer, built: build.Built) -> Iterator[_Box]:
    """Yields the boxes of all things with a surface that the layer shows, in views or renders, besides `built`."""
    for one in layer.objects:
        if one != built.mesh and one != built.camera and (one.visible_get(view_layer=layer) or not one.hide_render):
            yield from _boxes_of(one, one.matrix_world)


def _boxes_of(one: bpy.types.Object, matrix: Matrix) -> Iterator[_Box]:
    """Yields the box of an object that `matrix` takes to the world, or those of the collection that it is a copy of."""
    if one.type not in _WITHOUT_SURFACE:
        box = _Box.of(one.bound_box, matrix)
        if box.size.any():
            yield box
    elif one.instance_type == "COLLECTION" and one.instance_collection is not None:
        origin: Any = one.instance_collection.instance_offset
        inner = matrix @ Matrix.Translation(-origin)
        for part in one.instance_collection.all_objects:
            yield from _boxes_of(part, inner @ part.matrix_world)


def _is_around(box: _Box, own: _Box) -> bool:
    """Returns whether a result stands in a thing instead of beside it."""
    return bool((box.size[:2] > _SURROUNDINGS * own.size[:2]).all())


def _overlap(box: _Box, low: Doubles, high: Doubles) -> bool:
    return bool(((box.low < high) & (box.high > low)).all())
