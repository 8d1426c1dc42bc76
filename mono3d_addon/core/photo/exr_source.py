# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens OpenEXR files: by the reader of our own where it can, else by the package OpenEXR."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import extras
from . import openexr_file
from .damage import Damaged
from .stated_size import mapped


@dataclass(frozen=True)
class Source:
    """An OpenEXR file.

    size            width and height of the data window
    names           names of its channels
    chromaticities  the eight numbers of that attribute; None without it
    read            returns the channels of these names, (height, width); raises Damaged or Unsupported
    """

    size: tuple[int, int]
    names: tuple[str, ...]
    chromaticities: Any
    read: Callable[[Iterable[str]], dict[str, NDArray[Any]]]


def open_exr(path: Path) -> Source:
    """Returns the file at `path`. Raises Damaged, and Mono3DError if it needs the package OpenEXR, which is missing."""
    try:
        with mapped(path) as data:
            header = openexr_file.header_of(data)
    except (OSError, ValueError) as error:
        raise Damaged(str(error)) from error
    if not header.is_readable:
        return _by_package(path)

    def read(names: Iterable[str]) -> dict[str, NDArray[Any]]:
        with mapped(path) as data:
            return openexr_file.read(data, header, names)

    return Source(header.size, header.names, header.chromaticities, read)


def _by_package(path: Path) -> Source:
    try:
        import OpenEXR
    except ImportError as error:
        raise extras.needed("EXR files of this compression", error) from error
    try:
        header = OpenEXR.File(str(path), header_only=True).header()
        corners = np.asarray(header["dataWindow"], np.int64)
        names = tuple(str(one.name) for one in header["channels"])
    except Exception as error:  # OpenEXR raises many types of exceptions on damaged files.
        raise Damaged(str(error)) from error

    def read(names: Iterable[str]) -> dict[str, NDArray[Any]]:
        try:
            with OpenEXR.File(str(path), separate_channels=True) as file:
                found = file.channels()
                return {name: np.array(found[name].pixels) for name in names}
        except Exception as error:
            raise Damaged(str(error)) from error

    width, height = corners[1] - corners[0] + 1
    return Source((int(width), int(height)), names, header.get("chromaticities"), read)
