# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos for Blender's own exporters, in their file browser: OBJ and FBX only name a packed image, as a file beside
theirs. A button writes these files where the export will be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
from bpy.props import StringProperty

from ..core.files import atomic_write
from . import interface, mesh_export, names
from .scene import images
from .texts import label, text

_EXPORTERS = frozenset({"WM_OT_obj_export", "EXPORT_SCENE_OT_fbx"})
"""Blender's exporters that do not write packed images, FBX with the options that it has at first."""


class MONO3D_OT_write_photos(bpy.types.Operator):
    """Write the packed photos of Mono3D's meshes to this folder, under the names that the exported file gives them"""

    bl_idname = "mono3d.write_photos"
    bl_label = "Write Photos Here"
    bl_options = {"REGISTER", "INTERNAL"}

    directory: StringProperty(name="Folder", subtype="DIR_PATH", options={"SKIP_SAVE"})  # type: ignore[valid-type]

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Returns whether there is any."""
        return bool(_packed(context))

    def execute(self, context: bpy.types.Context) -> interface.Result:
        """Writes them."""
        folder = Path(bpy.path.abspath(self.directory) or _folder_of(context.space_data))
        try:
            written = [_write(image, folder) for image in _packed(context)]
        except OSError as error:
            self.report({"ERROR"}, text("'{path}' cannot be written: {why}", path=folder, why=error.strerror or error))
            return {"CANCELLED"}
        self.report(
            {"INFO"}, text("In {folder}: {names}.", folder=folder, names=", ".join(one.name for one in written))
        )
        return {"FINISHED"}


def _write(image: Any, folder: Path) -> Path:
    """Writes a packed image beside an exported file, and returns its path. No other file is replaced: the image gets
    another name instead."""
    content = image.packed_file.data
    path = folder / Path(image.filepath_raw).name
    while path.exists() and path.read_bytes() != content:
        path = path.with_name(f"{path.stem}_photo{path.suffix}")
    images.rename(image, path.name)
    with atomic_write(path) as whole:
        whole.write_bytes(content)
    return path


def _packed(context: bpy.types.Context) -> list[Any]:
    """Returns the packed images of Mono3D's meshes."""
    layer = context.view_layer
    ours = [one for one in layer.objects if names.is_ours(one)] if layer is not None else []
    return [image for image in mesh_export.images_of(ours) if image.packed_file is not None]


def _folder_of(space: Any) -> str:
    return str(space.params.directory.decode("utf-8", "replace"))


class MONO3D_PT_export_photos(bpy.types.Panel):
    """Says what becomes of packed photos, in the file browser of an exporter that does not write them."""

    bl_space_type = "FILE_BROWSER"
    # Beside the list of files: the exporter's own options are longer than the window, and panels come after them.
    bl_region_type = "TOOLS"
    bl_category = "Bookmarks"
    bl_label = "Photos of Mono3D"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Returns whether such an exporter is about to leave out photos."""
        space: Any = context.space_data
        operator = space.active_operator
        if operator is None or operator.bl_idname not in _EXPORTERS:
            return False
        embeds = getattr(operator, "embed_textures", False) and operator.path_mode == "COPY"
        return not embeds and bool(_packed(context))

    def draw(self, context: bpy.types.Context) -> None:
        """Shows the button."""
        layout: Any = self.layout
        column = layout.column(align=True)
        label(column, "Packed photos are not written", icon="INFO")
        column.operator("mono3d.write_photos", icon="IMAGE_DATA")


CLASSES = (MONO3D_OT_write_photos, MONO3D_PT_export_photos)
