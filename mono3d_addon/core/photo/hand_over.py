# SPDX-License-Identifier: GPL-3.0-or-later
"""Picture files that another program decodes: which ones those are, and the pixels that it hands over.

Without Pillow there is no decoder for JPEG and a few more formats. Whoever asks for a picture of such a format then
decodes it itself, as Blender can, and hands over its pixels as a .npy file. All else, such as orientation, lens and
colour profile, is still read from the picture file.

The pixels are the values as stored in the file, uint8, uint16 or float32, the top row first, of the shape (height,
width) or (height, width, channels): grey, grey and alpha, RGB, or RGBA. They are not turned upright, their colours are
not converted, and alpha has not been multiplied into them unless the file has it so. Grey may be three equal channels.

Blender imports this module, so that it loads nothing but the standard library until a TIFF, EXR or PSD file is judged,
or pixels are read.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import Mono3DError
from ...settings import Settings
from ..regular_file import require_regular
from ..user_path import user_path
from .companions import DEPTH_MAP, MASK, companion
from .stated_size import mapped
from .tiff_tags import first_folder, is_tiff

if TYPE_CHECKING:
    from numpy.typing import NDArray

_OTHERS = (
    b"\xff\xd8\xff",  # JPEG
    b"GIF87a",
    b"GIF89a",
    b"\xff\x4f\xff\x51",  # JPEG 2000, the bare stream
    b"\0\0\0\x0cjP  \r\n\x87\n",
)
_OWN = (b"\x89PNG", b"BM", b"#?", b"\x93NUMPY", *(b"P%c" % letter for letter in b"1234567Ff"))
_PHOTOSHOP = b"8BPS"
_LONGEST_START = 26
"""Bytes at the start of a file that tell its kind; those of Photoshop are its header."""
_EXR = b"\x76\x2f\x31\x01"
_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".webp", ".gif", ".jp2", ".j2k", ".psd", ".exr")
_MOST_CHANNELS = 4
_TYPES = ("uint8", "uint16", "float32")


@dataclass(frozen=True)
class HandedOver:
    """The pixels that a request hands over.

    files  path of a picture file -> path of the .npy file with its values; paths are absolute, see `handed_over`
    """

    files: Mapping[str, str] = field(default_factory=dict)

    def __contains__(self, path: Path) -> bool:
        return _key(path) in self.files

    def values(self, path: Path) -> NDArray[Any] | None:
        """Returns the values of the picture file at `path`, memory-mapped; None if they were not handed over.

        Raises Mono3DError if they cannot be used.
        """
        place = self.files.get(_key(path))
        return None if place is None else _loaded(Path(place), path)


NOTHING = HandedOver()


def handed_over(request: Mapping[str, Any]) -> HandedOver:
    """Returns what a request hands over in its optional key `decoded`, {path of a picture file: path of its .npy}.

    The former is written as elsewhere in the request, or as an absolute path for a file in a folder that it names.
    """
    return HandedOver({_key(user_path(path)): place for path, place in request.get("decoded", {}).items()})


def needs_hand_over(path: Path) -> bool:
    """Returns whether a program without Pillow needs the pixels of the picture file at `path` handed over.

    The first bytes of the file decide; its suffix does where they say nothing. False for files that cannot be read, and
    for formats that need a package which only an installation brings, such as HEIC.
    """
    try:
        require_regular(path)
        with path.open("rb") as file:
            start = file.read(_LONGEST_START)
    except (Mono3DError, OSError):
        return False
    if start.startswith(_PHOTOSHOP):
        return not _is_own_photoshop(start)
    if start.startswith(_OTHERS) or (start[:4] == b"RIFF" and start[8:12] == b"WEBP"):
        return True
    if is_tiff(start):
        return _is_foreign_tiff(path)
    if start.startswith(_EXR):
        return _is_foreign_exr(path)
    return not start.startswith(_OWN) and path.suffix.lower() in _SUFFIXES


def named_pictures(photo: Path, settings: Settings) -> tuple[Path, ...]:
    """Returns the files that a job on `photo` reads by `settings`: the photo, its mask, and its own depth map.

    What is missing is left out: the job itself says so.
    """
    found = [photo]
    for place, kind in ((settings.mask, MASK), (settings.depth_file, DEPTH_MAP)):
        if place:
            with contextlib.suppress(Mono3DError):
                found.append(companion(place, photo, *kind))
    return tuple(found)


def _is_foreign_tiff(path: Path) -> bool:
    from . import tiff_file

    with mapped(path) as data:
        folder = first_folder(data)
    return folder is not None and not tiff_file.is_readable_alone(folder) and tiff_file.is_known(folder)


def _is_own_photoshop(start: bytes) -> bool:
    from . import psd_file

    return psd_file.needs_own_reader(start)


def _is_foreign_exr(path: Path) -> bool:
    from . import openexr_file
    from .damage import Damaged

    with mapped(path) as data:
        try:
            return not openexr_file.header_of(data).is_readable
        except Damaged:
            return False


def _key(path: Path) -> str:
    return os.path.normcase(path.absolute())


def _loaded(place: Path, picture: Path) -> NDArray[Any]:
    import numpy as np

    require_regular(place, "picture")
    try:
        values: Any = np.load(place, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # NumPy raises many types of exceptions on damaged files.
        raise Mono3DError(f"The pixels handed over for '{picture.name}' are damaged ({error}); try again.") from error
    is_picture = isinstance(values, np.ndarray) and values.dtype in [np.dtype(name) for name in _TYPES]
    is_picture = is_picture and (values.ndim == 2 or (values.ndim == 3 and 1 <= values.shape[2] <= _MOST_CHANNELS))
    if not is_picture or min(values.shape) < 1:
        raise Mono3DError(f"What was handed over for '{picture.name}' is no picture; try again.")
    return np.asarray(values[..., 0] if values.ndim == 3 and values.shape[2] == 1 else values)
