# SPDX-License-Identifier: GPL-3.0-or-later
"""Preview icons for panels, created from arrays: drawing loads no file, and the desktop's cache is not used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import state

if TYPE_CHECKING:
    from ...core.arrays import Bytes


def show(name: str, pixels: Bytes) -> int:
    """Returns the id of an icon that shows `pixels`, uint8 (h, w, 3), first row on top; replaces the icon `name`."""
    import bpy.utils.previews
    import numpy as np

    if state.current.previews is None:
        state.current.previews = bpy.utils.previews.new()
    collection: Any = state.current.previews
    preview = collection[name] if name in collection else collection.new(name)
    rows, columns, _ = pixels.shape
    rgba = np.ones((rows, columns, 4), dtype=np.float32)
    np.multiply(pixels[::-1], np.float32(1.0 / 255.0), out=rgba[..., :3])
    preview.image_size = (columns, rows)
    preview.image_pixels_float.foreach_set(rgba.reshape(-1))
    return int(preview.icon_id)


def drop(name: str) -> None:
    """Removes the icon called `name`, if there is one."""
    if state.current.previews is not None and name in state.current.previews:
        del state.current.previews[name]


def clear() -> None:
    """Removes all icons."""
    if state.current.previews is not None:
        import bpy.utils.previews

        bpy.utils.previews.remove(state.current.previews)
        state.current.previews = None
