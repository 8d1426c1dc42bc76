# SPDX-License-Identifier: GPL-3.0-or-later
"""The task "shape": another mesh of a photo that was reconstructed before, as a folder like the first one's."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np

from .. import pipeline
from ..core import reconstruction
from ..core.photo.photo import read_photo
from ..core.reconstruction import Reconstruction
from ..core.stages import Progress, Stages
from ..settings import Settings
from ..shaping import KEPT, Shaper, shares_of
from . import page_files
from .reconstruct_task import SAVING, told

_SHAPE_SHARE = 0.9


def run(request: dict[str, Any], progress: Progress, data_folder: Path) -> dict[str, Any]:
    """Shapes the photo known as `key` with `settings` into `folder`, as the task "reconstruct" does, but no network.

    A worker that does not have the photo (any more) reads `photo` and the reconstruction in `before`. `work` holds the
    pictures of the first reconstruction, `name` is what the result is called. Of a `draft` only the mesh for the
    viewer is written. Returns what "reconstruct" does but `files` and `model`.
    """
    settings = Settings.from_json(json.dumps(request["settings"]))
    folder, work = Path(request["folder"]), Path(request["work"])
    before = reconstruction.load(Path(request["before"]))
    shaper = KEPT.get(request["key"])
    if shaper is None:
        shaper = _read(Path(request["photo"]), before, settings)
        KEPT.put(request["key"], shaper)
    stages = Stages(lambda stage, share: progress(stage, share * _SHAPE_SHARE), shares_of(settings))
    shape = shaper.shape(settings, stages)
    result = page_files.under_name(
        pipeline.assembled(
            shaper, shape, settings, before.texture, folder, before.engine, stages.seconds, before.photo_notes
        ),
        request["name"],
    )
    progress(SAVING, _SHAPE_SHARE)
    if not request["draft"]:
        reconstruction.save(result, folder)
    page_files.write_view(result, folder, work)
    return told(result, folder, stages.seconds)


def _read(path: Path, before: Reconstruction, settings: Settings) -> Shaper:
    """Returns what shapes the photo at `path`, with the disparity that was found `before`."""
    photo = read_photo(path, settings.max_pixels)
    own = before.own and dataclasses.replace(before.own, values=np.array(before.own.values))
    return Shaper(photo, np.array(before.disparity), own, is_panorama=before.camera.is_panorama)
