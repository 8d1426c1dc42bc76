# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos where the user has them already: in the clipboard, an editor, a browser, or an empty that shows one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from ...core.photo.endings import PHOTO_ENDINGS
from .. import interface, state
from ..texts import n_, text
from . import choose, chosen


def paths_in(words: str) -> list[str]:
    """Returns the photos that a text names, one a line: by paths, also quoted, or by addresses of local files."""
    from urllib.parse import unquote, urlsplit

    found = []
    for line in words.splitlines():
        name = line.strip().strip("\"'")
        if name.lower().startswith("file:"):
            name = unquote(urlsplit(name).path)
            # On Windows "/C:/photos/cup.jpg".
            name = name[1:] if name[2:3] == ":" else name
        if name.lower().endswith(PHOTO_ENDINGS) and Path(name).is_file():
            found.append(name)
    return found


def image_here(context: Any) -> Any:
    """Returns the image under the mouse: of a field, of an asset, what an Image Editor or the active empty shows.

    None if there is none.
    """
    owner, item = getattr(context, "button_pointer", None), getattr(context, "button_prop", None)
    if owner is not None and item is not None:
        found = getattr(owner, item.identifier, None)
        if isinstance(found, bpy.types.Image):
            return found
    asset = getattr(context, "asset", None)
    if asset is not None:
        return asset.local_id if isinstance(asset.local_id, bpy.types.Image) else None
    space = context.space_data
    if space is None or space.type == "VIEW_3D":
        return image_of_empty(context.object)
    return space.image if space.type == "IMAGE_EDITOR" else None


def image_of_empty(owner: Any) -> Any:
    """Returns the image that an empty shows in the 3D view, as one that was dropped there; None for other objects."""
    shows_image = owner is not None and owner.type == "EMPTY" and owner.empty_display_type == "IMAGE"
    return owner.data if shows_image else None


def asset_here(context: Any) -> Any:
    """Returns the image asset of an asset library under the mouse, which is not in this file; None if there is none."""
    asset = getattr(context, "asset", None)
    return asset if asset is not None and asset.id_type == "IMAGE" and asset.local_id is None else None


def appended(asset: Any) -> Any:
    """Returns the image of an asset of a library, after adding it to this file; None if it is not there any more."""
    libraries: Any = bpy.data.libraries
    try:
        with libraries.load(asset.full_library_path) as (_, wanted):
            wanted.images = [asset.name]
    except OSError:
        return None
    # Blender has replaced the name by what it has read.
    return wanted.images[0]


def files_here(context: Any) -> list[str]:
    """Returns the photos that are selected in the File Browser under the mouse."""
    space = context.space_data
    if space is None or space.type != "FILE_BROWSER" or space.browse_mode != "FILES" or space.params is None:
        return []
    folder = Path(space.params.directory.decode("utf-8", "replace"))
    selected = getattr(context, "selected_files", None) or ()
    return [str(folder / one.relative_path) for one in selected if one.relative_path.lower().endswith(PHOTO_ENDINGS)]


class _Chooser(bpy.types.Operator):
    """Chooses a photo that the user has already."""

    bl_idname = "mono3d.chooser"
    bl_label = "Choose"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Returns whether no other job is running and the scene can be changed."""
        if state.current.run is not None:
            cls.poll_message_set(text(interface.BUSY))
            return False
        return interface.can_change_scene(cls, context)

    def use(self, context: bpy.types.Context, image: Any, paths: list[str]) -> None:
        """Chooses an image, else the photos at some paths."""
        scene: Any = context.scene
        if image is not None:
            scene.mono3d.image = image
        else:
            chosen.choose(scene.mono3d, paths)


class MONO3D_OT_paste_photo(_Chooser):
    """Use the picture in the clipboard, or the photos whose paths are there"""

    bl_idname = "mono3d.paste_photo"
    bl_label = "Paste photo"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> interface.Result:
        """Chooses it."""
        from . import clipboard

        manager: Any = context.window_manager
        paths = paths_in(manager.clipboard)
        image = None if paths or context.window is None else clipboard.image(context)
        if image is None and not paths:
            self.report({"ERROR"}, text("The clipboard has no picture that Blender can read; copy one, or its path."))
            return {"CANCELLED"}
        self.use(context, image, paths)
        return {"FINISHED"}


class MONO3D_OT_photo_here(_Chooser):
    """Turn this photo into a coloured mesh with a camera that matches it"""

    bl_idname = "mono3d.photo_here"
    bl_label = "Make 3D from this photo"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Returns whether there is a still picture here."""
        if not super().poll(context):
            return False
        image = image_here(context)
        if image is not None and not chosen.is_usable(image):
            cls.poll_message_set(text("This is no still picture"))
            return False
        return image is not None or asset_here(context) is not None or bool(files_here(context))

    def execute(self, context: bpy.types.Context) -> interface.Result:
        """Chooses it and starts."""
        image, asset = image_here(context), asset_here(context)
        if asset is not None:
            image = appended(asset)
            if image is None:
                words = n_("'{name}' is not in its asset library any more; refresh the Asset Browser.")
                self.report({"ERROR"}, text(words, name=asset.name))
                return {"CANCELLED"}
        self.use(context, image, files_here(context))
        return choose.generate(self)


CLASSES = (MONO3D_OT_paste_photo, MONO3D_OT_photo_here)
