# SPDX-License-Identifier: GPL-3.0-or-later
"""What an artist does with mouse and keys in a real Blender window, from the fresh add-on to the reopened file.

The tests of this page are one story, told in order in one Blender.
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import signal
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.programs.program import WORK, Program
from tests.programs.window import Window, with_sidebar

PHOTO = Path(__file__).parents[1] / "photos" / "coffee.png"
INSIDE = f"{WORK}/window/coffee.jpg"
SHOTS = os.environ.get("MONO3D_SCREENSHOTS", "")
VALUES = "bpy.context.scene.mono3d"
RUN = "addon_state().run"
pytestmark = [pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def blender(program: Program) -> Iterator[Window]:
    window = Window(program, "window")
    with Image.open(PHOTO) as photo:
        # Large enough for a job of several seconds.
        photo.convert("RGB").resize((2400, 1600), Image.Resampling.BICUBIC).save(window.folder / "coffee.jpg")
    try:
        with with_sidebar(window):
            yield window
    finally:
        if SHOTS:
            shutil.copytree(window.folder, Path(SHOTS) / program.root.name, dirs_exist_ok=True)


@pytest.fixture
def first_mesh_active(blender: Window) -> Iterator[None]:
    """Shows, activates and frames the first mesh and closes the main panel, so that the one below it is visible."""
    blender.ask(
        "item = meshes()[0]; item.hide_set(False); bpy.context.view_layer.objects.active = item\n"
        "for one in bpy.data.objects: one.select_set(one == item)\n"
        "w, a, _ = view_3d(); r = next(one for one in a.regions if one.type == 'WINDOW')\n"
        "with bpy.context.temp_override(window=w, area=a, region=r): bpy.ops.view3d.view_selected()"
    )
    left, top, width, _ = blender.ask("result = region('UI')")
    header = (left + 0.3 * width, top + 14)
    blender.click(*header)
    time.sleep(0.5)
    yield
    blender.click(*header)
    blender.ask("[item.hide_set(True) for item in meshes()]")


def start(blender: Window) -> None:
    """Clicks Generate and returns when the job is running."""
    place = blender.find("mono3d.generate")
    before = blender.ask("result = addon_state().began")
    blender.click(*place)
    blender.wait_for(f"addon_state().began > {before}", 10.0)


def end(blender: Window, meshes: int) -> None:
    """Waits for the end of the job and its result."""
    blender.wait_for(f"not {RUN}", 180.0)
    assert blender.ask("result = len(meshes())") == meshes, blender.ask("result = addon_state().messages")


def cancel_place(blender: Window) -> tuple[float, float]:
    """Returns the position of the cancel button: at the right end of the progress bar that replaces Generate."""
    left, _, width, _ = blender.ask("result = region('UI')")
    return left + width - 48, blender.find("mono3d.generate")[1]


def gaps(blender: Window) -> list[float]:
    """Returns the seconds that Blender's main thread was blocked each time since the last call."""
    return list(blender.ask("result = list(GAPS); GAPS.clear()"))


def test_a_fresh_user_sees_photo_generate_and_an_offer(blender: Window) -> None:
    preferences = "bpy.context.preferences.addons[NAME].preferences"
    choosing = ["bpy.ops.mono3d.open_photo()", "mono3d.image", "mono3d.photo"]
    blender.ask(f"{preferences}.data_folder = '{blender.program.inside(blender.folder)}/nothing'")
    blender.wait_for("addon_state().planning is None", 60.0)
    time.sleep(1.0)
    buttons = {name for name in blender.buttons() if "mono3d" in name}
    assert buttons == {*choosing, "bpy.ops.mono3d.generate()", "bpy.ops.mono3d.install()"}
    blender.shot("1 install")
    blender.press("mono3d.install")
    time.sleep(0.5)
    blender.shot("2 install without leave")
    blender.keys("Escape", over=blender.view())
    blender.ask(f"{preferences}.data_folder = '{WORK}/data'")
    time.sleep(1.0)
    buttons = {name for name in blender.buttons() if "mono3d" in name}
    assert buttons == {*choosing, "bpy.ops.mono3d.generate()"}
    blender.shot("3 nothing chosen")


def test_choosing_a_photo_shows_it(blender: Window) -> None:
    blender.click(*blender.find("mono3d.photo"))
    time.sleep(0.3)
    blender.keys("ctrl+a")
    blender.type(INSIDE)
    blender.keys("Return")
    assert blender.ask(f"result = {VALUES}.photo") == INSIDE
    blender.wait_for("addon_state().photos", 20.0)
    line = blender.ask(f"result = list(addon_state().photos['{INSIDE}'])")
    assert line[0] > 0 and line[1] == ["2400 x 1600 pixels"] and "55 degrees" in line[2]
    assert any("mono3d.generate" in name for name in blender.buttons())
    blender.shot("4 photo chosen")


def test_the_job_runs_while_blender_stays_usable(blender: Window) -> None:
    blender.ask(f"{VALUES}.detail = 600; {VALUES}.tiles = 'on'; {VALUES}.flip = True")
    gaps(blender)
    for x in range(20):
        blender.drag(blender.view(), (blender.view()[0] + 5 * (x % 2), blender.view()[1]), 2)
        if x > 2:
            break
    idle = gaps(blender)
    before = blender.ask("result = [list(row) for row in view_3d()[1].spaces.active.region_3d.view_matrix]")
    began = time.monotonic()
    blender.ask("PROGRESS.clear()")
    start(blender)
    gaps(blender)
    place = blender.view()
    blender.drag(place, (place[0] + 120, place[1] - 40), 2)
    matrix = "[list(row) for row in view_3d()[1].spaces.active.region_3d.view_matrix]"
    blender.wait_for(f"{matrix} != {before}", 10.0)
    assert blender.ask(f"result = bool({RUN})"), "the job was over before the view was turned"
    blender.keys("shift+a", over=place)
    time.sleep(0.5)
    blender.type("uv sphere")
    time.sleep(0.5)
    blender.keys("Return")
    is_shot = False
    while blender.ask(f"result = bool({RUN})"):
        if not is_shot and blender.ask("result = len(PROGRESS)") > 1:
            blender.shot("5 running")
            is_shot = True
        assert time.monotonic() - began < 180.0
        time.sleep(0.2)
    busy = gaps(blender)
    print(
        f"main thread away, ms: idle median {1000 * statistics.median(idle):.0f}, largest {1000 * max(idle):.0f}; "
        f"during a job median {1000 * statistics.median(busy):.0f}, "
        f"95 of 100 under {1000 * float(np.percentile(busy, 95)):.0f}, largest {1000 * max(busy):.0f} (the build)"
    )
    print(f"generation of 2400 x 1600 with tiles, mirrored: {time.monotonic() - began:.1f} s")
    progress = blender.ask("result = list(PROGRESS)")
    fractions = [fraction for _, fraction in progress]
    assert fractions == sorted(fractions) and len(set(fractions)) > 1, progress
    assert len({stage for stage, _ in progress}) >= 2, progress
    end(blender, 1)
    blender.shot("6 result")


def test_one_undo_takes_the_result_and_nothing_else(blender: Window) -> None:
    others = "[item.name for item in bpy.data.objects if item.type == 'MESH' and 'mono3d_settings' not in item]"
    added = blender.ask(f"result = {others}")
    assert len(added) == 2, f"the user's object is missing: {added}"
    blender.keys("ctrl+z", over=blender.view())
    blender.wait_for("not meshes()")
    assert blender.ask(f"result = {others}") == added
    blender.keys("ctrl+shift+z", over=blender.view())
    blender.wait_for("len(meshes()) == 1")
    assert blender.ask(f"result = {others}") == added


def test_the_camera_sees_the_photo(blender: Window) -> None:
    """The view through the camera matches the photo to the pixel of the screen."""
    blender.ask(
        "for item in bpy.data.objects:\n  if item.type == 'MESH' and 'mono3d_settings' not in item: item.hide_set(True)"
    )
    # Lights of the view draw edges of the relief that the photo does not have.
    light = blender.ask("result = view_3d()[1].spaces.active.shading.light")
    blender.ask("view_3d()[1].spaces.active.shading.light = 'FLAT'")
    blender.press("mono3d.look_through_camera")
    blender.wait_for("view_3d()[1].spaces.active.region_3d.view_perspective == 'CAMERA'", 5.0)
    blender.shot("7 camera")
    # The background image would match itself.
    blender.ask("bpy.context.scene.camera.data.show_background_images = False")
    blender.ask("view_3d()[1].spaces.active.overlay.show_overlays = False")
    blender.ask("view_3d()[1].spaces.active.show_gizmo = False")
    picture = blender.shot("8 camera without photo").astype(float)
    left, top, width, height = blender.ask("result = camera_frame()")
    blender.ask(f"view_3d()[1].spaces.active.shading.light = {light!r}")
    blender.ask("bpy.context.scene.camera.data.show_background_images = True")
    blender.ask("view_3d()[1].spaces.active.overlay.show_overlays = True")
    # Hide it from here on: it takes most of the software renderer's time.
    blender.ask("[item.hide_set(True) for item in meshes()]")
    assert width > 200
    with Image.open(PHOTO) as photo:
        wanted = np.asarray(photo.convert("L").resize((round(width), round(height)), Image.Resampling.BOX), dtype=float)
    seen = picture.mean(axis=2)
    shift, agreement = best_shift(seen, wanted, round(left), round(top))
    print(f"the mesh's edges lie {shift} pixels from the photo's, correlation {agreement:.3f}")
    assert max(map(abs, shift)) <= 1 and agreement > 0.8


def best_shift(
    seen: NDArray[np.float64], wanted: NDArray[np.float64], left: int, top: int
) -> tuple[tuple[int, int], float]:
    """Returns by how many pixels the edges of `wanted` must move to lie on those of `seen`, and their correlation."""
    rows, columns = (side - 1 for side in wanted.shape)
    # Leave out what the sidebar or the toolbar covers.
    inner = (slice(rows // 10, rows - rows // 10), slice(columns // 5, columns - columns // 5))
    target = edges(wanted)[inner]
    best: tuple[tuple[int, int], float] = ((0, 0), -1.0)
    for y in range(-6, 7):
        for x in range(-6, 7):
            part = seen[top + y : top + y + rows + 1, left + x : left + x + columns + 1]
            found = float(np.corrcoef(edges(part)[inner].ravel(), target.ravel())[0, 1])
            if found > best[1]:
                best = ((x, y), found)
    return best


def edges(picture: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.hypot(np.diff(picture, axis=0)[:, :-1], np.diff(picture, axis=1)[:-1])


@pytest.mark.thorough
def test_near_is_entered_and_the_next_mesh_follows(blender: Window) -> None:
    blender.ask(f"{VALUES}.detail = 200; {VALUES}.tiles = 'off'; {VALUES}.flip = False")
    place = open_part(blender, "mono3d.near")
    blender.keys("Return", over=place)
    blender.keys("ctrl+a")
    blender.type("2.5")
    blender.keys("Return")
    assert blender.ask(f"result = {VALUES}.near") == pytest.approx(2.5)
    blender.shot("9 near entered")
    start(blender)
    end(blender, 2)
    nearest = "min(vertex.co.y for vertex in meshes()[{}].data.vertices)"
    first, second = (blender.ask(f"result = {nearest.format(number)}") for number in (0, 1))
    assert first < 1.2 and second > 2.0


def open_part(blender: Window, name: str, below: str = "mono3d.generate") -> tuple[float, float]:
    """Opens the panel with the button `name` by clicking on headers, all of them `below` another button.

    Returns the position of the button.
    """
    left, top, width, height = blender.ask("result = region('UI')")
    _, lowest = blender.find(below)
    for y in range(int(lowest) + 40, int(top + height) - 10, 20):
        blender.click(left + 0.3 * width, y)
        time.sleep(0.3)
        for found, place in blender.buttons(name, y - top, 6, 1).items():
            if name in found:
                return place
        blender.click(left + 0.3 * width, y)
    blender.shot("failed to open")
    raise AssertionError(f"no part of the sidebar holds '{name}'")


@pytest.mark.usefixtures("first_mesh_active")
def test_the_mesh_follows_its_own_settings(blender: Window) -> None:
    """Near is entered in Reshape Active Object; the mesh moves at once, in place, and as one undo step."""
    known = blender.ask("result = [meshes()[0].name, meshes()[0].data.name, len(meshes())]")
    nearest = "min(vertex.co.y for vertex in meshes()[0].data.vertices)"
    settled = "not addon_state().reshaping or not addon_state().reshaping.pending"
    before = blender.ask(f"result = {nearest}")
    stored = json.loads(blender.ask("result = meshes()[0]['mono3d_settings']"))
    near = round(0.5 * (stored["near"] + stored["far"]), 2)
    place = blender.find("mono3d_shape.near")
    blender.keys("Return", over=place)
    blender.keys("ctrl+a")
    blender.type(f"{near:g}")
    blender.ask("MOVED.clear()")
    began = time.monotonic()
    blender.keys("Return")
    blender.wait_for("MOVED", 10.0)
    moved = blender.ask("result = MOVED[0]") - began
    blender.wait_for("DRAWN and DRAWN[-1] > MOVED[0]", 10.0)
    drawn = blender.ask("result = min(one for one in DRAWN if one > MOVED[0])") - began
    print(f"the mesh has moved {moved:.2f} s after the key and is seen after {drawn:.2f} s")
    assert moved < 1.0, "0.3 s on a machine with nothing else to do"
    blender.wait_for(settled, 60.0)
    print(f"and is made anew after {time.monotonic() - began:.2f} s")
    after = blender.ask(f"result = {nearest}")
    assert after > 0.9 * near > before
    blender.shot("9 shaped")
    assert blender.ask("result = [meshes()[0].name, meshes()[0].data.name, len(meshes())]") == known
    blender.keys("ctrl+z", over=blender.view())
    blender.wait_for(f"abs({nearest} - {before}) < 0.01", 20.0)
    blender.keys("ctrl+shift+z", over=blender.view())
    blender.wait_for(f"abs({nearest} - {after}) < 0.01", 20.0)
    assert blender.ask(f"result = {settled}"), "undo or redo started a job"


@pytest.mark.thorough
@pytest.mark.usefixtures("first_mesh_active")
def test_two_points_are_picked_and_measured(blender: Window) -> None:
    """Known Distances by mouse: both clicks leave numbered marks; the dialog makes the mesh metric and removes them."""
    place = open_part(blender, "mono3d.pick_distances", "mono3d_shape.surface")
    marks = "sys.modules[f'{NAME}.mono3d_addon.blender.marks'].picked.points"
    blender.click(*place)
    before = blender.shot("9 before picking")
    view_left, view_top, view_width, view_height = blender.ask("result = region('WINDOW')")
    for number, (across, down) in enumerate(((0.35, 0.6), (0.7, 0.6)), 1):
        x, y = view_left + across * view_width, view_top + down * view_height
        blender.click(x, y)
        assert blender.ask(f"result = len({marks})") == number
        if number == 1:
            after = blender.shot("9 first point picked")
            around = np.s_[int(y) - 12 : int(y) + 12, int(x) - 12 : int(x) + 12]
            assert (before[around] != after[around]).mean() > 0.05
    blender.shot("9 two points picked")
    first, second = blender.ask(f"result = [list(point) for point in {marks}]")
    known = "'mono3d_known_distances' in meshes()[0]"
    assert not blender.ask(f"result = {known}")
    assert math.dist(first, second) > 0.05
    blender.keys("Return", over=(x, y))
    blender.wait_for("not addon_state().reshaping or not addon_state().reshaping.pending", 60.0)
    assert blender.ask(f"result = len({marks})") == 0
    assert blender.ask(f"result = {known}")
    blender.keys("ctrl+z", over=blender.view())
    blender.wait_for(f"not ({known})", 20.0)


@pytest.mark.parametrize("by", ["button", pytest.param("escape", marks=pytest.mark.thorough)])
def test_cancelling_takes_less_than_a_second(blender: Window, by: str) -> None:
    blender.ask(f"{VALUES}.surface = 'poisson'; {VALUES}.detail = 1024; {VALUES}.poisson_depth = 12")
    blender.ask(f"{VALUES}.voxel = 0.0")
    count = blender.ask("result = len(meshes())")
    place = cancel_place(blender)
    start(blender)
    time.sleep(1.0)
    blender.move(*(place if by == "button" else blender.view()))
    assert blender.ask(f"result = bool({RUN})"), "the job was over before it could be cancelled"
    gaps(blender)
    began = time.monotonic()
    if by == "button":
        blender.click(*place)
    else:
        blender.keys("Escape")
    blender.wait_for(f"not {RUN}", 5.0)
    ended, still = blender.ask("result = JOBS[-1]")
    assert not still
    seconds = ended - began
    print(f"cancelled by {by} in {seconds:.2f} s")
    # The software renderer may be drawing when the key is pressed.
    assert seconds < 1.0 + max(gaps(blender))
    assert blender.ask("result = [len(meshes()), list(addon_state().messages)]") == [count, ["Cancelled."]]
    blender.shot(f"10 cancelled by {by}")


@pytest.mark.thorough
def test_a_killed_worker_is_told_and_the_next_job_works(blender: Window) -> None:
    count = blender.ask("result = len(meshes())")
    start(blender)
    time.sleep(1.0)
    os.kill(blender.ask("result = addon_state().worker.process_id"), signal.SIGKILL)
    blender.wait_for(f"not {RUN}", 5.0)
    assert "was killed" in " ".join(blender.ask("result = addon_state().messages"))
    time.sleep(0.5)
    blender.shot("11 worker killed")
    blender.keys("Escape", over=blender.view())
    blender.ask(f"{VALUES}.surface = 'grid'; {VALUES}.detail = 200; {VALUES}.voxel = 2.0")
    start(blender)
    end(blender, count + 1)


@pytest.mark.thorough
def test_a_result_waits_until_edit_mode_is_left(blender: Window) -> None:
    count = blender.ask("result = len(meshes())")
    blender.ask("for item in bpy.data.objects: item.select_set(False)")
    blender.ask("item = bpy.data.objects['Cube']; item.hide_set(False); bpy.context.view_layer.objects.active = item")
    blender.keys("Tab", over=blender.view())
    blender.wait_for("bpy.data.objects['Cube'].mode == 'EDIT'", 5.0)
    start(blender)
    blender.wait_for("addon_state().waiting", 60.0)
    assert blender.ask("result = len(meshes())") == count
    blender.shot("12 waiting")
    blender.keys("Tab", over=blender.view())
    end(blender, count + 1)
    blender.keys("ctrl+z", over=blender.view())
    blender.wait_for(f"len(meshes()) == {count}", 10.0)
    assert blender.ask("result = bpy.data.objects['Cube'].mode") == "OBJECT"
    blender.keys("ctrl+shift+z", over=blender.view())
    blender.wait_for(f"len(meshes()) == {count + 1}", 10.0)


@pytest.mark.thorough
def test_the_depth_is_shown(blender: Window) -> None:
    place = open_part(blender, "mono3d.show_depth")
    blender.click(*place)
    blender.wait_for("'coffee depth' in bpy.data.images", 60.0)
    time.sleep(1.0)
    blender.shot("13 depth")
    assert blender.ask("result = list(bpy.data.images['coffee depth'].size)") == [200, 133]


@pytest.mark.thorough
def test_the_search_finds_the_operators(blender: Window) -> None:
    # Call the operator: Blender 5.2 ignores F3 on a virtual screen, with or without the add-on.
    blender.move(*blender.view())
    blender.ask(
        "w, a, _ = view_3d()\nr = next(item for item in a.regions if item.type == 'WINDOW')\n"
        "with bpy.context.temp_override(window=w, area=a, region=r): bpy.ops.wm.search_menu('INVOKE_DEFAULT')"
    )
    # The first search gathers all menus.
    time.sleep(2.0)
    blender.shot("14 search opened")
    blender.type("show depth")
    time.sleep(1.0)
    blender.shot("14 search")
    before = blender.ask("result = addon_state().began")
    blender.keys("Return")
    blender.wait_for(f"addon_state().began > {before} and not {RUN}", 30.0)


@pytest.mark.thorough
def test_the_file_is_saved_reopened_and_goes_on(blender: Window) -> None:
    path = f"{blender.program.inside(blender.folder)}/saved.blend"
    count = blender.ask("result = len(meshes())")
    blender.ask(f"bpy.ops.wm.save_as_mainfile(filepath='{path}')")
    blender.keys("ctrl+s", over=blender.view())
    blender.ask(
        f"w, a, r = view_3d()\nwith bpy.context.temp_override(window=w): bpy.ops.wm.open_mainfile(filepath='{path}')"
    )
    time.sleep(2.0)
    assert blender.ask("result = len(meshes())") == count
    assert blender.ask(f"result = [{VALUES}.photo, {VALUES}.detail, round({VALUES}.near, 4)]") == [INSIDE, 200, 2.5]
    blender.wait_for("addon_state().photos", 20.0)
    start(blender)
    assert blender.ask("result = addon_state().expected") is not None
    end(blender, count + 1)
    blender.shot("15 reopened")


def test_drawing_is_fast_and_the_console_stays_clean(blender: Window) -> None:
    blender.ask(
        "panel = sys.modules[f'{NAME}.mono3d_addon.blender.panel']\n"
        "DRAWN = bpy.app.driver_namespace['drawn'] = []\n"
        "def timed(cls):\n"
        "  inner = cls.draw\n"
        "  def draw(self, context):\n"
        "    began = time.perf_counter(); inner(self, context); DRAWN.append(time.perf_counter() - began)\n"
        "  cls.draw = draw\n"
        "timed(panel.MONO3D_PT_main)"
    )
    for _ in range(20):
        blender.ask("view_3d()[2].tag_redraw()")
    times = blender.ask("result = bpy.app.driver_namespace['drawn']")
    print(f"drawing the main panel: median {1000 * statistics.median(times):.2f} ms, {len(times)} times")
    assert len(times) > 5 and statistics.median(times) < 0.001
    complaints = re.findall(r"(?im)^.*(?:traceback|error|warning).*$", blender.output())
    complaints = [line for line in complaints if "mounted file-systems" not in line and "was killed" not in line]
    assert not complaints, complaints
