# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's images of textures: packed into the .blend file, or as files beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bpy

from ...core.files import atomic_write

_LONGEST_NAME = 200
"""Most bytes of a file name before "texture"; most file systems allow 255 in total."""
_SIGNATURES = ((b"\x89PNG", ".png"), (b"\xff\xd8\xff", ".jpg"))


def load(name: str, path: Path, copy: Path | None = None, colours: str = "sRGB") -> bpy.types.Image:
    """Returns the file `path` as a new image, packed into the .blend file.

    With `copy`, a path beside the .blend file, the file is copied there instead of packed. `colours` is the name of
    Blender's colour space: "Non-Color" for data that is no colour. Raises RuntimeError, from Blender, if the file
    cannot be read, and OSError if it cannot be copied.
    """
    if copy is not None:
        import shutil

        with atomic_write(copy) as whole:
            shutil.copyfile(path, whole)
        path = copy
    image = bpy.data.images.load(str(path), check_existing=False)
    image.name = name
    colour_space: Any = image.colorspace_settings
    colour_space.name = colours
    if copy is None:
        image.pack()
        # "Unpack" should write it beside the .blend file, not into the job's temporary folder.
        rename(image, f"{_file_name(image.name)}{path.suffix}")
    else:
        _point_to(image, path)
    return image


def rename(image: Any, name: str) -> None:
    """Gives a packed image the path of a file called `name` beside the .blend file."""
    # Blender's fixed-size path field keeps the end of a longer earlier path, which would be saved in the file.
    for shown in ("/" * 1000, f"//{name}"):
        image.filepath_raw = shown
        for packed in image.packed_files:
            packed.filepath = shown


def pack(image: bpy.types.Image) -> None:
    """Packs an image into the .blend file. Raises RuntimeError, from Blender, if its file cannot be read."""
    if image.packed_file is None or image.is_dirty:
        image.pack()


def unpack(image: bpy.types.Image, blend: Path) -> None:
    """Writes a packed image to a new file beside `blend`, the .blend file. Raises OSError if it cannot be written."""
    if image.is_dirty:
        image.pack()
    packed = image.packed_file
    if packed is None:
        return
    content = packed.data
    suffix = next((suffix for start, suffix in _SIGNATURES if content.startswith(start)), Path(image.filepath).suffix)
    copy = beside(blend, image.name, "", suffix)
    with atomic_write(copy) as whole:
        whole.write_bytes(content)
    _point_to(image, copy)
    image.unpack(method="REMOVE")
    image.reload()


def beside(blend: Path, name: str, kind: str, suffix: str) -> Path:
    """Returns the path of a new file for the texture `name` beside `blend`; `kind` is what tells it from others."""
    start = f"{blend.stem}_{_file_name(name)}".encode(errors="ignore")[:_LONGEST_NAME].decode(errors="ignore")
    number, place = 2, blend.with_name(f"{start}_{kind}texture{suffix}")
    while place.exists():
        number, place = number + 1, blend.with_name(f"{start}_{kind}texture_{number}{suffix}")
    return place


@contextmanager
def at_paths(paths: Mapping[bpy.types.Image, str]) -> Iterator[None]:
    """Gives images other paths meanwhile."""
    before = {image: image.filepath_raw for image in paths}
    for image, path in paths.items():
        image.filepath_raw = path
    try:
        yield
    finally:
        for image, path in before.items():
            image.filepath_raw = path


def _point_to(image: bpy.types.Image, path: Path) -> None:
    image.filepath_raw = bpy.path.relpath(str(path)) if bpy.data.filepath else str(path)


def _file_name(name: str) -> str:
    """Returns the name of an image without what no file name may have."""
    return re.sub(r'[\x00-\x1f<>:"/\\|?*]', "_", name)
