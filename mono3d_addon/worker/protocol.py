# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages between client and server: one JSON object per line, over a channel that nothing else writes to.

Requests go to the server's standard input:  {"job": 1, "task": "reconstruct", ...the task's own keys}
Events come back on a copy of its standard output:
    {"event": "progress", "job": 1, "stage": "Estimating depth", "fraction": 0.4}
    {"event": "done", "job": 1, "result": {...}}
    {"event": "failed", "job": 1, "message": "one sentence for the user"}
A request {"forget": "key"} drops the photo that is kept in memory as that key, and has no answer.
A request {"cancel": 1} asks the server to stop that job at its next progress event; the process stays.
Large arrays are not sent: they are .npy files in the job's folder. All tasks that read picture files take
{"decoded": {path: .npy}}, the pixels of files that the server cannot decode (see `core.photo.hand_over`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

PROGRESS: Final = "progress"
DONE: Final = "done"
FAILED: Final = "failed"

TASKS: Final[Mapping[str, str]] = {
    "reconstruct": "mono3d_addon.worker.reconstruct_task",
    "depth": "mono3d_addon.worker.depth_task",
    "describe": "mono3d_addon.worker.describe_task",
    "reshape": "mono3d_addon.worker.reshape_task",
    "export": "mono3d_addon.worker.export_task",
    "scene": "mono3d_addon.blender.scene.scene_task",
}
"""The module whose `run(request, progress, session) -> dict` does each task."""


def encode(message: Mapping[str, Any]) -> bytes:
    """Returns the message as one line of ASCII, which does not depend on the platform's encoding."""
    return json.dumps(message, ensure_ascii=True, allow_nan=False).encode("ascii") + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """Returns the message of one line. Raises ValueError when it is not a JSON object."""
    message = json.loads(line)
    if not isinstance(message, dict):
        raise ValueError("a message is a JSON object")
    return message
