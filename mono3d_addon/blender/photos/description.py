# SPDX-License-Identifier: GPL-3.0-or-later
"""Describes the chosen photo: thumbnail, size, source of the camera.

A separate process reads the photo, and a timer stores the result for the panels.
"""

from __future__ import annotations

from typing import Any

import bpy

from ...errors import Mono3DError
from .. import interface, state, temporary, workers
from ..texts import filled, text
from . import chosen, thumbnails

_SIDE = 256
_INTERVAL = 0.05
_MOST_KEPT = 16


def refresh_soon() -> None:
    """Describes the chosen photo a moment later."""
    if not bpy.app.background and not bpy.app.timers.is_registered(poll):
        bpy.app.timers.register(poll, first_interval=_INTERVAL, persistent=True)


def poll() -> float | None:
    """Starts to describe the chosen photo, or stores its description once that is there.

    A timer: returns the seconds until its next call, None once the description is complete.
    """
    scene: Any = bpy.context.scene
    if scene is None or not state.current.checked:
        return None
    if state.current.describing is None:
        _begin(scene.mono3d)
    elif not state.current.describing[1].poll():
        _on_finished()
        interface.redraw()
        _begin(scene.mono3d)
    return _INTERVAL if state.current.describing is not None else None


def forget(values: Any) -> None:
    """Drops the description of the photo that was just chosen: its file may have changed."""
    state.current.photos.pop(chosen.key(values), None)


def forget_all() -> None:
    """Drops all descriptions and their thumbnails."""
    for name in state.current.photos:
        thumbnails.drop(name)
    state.current.photos.clear()


def _begin(values: Any) -> None:
    key = chosen.key(values)
    if not chosen.is_any(values) or key in state.current.photos:
        return
    try:
        photo = chosen.files(values)[0]
        folder = temporary.scratch()
        place = folder / "thumbnail.npy"
        request = {"photo": str(photo), "thumbnail": str(place), "side": _SIDE, "max_pixels": values.max_pixels}
        if state.current.is_bare:
            from . import pixels

            request["decoded"] = pixels.hand_over([photo], values.max_pixels, folder)
        state.current.describing = (key, workers.describer().submit(request), place)
    except (Mono3DError, OSError) as error:
        _keep(key, state.PhotoLine(problem=str(error)))


def _on_finished() -> None:
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
    sides = sorted((int(found["width"]), int(found["height"])))
    _keep(key, state.PhotoLine(icon, (size,), filled(found["camera"]), longer=sides[1], shorter=sides[0]))


def _keep(key: str, line: state.PhotoLine) -> None:
    photos = state.current.photos
    photos[key] = line
    while len(photos) > _MOST_KEPT:
        oldest = next(iter(photos))
        del photos[oldest]
        thumbnails.drop(oldest)
