# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture in the system's clipboard, as an image of Blender.

Blender hands it over on Windows, macOS and Wayland. On X11 it does not; there the usual programs for the clipboard do,
if one is installed.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import bpy

from .. import temporary
from ..scene import images

_PROGRAMS = (
    ("xclip", "-selection", "clipboard", "-target", "image/png", "-out"),
    ("wl-paste", "--no-newline", "--type", "image/png"),
)
"""Commands that print the picture in the clipboard as PNG, and fail if there is none."""
_PNG = b"\x89PNG\r\n\x1a\n"
_PATIENCE = 5.0
"""Seconds; the program that owns the clipboard may not answer."""


def image(context: bpy.types.Context) -> Any:
    """Returns the clipboard's picture as a new image, packed; None if there is none that can be read."""
    before = set(bpy.data.images)
    paste: Any = bpy.ops.image.clipboard_paste
    if not paste.poll():
        return _printed()
    with _image_editor(context):
        paste()
    return next((one for one in bpy.data.images if one not in before), None)


def _printed() -> Any:
    """Returns what a program prints as a new image; None if there is no such program or no picture."""
    content = next((found for command in _PROGRAMS if (found := _output(command)).startswith(_PNG)), b"")
    if not content:
        return None
    path = temporary.folder() / "Clipboard.png"
    path.write_bytes(content)
    try:
        picture = bpy.data.images.load(str(path))
        picture.pack()
    finally:
        shutil.rmtree(path.parent, ignore_errors=True)
    picture.name = path.stem
    images.rename(picture, path.name)
    return picture


def _output(command: tuple[str, ...]) -> bytes:
    program = shutil.which(command[0])
    if program is None:
        return b""
    try:
        done = subprocess.run([program, *command[1:]], capture_output=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return b""
    return done.stdout if done.returncode == 0 else b""


@contextmanager
def _image_editor(context: bpy.types.Context) -> Iterator[None]:
    """Makes an Image Editor the current area, without which Blender pastes no image; an area becomes one if need be."""
    window: Any = context.window
    areas = list(window.screen.areas)
    area = next((one for one in areas if one.type == "IMAGE_EDITOR"), None) or context.area or areas[0]
    kind = area.ui_type
    area.type = "IMAGE_EDITOR"
    try:
        region = next(one for one in area.regions if one.type == "WINDOW")
        with context.temp_override(window=window, area=area, region=region):
            yield
    finally:
        area.ui_type = kind
