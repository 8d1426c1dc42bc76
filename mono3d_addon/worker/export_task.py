# SPDX-License-Identifier: GPL-3.0-or-later
"""The task "export": a saved reconstruction in, one file of it out."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path
from typing import Any

from .. import export
from ..core import reconstruction
from ..core.files import atomic_write
from ..core.reconstruction import Reconstruction
from ..core.stages import Progress
from ..session import Session

_SEVERAL_FILES = "obj"
_MEMBER = "mesh.obj"


def run(request: dict[str, Any], progress: Progress, session: Session) -> dict[str, Any]:
    """Writes the reconstruction in `folder` as `format` to `path`, which it returns.

    `compress` is one of `settings.COMPRESS`, by default "none". The files of OBJ become one zip archive, with its
    members in a folder called `name`.
    """
    result = reconstruction.load(Path(request["folder"]))
    path = Path(request["path"])
    progress(f"Writing {request['format']}", 0.0)
    if request["format"] == _SEVERAL_FILES:
        _write_zip(result, path, request["name"])
    else:
        export.write(result, request["format"], path, request.get("compress", "none"))
    return {"path": str(path)}


def _write_zip(result: Reconstruction, path: Path, name: str) -> None:
    with (
        tempfile.TemporaryDirectory(dir=path.parent) as folder,
        atomic_write(path) as beside,
        zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
    ):
        for one in export.write(result, _SEVERAL_FILES, Path(folder) / _MEMBER):
            archive.write(one, f"{name}/{one.name}")
