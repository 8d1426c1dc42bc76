# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting from where a photo is, and nodes and points of the result, by mouse and keys in a real window.

The tests of this page are one story, told in order in one Blender with a fresh profile and without packages.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mono3d_addon.build import build
from tests.programs.program import WORK, Program
from tests.programs.window import Window

PHOTOS = f"{WORK}/start-window/photos"
SHOTS = os.environ.get("MONO3D_SCREENSHOTS", "")
VALUES = "bpy.context.scene.mono3d"
IDLE = "not addon_state().run"
UP, DOWN = "4", "5"

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def blender(debian: Program) -> Iterator[Window]:
    """A window with the sidebar closed, and beside the 3D view an area for other editors."""
    program = debian.with_extension(build(debian.work / "dist"), "start")
    window = Window(program, "start-window")
    (window.folder / "photos").mkdir()
    for name in ("coffee.png", "china.jpg"):
        shutil.copy(Path(__file__).parents[1] / "photos" / name, window.folder / "photos")
    try:
        window.wait_until_ready()
        window.keys("Escape", over=(400, 600))
        window.ask(f"{VALUES}.detail = 512")
        yield window
    finally:
        window.close()
        if SHOTS:
            shutil.copytree(window.folder, Path(SHOTS) / program.root.name / "start", dirs_exist_ok=True)


def show_editor(blender: Window, kind: str, code: str = "") -> tuple[float, float, float, float]:
    """Shows an editor in the large area at the right; returns left, top, width and height of its main region."""
    found = (
        "areas = [one for one in view_3d()[0].screen.areas if one.type != 'VIEW_3D']\n"
        "area = max(areas, key=lambda one: one.width * one.height)\n"
    )
    blender.ask(f"{found}area.type = {kind!r}\nspace = area.spaces.active\n{code}")
    time.sleep(1.0)
    left, top, width, height = blender.ask(
        f"{found}one = next(one for one in area.regions if one.type == 'WINDOW')\n"
        "result = one.x, view_3d()[0].height - one.y - one.height, one.width, one.height"
    )
    blender.move(left + 0.5 * width, top + 0.5 * height)
    time.sleep(1.0)
    return left, top, width, height


def pick_last(blender: Window) -> None:
    """Chooses the last entry of the open menu."""
    time.sleep(0.7)
    blender.keys("Up")
    time.sleep(0.3)


def start_by_menu(blender: Window, shot: str) -> None:
    """Chooses the last entry of the open menu, which starts, after a screenshot."""
    pick_last(blender)
    blender.shot(shot)
    blender._run("xdotool", "key", "Return")


def status(blender: Window) -> str:
    return str(blender.ask("result = addon_state().status"))


def test_the_image_editor_starts_and_the_status_bar_tells(blender: Window) -> None:
    code = f"space.image = bpy.data.images.load('{PHOTOS}/coffee.png')"
    show_editor(blender, "IMAGE_EDITOR", code)
    blender.wait_for("addon_state().checked", 20.0)
    header = blender.ask(
        "area = next(one for one in view_3d()[0].screen.areas if one.type == 'IMAGE_EDITOR')\n"
        "one = next(one for one in area.regions if one.type == 'HEADER')\n"
        "result = one.x, view_3d()[0].height - one.y - one.height, one.width, one.height"
    )
    assert not blender.ask("result = view_3d()[1].spaces.active.show_region_ui")
    # The menu "Image" is the second one behind the editor's and the view's selectors.
    blender.click(header[0] + 190, header[1] + 0.5 * header[3])
    start_by_menu(blender, "1 menu of the image editor")
    seen = []
    end = time.monotonic() + 90.0
    while time.monotonic() < end and not blender.ask("result = bool(meshes())"):
        if words := status(blender):
            seen.append(words)
            if len(seen) == 1:
                blender.shot("2 status bar")
    assert blender.ask("result = len(meshes())") == 1 and seen
    assert all(words.startswith("Mono3D: ") and words.endswith("%") for words in seen), seen
    blender.wait_for(IDLE, 30.0)
    assert status(blender) == "", "always cleared"


def test_a_cancelled_job_clears_the_status_bar(blender: Window) -> None:
    blender.ask(f"{VALUES}.detail = 1024; {VALUES}.tiles = 'on'; {VALUES}.flip = True")
    blender.ask(
        "window, area, _ = view_3d()\n"
        "with bpy.context.temp_override(window=window, area=area): bpy.ops.mono3d.generate('INVOKE_DEFAULT')"
    )
    blender.wait_for("addon_state().status", 20.0)
    blender.keys("Escape", over=blender.view())
    blender.wait_for(IDLE, 20.0)
    assert status(blender) == "" and blender.ask("result = len(meshes())") == 1
    blender.ask(f"{VALUES}.detail = 512; {VALUES}.tiles = 'auto'; {VALUES}.flip = False")


def file_place(blender: Window) -> tuple[float, float]:
    """Shows the photos in a File Browser; returns where the first of two is, china.jpg."""
    show_editor(blender, "FILE_BROWSER", "space.show_region_toolbar = False")
    left, top, _, _ = show_editor(
        blender, "FILE_BROWSER", f"space.params.directory = b'{PHOTOS}'; space.params.display_type = 'THUMBNAIL'"
    )
    time.sleep(1.5)
    return left + 60, top + 60


def test_a_right_click_in_the_file_browser_starts(blender: Window) -> None:
    place = file_place(blender)
    blender.click(*place)
    time.sleep(0.5)
    blender.click(*place, 3)
    start_by_menu(blender, "3 menu of the file browser")
    blender.wait_for("len(meshes()) == 2", 90.0)
    assert blender.ask(f"result = {VALUES}.photo") == f"{PHOTOS}/china.jpg"


def test_a_photo_is_dragged_from_the_file_browser(blender: Window) -> None:
    place = file_place(blender)
    count = blender.ask("result = len(meshes())")
    blender.drop(place, blender.view())
    # Blender 5.2 asks, because it can add the picture as an empty too; our entry is the last one, under the mouse.
    if blender.ask(f"result = {IDLE} and len(meshes()) == {count}"):
        blender.shot("4 dropped")
        blender._run("xdotool", "key", "Return")
    blender.wait_for(f"len(meshes()) == {count + 1} and {IDLE}", 90.0)
    assert blender.ask(f"result = {VALUES}.photo") == f"{PHOTOS}/china.jpg"
    blender.shot("5 dragged from the file browser")


def test_an_asset_of_a_library_starts_and_is_dragged_into_the_view(blender: Window) -> None:
    """What is dragged becomes an empty that shows the image, whose menu has the entry too."""
    blender.wait_for(IDLE, 30.0)
    blender.ask(
        f"folder = '{PHOTOS}/library'\n"
        "import os; os.mkdir(folder)\n"
        f"image = bpy.data.images.load('{PHOTOS}/china.jpg'); image.name = 'roofs'\n"
        "image.asset_mark()\n"
        "bpy.data.libraries.write(f'{folder}/library.blend', {image}, fake_user=True)\n"
        "bpy.data.images.remove(image)\n"
        "preferences = bpy.context.preferences\n"
        "preferences.filepaths.asset_libraries.new(name='Photos', directory=folder)\n"
        "preferences.view.show_developer_ui = preferences.experimental.use_extended_asset_browser = True"
    )
    show_editor(blender, "FILE_BROWSER", "area.ui_type = 'ASSETS'")
    left, top, _, _ = show_editor(
        blender,
        "FILE_BROWSER",
        "area.ui_type = 'ASSETS'; space.show_region_toolbar = False; space.params.asset_library_reference = 'Photos'\n"
        "space.params.filter_asset_id.experimental_filter_image = True",
    )
    place = left + 50, top + 50
    count = blender.ask("result = len(meshes())")
    time.sleep(3.0)
    blender.click(*place)
    time.sleep(0.5)
    blender.click(*place, 3)
    start_by_menu(blender, "5 menu of the asset browser")
    blender.wait_for(f"len(meshes()) == {count + 1} and {IDLE}", 90.0)
    assert blender.ask(f"result = {VALUES}.image.name") == "roofs"
    assert blender.ask("result = bpy.context.object.name").startswith("china"), "named after the asset's file"
    # Blender makes an empty only where nothing else is under the mouse.
    blender.ask("[one.hide_set(True) for one in bpy.context.view_layer.objects]")
    blender.drop(place, blender.view())
    shown = "bpy.context.object.type == 'EMPTY' and bpy.context.object.data.name.startswith('roofs')"
    blender.wait_for(shown, 20.0)
    blender.click(*blender.view(), 3)
    start_by_menu(blender, "5 menu of an image empty")
    blender.wait_for(f"len(meshes()) == {count + 2} and {IDLE}", 90.0)
    blender.ask("[bpy.data.objects.remove(one) for one in list(bpy.data.objects) if one.type == 'EMPTY']")


def test_paths_are_pasted_and_are_a_list_that_can_be_changed(blender: Window) -> None:
    blender.wait_for(IDLE, 30.0)
    show_editor(blender, "PROPERTIES")
    blender.open_sidebar()
    blender.ask(f"{VALUES}.photo = ''; {VALUES}.image = None")
    blender.ask("bpy.context.view_layer.objects.active = None")
    time.sleep(0.5)
    folder = blender.find("mono3d.open_photo")
    place = (folder[0] - 22, folder[1])
    assert "mono3d.paste_photo" in blender.button_at(*place)
    blender.ask(f"bpy.context.window_manager.clipboard = '{PHOTOS}/coffee.png\\nfile://{PHOTOS}/china.jpg'")
    blender.click(*place)
    chosen = f"[{VALUES}.photo, *(one.name for one in {VALUES}.more_photos)]"
    assert blender.ask(f"result = {chosen}") == [f"{PHOTOS}/coffee.png", f"{PHOTOS}/china.jpg"]
    blender.wait_for("addon_state().photos", 20.0)
    time.sleep(1.0)
    blender.shot("6 list of photos")
    blender.press("mono3d.drop_photo")
    assert blender.ask(f"result = {chosen}") == [f"{PHOTOS}/coffee.png"]


def test_the_file_browser_opens_with_thumbnails(blender: Window) -> None:
    blender.press("mono3d.open_photo")
    newest = "bpy.context.window_manager.windows[-1]"
    blender.wait_for(f"any(one.type == 'FILE_BROWSER' for one in {newest}.screen.areas)", 20.0)
    time.sleep(1.0)
    found = blender.ask(
        f"window = {newest}\n"
        "area = next(one for one in window.screen.areas if one.type == 'FILE_BROWSER')\n"
        "result = area.spaces.active.params.display_type\n"
        "with bpy.context.temp_override(window=window, area=area): bpy.ops.file.cancel()"
    )
    assert found == "THUMBNAIL"


def object_menu(blender: Window, steps_up: int) -> None:
    """Chooses an entry of Object > Mono3D, counted from its end."""
    left, top, _, _ = blender.ask("result = region('HEADER')")
    blender.click(left + 325, top + 12)
    pick_last(blender)
    blender.keys("Right")
    time.sleep(0.5)
    blender.keys(*["Up"] * steps_up)
    time.sleep(0.5)


def test_nodes_look_like_the_mesh_and_are_animated(blender: Window) -> None:
    blender.ask(
        "one = bpy.data.objects['coffee']\n[other.hide_set(other != one) for other in meshes()]\n"
        "bpy.context.view_layer.objects.active = one; one.select_set(True)"
    )
    blender.keys("KP_Decimal", over=blender.view())
    left, top, width, height = blender.ask("result = region('WINDOW')")
    view = np.s_[int(top) + 120 : int(top + height) - 60, int(left) + 80 : int(left + width) - 60]
    end = time.monotonic() + 30.0
    while (before := blender.shot("7 mesh"))[view].std() <= 30.0:
        assert time.monotonic() < end, "the photo is not in view"
        time.sleep(1.0)
    time.sleep(2.0)
    before = blender.shot("7 mesh")
    object_menu(blender, 2)
    blender.shot("8 as nodes")
    blender._run("xdotool", "key", "Return")
    made = "bpy.context.object is not None and bpy.context.object.get('mono3d_nodes') == 'nodes'"
    blender.wait_for(made, 60.0)
    time.sleep(3.0)
    after = blender.shot("9 nodes")
    assert np.abs(after[view].astype(int) - before[view].astype(int)).mean() < 4.0
    owner = "bpy.context.object"
    assert blender.ask(f"result = {owner}.get('mono3d_nodes')") == "nodes"
    # By keys, with the mouse over the field in the modifier's panel.
    for frame, keys in ((1, "0"), (20, "1")):
        blender.ask(f"bpy.context.scene.frame_set({frame})")
        place = strength_place(blender)
        blender.move(*place)
        time.sleep(0.3)
        blender.keys("Return")
        blender.keys("ctrl+a")
        blender.type(keys)
        blender.keys("Return")
        blender.keys("i", over=place)
    blender.shot("10 keyframes")
    curves = blender.ask(f"result = bool({owner}.animation_data and {owner}.animation_data.action)")
    assert curves, "a keyframe on an input"
    flat = "[one.co.y for one in evaluated.vertices]"
    depths = []
    for frame in (1, 20):
        blender.ask(f"bpy.context.scene.frame_set({frame})")
        depths.append(
            blender.ask(
                f"evaluated = {owner}.evaluated_get(bpy.context.evaluated_depsgraph_get()).data\n"
                f"values = {flat}\nresult = max(values) - min(values)"
            )
        )
    assert depths[0] < 1e-3 < 0.05 < depths[1], "flat, then as measured"


def strength_place(blender: Window) -> tuple[float, float]:
    """Returns where the sidebar's field for the strength of the depth is."""
    code = (
        "names = sys.modules[f'{NAME}.mono3d_addon.blender.scene.nodes.modifier']\n"
        "one = names.find(bpy.context.object, names.DEPTH)\n"
        "result = names.identifier(one, 'Strength')"
    )
    scroll(blender, DOWN)
    return blender.find(str(blender.ask(code)))


def scroll(blender: Window, wheel: str) -> None:
    """Scrolls the sidebar to its end by the mouse's wheel, UP or DOWN."""
    left, top, width, height = blender.ask("result = region('UI')")
    blender.move(left + 0.5 * width, top + 0.5 * height)
    for _ in range(30):
        blender._x("click", wheel)
    time.sleep(1.0)


SHADING = "view_3d()[1].spaces.active.shading.type"
PERSPECTIVE = "view_3d()[1].spaces.active.region_3d.view_perspective"


def test_points_show_the_photo(blender: Window) -> None:
    if blender.ask("result = bpy.app.version") < [5, 0]:
        pytest.skip("it stands still for minutes while software renders its first material preview")
    before = blender.shot("11 before the points")
    make_points(blender)
    assert blender.ask(f"result = {SHADING}") == "MATERIAL", "the solid view shows all points in one grey"
    left, top, width, height = blender.ask("result = region('WINDOW')")
    middle = np.s_[int(top + 0.4 * height) : int(top + 0.6 * height), int(left + 0.4 * width) : int(left + 0.6 * width)]
    end = time.monotonic() + 300.0
    while time.monotonic() < end:
        shown = blender.shot("12 points")[middle].astype(int)
        # All points in one grey, as in the solid view, would differ by 100 and more.
        if np.abs(shown.mean(axis=(0, 1)) - before[middle].mean(axis=(0, 1))).max() < 45.0:
            break
        time.sleep(5.0)
    else:
        raise AssertionError("the points do not look like the photo")
    blender.keys("ctrl+z", over=blender.view())
    assert blender.ask("result = bpy.context.object.get('mono3d_nodes')") == "nodes"
    assert blender.ask(f"result = {SHADING}") == "SOLID"


def make_points(blender: Window) -> None:
    """Makes points of the active object by the menu."""
    object_menu(blender, 1)
    blender._run("xdotool", "key", "Return")
    blender.wait_for("bpy.context.object.get('mono3d_nodes') == 'points'", 60.0)


def test_points_are_one_undo_step(blender: Window) -> None:
    # Wireframe stays as it is, so that no program has to compile its material preview here.
    blender.ask(f"bpy.context.scene.frame_set(20); {SHADING} = 'WIREFRAME'")
    make_points(blender)
    assert blender.ask("result = [one.name for one in bpy.data.objects if one.get('mono3d_nodes') and one.hide_get()]")
    assert blender.ask(f"result = {SHADING}") == "WIREFRAME"
    assert blender.ask("result = len(bpy.context.view_layer.objects.selected)") == 0, "an outline for each point"
    blender.shot("13 points in wireframe")
    blender.keys("ctrl+z", over=blender.view())
    assert blender.ask("result = bpy.context.object.get('mono3d_nodes')") == "nodes", "one undo step"
    blender.ask(f"{SHADING} = 'SOLID'")


def seen(blender: Window) -> tuple[float, list[tuple[float, float]]]:
    """Returns where the sidebar begins and where the active object's vertices are, as fractions of the view's size."""
    edge, places = blender.ask(
        "from bpy_extras.view3d_utils import location_3d_to_region_2d\n"
        "area = view_3d()[1]\n"
        "main, sidebar = (next(one for one in area.regions if one.type == kind) for kind in ('WINDOW', 'UI'))\n"
        "owner = bpy.context.object\n"
        "points = [location_3d_to_region_2d(main, area.spaces.active.region_3d, owner.matrix_world @ one.co)\n"
        "    for one in list(owner.data.vertices)[::37]]\n"
        "places = [[one.x / main.width, one.y / main.height] for one in points if one is not None]\n"
        "result = (sidebar.x - main.x) / main.width, places"
    )
    return edge, places


def test_after_looking_through_a_camera_the_next_result_is_in_view(blender: Window) -> None:
    blender.ask(
        "one = bpy.data.objects['coffee']\n[other.hide_set(other != one) for other in meshes()]\n"
        "bpy.context.view_layer.objects.active = one; one.select_set(True)"
    )
    blender.ask(f"{VALUES}.photo = '{PHOTOS}/china.jpg'; {VALUES}.detail = 128")
    scroll(blender, UP)
    blender.press("mono3d.look_through_camera")
    blender.wait_for(f"{PERSPECTIVE} == 'CAMERA'", 20.0)
    count = blender.ask("result = len(meshes())")
    blender.press("mono3d.generate")
    blender.wait_for(f"len(meshes()) == {count + 1} and {IDLE}", 90.0)
    assert blender.ask(f"result = {PERSPECTIVE}") == "PERSP"
    _, places = seen(blender)
    inside = [0.0 <= x <= 1.0 and 0.0 <= y <= 1.0 for x, y in places]
    assert sum(inside) > 0.95 * len(inside) > 0
    blender.shot("14 after looking through a camera")
    blender.keys("ctrl+z", over=blender.view())
    blender.wait_for(f"len(meshes()) == {count}", 20.0)
    assert blender.ask(f"result = {PERSPECTIVE}") == "CAMERA", "undo brings the camera's view back"


def test_a_result_is_framed_beside_the_sidebar_that_covers_the_view(blender: Window) -> None:
    if not blender.ask("result = view_3d()[1].spaces.active.show_region_ui"):
        blender.open_sidebar()
    # As it is at first; the other tests do without, for it is slow here.
    blender.ask("bpy.context.preferences.system.use_region_overlap = True")
    blender.ask(f"{VALUES}.photo = '{PHOTOS}/coffee.png'; {VALUES}.detail = 128; {PERSPECTIVE} = 'PERSP'")
    blender.wait_for("addon_state().photos", 30.0)
    count = blender.ask("result = len(meshes())")
    blender.press("mono3d.generate")
    blender.wait_for(f"len(meshes()) == {count + 1} and {IDLE}", 90.0)
    # Where things are on the screen is known once they are drawn.
    blender.wait_for("DRAWN and DRAWN[-1] > JOBS[-1][0]", 60.0)
    blender.shot("15 beside the sidebar")
    edge, places = seen(blender)
    assert 0.5 < edge < 0.9 and blender.ask("result = bpy.context.object == meshes()[-1]")
    assert max(x for x, _ in places) - min(x for x, _ in places) > 0.5 * edge
    inside = [0.0 <= x <= edge and 0.0 <= y <= 1.0 for x, y in places]
    assert sum(inside) > 0.95 * len(inside) > 0
