# SPDX-License-Identifier: GPL-3.0-or-later
"""The task "reconstruct": a photo in, a folder of arrays and the exported files out."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import export, pipeline
from ..core import reconstruction, scene_guess
from ..core.photo.hand_over import handed_over
from ..core.reconstruction import Reconstruction
from ..core.stages import EXPORTING, Progress
from ..export.camera_file import distances_of, values_of
from ..session import Session
from ..settings import Settings
from . import page_files

SAVING = "Saving the result"

_PIPELINE_SHARE = 0.8


def run(request: dict[str, Any], progress: Progress, session: Session) -> dict[str, Any]:
    """Reconstructs `photo` with `settings` into the job `folder` and writes the `exports` (format -> path).

    Optional keys of the request:
    ahead            photos that come next
    decoded          pixels of picture files, see `hand_over.handed_over`
    save             whether the arrays are written into `folder` at all, True by default
    keep             whether the photo stays in memory, as `key` or by its own key
    disparity_cache  folder for its disparity, instead of the common one
    work             folder for its textures, instead of the job's
    name             what the result is called, instead of the photo's file
    compress         one of `settings.COMPRESS`, for the exports
    page             whether to write the web page's pictures too, see `page_files`

    Returns `folder`, `files` (format -> paths), `counts`, `seconds`, `notes`, `camera`, `distances`, `kind` (of the
    scene; see `scene_guess.kind_of`), `model` and `engine`.
    """
    settings = Settings.from_json(json.dumps(request["settings"]))
    exports: dict[str, str] = request.get("exports", {})
    compress = request.get("compress", "none")
    export.require(exports, compress)
    folder = Path(request["folder"])
    work = Path(request.get("work", folder))
    disparity_cache = Path(request["disparity_cache"]) if "disparity_cache" in request else None
    result = pipeline.reconstruct(
        Path(request["photo"]),
        settings,
        lambda stage, share: progress(stage, share * _PIPELINE_SHARE),
        session,
        pipeline.Folders(work, disparity_cache),
        [Path(path) for path in request.get("ahead", ())],
        handed=handed_over(request),
        keep=request.get("keep", False),
        key=request.get("key", ""),
    )
    if "name" in request:
        result = page_files.under_name(result, request["name"])
    seconds = dict(result.seconds)
    if request.get("save", True):
        began = time.perf_counter()
        progress(SAVING, _PIPELINE_SHARE)
        reconstruction.save(result, folder)
        if request.get("page"):
            page_files.write_pictures(result, work)
            page_files.write_view(result, folder)
        seconds[SAVING] = time.perf_counter() - began
    files: dict[str, list[str]] = {}
    for number, (form, path) in enumerate(exports.items()):
        began = time.perf_counter()
        stage = f"{EXPORTING} {form}"
        progress(stage, _PIPELINE_SHARE + (1.0 - _PIPELINE_SHARE) * number / len(exports))
        files[form] = [str(one) for one in export.write(result, form, Path(path), compress)]
        seconds[stage] = time.perf_counter() - began
    return answer_for(result, folder, seconds) | {"files": files, "model": _model(settings)}


def answer_for(result: Reconstruction, folder: Path, seconds: Mapping[str, float]) -> dict[str, Any]:
    """Returns the answer to the client about a reconstruction in `folder`."""
    return {
        "folder": str(folder),
        "counts": result.counts(),
        "seconds": dict(seconds),
        "notes": list(result.notes),
        "camera": values_of(result.camera),
        "distances": distances_of(result.resolved),
        "kind": scene_guess.kind_of(result.scene),
        "engine": result.engine,
    }


def _model(settings: Settings) -> str:
    """Returns the source of the depth for display, with the file name of the user's own weights."""
    with_weights = settings.weights and not settings.has_own_depth
    return f"{settings.model} ({Path(settings.weights).name})" if with_weights else settings.depth_by
