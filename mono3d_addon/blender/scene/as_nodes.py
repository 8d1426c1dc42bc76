# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects whose surface Geometry Nodes make from a depth image: the values of their modifier's inputs.

The object's own mesh is the background behind near things, in the photo's own frame; the nodes move it along.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import bpy
from mathutils import Matrix

from ...core.arrays import Floats
from ...core.camera.camera import Camera
from ...core.camera.depth_strength import strengthened
from ...core.maps.exact_depth import for_source
from ...settings import Settings
from .. import names
from . import depth_image, frame, hand_made, reshaped, source, versions
from .nodes import depth_group
from .nodes import modifier as modifiers

KIND = "nodes"

_BY_SETTING = {
    "near": ("Near",),
    "far": ("Far",),
    "depth_strength": ("Strength",),
    "tear": ("Tear",),
    "edges": ("Tear",),
    "edge_aware": ("Keep slopes",),
    "min_island": ("Smallest island",),
}
"""The inputs that follow a setting. The user's own values of the others stay."""


def is_one(owner: bpy.types.Object) -> bool:
    """Returns whether nodes make an object's surface."""
    return owner.get(names.NODES) == KIND


def modifier_of(owner: bpy.types.Object) -> Any:
    """Returns the modifier that makes an object's surface; None if it was removed."""
    return modifiers.find(owner, modifiers.DEPTH)


def is_empty(owner: bpy.types.Object) -> bool:
    """Returns whether an object has no depth to show yet."""
    made = modifier_of(owner)
    return made is None or modifiers.get(made, "Depth image") is None


def add(owner: bpy.types.Object) -> Any:
    """Gives an object the modifier, with nothing to show yet, and returns it."""
    made: Any = owner.modifiers.new(modifiers.DEPTH, "NODES")
    made.node_group = depth_group.group()
    owner[names.NODES] = KIND
    return made


def show(
    owner: bpy.types.Object,
    depth: bpy.types.Image,
    photo: bpy.types.Image | None,
    camera: Camera,
    settings: Settings,
    *,
    is_exact: bool,
    before: Settings | None = None,
) -> None:
    """Makes an object show a depth image (see `depth_image`).

    settings  those that made the depth, with distances in numbers
    is_exact  whether the depth is the user's own, see `exact_depth.for_source`
    before    the settings shown until now: inputs that belong to unchanged ones stay; None sets all
    """
    made = modifier_of(owner)
    if made is None:
        return
    data: Any = owner.data
    measured = strengthened(settings)
    inputs = {
        "Depth image": depth,
        "Photo": photo,
        "Material": data.materials[0] if data.materials else None,
        "Measured near": measured.near,
        "Measured far": measured.far,
        **_camera_inputs(camera),
        **_changed(_chosen(settings, is_exact=is_exact), settings, before),
    }
    for name, value in inputs.items():
        modifiers.put(made, name, value)


def show_anew(users: Sequence[bpy.types.Object], depth: Floats, camera: Camera, settings: Settings) -> None:
    """Makes objects that share a mesh show other depth, float32 (rows, columns), metres, NaN where there is nothing.

    They still store the settings shown until now. Raises Mono3DError if the photo is gone.
    """
    image = depth_image.create(users[0].name, depth)
    old = set()
    for owner in users:
        made = modifier_of(owner)
        before = modifiers.get(made, "Depth image") if made is not None else None
        if before is not None:
            old.add(before)
        known = None if before is None else reshaped.stored_settings(owner)
        photo, is_exact = source.image_of(owner), source.is_exact(owner)
        show(owner, image, photo, camera, settings, is_exact=is_exact, before=known)
    # Not changed in place: undo brings back an image, but not its pixels.
    for one in (image, *old):
        if one.users == 0:
            bpy.data.images.remove(one)


def copy_of(owner: bpy.types.Object) -> bpy.types.Object:
    """Returns a new object in an object's place that shall show the same by nodes, with a camera; it is empty yet."""
    data = bpy.data.meshes.new(f"{owner.name} nodes")
    before: Any = owner.data
    for look in before.materials:
        data.materials.append(None if look is None else look.copy())
    made = bpy.data.objects.new(data.name, data)
    versions.adopt(owner, made)
    made[names.SETTINGS] = replace(reshaped.stored_settings(owner), build_as=KIND).to_json()
    add(made)
    hand_made.remember(data)
    return made


def _chosen(settings: Settings, *, is_exact: bool) -> Mapping[str, Any]:
    """Returns the inputs by which settings can be followed and changed."""
    return {
        "Near": settings.near,
        "Far": settings.far,
        "Strength": settings.depth_strength,
        "Tear": 0.0 if settings.edges == "connected" else settings.tear,
        "Keep slopes": settings.edge_aware,
        "Smallest island": for_source(settings, is_exact=is_exact).min_island,
    }


def _changed(inputs: Mapping[str, Any], settings: Settings, before: Settings | None) -> Mapping[str, Any]:
    if before is None:
        return inputs
    changed = {name for name in _BY_SETTING if getattr(settings, name) != getattr(before, name)}
    follow = {one for name in changed for one in _BY_SETTING[name]}
    return {name: value for name, value in inputs.items() if name in follow}


def _camera_inputs(camera: Camera) -> Mapping[str, Any]:
    pose: Any = Matrix(frame.pose(camera))
    return {
        "Focal length across": camera.fx / camera.width,
        "Focal length down": camera.fy / camera.height,
        "Centre across": camera.cx / camera.width,
        "Centre down": camera.cy / camera.height,
        "Camera position": tuple(pose.to_translation()),
        "Camera rotation": tuple(pose.to_euler()),
    }
