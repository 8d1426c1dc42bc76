# SPDX-License-Identifier: GPL-3.0-or-later
"""The task "depth": a photo in, its disparity and its depth out, without a mesh."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from .. import pipeline
from ..core.stages import Progress
from ..settings import Settings

DISPARITY, DEPTH = "disparity.npy", "depth.npy"


def run(request: dict[str, Any], progress: Progress, data_folder: Path) -> dict[str, Any]:
    """Estimates the depth of `photo` with `settings` and saves both arrays in the job `folder`, which it returns."""
    settings = Settings.from_json(json.dumps(request["settings"]))
    folder = Path(request["folder"])
    disparity, depth = pipeline.estimate_depth(Path(request["photo"]), settings, progress, data_folder)
    np.save(folder / DISPARITY, disparity, allow_pickle=False)
    np.save(folder / DEPTH, depth, allow_pickle=False)
    return {"folder": str(folder)}
