# SPDX-License-Identifier: GPL-3.0-or-later
"""What the chosen photo is: thumbnail, size, source of the camera.

A small process reads it, because Blender has no Pillow; a timer takes over what it found, so that panels only show.
"""

from __future__ import annotations

from typing import Any

import bpy

from ..errors import Mono3DError
from . import chosen, progress, state, thumbnails
from .texts import text

_SIDE = 256
_INTERVAL = 0.05
_IDLE_SECONDS = 30.0
_MOST_KEPT = 16


def look_soon() -> None:
    """Has the chosen photo looked at in a moment."""
    if not bpy.app.background and not bpy.app.timers.is_registered(follow):
        bpy.app.timers.register(follow, first_interval=_INTERVAL, persistent=True)


def look_now(values: Any) -> None:
    """Looks at the photo that `values`, a `MONO3D_PG_settings`, names, and waits for it."""
    _begin(values)
    _take()


def follow() -> float | None:
    """The timer: begins to look, takes over what was found; returns when to come again, None when all is known."""
    scene: Any = bpy.context.scene
    if scene is None or not state.current.checked or state.current.setup:
        return None
    if state.current.describing is None:
        _begin(scene.mono3d)
    elif not state.current.describing[1].poll():
        _take()
        progress.redraw()
        _begin(scene.mono3d)
    return _INTERVAL if state.current.describing is not None else None


def forget(values: Any) -> None:
    """Forgets what is known of the photo that was just chosen: its file may be another one by now."""
    state.current.photos.pop(chosen.key(values), None)


def forget_all() -> None:
    """Forgets what is known of photos, and gives their pictures back to Blender."""
    for name in state.current.photos:
        thumbnails.drop(name)
    state.current.photos.clear()


def _begin(values: Any) -> None:
    key = chosen.key(values)
    if not chosen.is_any(values) or key in state.current.photos:
        return
    try:
        photo = chosen.files(values)[0]
        place = chosen.scratch() / "thumbnail.npy"
        request = {"photo": str(photo), "thumbnail": str(place), "side": _SIDE, "max_pixels": values.max_pixels}
        state.current.describing = (key, _describer().submit(request), place)
    except Mono3DError as error:
        _keep(key, state.PhotoLine(problem=str(error)))


def _take() -> None:
    describing, state.current.describing = state.current.describing, None
    if describing is None:
        return
    key, job, place = describing
    try:
        import numpy as np

        found = job.wait()
        icon = thumbnails.show(key, np.load(place, allow_pickle=False))
    except (Mono3DError, OSError, ValueError) as error:
        _keep(key, state.PhotoLine(problem=str(error)))
        return
    size = text("{width} x {height} pixels", width=found["width"], height=found["height"])
    _keep(key, state.PhotoLine(icon, (size,), text(found["camera"])))


def _keep(key: str, line: state.PhotoLine) -> None:
    photos = state.current.photos
    photos[key] = line
    while len(photos) > _MOST_KEPT:
        oldest = next(iter(photos))
        del photos[oldest]
        thumbnails.drop(oldest)


def _describer() -> Any:
    """Returns the process that reads photos, a new one where there is none. Raises Mono3DError without packages."""
    from .. import environment
    from ..worker.client import Worker

    current = state.current
    if current.describer is None:
        packages = environment.require("worker", current.data_folder)
        log = current.data_folder / "logs" / "describe.log"
        current.describer = Worker("describe", [packages], log, current.data_folder, idle_seconds=_IDLE_SECONDS)
    return current.describer
