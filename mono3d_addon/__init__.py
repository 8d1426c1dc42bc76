# SPDX-License-Identifier: GPL-3.0-or-later
"""Mono3D: one photo in, a coloured, camera-matched 3D mesh out."""


def register() -> None:
    """Enables the add-on in Blender."""
    from .blender import registration

    registration.register()


def unregister() -> None:
    """Disables the add-on in Blender."""
    from .blender import registration

    registration.unregister()
