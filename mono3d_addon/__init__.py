# SPDX-License-Identifier: GPL-3.0-or-later
"""Mono3D: one photo in, a coloured, camera-matched 3D mesh out."""


def register() -> None:
    """Switches the add-on on, in Blender."""
    from .blender import registration

    registration.register()


def unregister() -> None:
    """Switches the add-on off."""
    from .blender import registration

    registration.unregister()
