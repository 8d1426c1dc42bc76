# SPDX-License-Identifier: GPL-3.0-or-later
"""In Blender: makes a mesh of a photo as a user does after dropping the zip, and stores it.

Arguments: a photo, the folder of packages or "" for the extension's own, and the file for the mesh. It gets arrays
`places` (n, 3), float32, the vertices in the camera's frame, and `uvs` (n, 2), and the text `about` with JSON.
"""

import json
import sys
import time
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import ending

NAME = "bl_ext.user_default.mono3d"
FOREIGN = {"torch", "open3d", "timm", "PIL", "openvino"}


def main(photo, data_folder, out):
    assert NAME in bpy.context.preferences.addons
    before = list(sys.path), set(sys.modules)
    if data_folder:
        bpy.context.preferences.addons[NAME].preferences.data_folder = data_folder
    values = bpy.context.scene.mono3d
    values.photo = photo
    values.tiles = "off"
    began = time.perf_counter()
    assert bpy.ops.mono3d.generate() == {"FINISHED"}
    seconds = time.perf_counter() - began
    state = sys.modules[f"{NAME}.mono3d_addon.blender.state"].current
    made = bpy.context.view_layer.objects.active
    mesh = made.data
    assert sys.path == before[0], "the import path has changed"
    assert not (set(sys.modules) - before[1]) & FOREIGN, "the worker's libraries are in Blender's process"
    image = next(item for item in bpy.data.images if (item.size[0] > 16 and item.packed_file) or item.filepath)
    store(
        mesh,
        out,
        {
            "seconds": seconds,
            "messages": list(state.messages),
            "faces": len(mesh.polygons),
            "picture": list(image.size),
            "own folder": bpy.utils.extension_path_user(NAME),
            "operators": [cls for cls in dir(bpy.types) if cls.startswith("MONO3D_OT_")],
        },
    )
    print(f"CHECKED {seconds:.2f} s from the button to the mesh; {' '.join(state.messages)}")


def store(mesh, out, about):
    count = len(mesh.vertices)
    places, corners = np.empty(3 * count, np.float32), np.empty(len(mesh.loops), np.int32)
    mesh.vertices.foreach_get("co", places)
    mesh.loops.foreach_get("vertex_index", corners)
    of_corners = np.empty(2 * len(corners), np.float32)
    mesh.uv_layers[0].data.foreach_get("uv", of_corners)
    uvs = np.full((count, 2), np.nan, np.float32)
    uvs[corners] = of_corners.reshape(-1, 2)
    np.savez(out, places=places.reshape(-1, 3), uvs=uvs, about=json.dumps(about))


ending.run(main)
