# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests to workers that make the meshes of a job."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from ..settings import Settings
from ..worker.draft import draft_of
from .jobs import Job


def reconstruct(job: Job, folder: Path) -> dict[str, Any]:
    """Returns the request for the first mesh of a job, in `folder`."""
    return {
        "task": "reconstruct",
        "photo": str(job.photo),
        "settings": dataclasses.asdict(job.settings),
        "folder": str(folder),
        "work": str(job.folder.path),
        "disparity_cache": str(job.folder.path),
        "keep": True,
        "key": job.id,
        "name": job.name,
        "page": True,
    }


def reshape(job: Job, folder: Path, settings: Settings, *, is_draft: bool) -> dict[str, Any]:
    """Returns the request for another mesh of a job that has one, in `folder`."""
    assert job.whole is not None, "there is a mesh before"
    return {
        "task": "reshape",
        "key": job.id,
        "settings": dataclasses.asdict(draft_of(settings) if is_draft else settings),
        "folder": str(folder),
        "page": {
            "photo": str(job.photo),
            "before": str(job.whole.folder.path),
            "name": job.name,
            "draft": is_draft,
        },
    }
