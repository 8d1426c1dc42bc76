# SPDX-License-Identifier: GPL-3.0-or-later
"""The task "depth": a photo in, its disparity and its depth out, without a mesh."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .. import pipeline
from ..core import reconstruction
from ..core.photo.hand_over import handed_over
from ..core.stages import Progress
from ..session import Session
from ..settings import Settings


def run(request: dict[str, Any], progress: Progress, session: Session) -> dict[str, Any]:
    """Estimates the depth of `photo` with `settings` and saves both arrays in the job `folder`, which it returns."""
    settings = Settings.from_json(json.dumps(request["settings"]))
    folder = Path(request["folder"])
    photo, handed = Path(request["photo"]), handed_over(request)
    disparity, depth = pipeline.estimate_depth(photo, settings, progress, session, handed)
    reconstruction.save_depth(disparity, depth, folder)
    return {"folder": str(folder)}
