# SPDX-License-Identifier: GPL-3.0-or-later
"""In Blender: uses the extension of a repository before or after its upgrade, and tells what is there.

Arguments: "before", "after" or "removed", the module of the extension, a photo, the folder of installed environments,
the .blend file of the scene, and the file for the answer in JSON.
"""

import json
import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
import ending

VALUES = {"detail": 300, "near": 0.5, "far": 4.0, "edges": "tear"}


def main(phase, module, photo, environments, scene_file, out):
    answer = {"enabled": module in bpy.context.preferences.addons}
    if phase == "removed":
        answer["classes"] = [cls for cls in dir(bpy.types) if cls.startswith("MONO3D_")]
    else:
        own = Path(bpy.utils.extension_path_user(module, create=True))
        preferences = bpy.context.preferences.addons[module].preferences
        if phase == "before":
            # What Install leaves there, without a second installation.
            (own / "environments").symlink_to(environments)
            (own / "models").mkdir()
            (own / "models" / "kept.txt").write_text("a model")
            preferences.wheelhouse = "/mono3d/wheelhouse"
            preferences.backend = "cpu"
            for name, value in VALUES.items():
                setattr(bpy.context.scene.mono3d, name, value)
            bpy.context.scene.mono3d.photo = photo
            generate(answer, module)
            bpy.ops.wm.save_userpref()
            bpy.ops.wm.save_as_mainfile(filepath=scene_file)
        else:
            bpy.ops.wm.open_mainfile(filepath=scene_file)
            made = next(item for item in bpy.data.objects if "mono3d_settings" in item)
            bpy.context.view_layer.objects.active = made
            made.select_set(True)
            answer["faces before"] = len(made.data.polygons)
            answer["farthest"] = max(vertex.co.y for vertex in made.data.vertices)
            assert bpy.ops.mono3d.reshape(far=2.0) == {"FINISHED"}
            answer["farthest, reshaped"] = max(vertex.co.y for vertex in made.data.vertices)
            generate(answer, module)
        scene = bpy.context.scene.mono3d
        answer["scene"] = {name: getattr(scene, name) for name in (*VALUES, "photo")}
        answer["preferences"] = {name: getattr(preferences, name) for name in ("data_folder", "wheelhouse", "backend")}
        answer["own folder"] = str(own)
        answer["kept"] = (own / "models" / "kept.txt").read_text()
        manifest = Path(sys.modules[module].__file__).with_name("blender_manifest.toml").read_text()
        answer["version"] = next(one for one in manifest.splitlines() if one.startswith("version")).split('"')[1]
    Path(out).write_text(json.dumps(answer))


def generate(answer, module):
    assert bpy.ops.mono3d.generate() == {"FINISHED"}
    state = sys.modules[f"{module}.mono3d_addon.blender.state"].current
    answer["messages"] = list(state.messages)
    answer["faces"] = len(bpy.context.view_layer.objects.active.data.polygons)


ending.run(main)
