# SPDX-License-Identifier: GPL-3.0-or-later
"""Mono3D from Python: one photo in, a coloured, camera-matched 3D mesh out.

    import mono3d

    cup = mono3d.reconstruct("cup.jpg", preset="best")
    cup.save("cup.glb")

The work is done in a process of its own, so that nothing beyond numpy is loaded into this one.
"""

from __future__ import annotations

from mono3d_addon.core.camera.camera import Camera
from mono3d_addon.core.mesh.mesh import Mesh
from mono3d_addon.errors import Mono3DError

from .reconstruction import Reconstruction
from .worker import Worker, reconstruct

__all__ = ["Camera", "Mesh", "Mono3DError", "Reconstruction", "Worker", "reconstruct"]
