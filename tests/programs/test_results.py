# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a scene and its views when results arrive, by mouse and keys in a real window.

The tests of this page are one story, told in order in one Blender without packages.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mono3d_addon.build import build
from tests.programs.program import WORK, Program
from tests.programs.window import Window, with_sidebar

PHOTO = f"{WORK}/repository/tests/photos/coffee.png"
OTHER = f"{WORK}/repository/tests/photos/china.jpg"
SHOTS = os.environ.get("MONO3D_SCREENSHOTS", "")
SPACE = "view_3d()[1].spaces.active"
VIEW = (
    f"[{SPACE}.shading.color_type, {SPACE}.shading.light, *[round(x, 3) for x in {SPACE}.region_3d.view_location],"
    f" round({SPACE}.region_3d.view_distance, 3), round({SPACE}.lens, 2)]"
)
EYE = 70
"""Pixels from the right border of the sidebar to the eye."""
SETTLED = "not addon_state().run and not (addon_state().reshaping and addon_state().reshaping.pending)"

pytestmark = [pytest.mark.timeout(1200), pytest.mark.thorough]


@pytest.fixture(scope="module")
def extension(debian: Program) -> Program:
    """The full edition in a fresh profile, without packages and without a network."""
    return debian.with_extension(build(debian.work / "dist"), "results")


@pytest.fixture(scope="module")
def blender(extension: Program) -> Iterator[Window]:
    window = Window(extension, "results-window")
    try:
        with with_sidebar(window):
            yield window
    finally:
        if SHOTS:
            shutil.copytree(window.folder, Path(SHOTS) / extension.root.name / "results", dirs_exist_ok=True)


def generate(blender: Window, meshes: int) -> None:
    """Clicks Generate and waits for its results; `meshes` are then in the scene."""
    before = blender.ask("result = addon_state().began")
    blender.click(*blender.find("mono3d.generate"))
    blender.wait_for(f"addon_state().began > {before}", 20.0)
    blender.wait_for("not addon_state().run", 300.0)
    assert blender.ask("result = len(meshes())") == meshes, blender.ask("result = list(addon_state().messages)")
    time.sleep(0.5)


def ends(blender: Window) -> list[tuple[float, float]]:
    """Returns where each result begins and ends in the row, from the left."""
    code = "[[min(xs), max(xs)] for xs in ([(o.matrix_world @ Vector(c)).x for c in o.bound_box] for o in meshes())]"
    return sorted((low, high) for low, high in blender.ask(f"from mathutils import Vector\nresult = {code}"))


def test_the_first_result_is_framed_beside_the_cube(blender: Window) -> None:
    blender.wait_for("addon_state().checked", 30.0)
    blender.ask(f"s = bpy.context.scene.mono3d; s.photo = '{PHOTO}'; s.detail = 200; s.tiles = 'off'")
    blender.wait_for("addon_state().photos", 60.0)
    blender.ask(f"bpy.app.driver_namespace['view'] = {VIEW}")
    generate(blender, 1)
    blender.shot("1 first result")
    assert blender.ask("c = bpy.data.objects['Cube']; result = c.visible_get() and not c.hide_render")
    assert ends(blender)[0][0] > 1.0, "it is in the user's cube"
    assert blender.ask("result = bpy.context.scene.camera.name") == "Camera"
    color, light, *_ = blender.ask(f"result = {VIEW}")
    assert (color, light) == ("TEXTURE", "FLAT")


def test_the_offer_of_a_better_model_gives_its_place_back(blender: Window) -> None:
    # In this small window it would push the panel Shape out of sight.
    blender.press("mono3d.dismiss_next_step")
    blender.wait_for("addon_state().next_step is None", 10.0)


def test_undo_gives_the_view_back(blender: Window) -> None:
    after = blender.ask(f"result = {VIEW}")
    blender.keys("ctrl+z", over=blender.view())
    blender.wait_for("not meshes()", 20.0)
    assert blender.ask(f"result = {VIEW}") == blender.ask("result = bpy.app.driver_namespace['view']")
    blender.shot("2 undone")
    blender.keys("ctrl+shift+z", over=blender.view())
    blender.wait_for("len(meshes()) == 1", 20.0)
    assert blender.ask(f"result = {VIEW}") == after


def test_several_photos_stand_in_a_row_all_selected_and_framed(blender: Window) -> None:
    blender.ask(f"s = bpy.context.scene.mono3d; s.photo = '{PHOTO}'; s.more_photos.add().name = '{OTHER}'")
    generate(blender, 3)
    row = ends(blender)
    assert row[0][1] < row[1][0] and row[1][1] < row[2][0]
    assert blender.ask("result = sorted(o.name for o in bpy.context.selected_objects)") == ["china", "coffee.001"]
    words = " ".join(blender.ask("result = list(addon_state().messages)"))
    assert words.startswith("2 meshes in") and "china: " in words and "coffee: " in words
    blender.shot("3 several photos")


def test_only_looking_leaves_camera_and_render_size(blender: Window) -> None:
    before = blender.ask(
        "s = bpy.context.scene; result = [s.camera.name, s.render.resolution_x, s.render.resolution_y]"
    )
    left, _, width, _ = blender.ask("result = region('UI')")
    # The eye is the second button from the right; the wide one at its left has the same command.
    blender.click(left + width - EYE, blender.find("look_through_camera()")[1])
    blender.wait_for(f"{VIEW}[2:] != bpy.app.driver_namespace['view'][2:]", 10.0)
    after = blender.ask("s = bpy.context.scene; result = [s.camera.name, s.render.resolution_x, s.render.resolution_y]")
    assert after == before
    code = f"r = {SPACE}.region_3d; eye = bpy.context.active_object.children[0].matrix_world.translation"
    off = blender.ask(f"{code}\nresult = (r.view_matrix.inverted().translation - eye).length")
    assert off < 1e-3, "the view is not from the photo's camera"
    blender.shot("4 only looking")


def test_a_deleted_camera_is_made_again(blender: Window) -> None:
    blender.ask("bpy.data.objects.remove(bpy.context.active_object.children[0])")
    blender.press("look_through_camera()")
    blender.wait_for(f"{SPACE}.region_3d.view_perspective == 'CAMERA'", 10.0)
    code = "s = bpy.context.scene; result = [s.camera.parent == bpy.context.active_object, s.render.resolution_x]"
    assert blender.ask(code) == [True, 640]
    blender.shot("5 camera made again")


def test_a_change_in_edit_mode_says_that_it_waits(blender: Window) -> None:
    blender.keys("Tab", over=blender.view())
    blender.wait_for("bpy.context.mode == 'EDIT_MESH'", 10.0)
    place = blender.find("mono3d_shape.near")
    blender.keys("Return", over=place)
    blender.keys("ctrl+a")
    blender.type("0.6")
    blender.keys("Return")
    blender.wait_for("any(p.waits for p in addon_state().reshaping.pending.values())", 20.0)
    blender.shot("6 waits for Object Mode")
    blender.keys("Tab", over=blender.view())
    blender.wait_for(SETTLED, 120.0)
    assert '"near": 0.6' in blender.ask("result = bpy.context.active_object['mono3d_settings']")


def test_a_new_file_forgets_what_was_said(blender: Window) -> None:
    assert blender.ask("result = bool(addon_state().messages)")
    # By the menu Blender asks whether to save first.
    blender.ask("w = view_3d()[0]\nwith bpy.context.temp_override(window=w): bpy.ops.wm.read_homefile()")
    blender.wait_for("not meshes() and not addon_state().messages", 30.0)


def test_a_killed_blender_leaves_nothing_after_the_next_start(blender: Window, extension: Program) -> None:
    code = (
        "import os, tempfile; result = [one for one in os.listdir(tempfile.gettempdir()) if 'mono3d-blender-' in one]"
    )
    blender.open_sidebar()
    blender.ask(f"bpy.context.scene.mono3d.photo = '{PHOTO}'")
    blender.wait_for("addon_state().scratch", 60.0)
    own = blender.ask("result = addon_state().scratch.path.name")
    os.kill(blender.ask("import os; result = os.getpid()"), signal.SIGKILL)
    again = Window(extension, "results-again")
    try:
        again.wait_until_ready()
        again.wait_for("addon_state().checked", 60.0)
        end = time.monotonic() + 30.0
        while own in (left := again.ask(code)) and time.monotonic() < end:
            time.sleep(0.2)
        assert own not in left
    finally:
        again.close()
