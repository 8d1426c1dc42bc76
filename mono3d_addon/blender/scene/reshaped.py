# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what Mono3D stored on an object that it made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import bpy

from ...errors import Mono3DError
from ...settings import Settings
from .. import names
from ..texts import text

if TYPE_CHECKING:
    from ...core.camera.automatic import Resolved
    from ...core.camera.known_distances import KnownDistances

_SINCE: Mapping[str, Any] = MappingProxyType({"planes": False})
"""Settings that objects of earlier versions do not store, with the values that keep their shape."""


def target(context: bpy.types.Context) -> bpy.types.Object | None:
    """Returns the Mono3D mesh object that is active, itself or through its camera; None for others."""
    owner: Any = getattr(context, "active_object", None)
    if owner is not None and owner.type == "CAMERA" and names.is_ours(owner):
        owner = owner.parent
    is_mesh = owner is not None and owner.type == "MESH" and names.SETTINGS in owner
    # Points are vertices in some versions of Blender, but no surface.
    return owner if is_mesh and owner.get(names.NODES) != "points" else None


def camera_of(owner: bpy.types.Object | None) -> bpy.types.Object | None:
    """Returns the photo's camera object that belongs to `owner`, a mesh or that camera itself; None for others."""
    if owner is None or not names.is_ours(owner):
        return None
    if owner.type == "CAMERA":
        return owner
    return next((child for child in owner.children if child.type == "CAMERA" and names.is_ours(child)), None)


def own_camera_of(owner: bpy.types.Object) -> bpy.types.Object | None:
    """Returns the camera object that follows a mesh; None if there is none, or if it belongs to another file."""
    eye = camera_of(owner)
    if eye is None or eye.library is not None or eye.data is None or eye.data.library is not None:
        return None
    return eye


def with_uid(uid: int) -> bpy.types.Object | None:
    """Returns the object with a `session_uid`; None if it is gone."""
    return next((one for one in bpy.data.objects if one.session_uid == uid), None)


def sharing(owner: bpy.types.Object) -> list[bpy.types.Object]:
    """Returns the objects that share an object's mesh, itself first."""
    data: Any = owner.data
    others = (one for one in bpy.data.objects if one.data == data) if data.users > 1 else ()
    return [owner, *(one for one in others if one != owner and names.is_ours(one) and one.library is None)]


def with_same_photo(owner: bpy.types.Object) -> list[bpy.types.Object]:
    """Returns the meshes, in this file, of an object's photo: those that use the same image."""
    image = owner.get(names.IMAGE)
    return [one for one in bpy.data.objects if one.get(names.IMAGE) == image and one.library is None]


def stored_settings(owner: bpy.types.Object) -> Settings:
    """Returns the settings that made an object; the default of each one that cannot be read."""
    return _parsed(str(owner.get(names.SETTINGS, "")))[0]


def stored_problems(owner: bpy.types.Object) -> tuple[str, ...]:
    """Returns a sentence for each stored setting that cannot be read."""
    return _parsed(str(owner.get(names.SETTINGS, "")))[1]


@lru_cache(maxsize=64)
def _parsed(text: str) -> tuple[Settings, tuple[str, ...]]:
    return Settings.repaired(text, _SINCE)


def stored_resolved(owner: bpy.types.Object) -> Resolved | None:
    """Returns near, far and field of view of an object with their sources; None for one of an earlier version."""
    from ...core.camera.automatic import Resolved

    text = str(owner.get(names.RESOLVED, ""))
    try:
        return Resolved.from_json(text) if text else None
    except Mono3DError:
        return None


def is_panorama(owner: bpy.types.Object) -> bool:
    """Returns whether an object was made from a panorama."""
    return '"equirectangular"' in str(owner.get(names.CAMERA, ""))


def guess_words(owner: bpy.types.Object) -> str:
    """Returns the distances of an object in words if they had to be guessed; empty if not."""
    return _guessed(str(owner.get(names.RESOLVED, "")))


@lru_cache(maxsize=64)
def _guessed(text: str) -> str:
    # The panel reads this; `Resolved` would import numpy, which takes longer than a frame.
    try:
        return str(json.loads(text)["guess"]) if text else ""
    except (ValueError, KeyError, TypeError):
        return ""


def known_distances(owner: bpy.types.Object) -> KnownDistances | None:
    """Returns the measured distances of an object; None if it has none."""
    from ...core.camera.known_distances import KnownDistances

    text = owner.get(names.KNOWN)
    return KnownDistances.from_json(text) if text else None


def metric_words(owner: bpy.types.Object) -> str:
    """Returns the measured distances of an object in words; empty if it has none."""
    return _measured(str(owner.get(names.KNOWN, "")))


@lru_cache(maxsize=64)
def _measured(text: str) -> str:
    from ...core.camera.known_distances import KnownDistances

    try:
        return KnownDistances.from_json(text).words if text else ""
    except Mono3DError:
        return ""


def edited_message(owner: bpy.types.Object) -> str:
    """Returns the message for a mesh that was edited by hand."""
    return text(
        "The mesh of '{name}' was edited by hand. Reshape replaces it; Keep leaves it as it is.", name=owner.name
    )


def refusal(owner: bpy.types.Object) -> str:
    """Returns why an object cannot be reshaped; empty if it can."""
    data: Any = owner.data
    if owner.library is not None or data.library is not None:
        return text(
            "'{name}' comes from another file; use Object > Relations > Make Local to reshape it.", name=owner.name
        )
    if owner.get(names.IMAGE) is None:
        return without_photo(owner)
    return ""


def without_photo(owner: bpy.types.Object) -> str:
    """Returns the message for an object whose photo is gone."""
    return text("'{name}' no longer has its photo in this file; generate it again from the photo.", name=owner.name)
