# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's own exporters by mouse: the button that writes packed photos, and what is read back from the files."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mono3d_addon.build import build
from tests.programs.program import WORK, Program
from tests.programs.window import Window

PHOTO = f"{WORK}/repository/tests/photos/coffee.png"
SHOTS = os.environ.get("MONO3D_SCREENSHOTS", "")
EXPORTERS = {"obj": ("wm.obj_export", "wm.obj_import"), "fbx": ("export_scene.fbx", "import_scene.fbx")}
DIALOG = (
    "window = bpy.context.window_manager.windows[-1]\n"
    "area = next(one for one in window.screen.areas if one.type == 'FILE_BROWSER')\n"
)
PIXELS = (
    "import numpy\n"
    "def pixels(image):\n"
    "  values = numpy.empty(len(image.pixels), numpy.float32); image.pixels.foreach_get(values); return values\n"
)

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def blender(debian: Program) -> Iterator[Window]:
    """A window with a mesh and its filled background, whose photos are packed."""
    program = debian.with_extension(build(debian.work / "dist"), "export")
    window = Window(program, "export-window")
    try:
        window.wait_until_ready()
        window.keys("Escape", over=(400, 600))
        window.ask(
            "for item in list(bpy.data.objects): bpy.data.objects.remove(item)\n"
            "values = bpy.context.scene.mono3d\n"
            f"values.photo, values.detail, values.tiles, values.edges = {PHOTO!r}, 96, 'off', 'fill'\n"
            "bpy.ops.mono3d.generate()",
            timeout=180.0,
        )
        yield window
    finally:
        window.close()
        if SHOTS:
            shutil.copytree(window.folder, Path(SHOTS) / program.root.name / "export", dirs_exist_ok=True)


def place_of(blender: Window, region: str, name: str) -> tuple[float, float]:
    """Returns where the button `name` is in a region of the file browser's window, from below to above."""
    left, top, width, height = blender.ask(
        f"{DIALOG}one = next(one for one in area.regions if one.type == {region!r})\n"
        "below = bpy.context.window_manager.windows[0].height\n"
        "result = window.x + one.x, below - (window.y + one.y + one.height), one.width, one.height"
    )
    asked = f"{DIALOG}one = next(one for one in area.regions if one.type == {region!r})\n"
    for y in range(int(top + height) - 8, int(top), -10):
        for across in (0.5, 0.9):
            blender.move(left + across * width, y)
            blender.settle()
            if name in blender.ask(f"{asked}result = button_under_mouse((window, area, one))"):
                return left + across * width, y
    blender.shot(f"no {name}")
    raise AssertionError(f"there is no button for '{name}'")


@pytest.mark.parametrize("kind", EXPORTERS)
def test_the_button_writes_the_photos_that_the_exported_file_names(blender: Window, kind: str) -> None:
    writer, reader = EXPORTERS[kind]
    folder = blender.folder / kind
    folder.mkdir()
    blender.ask(
        "window, area, _ = view_3d()\n"
        "region = next(one for one in area.regions if one.type == 'WINDOW')\n"
        "with bpy.context.temp_override(window=window, area=area, region=region):\n"
        f"  bpy.ops.{writer}('INVOKE_DEFAULT', filepath='{blender.program.inside(folder)}/cup.{kind}')"
    )
    blender.wait_for("len(bpy.context.window_manager.windows) == 2")
    time.sleep(1.0)
    # No program here manages windows: part of it may be above the screen.
    blender._run("xdotool", "search", "--name", "File View", "windowmove", "100", "100")
    time.sleep(1.5)
    blender.shot(f"{kind} 1 file browser")
    blender.click(*place_of(blender, "TOOLS", "mono3d.write_photos"))
    time.sleep(1.0)
    assert sorted(one.name for one in folder.iterdir()) == ["coffee behind.png", "coffee.png"]
    blender.shot(f"{kind} 2 written")
    place_of(blender, "EXECUTE", "file.execute")
    # Where the mouse is cannot be asked then: the window under it closes.
    blender._run("xdotool", "click", "1")
    blender.wait_for("len(bpy.context.window_manager.windows) == 1")
    assert (folder / f"cup.{kind}").is_file()
    found = blender.ask(
        f"{PIXELS}before = set(bpy.data.objects), set(bpy.data.images)\n"
        f"bpy.ops.{reader}(filepath='{blender.program.inside(folder)}/cup.{kind}')\n"
        "items, images = set(bpy.data.objects) - before[0], set(bpy.data.images) - before[1]\n"
        "result = {}\n"
        "for item in items:\n"
        "  for slot in item.material_slots:\n"
        "    nodes = slot.material.node_tree.nodes\n"
        "    for image in {one.image for one in nodes if one.type == 'TEX_IMAGE'}:\n"
        "      original = next(one for one in before[1] if one.name == image.name.split('.')[0])\n"
        "      result[original.name] = float(abs(pixels(image) - pixels(original)).max())\n"
        "for item in items: bpy.data.objects.remove(item)\n"
        "for image in images: bpy.data.images.remove(image)"
    )
    assert set(found) == {"coffee", "coffee behind"} and max(found.values()) < 1e-6, found
