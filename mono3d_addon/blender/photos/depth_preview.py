# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows the depth of the chosen photo without building a mesh: as a coloured image and in metres."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from .. import interface, names, state
from ..texts import label, text
from . import running, thumbnails

if TYPE_CHECKING:
    from ...core.arrays import Floats

_SIDE = 256
_THUMBNAIL_SCALE = 8.0


def draw(layout: bpy.types.UILayout) -> None:
    """Shows the button and the last depth with its range of distances."""
    layout.operator("mono3d.show_depth", icon="IMAGE_DATA")
    line = state.current.depth
    if line is None:
        return
    box: Any = layout.box()
    box.template_icon(icon_value=line.icon, scale=_THUMBNAIL_SCALE)
    about = box.column(align=True)
    about.label(text=state.current.depth_of, translate=False)
    for part in line.lines:
        about.label(text=part, translate=False)
    label(about, "Images in this file:")
    for name in state.current.depth_images:
        about.label(text=name, icon="IMAGE_DATA", translate=False)


def make_images(photo: str, disparity: Floats, depth: Floats) -> tuple[bpy.types.Image, bpy.types.Image]:
    """Returns the two images of a photo's depth; existing ones are reused.

    `disparity`, float32 (h, w), is coloured from dark (far) to bright (near). `depth`, float32 (rows, columns) in
    metres, becomes a 32-bit non-colour image with three equal channels; its alpha is 0 where there is no depth.
    """
    import numpy as np

    from ...core.maps.colour_map import coloured
    from ...core.maps.disparity import normalise

    pictures = []
    for kind, values in (("disparity", disparity), ("depth", depth)):
        rows, columns = values.shape
        rgba = np.ones((rows, columns, 4), dtype=np.float32)
        if values is depth:
            known = np.isfinite(depth)
            rgba[..., :3] = np.where(known, depth, np.float32(0.0))[..., None]
            rgba[..., 3] = known
        else:
            rgba[..., :3] = coloured(normalise(disparity, 1.0)) / np.float32(255.0)
        picture = _image(photo, kind, columns, rows, is_float=values is depth)
        pixels: Any = picture.pixels
        pixels.foreach_set(rgba[::-1].reshape(-1))
        picture.pack()
        picture.update()
        pictures.append(picture)
    return pictures[0], pictures[1]


def _image(photo: str, kind: str, width: int, height: int, *, is_float: bool) -> Any:
    """Returns the photo's image of this kind: an existing one, with all its users, else a new one.

    Images are identified by custom properties, because Blender shortens long names and numbers duplicates.
    """
    images: Any = bpy.data.images
    ours = [one for one in images if one.get(names.DEPTH) == photo and one.get(names.DEPTH_KIND) == kind]
    found = next((one for one in ours if one.library is None and one.is_float == is_float), None)
    if found is not None:
        if tuple(found.size) != (width, height):
            found.scale(width, height)
        return found
    made = images.new(f"{photo} {kind}", width, height, alpha=True, float_buffer=is_float, is_data=is_float)
    made[names.DEPTH], made[names.DEPTH_KIND] = photo, kind
    return made


class MONO3D_OT_show_depth(running.PhotoJob):
    """Show the depth of the photo as a coloured image (bright is near) and as a 32-bit image in metres. ESC cancels"""

    bl_idname = "mono3d.show_depth"
    bl_label = "Show depth"
    task = "depth"

    def build(self, folder: Path, target: bpy.types.Scene) -> None:
        """Creates the images, as one undo step."""
        from ...core import reconstruction
        from ...core.maps.colour_map import coloured
        from ...core.maps.disparity import normalise

        disparity, depth = reconstruction.load_depth(folder)
        run = state.current.run
        photo = run.photo.stem if run is not None else target.name
        pictures = make_images(photo, disparity, depth)
        step = max(1, -(-max(disparity.shape) // _SIDE))
        icon = thumbnails.show("depth", coloured(normalise(disparity, 1.0))[::step, ::step])
        state.current.depth, state.current.depth_of = state.PhotoLine(icon, _distances(depth)), photo
        state.current.depth_images = tuple(one.name for one in pictures)
        _show(pictures[0])
        interface.push_undo("Show depth")


def _distances(depth: Floats) -> tuple[str, ...]:
    """Returns lines about the distribution of distances."""
    import numpy as np

    nearest, quarter, middle, most, farthest = np.nanpercentile(depth, [0, 25, 50, 75, 100])
    return (
        text("From {near} to {far} m", near=f"{nearest:.2f}", far=f"{farthest:.2f}"),
        text("Half of it is nearer than {middle} m", middle=f"{middle:.2f}"),
        text("Middle half: {quarter} to {most} m", quarter=f"{quarter:.2f}", most=f"{most:.2f}"),
    )


def _show(picture: bpy.types.Image) -> None:
    """Shows the image in all open image editors."""
    manager = bpy.context.window_manager
    for window in manager.windows if manager else ():
        for area in window.screen.areas:
            space: Any = area.spaces.active
            if area.type == "IMAGE_EDITOR" and space.mode != "MASK":
                space.image = picture


CLASSES = (MONO3D_OT_show_depth,)
