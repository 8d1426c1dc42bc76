# SPDX-License-Identifier: GPL-3.0-or-later
"""The task "reconstruct": a photo in, a folder of arrays and the exported files out."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path
from typing import Any

from .. import pipeline
from ..core import reconstruction
from ..core.stages import Progress
from ..settings import Settings
from ..surface import export

_PIPELINE_SHARE = 0.8


def run(request: dict[str, Any], progress: Progress, data_folder: Path) -> dict[str, Any]:
    """Reconstructs `photo` with `settings` into the job `folder` and writes the `exports` (format -> path).

    `ahead`, if there, lists photos that will come next; with `keep` the photo stays in memory.
    Returns `folder`, `files` (format -> paths), `counts`, `seconds`, `notes`, `camera`, `model` and `engine`.
    """
    settings = Settings.from_json(json.dumps(request["settings"]))
    folder = Path(request["folder"])
    folders = pipeline.Folders(work=folder, data=data_folder)
    result = pipeline.reconstruct(
        Path(request["photo"]),
        settings,
        lambda stage, share: progress(stage, share * _PIPELINE_SHARE),
        folders,
        [Path(path) for path in request.get("ahead", ())],
        keep=request.get("keep", False),
    )
    seconds = dict(result.seconds)
    began = time.perf_counter()
    progress("Saving the result", _PIPELINE_SHARE)
    reconstruction.save(result, folder)
    seconds["Saving the result"] = time.perf_counter() - began
    files: dict[str, list[str]] = {}
    exports: dict[str, str] = request.get("exports", {})
    for number, (form, path) in enumerate(exports.items()):
        began = time.perf_counter()
        stage = f"Writing {form}"
        progress(stage, _PIPELINE_SHARE + (1.0 - _PIPELINE_SHARE) * number / len(exports))
        files[form] = [str(one) for one in export.write(result, form, Path(path))]
        seconds[stage] = time.perf_counter() - began
    return {
        "folder": str(folder),
        "files": files,
        "counts": result.counts(),
        "seconds": seconds,
        "notes": list(result.notes),
        "camera": dataclasses.asdict(result.camera) | {"horizon": result.camera.horizon()},
        "model": _model(settings),
        "engine": result.engine,
    }


def _model(settings: Settings) -> str:
    """Returns what made the depth; weights of the user's own are named too."""
    with_weights = settings.weights and not settings.has_own_depth
    return f"{settings.model} ({Path(settings.weights).name})" if with_weights else settings.depth_by
