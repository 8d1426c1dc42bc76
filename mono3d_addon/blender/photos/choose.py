# SPDX-License-Identifier: GPL-3.0-or-later
"""Choosing photos: in the panel, in the file browser, from the import menu, or by dropping files."""

import os
from typing import Any

import bpy
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from ...core.photo.endings import PHOTO_ENDINGS
from .. import interface, state
from ..texts import filled, label, text
from . import chosen

_FILTER = ";".join(f"*{suffix}" for suffix in PHOTO_ENDINGS)
_THUMBNAIL_SCALE, _SMALL_SCALE = 6.0, 3.0


def draw(layout: bpy.types.UILayout, values: Any, shown: bpy.types.Object | None = None) -> None:
    """Shows the fields to choose a photo, and the chosen one with size and source of the camera.

    Beside a result, `shown`, that is a smaller picture alone, and none of the photo that the result shows already or
    of the first of several, whose list takes its room.
    """
    column: Any = layout.column(align=True)
    if values.image:
        column.prop(values, "image", text="")
    else:
        row = column.row(align=True)
        row.prop(values, "photo", text="", placeholder="Photo")
        row.operator("mono3d.paste_photo", text="", icon="PASTEDOWN")
        row.operator("mono3d.open_photo", text="", icon="FILEBROWSER")
        if not values.photo:
            column.prop(values, "image", text="")
    if not chosen.is_any(values):
        label(column, "Choose a photo, or drop it here.", icon="INFO")
        return
    if len(values.more_photos):
        _draw_list(layout, values)
    line = state.current.photos.get(chosen.key(values))
    if line is None:
        return
    if line.problem:
        box = layout.box().column(align=True)
        box.alert = True
        for part in state.wrapped(filled(line.problem)):
            box.label(text=part, translate=False)
        return
    if shown is not None:
        if not len(values.more_photos) and not chosen.is_photo_of(values, shown):
            layout.template_icon(icon_value=line.icon, scale=_SMALL_SCALE)
        return
    box = layout.box()
    box.template_icon(icon_value=line.icon, scale=_THUMBNAIL_SCALE)
    about = box.column(align=True)
    for part in line.lines:
        about.label(text=part, translate=False)
    if values.field_of_view > 0.0:
        label(about, "Camera: your setting")
    else:
        for part in state.wrapped(text("Camera: {source}", source=line.camera)):
            about.label(text=part, translate=False)


def _draw_list(layout: Any, values: Any) -> None:
    """Shows the further photos, with buttons to add some and to remove the selected one."""
    label(layout, "and {count} more photos", count=len(values.more_photos))
    row = layout.row()
    row.template_list("MONO3D_UL_photos", "", values, "more_photos", values, "photo_index", rows=3)
    column = row.column(align=True)
    column.operator("mono3d.open_photo", text="", icon="ADD").add = True
    column.operator("mono3d.drop_photo", text="", icon="REMOVE")


class MONO3D_UL_photos(bpy.types.UIList):
    """The further photos, by the names of their files."""

    bl_idname = "MONO3D_UL_photos"

    def draw_item(
        self,
        context: Any,
        layout: Any,
        data: Any,
        item: Any,
        icon: Any,
        active_data: Any,
        active_property: Any,
        index: Any,
        flt_flag: Any,
    ) -> None:
        """Shows a photo."""
        layout.label(text=bpy.path.basename(item.name), icon="IMAGE_DATA", translate=False)


class MONO3D_OT_drop_photo(bpy.types.Operator):
    """Take the selected photo out of the list; its file stays"""

    bl_idname = "mono3d.drop_photo"
    bl_label = "Remove photo"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Returns whether there are further photos."""
        scene: Any = context.scene
        return scene is not None and scene.library is None and len(scene.mono3d.more_photos) > 0

    def execute(self, context: bpy.types.Context) -> interface.Result:
        """Removes it."""
        scene: Any = context.scene
        values = scene.mono3d
        values.more_photos.remove(min(values.photo_index, len(values.more_photos) - 1))
        values.photo_index = max(0, min(values.photo_index, len(values.more_photos) - 1))
        return {"FINISHED"}


def generate(operator: bpy.types.Operator) -> interface.Result:
    """Starts to generate meshes of the chosen photos, for another operator, which reports what is wrong."""
    operators: Any = bpy.ops.mono3d  # type: ignore[attr-defined]
    try:
        operators.generate("INVOKE_DEFAULT")
    except RuntimeError as error:
        operator.report({"ERROR"}, interface.failure_of(error))
        return {"CANCELLED"}
    return {"FINISHED"}


class _PhotoPicker(bpy.types.Operator, ImportHelper):
    """Opens the file browser for photos, or accepts dropped ones."""

    bl_idname = "mono3d.photo_picker"
    bl_label = "Photos"

    filter_glob: StringProperty(default=_FILTER, options={"HIDDEN"})  # type: ignore[valid-type]
    display_type: EnumProperty(  # type: ignore[valid-type]
        # Blender's file browser reads this property, with its own numbers.
        items=[("THUMBNAIL", "Thumbnails", "", 3)],
        default="THUMBNAIL",
        options={"HIDDEN", "SKIP_SAVE"},
    )
    files: CollectionProperty(  # type: ignore[valid-type]
        type=bpy.types.OperatorFileListElement, options={"HIDDEN", "SKIP_SAVE"}
    )
    directory: StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})  # type: ignore[valid-type]
    add: BoolProperty(  # type: ignore[valid-type]
        name="Add", description="Keep the photos that are chosen already", options={"HIDDEN", "SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Returns whether the scene can be changed."""
        return interface.can_change_scene(cls, context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Any:
        """Opens the file browser with thumbnails; dropped files are used at once."""
        picker: Any = self
        if self.directory and len(self.files):
            return picker.execute(context)
        return super().invoke(context, event)

    def execute(self, context: bpy.types.Context) -> interface.Result:
        """Chooses the photos; says so if there is none."""
        paths, target = self._paths(), context.scene
        if not paths:
            self.report({"ERROR"}, text("No photo is selected; click one in the file browser first."))
            return {"CANCELLED"}
        values: Any = target.mono3d  # type: ignore[union-attr]
        chosen.choose(values, [*(chosen.paths(values) if self.add else ()), *paths])
        return {"FINISHED"}

    def _paths(self) -> list[str]:
        """Returns the paths of the chosen files; with none selected, Blender gives the path of the folder."""
        found = [os.path.join(self.directory, item.name) for item in self.files if item.name]  # noqa: PTH118
        named: Any = self
        return [path for path in found or [named.filepath] if path and not os.path.isdir(bpy.path.abspath(path))]  # noqa: PTH112


class MONO3D_OT_open_photo(_PhotoPicker):
    """Choose one or several photos"""

    bl_idname = "mono3d.open_photo"
    bl_label = "Choose photo"
    bl_options = {"REGISTER", "UNDO"}


class MONO3D_OT_import_photo(_PhotoPicker):
    """Turn photos into coloured meshes with cameras that match them"""

    bl_idname = "mono3d.import_photo"
    bl_label = "Photo as 3D mesh"

    generate: BoolProperty(  # type: ignore[valid-type]
        name="Generate at once",
        description="Start at once with the settings of the scene; otherwise only choose the photos in the sidebar",
        default=True,
        options={"SKIP_SAVE"},
    )

    def execute(self, context: bpy.types.Context) -> interface.Result:
        """Chooses them and starts the operator that generates meshes."""
        result = super().execute(context)
        if not self.generate or "CANCELLED" in result:
            return result
        return generate(self)


class MONO3D_FH_photo(bpy.types.FileHandler):
    """Photos dropped into a 3D view, or onto its sidebar."""

    bl_idname = "MONO3D_FH_photo"
    bl_label = "Photo as 3D mesh (Mono3D)"
    bl_import_operator = "mono3d.import_photo"
    bl_file_extensions = ";".join(PHOTO_ENDINGS)

    @classmethod
    def poll_drop(cls, context: bpy.types.Context | None) -> bool:
        """Accepts them in 3D views."""
        return context is not None and context.area is not None and context.area.type == "VIEW_3D"


CLASSES = (MONO3D_UL_photos, MONO3D_OT_drop_photo, MONO3D_OT_open_photo, MONO3D_OT_import_photo, MONO3D_FH_photo)
