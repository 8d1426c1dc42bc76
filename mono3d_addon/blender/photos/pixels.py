# SPDX-License-Identifier: GPL-3.0-or-later
"""Has Blender decode the picture files that a worker without packages cannot, and writes their pixels to files.

The values are those of the file: without colour management, not turned upright, alpha not multiplied (see
`core.photo.hand_over`). Only the main thread may do this, and it takes a moment: 12 megapixels about half a second.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ...core.photo.hand_over import named_pictures, needs_hand_over
from ...core.photo.stated_size import check_size, stated_size
from ...errors import Mono3DError
from ...settings import Settings
from .. import state, temporary

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_KEPT = 3
"""Pictures whose pixels are kept."""

_BLOCK = 1 << 18
"""Pixels that are converted at a time: they stay in the processor's cache."""

_LONGEST_HEADER = 1 << 20
"""Bytes at the start of an OpenEXR file in which its header is looked for."""

_WITHOUT_ALPHA = (8, 24, 96)
"""Bits per pixel of Blender's pictures without an alpha channel."""

_WHITE = {"JPEG2000": 65535, "JPEG": 65535}
"""White of the integers behind floating-point pixels, by Blender's name of the format; Photoshop counts as JPEG."""


def for_job(photo: Path, settings: Settings, folder: Path, *, is_for_more: bool = True) -> dict[str, str]:
    """Returns the key `decoded` of a request for `photo`: {path of a picture file: path of its .npy in `folder`}.

    `is_for_more` is that of `hand_over`. Raises Mono3DError if a file is too large or cannot be read.
    """
    return hand_over(named_pictures(photo, settings), settings.max_pixels, folder, is_for_more=is_for_more)


def hand_over(pictures: Iterable[Path], max_pixels: float, folder: Path, *, is_for_more: bool = True) -> dict[str, str]:
    """Returns {path: path of its .npy in `folder`} for those `pictures` that a worker without packages cannot decode.

    What `is_for_more` jobs is decoded once: a photo is described before it is reconstructed, and a mask is read with
    each new mesh. Raises Mono3DError if one has more than `max_pixels` megapixels or cannot be read.
    """
    make = _kept if is_for_more else _stored
    return {str(path): str(make(path, max_pixels, folder)) for path in pictures if needs_hand_over(path)}


def _kept(path: Path, max_pixels: float, folder: Path) -> Path:
    """Returns a file in `folder` with the pixels of the picture at `path`; keeps those of the last few pictures."""
    known = state.current.decoded
    status = path.stat()
    signature = (str(path), status.st_size, status.st_mtime_ns)
    made = known.pop(signature, None)
    if made is None or not made.is_file():
        made = _stored(path, max_pixels, temporary.scratch())
    known[signature] = made
    while len(known) > _MOST_KEPT:
        with contextlib.suppress(OSError):  # on Windows a worker may still have it open
            known.pop(next(iter(known))).unlink()
    return made if folder == made.parent else _copied(made, folder)


def _copied(kept: Path, folder: Path) -> Path:
    path = folder / kept.name
    try:
        os.link(kept, path)
    except OSError:  # another disk, or a file system without links
        shutil.copyfile(kept, path)
    return path


def _stored(path: Path, max_pixels: float, folder: Path) -> Path:
    """Returns a new file in `folder` with the pixels of the picture at `path`."""
    import numpy as np

    if not _is_understood(path):
        raise Mono3DError(_unreadable(path))
    size = stated_size(path)
    if size is not None:
        # Before Blender decodes it: that takes 20 bytes for each pixel.
        check_size(path, size, max_pixels)
    values = read(path)
    try:
        handle, name = tempfile.mkstemp(".npy", "pixels-", folder)
        with os.fdopen(handle, "wb") as file:
            np.save(file, values, allow_pickle=False)
    except OSError as error:
        raise Mono3DError(
            f"The pixels of '{path.name}' cannot be stored ({error.strerror or error}); free disk space, also in the "
            "folder for temporary files."
        ) from error
    return Path(name)


def _is_understood(path: Path) -> bool:
    """Returns whether Blender finds the pixels of a file where it looks for them.

    Of OpenEXR files with other channels, such as Z, versions before 5.2 return pixels that were never read.
    """
    from ...core.photo import openexr_file
    from ...core.photo.damage import Damaged

    with path.open("rb") as file:
        data = file.read(_LONGEST_HEADER)
    if not data.startswith(openexr_file.SIGNATURE):
        return True
    try:
        names = openexr_file.header_of(data).names
    except Damaged:
        return False
    return "Y" in names or {"R", "G", "B"} <= set(names)


def read(path: Path) -> NDArray[Any]:
    """Returns the values of a picture file as Blender decodes them, top row first.

    uint8 or uint16 for integers, else float32; (h, w) for grey JPEGs, (h, w, 3), or (h, w, 4) with transparency.
    Neither the open file nor its images change. Raises Mono3DError if Blender cannot read it.
    """
    import numpy as np

    images: Any = bpy.data.images
    try:
        image = images.load(str(path), check_existing=False)
    except RuntimeError as error:
        raise Mono3DError(_unreadable(path)) from error
    try:
        image.colorspace_settings.is_data = True
        image.alpha_mode = "CHANNEL_PACKED"
        # The first question about its pixels decodes it.
        width, height = image.size
        if not width * height or image.channels != 4:
            raise Mono3DError(_unreadable(path))
        pixels = np.empty((height, width, 4), dtype=np.float32)
        image.pixels.foreach_get(pixels.reshape(-1))
        is_float, depth, kind = image.is_float, image.depth, image.file_format
    finally:
        images.remove(image)
    has_alpha = depth not in _WITHOUT_ALPHA
    if pixels[0, 0, 3] == 0.0 and not (has_alpha and pixels.any()):
        # What Blender 4.2 makes of a WebP that it fails to decode.
        raise Mono3DError(_unreadable(path))
    channels = 1 if depth == 8 else 4 if has_alpha and not (pixels[..., 3] == np.float32(1.0)).all() else 3
    values = _as_stored(pixels[::-1, :, :channels], _WHITE.get(kind, 0) if is_float else 255)
    return values[..., 0] if channels == 1 else values


def _as_stored(pixels: NDArray[Any], white: int) -> NDArray[Any]:
    """Returns float32 values, 1 for white, as integers up to `white`, 255 or 65535; for 0 unchanged."""
    import numpy as np

    if not white:
        return np.ascontiguousarray(pixels)
    values = np.empty(pixels.shape, dtype=np.uint8 if white == 255 else np.uint16)
    step = max(1, _BLOCK // pixels.shape[1])
    for start in range(0, len(pixels), step):
        block = pixels[start : start + step] * np.float32(white)
        block += np.float32(0.5)
        np.copyto(values[start : start + step], block, casting="unsafe")
    return values


def _unreadable(path: Path) -> str:
    if path.suffix.lower() in (".jpg", ".jpeg", ".jpe", ".jfif"):
        return f"'{path.name}' is damaged or cut off; copy it again."
    kind = path.suffix.lstrip(".").upper() or "this file"
    return (
        f"Blender cannot read '{path.name}': it is damaged, or a kind of {kind} that needs Mono3D's packages; click "
        "Install in the sidebar, or save it as PNG or JPEG."
    )
