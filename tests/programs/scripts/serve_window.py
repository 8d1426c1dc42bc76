# SPDX-License-Identifier: GPL-3.0-or-later
"""In Blender with a window: runs code for the test outside and records how long the interface was blocked."""

import contextlib
import json
import os
import sys
import time
import traceback
from pathlib import Path

import bpy

FOLDER = Path(sys.argv[sys.argv.index("--") + 1])
NAME = "bl_ext.user_default.mono3d"
_INTERVAL = 0.01
GAPS = []
JOBS = [(0.0, False)]
"""Times on the system's monotonic clock at which a job began (True) or ended (False)."""

PROGRESS = []
"""Stage and fraction of the jobs, each time they changed."""

MOVED, DRAWN = [], []
"""Times on the system's monotonic clock at which an object's mesh changed, and at which the 3D view was drawn."""

PLACE = [0.0]
ROUNDS = [0]
_LAST = [time.perf_counter()]


def view_3d():
    """Returns the window, the 3D view and its sidebar."""
    window = bpy.context.window_manager.windows[0]
    area = max(
        (item for item in window.screen.areas if item.type == "VIEW_3D"), key=lambda item: item.width * item.height
    )
    return window, area, next(item for item in area.regions if item.type == "UI")


def region(kind):
    """Returns left, top, width and height on the screen of a region of the 3D view."""
    window, area, _ = view_3d()
    found = next(item for item in area.regions if item.type == kind)
    return found.x, window.height - found.y - found.height, found.width, found.height


def preferences():
    """Returns the window of the preferences, which is the newest one, its area and its region."""
    window = bpy.context.window_manager.windows[-1]
    area = next(item for item in window.screen.areas if item.type == "PREFERENCES")
    return window, area, next(item for item in area.regions if item.type == "WINDOW")


def button_under_mouse(place=None):
    """Returns Blender's name of the button under the mouse: a Python command or a data path.

    `place` is the window, area and region of the button; without it, those of the sidebar.
    """
    window, area, region_of_it = place or view_3d()
    manager = bpy.context.window_manager
    manager.clipboard = ""
    with bpy.context.temp_override(window=window, area=area, region=region_of_it):
        if bpy.ops.ui.copy_python_command_button.poll():
            bpy.ops.ui.copy_python_command_button()
        elif bpy.ops.ui.copy_data_path_button.poll():
            with contextlib.suppress(RuntimeError):
                bpy.ops.ui.copy_data_path_button(full_path=True)
    return manager.clipboard


def addon_state():
    """Returns the add-on's state."""
    return sys.modules[f"{NAME}.mono3d_addon.blender.state"].current


def meshes():
    """Returns the objects that the add-on made, newest last."""
    return [item for item in bpy.data.objects if "mono3d_settings" in item]


def camera_frame():
    """Returns left, top, width and height on the screen of the camera's picture in the 3D view."""
    from bpy_extras.view3d_utils import location_3d_to_region_2d

    window, area, _ = view_3d()
    main = next(item for item in area.regions if item.type == "WINDOW")
    scene = bpy.context.scene
    eye = scene.camera
    corners = [
        location_3d_to_region_2d(main, area.spaces.active.region_3d, eye.matrix_world @ corner)
        for corner in eye.data.view_frame(scene=scene)
    ]
    xs, ys = [point.x for point in corners], [point.y for point in corners]
    left, top = main.x + min(xs), window.height - (main.y + max(ys))
    return left, top, max(xs) - min(xs), max(ys) - min(ys)


def tick():
    now = time.perf_counter()
    busy = NAME in bpy.context.preferences.addons and addon_state().run is not None
    if busy != JOBS[-1][1]:
        JOBS.append((time.monotonic(), busy))
    if busy and PROGRESS[-1:] != [seen := (addon_state().run.stage, addon_state().run.fraction)]:
        PROGRESS.append(seen)
    GAPS.append(now - _LAST[0])
    request = FOLDER / "request.py"
    # Earlier mouse and key events arrive in this round of Blender's event loop and are handled after it.
    ROUNDS[0] = ROUNDS[0] + 1 if request.exists() else 0
    if ROUNDS[0] > 2:
        code = request.read_text(encoding="utf-8")
        request.unlink()
        try:
            scope = {**globals(), "result": None}
            exec(code, scope)
            answer = {"result": scope["result"]}
        except Exception:
            answer = {"error": traceback.format_exc()}
        tell("answer.json", answer)
    _LAST[0] = time.perf_counter()
    return _INTERVAL


@bpy.app.handlers.persistent
def note_shape(scene, depsgraph):
    """Records when the first mesh has moved, judged by its middle vertex."""
    shapes = meshes()
    vertices = shapes[0].data.vertices if shapes else ()
    place = vertices[len(vertices) // 2].co.y if vertices else 0.0
    if place != PLACE[0]:
        PLACE[0] = place
        MOVED.append(time.monotonic())


def tell(name, values):
    """Writes a file atomically."""
    beside = FOLDER / f"{name}.partial"
    beside.write_text(json.dumps(values), encoding="utf-8")
    beside.rename(FOLDER / name)


tell("ready.json", {name: os.environ.get(name, "") for name in ("DISPLAY", "XAUTHORITY")})
bpy.app.handlers.depsgraph_update_post.append(note_shape)
bpy.types.SpaceView3D.draw_handler_add(lambda: DRAWN.append(time.monotonic()), (), "WINDOW", "POST_PIXEL")
bpy.app.timers.register(tick, first_interval=1.0, persistent=True)
