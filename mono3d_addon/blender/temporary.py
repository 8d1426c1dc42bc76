# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders for temporary files. Imports no bpy."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ..errors import Mono3DError


def folder(inside: str | None = None) -> Path:
    """Returns a new folder in `inside`, by default in the system's folder for them. Raises Mono3DError on failure."""
    try:
        return Path(tempfile.mkdtemp(prefix="mono3d-", dir=inside))
    except OSError as error:
        raise Mono3DError(
            f"No folder for temporary files can be made ({error}); free disk space, or restart Blender if the system's "
            "temporary folder was removed."
        ) from error
