# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's task "scene": writes a saved reconstruction as a .blend file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...core import reconstruction
from ...core.stages import Progress
from ...session import Session


def warm_up() -> None:
    """Loads Blender, which takes a second or two."""
    from . import headless

    headless.warm_up()


def run(request: dict[str, Any], progress: Progress, session: Session) -> dict[str, Any]:
    """Writes the reconstruction in `folder` to `blend`, a path; returns the `seconds` of each stage."""
    from . import headless

    progress("Building the scene", 0.0)
    return {"seconds": headless.write(reconstruction.load(Path(request["folder"])), Path(request["blend"]))}
