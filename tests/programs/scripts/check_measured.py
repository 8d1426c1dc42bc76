# SPDX-License-Identifier: GPL-3.0-or-later
"""In Blender: makes a mesh of a photo by a worker whose network tells the truth (`tests/exact_worker.py`).

Arguments: photo, weights, model, folder of packages, that of the tests, and the file for the mesh. It gets `places`
(n, 3), float32, the vertices in Blender's frame, and `angle`, the camera's field of view in degrees.
"""

import importlib
import math
import sys
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import ending

NAME = "bl_ext.user_default.mono3d"


def main(photo, weights, model, data_folder, tests, out):
    bpy.context.preferences.addons[NAME].preferences.data_folder = data_folder
    client = importlib.import_module(f"{NAME}.mono3d_addon.worker.client")
    theirs = "from mono3d_addon.worker.server import main"
    assert theirs in client._START
    ours = f"sys.path.append({tests!r})\nfrom tests.exact_worker import work as main"
    client._START = client._START.replace(theirs, ours)
    values = bpy.context.scene.mono3d
    values.photo, values.model, values.weights = photo, model, weights
    values.detail, values.planes, values.edges, values.sky = 320, False, "tear", "remove"
    assert bpy.ops.mono3d.generate() == {"FINISHED"}
    made = bpy.context.view_layer.objects.active
    camera = next(item for item in made.users_collection[0].objects if item.type == "CAMERA")
    places = np.empty(3 * len(made.data.vertices), np.float32)
    made.data.vertices.foreach_get("co", places)
    np.savez(out, places=places.reshape(-1, 3), angle=math.degrees(camera.data.angle))
    state = sys.modules[f"{NAME}.mono3d_addon.blender.state"].current
    print(f"CHECKED {' '.join(state.messages)}")


ending.run(main)
