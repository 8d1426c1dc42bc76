# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a reconstruction in every file format except .blend, which needs Blender, and its previews."""

from __future__ import annotations

import importlib
from pathlib import Path

from ..core.reconstruction import Reconstruction
from ..errors import Mono3DError
from ..formats import FORMATS, PREVIEWS
from .files import Staging

_WRITERS = tuple(name for name, format in FORMATS.items() if format.writer)


def write(result: Reconstruction, format: str, path: Path) -> tuple[Path, ...]:
    """Writes `result` as `format`, or a preview of that name, to `path`, and returns all files written, `path` first.

    The folder must exist. The files are written atomically: if writing fails, none of them appears and existing ones
    stay.
    Raises Mono3DError if the format is unknown, a library is missing or the files cannot be written.
    """
    if format not in _WRITERS and format not in PREVIEWS:
        raise Mono3DError(f"There is no format '{format}'; choose one of {', '.join(_WRITERS)}.")
    module, function = (FORMATS.get(format) or PREVIEWS[format]).writer.split(".")
    write_format = getattr(importlib.import_module(f".{module}", __package__), function)
    try:
        with Staging() as staging:
            write_format(result, path, staging)
            return staging.commit()
    except OSError as error:
        reason = error.strerror or str(error)
        raise Mono3DError(
            f"{path.name} cannot be written to {path.parent} ({reason}); check the folder and its free space."
        ) from error
