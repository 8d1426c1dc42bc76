# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the creation of a Blender mesh from a 1920x1080 grid. Run it with a Python that has bpy, or in Blender.

python3 benchmarks/blender_mesh.py
blender -b --python benchmarks/blender_mesh.py
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

try:
    import bpy
except ImportError:  # without bpy in this Python, use the installed packages
    from mono3d_addon import environment

    sys.path.insert(0, str(environment.require("scene", environment.default_data_folder())))
    import bpy

import numpy as np  # noqa: E402

from mono3d_addon.blender.scene import mesh_data  # noqa: E402
from mono3d_addon.core.camera.camera import Camera  # noqa: E402
from mono3d_addon.core.mesh.mesh import Mesh  # noqa: E402

WIDTH, HEIGHT, RUNS = 1920, 1080, 5


def grid() -> Mesh:
    """Returns the mesh of a complete grid over a wavy depth map."""
    camera = Camera.from_field_of_view(WIDTH, HEIGHT, 1.0, "benchmark")
    row, column = np.mgrid[:HEIGHT, :WIDTH]
    depth = (3.0 + np.sin(row / 90.0) * np.cos(column / 130.0)).astype(np.float32)
    vertices = camera.back_project(depth)
    number = (row * WIDTH + column).astype(np.int32)
    a, b, c, d = number[:-1, :-1], number[:-1, 1:], number[1:, :-1], number[1:, 1:]
    triangles = np.concatenate([np.stack(half, axis=2).reshape(-1, 3) for half in ((a, c, b), (b, c, d))])
    colors = np.random.default_rng(0).integers(0, 256, (len(vertices), 3), np.uint8)
    normals = np.tile(np.array([0.0, 0.0, -1.0], np.float32), (len(vertices), 1))
    return Mesh(vertices, triangles, camera.uv(vertices), colors, normals)


def main() -> None:
    mesh = grid()
    seconds = []
    for _ in range(RUNS):
        began = time.perf_counter()
        made = mesh_data.create("Grid", mesh, trusted=True)
        seconds.append(time.perf_counter() - began)
        bpy.data.meshes.remove(made)
    print(
        f"Blender {bpy.app.version_string}: {len(mesh.vertices):,} vertices, {len(mesh.triangles):,} triangles in "
        f"{statistics.median(seconds):.2f} s (median of {RUNS}, {min(seconds):.2f}-{max(seconds):.2f})"
    )


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # some bpy wheels crash at exit
