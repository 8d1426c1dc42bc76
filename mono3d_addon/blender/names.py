# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's name in Blender, and the custom properties that it stores."""

from __future__ import annotations

from typing import Any


def package_of(module_package: str) -> str:
    """Returns the name under which Blender knows the add-on, given the `__package__` of this folder's modules.

    `bl_ext.<repository>.mono3d` as an extension, else the top folder's name: `mono3d_addon` from a checkout.
    """
    parts = module_package.split(".")
    return ".".join(parts[: max(1, len(parts) - 2)])


CAMERA = "mono3d_camera"
"""Custom property of the mesh object and of the camera object: the photo's camera as JSON."""

SETTINGS = "mono3d_settings"
"""Custom property of the mesh object: the settings as JSON."""

PHOTO = "mono3d_photo"
"""Custom property of the mesh object: path of the photo."""

IMAGE = "mono3d_image"
"""Custom property of the mesh object: the image of the photo, which also holds the disparity (see `source`)."""

RESOLVED = "mono3d_resolved"
"""Custom property of the mesh object: near, far and field of view with their sources, as JSON."""

KNOWN = "mono3d_known_distances"
"""Custom property of the mesh object: measured distances as JSON, if there are any."""

DRAFT = "mono3d_draft"
"""Custom property of the mesh object: true while its mesh is a draft of what the settings ask for."""

DEPTH = "mono3d_depth"
"""Custom property of an image that shows a photo's depth: the photo's name."""

DEPTH_KIND = "mono3d_depth_kind"
"""Custom property of the same image: "disparity" or "depth"."""

DIGEST = "mono3d_digest"
"""Custom property of the mesh: a digest of it when Mono3D made it, to detect edits."""


NODES = "mono3d_nodes"
"""Custom property of an object made by Geometry Nodes, its kind: "nodes" or "points". Of a node group: its version."""


POINTS = "points"
"""The kind of an object that is a point cloud."""


def is_points(owner: Any) -> bool:
    """Returns whether an object, or None, is a point cloud of Mono3D."""
    return owner is not None and owner.get(NODES) == POINTS


def is_ours(owner: Any) -> bool:
    """Returns whether an object, or None, was made by Mono3D."""
    return owner is not None and CAMERA in owner


PACKAGE = package_of(__package__)
IS_EXTENSION = PACKAGE.startswith("bl_ext.")
