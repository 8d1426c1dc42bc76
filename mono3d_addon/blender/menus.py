# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's entries in Blender's menus, through which the search (F3) finds its operators."""

from typing import Any

import bpy

from .photos import found_here


class MONO3D_MT_object(bpy.types.Menu):
    """The add-on's operators for the 3D view."""

    bl_idname = "MONO3D_MT_object"
    bl_label = "Mono3D"

    def draw(self, context: bpy.types.Context | None) -> None:
        """Shows the operators."""
        layout: Any = self.layout
        for name in (
            "open_photo",
            "paste_photo",
            "generate",
            "show_depth",
            "cancel",
            "look_through_camera",
            "render_like_photo",
            "as_nodes",
            "as_points",
        ):
            layout.operator(f"mono3d.{name}")


def _draw_import(menu: bpy.types.Menu, context: bpy.types.Context) -> None:
    layout: Any = menu.layout
    layout.operator("mono3d.import_photo", text="Photo as 3D mesh (Mono3D)")


def _draw_export(menu: bpy.types.Menu, context: bpy.types.Context) -> None:
    layout: Any = menu.layout
    layout.operator("mono3d.export_mesh", text="Photo mesh with textures (.obj/.fbx) (Mono3D)")


def _draw_add(menu: bpy.types.Menu, context: bpy.types.Context) -> None:
    if context.mode == "OBJECT":
        layout: Any = menu.layout
        layout.operator("mono3d.import_photo", text="Photo (Mono3D)", icon="IMAGE_DATA")


def _draw_object(menu: bpy.types.Menu, context: bpy.types.Context) -> None:
    layout: Any = menu.layout
    layout.separator()
    layout.menu("MONO3D_MT_object")


def _draw_here(menu: bpy.types.Menu, context: bpy.types.Context) -> None:
    layout: Any = menu.layout
    layout.separator()
    layout.operator("mono3d.photo_here", icon="MESH_GRID")


def _draw_button(menu: bpy.types.Menu, context: bpy.types.Context) -> None:
    """Shows the entry for fields that hold an image, such as that of an Image Editor."""
    item = getattr(context, "button_prop", None)
    if item is not None and item.type == "POINTER" and item.fixed_type.identifier == "Image":
        _draw_here(menu, context)


def _draw_empty(menu: bpy.types.Menu, context: bpy.types.Context) -> None:
    """Shows the entry for an empty that shows an image, which is what Blender makes of one dropped into the view."""
    if found_here.image_of_empty(context.object) is not None:
        _draw_here(menu, context)


ENTRIES = (
    ("TOPBAR_MT_file_import", _draw_import),
    ("TOPBAR_MT_file_export", _draw_export),
    ("VIEW3D_MT_mesh_add", _draw_add),
    ("VIEW3D_MT_object", _draw_object),
    ("VIEW3D_MT_object_context_menu", _draw_empty),
    ("IMAGE_MT_image", _draw_here),
    ("UI_MT_button_context_menu", _draw_button),
    ("FILEBROWSER_MT_context_menu", _draw_here),
    ("ASSETBROWSER_MT_context_menu", _draw_here),
)
"""Name of Blender's menu, and the function that draws the add-on's entry in it."""


def register() -> None:
    """Adds the entries."""
    for name, draw in ENTRIES:
        getattr(bpy.types, name).append(draw)


def unregister() -> None:
    """Removes the entries."""
    for name, draw in ENTRIES:
        getattr(bpy.types, name).remove(draw)


CLASSES = (MONO3D_MT_object,)
