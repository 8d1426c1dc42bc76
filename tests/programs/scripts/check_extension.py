# SPDX-License-Identifier: GPL-3.0-or-later
"""In Blender: checks that the enabled extension is complete, processes a photo, and leaves nothing behind."""

import os
import sys
import time
from pathlib import Path

import bpy
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

sys.path.insert(0, str(Path(__file__).parent))
import ending

NAME = "bl_ext.user_default.mono3d"


def main(photo: str, data_folder: str) -> None:
    assert NAME in bpy.context.preferences.addons
    before = {"torch", "open3d", "timm"} & set(sys.modules)
    preferences = bpy.context.preferences.addons[NAME].preferences
    preferences.data_folder = data_folder
    scene = bpy.context.scene
    assert [cls for cls in dir(bpy.types) if cls.startswith("MONO3D_PT_")]
    scene.mono3d.photo = photo
    scene.mono3d.detail = 400
    assert bpy.ops.mono3d.generate() == {"FINISHED"}
    made = bpy.context.view_layer.objects.active
    camera = next(item for item in made.users_collection[0].objects if item.type == "CAMERA")
    assert bpy.ops.mono3d.look_through_camera() == {"FINISHED"}
    assert scene.camera == camera
    mesh = made.data
    assert len(mesh.polygons) > 100_000 and mesh.color_attributes["Color"] and mesh.uv_layers
    uv_of = {loop.vertex_index: mesh.uv_layers[0].uv[loop.index].vector for loop in mesh.loops[:3000]}
    for index, uv in uv_of.items():
        seen = world_to_camera_view(scene, camera, made.matrix_world @ Vector(mesh.vertices[index].co))
        assert abs(seen.x - uv.x) < 1e-4 and abs(seen.y - uv.y) < 1e-4, (index, seen, uv)
    assert not ({"torch", "open3d", "timm"} & set(sys.modules)) - before, (
        "the worker's libraries are in Blender's process"
    )
    try:
        bpy.ops.mono3d.generate(photos=photo + ".gone.jpg")
    except RuntimeError as error:
        assert "no file" in str(error), error
    else:
        raise AssertionError("a missing photo raised no error")
    times = []
    for _ in range(5):
        bpy.ops.preferences.addon_disable(module=NAME)
        began = time.perf_counter()
        bpy.ops.preferences.addon_enable(module=NAME)
        times.append(time.perf_counter() - began)
    bpy.ops.preferences.addon_disable(module=NAME)
    assert not [cls for cls in dir(bpy.types) if cls.startswith("MONO3D_")]
    assert not hasattr(bpy.types.Scene, "mono3d")
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    assert not children.exists() or not children.read_text().strip(), "the worker is still running"
    print(f"CHECKED register {1000 * min(times):.1f} ms")


ending.run(main)
