# SPDX-License-Identifier: GPL-3.0-or-later
"""What an object that Mono3D made tells of itself."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import bpy

from ...errors import Mono3DError
from ...settings import Settings
from .. import names

if TYPE_CHECKING:
    from ...core.camera.known_distances import KnownDistances


def target(context: bpy.types.Context) -> bpy.types.Object | None:
    """Returns the Mono3D mesh object that is active, itself or by its camera; None for others."""
    owner: Any = getattr(context, "active_object", None)
    if owner is not None and owner.type == "CAMERA" and names.is_ours(owner):
        owner = owner.parent
    return owner if owner is not None and owner.type == "MESH" and names.SETTINGS in owner else None


def camera_of(owner: bpy.types.Object | None) -> bpy.types.Object | None:
    """Returns the photo's camera object that belongs to `owner`, a mesh or that camera itself; None for others."""
    if owner is None or not names.is_ours(owner):
        return None
    if owner.type == "CAMERA":
        return owner
    return next((child for child in owner.children if child.type == "CAMERA" and names.is_ours(child)), None)


def stored_settings(owner: bpy.types.Object) -> Settings:
    """Returns the settings that made an object; the usual ones where those stored on it cannot be read."""
    return _parsed(str(owner.get(names.SETTINGS, "")))


@lru_cache(maxsize=64)
def _parsed(text: str) -> Settings:
    try:
        return Settings.from_json(text)
    except Mono3DError:
        return Settings()


def known_distances(owner: bpy.types.Object) -> KnownDistances | None:
    """Returns the measured distances of an object; None where it is not metric."""
    from ...core.camera.known_distances import KnownDistances

    text = owner.get(names.KNOWN)
    return KnownDistances.from_json(text) if text else None


def metric_words(owner: bpy.types.Object) -> str:
    """Returns what was measured of an object, for people; empty where nothing was."""
    return _measured(str(owner.get(names.KNOWN, "")))


@lru_cache(maxsize=64)
def _measured(text: str) -> str:
    from ...core.camera.known_distances import KnownDistances

    try:
        return KnownDistances.from_json(text).words if text else ""
    except Mono3DError:
        return ""


def refusal(owner: bpy.types.Object) -> str:
    """Returns the sentence why an object cannot be shaped at all; empty when it can."""
    data: Any = owner.data
    if owner.library is not None or data.library is not None:
        return f"'{owner.name}' comes from another file; use Object > Relations > Make Local to shape it."
    if owner.get(names.IMAGE) is None:
        return f"'{owner.name}' no longer has its photo in this file; generate it again from the photo."
    return ""
