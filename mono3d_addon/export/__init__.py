# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a reconstruction in every file format except .blend, which needs Blender, and its previews."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path

from ..core import extras
from ..core.reconstruction import Reconstruction
from ..errors import Mono3DError
from ..formats import FORMATS, PREVIEWS, Format
from .files import Staging

_WITH_DRACO = "GLB files compressed by Draco"
_WRITERS = tuple(name for name, format in FORMATS.items() if format.writer)


def require(formats: Iterable[str], compress: str = "none") -> None:
    """Raises Mono3DError if a package is missing that one of the formats, or previews of that name, needs."""
    for row in map(_row, formats):
        if row.extra:
            extras.require(row.files, row.extra)
        if row.compresses and compress == "draco":
            extras.require(_WITH_DRACO, extras.DRACO)


def write(result: Reconstruction, format: str, path: Path, compress: str = "none") -> tuple[Path, ...]:
    """Writes `result` as `format`, or a preview of that name, to `path`, and returns all files written, `path` first.

    `compress` is one of `settings.COMPRESS`, for formats that can be compressed.

    The folder must exist. The files are written atomically: if writing fails, none of them appears and existing ones
    stay.
    Raises Mono3DError if the format is unknown, a library is missing or the files cannot be written.
    """
    if format not in _WRITERS and format not in PREVIEWS:
        raise Mono3DError(f"There is no format '{format}'; choose one of {', '.join(_WRITERS)}.")
    row = _row(format)
    module, function = row.writer.split(".")
    write_format = getattr(importlib.import_module(f".{module}", __package__), function)
    try:
        with Staging() as staging:
            write_format(result, path, staging, **({"compress": compress} if row.compresses else {}))
            return staging.commit()
    except ImportError as error:
        raise extras.needed(_WITH_DRACO if error.name == extras.DRACO else row.files, error) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise Mono3DError(
            f"{path.name} cannot be written to {path.parent} ({reason}); check the folder and its free space."
        ) from error


def _row(format: str) -> Format:
    return FORMATS.get(format) or PREVIEWS[format]
