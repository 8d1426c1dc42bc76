# SPDX-License-Identifier: GPL-3.0-or-later
"""Exports meshes as OBJ or FBX with their textures, which Blender's own entries leave out while they are packed.

Blender's OBJ exporter only names packed images, and FBX embeds them with options that are off by default.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
from bpy.props import EnumProperty, StringProperty

from ..core.files import atomic_write
from . import interface
from .scene import images, reshaped
from .texts import text

_SUFFIXES = (".obj", ".fbx")


class MONO3D_OT_export_mesh(bpy.types.Operator):
    """Write the selected meshes as OBJ or FBX together with their textures"""

    bl_idname = "mono3d.export_mesh"
    bl_label = "Export with Textures"
    bl_options = {"REGISTER"}

    filepath: StringProperty(name="File", subtype="FILE_PATH")  # type: ignore[valid-type]
    filter_glob: StringProperty(default="*.obj;*.fbx", options={"HIDDEN"})  # type: ignore[valid-type]
    kind: EnumProperty(  # type: ignore[valid-type]
        name="Format",
        items=[
            (".obj", "OBJ", "Textures lie beside the file"),
            (".fbx", "FBX", "Textures are inside the file"),
        ],
        default=".obj",
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Returns whether a mesh made by Mono3D is active."""
        return context.mode == "OBJECT" and reshaped.target(context) is not None

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> interface.Result:
        """Opens the file browser."""
        owner, manager = reshaped.target(context), context.window_manager
        if owner is None or manager is None:
            return {"CANCELLED"}
        folder = Path(bpy.data.filepath).parent if bpy.data.filepath else Path.home()
        self.filepath = str(folder / f"{bpy.path.clean_name(owner.name)}{self.kind}")
        manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def check(self, context: bpy.types.Context) -> bool:
        """Makes the file's name follow the format; returns whether it has changed."""
        wanted = str(_with_suffix(self.filepath, self.kind))
        self.filepath, before = wanted, self.filepath
        return bool(wanted != before)

    def execute(self, context: bpy.types.Context) -> interface.Result:
        """Writes the files."""
        given = Path(bpy.path.abspath(self.filepath))
        suffix = given.suffix.lower() if given.suffix.lower() in _SUFFIXES else self.kind
        path = _with_suffix(str(given), suffix)
        owner = reshaped.target(context)
        if owner is None or not given.name:
            return {"CANCELLED"}
        owner.select_set(True)
        try:
            if suffix == ".fbx":
                _export_fbx(path)
            else:
                _export_obj(path, [one for one in context.selected_objects if one.type == "MESH"])
        except (RuntimeError, OSError) as error:
            self.report({"ERROR"}, text("'{path}' cannot be written: {why}", path=path, why=str(error).strip()))
            return {"CANCELLED"}
        self.report({"INFO"}, text("{name} and its textures are in {folder}.", name=path.name, folder=path.parent))
        return {"FINISHED"}


def _with_suffix(path: str, suffix: str) -> Path:
    chosen = Path(path)
    return chosen.with_suffix(suffix) if chosen.suffix.lower() in _SUFFIXES else Path(f"{path}{suffix}")


def _export_fbx(path: Path) -> None:
    bpy.ops.export_scene.fbx(
        filepath=str(path), use_selection=True, object_types={"MESH"}, path_mode="COPY", embed_textures=True
    )


def _export_obj(path: Path, owners: list[bpy.types.Object]) -> None:
    packed = [image for image in images_of(owners) if image.packed_file is not None]
    with images.at_paths({image: _path_beside(path, image) for image in packed}):
        bpy.ops.wm.obj_export(filepath=str(path), export_selected_objects=True, path_mode="COPY")
        for image in packed:
            with atomic_write(path.with_name(Path(image.filepath_raw).name)) as whole:
                whole.write_bytes(image.packed_file.data)


def images_of(owners: list[bpy.types.Object]) -> list[Any]:
    """Returns the images in the materials of objects."""
    materials = {slot.material for owner in owners for slot in owner.material_slots}
    trees = [one.node_tree for one in materials if one is not None and one.node_tree is not None]
    found = {node.image for tree in trees for node in tree.nodes if isinstance(node, bpy.types.ShaderNodeTexImage)}
    return [image for image in found if image is not None]


def _path_beside(path: Path, image: Any) -> str:
    """Returns a path for an image beside the file `path`, with a name that belongs to it and replaces no other file."""
    return f"//{path.stem}_{bpy.path.clean_name(image.name)}{Path(image.filepath_raw).suffix}"


CLASSES = (MONO3D_OT_export_mesh,)
