# SPDX-License-Identifier: GPL-3.0-or-later
"""In Blender: makes a mesh of a photo, exports it with both shadings, imports it again, and measures what it shows.

Arguments: a photo, and a folder for the exported files. The last line printed is JSON: for each format that this
Blender has, each shading and each material the socket that shows its image, the mean difference of the image's pixels
from the original's (0..255), and the largest of the texture coordinates from where the photo's camera sees the corner.
"""

import json
import sys
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import ending

NAME = "bl_ext.user_default.mono3d"


def main(photo, folder):
    # In an empty scene the photo's camera stays at the origin.
    for one in list(bpy.data.objects):
        bpy.data.objects.remove(one)
    values = bpy.context.scene.mono3d
    values.photo, values.tiles, values.detail, values.edges = photo, "off", 96, "fill"
    assert bpy.ops.mono3d.generate() == {"FINISHED"}
    owner = bpy.context.view_layer.objects.active
    camera = json.loads(owner["mono3d_camera"])
    originals = [pixels_of(shown(slot.material)[1]) for slot in owner.material_slots]
    assert len(originals) == 2, "there is no filled background"
    found = []
    for shading in ("emission", "principled"):
        bpy.context.window_manager.mono3d_shape.shading = shading
        for kind in kinds():
            path = Path(folder) / shading / kind / f"cup.{kind.split()[0]}"
            path.parent.mkdir(parents=True, exist_ok=True)
            for made in exported_and_imported(kind, path):
                found += [(kind, shading, *row) for row in measured(made, camera, originals)]
            bpy.context.view_layer.objects.active = owner
    print(json.dumps(found))


def kinds():
    built = [kind for kind in ("usd", "alembic") if getattr(bpy.app, kind).supported]
    return ["obj", "fbx", "obj by Blender", "fbx by Blender", "glb", *(["usdc"] if "usd" in built else [])]


def exported_and_imported(kind, path):
    """Yields the meshes that were read back, and removes them afterwards."""
    for one in bpy.context.view_layer.objects:
        one.select_set(one == bpy.context.view_layer.objects.active)
    before = set(bpy.data.objects)
    if kind.endswith(" by Blender"):
        kind = kind.split()[0]
        assert bpy.ops.mono3d.write_photos(directory=str(path.parent)) == {"FINISHED"}
        if kind == "obj":
            bpy.ops.wm.obj_export(filepath=str(path), export_selected_objects=True)
        else:
            bpy.ops.export_scene.fbx(filepath=str(path), use_selection=True)
    elif kind in ("obj", "fbx"):
        assert bpy.ops.mono3d.export_mesh(filepath=str(path)) == {"FINISHED"}
    elif kind == "glb":
        bpy.ops.export_scene.gltf(filepath=str(path), use_selection=True)
    else:
        bpy.ops.wm.usd_export(filepath=str(path), selected_objects_only=True)
    {
        "obj": bpy.ops.wm.obj_import,
        "fbx": bpy.ops.import_scene.fbx,
        "glb": bpy.ops.import_scene.gltf,
        "usdc": bpy.ops.wm.usd_import,
    }[kind](filepath=str(path))
    bpy.context.view_layer.update()
    made = list(set(bpy.data.objects) - before)
    yield from (one for one in made if one.type == "MESH")
    for one in made:
        bpy.data.objects.remove(one)


def shown(material):
    """Returns the socket at which a material shows its picture, and the image."""
    tree = material.node_tree
    shader = tree.get_output_node("ALL").inputs["Surface"].links[0].from_node
    if shader.type == "MIX_SHADER":
        shader = next(node for node in tree.nodes if node.type == "EMISSION")
    for name in ("Base Color", "Color"):
        if name in shader.inputs and shader.inputs[name].is_linked:
            node = shader.inputs[name].links[0].from_node
            while node.type == "MIX":  # by vertex colours, see test_exports.py
                below = [link.from_node for one in node.inputs for link in one.links]
                node = next(one for one in below if one.type != "VERTEX_COLOR")
            return f"{shader.type} {name}", node.image
    raise AssertionError(f"{material.name} shows no image")


def pixels_of(image):
    values = np.empty(image.size[0] * image.size[1] * 4, np.float32)
    image.pixels.foreach_get(values)
    return values.reshape(image.size[1], image.size[0], 4)[:, :, :3] * 255


def measured(made, camera, originals):
    data = made.data
    corners, uv = np.empty(len(data.loops), np.int32), np.empty(2 * len(data.loops), np.float32)
    data.loops.foreach_get("vertex_index", corners)
    data.uv_layers.active.data.foreach_get("uv", uv)
    places = np.array([made.matrix_world @ vertex.co for vertex in data.vertices])[corners]
    across = (camera["fx"] * places[:, 0] / places[:, 1] + camera["cx"]) / camera["width"]
    up = 1.0 - (camera["cy"] - camera["fy"] * places[:, 2] / places[:, 1]) / camera["height"]
    error = float(np.abs(np.stack([across, up], 1) - uv.reshape(-1, 2)).max())
    for slot in sorted({polygon.material_index for polygon in data.polygons}):
        material = made.material_slots[slot].material
        socket, image = shown(material)
        pixels = pixels_of(image)
        original = originals[1 if "behind" in material.name else 0]
        assert pixels.shape == original.shape, f"{image.filepath}: {pixels.shape}"
        yield socket, "behind" in material.name, float(np.abs(pixels - original).mean()), error


ending.run(main)
