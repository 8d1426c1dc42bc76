# SPDX-License-Identifier: GPL-3.0-or-later
"""Inside Blender with a window: opens the sidebar, runs the operator as its button does, takes screenshots."""

import os
import subprocess
import sys
import time
import traceback

import bpy

NAME = "bl_ext.user_default.mono3d"
PHOTO, DATA_FOLDER, SHOTS = sys.argv[sys.argv.index("--") + 1 :]
STATE = {"step": 0, "began": 0.0, "drawn": 0, "stages": []}


def view_3d():
    window = bpy.context.window_manager.windows[0]
    area = next(item for item in window.screen.areas if item.type == "VIEW_3D")
    return window, area, area.spaces.active


def shot(name):
    subprocess.run(["import", "-window", "root", f"{SHOTS}/{name}.png"], check=True)


def press(keys):
    """Presses keys with the mouse over the 3D view, as a user does."""
    subprocess.run(["xdotool", "mousemove", "300", "600", "key", keys], check=True)


def meshes():
    """Returns how many meshes the add-on has made; Blender's own cube comes back with an undo and does not count."""
    return len([item for item in bpy.data.objects if item.type == "MESH" and item.name != "Cube"])


def redraw():
    bpy.ops.wm.redraw_timer(type="DRAW_WIN_SWAP", iterations=1)


def step_open():
    bpy.context.preferences.addons[NAME].preferences.data_folder = DATA_FOLDER
    press("Escape")
    for item in list(bpy.data.objects):
        bpy.data.objects.remove(item)
    bpy.context.scene.mono3d.photo = PHOTO
    _, _, space = view_3d()
    space.show_region_ui = True
    return 1.0


def step_tab():
    _, area, _ = view_3d()
    region = next(item for item in area.regions if item.type == "UI")
    region.active_panel_category = "Mono3D"
    area.tag_redraw()
    return 1.0


def step_generate():
    redraw()
    shot("sidebar")
    window, area, _ = view_3d()
    region = next(item for item in area.regions if item.type == "WINDOW")
    with bpy.context.temp_override(window=window, area=area, region=region):
        assert bpy.ops.mono3d.generate("INVOKE_DEFAULT") == {"RUNNING_MODAL"}
    STATE["began"] = time.monotonic()
    return 0.3


def step_wait():
    if meshes():
        return 1.0
    assert time.monotonic() - STATE["began"] < 120, "the job takes too long"
    STATE["step"] -= 1
    if "running" not in STATE and time.monotonic() - STATE["began"] > 1.0:
        STATE["running"] = True
        redraw()
        shot("running")
    return 0.1


def step_look():
    assert meshes() == 1, "redo does not bring the mesh back"
    window, area, space = view_3d()
    region = next(item for item in area.regions if item.type == "WINDOW")
    space.shading.type = "SOLID"
    space.shading.color_type = "TEXTURE"
    with bpy.context.temp_override(window=window, area=area, region=region):
        assert bpy.ops.mono3d.look_through_camera() == {"FINISHED"}
    return 1.5


def step_shot():
    redraw()
    shot("camera")
    _, _, space = view_3d()
    assert space.region_3d.view_perspective == "CAMERA"
    return 0.5


def step_undo():
    assert meshes() == 1
    press("ctrl+z")
    return 1.0


def step_undone():
    assert meshes() == 0, "one undo does not take the mesh away"
    press("ctrl+shift+z")
    return 1.0


def step_end():
    print("CHECKED the window")
    return None


STEPS = [step_open, step_tab, step_generate, step_wait, step_undo, step_undone, step_look, step_shot, step_end]


def tick():
    try:
        step = STEPS[STATE["step"]]
        STATE["step"] += 1
        pause = step()
    except BaseException:
        traceback.print_exc()
        shot("failed")
        leave(1)
    if pause is None:
        leave(0)
    return pause


def leave(code):
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


bpy.app.timers.register(tick, first_interval=3.0)
