# SPDX-License-Identifier: GPL-3.0-or-later
"""Every state of the sidebar in a real window, as one contact sheet in each language; nothing may be cut."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mono3d_addon.build import build
from tests.programs.program import WORK, Program
from tests.programs.window import Window, with_sidebar

INSIDE = f"{WORK}/repository/tests/photos/coffee.png"
SHOTS = os.environ.get("MONO3D_SCREENSHOTS", "")
VALUES = "bpy.context.scene.mono3d"
ACTIVE = "bpy.context.window_manager.mono3d_shape"
COLUMNS = 6
SHEETS = {"en_US": "contact sheet en_US", "de_DE": "contact sheet de_DE", "fr_FR": "contact sheet fr_FR"}

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def blender(debian: Program) -> Iterator[Window]:
    """A window of a fresh profile without packages and without a network."""
    program = debian.with_extension(build(debian.work / "dist"), "states")
    window = Window(program, "states-window")
    try:
        with with_sidebar(window):
            yield window
    finally:
        if SHOTS:
            shutil.copytree(window.folder, Path(SHOTS) / program.root.name / "states", dirs_exist_ok=True)


def sidebar(blender: Window, name: str) -> NDArray[np.uint8]:
    """Takes a screenshot of the sidebar alone, once it is drawn."""
    # Away from the sidebar, where a label under the mouse may be marked.
    blender.move(*blender.view())
    # Panels that appear move to their place within several redraws.
    for _ in range(3):
        blender.ask("view_3d()[2].tag_redraw()")
        time.sleep(0.4)
    left, top, width, height = blender.ask("result = region('UI')")
    return blender.shot(name)[top : top + height, left : left + width]


def open_part(blender: Window, name: str, is_open: bool = True) -> None:
    """Shows one of the add-on's closed panels as if it had been opened; only panels without parts of their own."""
    blender.ask(
        "panels = {cls.__name__: cls for cls in sys.modules[f'{NAME}.mono3d_addon.blender.registration'].classes()}\n"
        f"cls = panels[{name!r}]\n"
        "bpy.utils.unregister_class(cls)\n"
        f"cls.bl_options = set() if {is_open} else {{'DEFAULT_CLOSED'}}\n"
        f"cls.bl_idname = {name!r} + ('_open' if {is_open} else '')\n"
        "bpy.utils.register_class(cls)"
    )


def activate(blender: Window, *, is_active: bool) -> None:
    blender.ask(f"bpy.context.view_layer.objects.active = meshes()[0] if {is_active} else None")


def settled(blender: Window) -> None:
    blender.wait_for("not addon_state().reshaping or not addon_state().reshaping.pending", 60.0)


def contact_sheet(pictures: dict[str, NDArray[np.uint8]], path: Path) -> None:
    """Writes all pictures with their names, side by side."""
    height = max(len(one) for one in pictures.values()) + 20
    width = max(one.shape[1] for one in pictures.values()) + 10
    count = len(pictures)
    sheet = Image.new("RGB", (width * min(count, COLUMNS), height * -(-count // COLUMNS)), "white")
    for number, (name, picture) in enumerate(pictures.items()):
        place = (number % COLUMNS * width, number // COLUMNS * height)
        ImageDraw.Draw(sheet).text((place[0] + 4, place[1] + 4), name, fill="black")
        sheet.paste(Image.fromarray(picture), (place[0], place[1] + 20))
    sheet.save(path)


@pytest.mark.parametrize("language", SHEETS)
def test_all_states_fit_the_sidebar(blender: Window, language: str) -> None:
    blender.ask(
        "view = bpy.context.preferences.view\n"
        f"view.language = {language!r}\n"
        "view.use_translate_interface = view.use_translate_tooltips = True\n"
        f"view.use_translate_new_dataname = False"
    )
    seen: dict[str, NDArray[np.uint8]] = {}

    def show(name: str) -> None:
        seen[name] = sidebar(blender, f"{language} {len(seen) + 1} {name}")

    blender.wait_for("addon_state().checked", 30.0)
    blender.ask(f"{VALUES}.photo = ''; [bpy.data.objects.remove(one) for one in meshes()]; addon_state().say()")
    blender.ask("addon_state().next_step = None")
    show("fresh")
    blender.ask(f"{VALUES}.photo = {INSIDE!r}; {VALUES}.detail = 1024")
    blender.wait_for("addon_state().photos", 30.0)
    show("photo")
    open_part(blender, "MONO3D_PT_settings")
    show("settings")
    open_part(blender, "MONO3D_PT_settings", is_open=False)
    blender.ask(f"{VALUES}.model = 'dpt_large_384'")
    show("other model")
    blender.ask(f"{VALUES}.model = 'starter'; {VALUES}.preset = 'best'; {VALUES}.flip = True")
    blender.click(*blender.find("mono3d.generate"))
    blender.wait_for("addon_state().run and addon_state().run.fraction > 0.05", 30.0)
    show("running")
    blender.keys("Escape", over=blender.view())
    blender.wait_for("not addon_state().run", 10.0)
    blender.ask(f"{VALUES}.detail = 200; {VALUES}.tiles = 'off'; {VALUES}.flip = False")
    blender.click(*blender.find("mono3d.generate"))
    blender.wait_for("meshes()", 60.0)
    show("result")
    blender.ask(f"{ACTIVE}.solid = 'flat'")
    settled(blender)
    show("solid")
    blender.ask(f"{ACTIVE}.solid = 'off'")
    settled(blender)
    open_part(blender, "MONO3D_PT_active_more")
    blender.ask("addon_state().say()")
    blender.click(*header(blender))
    show("more")
    blender.click(*header(blender))
    open_part(blender, "MONO3D_PT_active_more", is_open=False)
    blender.ask("meshes()[0].data.vertices[0].co.x += 1.0; meshes()[0].data.update()")
    blender.ask(f"{ACTIVE}.near = 0.4")
    time.sleep(1.0)
    show("edited by hand")
    activate(blender, is_active=False)
    blender.ask(f"{VALUES}.photo = '/gone.jpg'")
    blender.wait_for("'/gone.jpg' in addon_state().photos", 30.0)
    show("no such photo")
    blender.ask(
        "import types\n"
        "addon_state().installation = types.SimpleNamespace(stage='Downloading open3d-cpu: 61 MB of 101 MB', "
        "fraction=0.35, elapsed=42.0, can_be_cancelled=True, cancel=lambda: None)"
    )
    show("installing")
    preferences_shot(blender, f"{language} preferences")
    blender.ask("addon_state().installation = None")
    contact_sheet(seen, blender.folder / f"{SHEETS[language]}.png")
    wanted = {"en_US": "Near", "de_DE": "Nah", "fr_FR": "Près"}[language]
    assert blender.ask("result = bpy.app.translations.pgettext_iface('Near', 'Mono3D')") == wanted


def preferences_shot(blender: Window, name: str) -> None:
    """Takes a screenshot of the add-on's preferences in their own window, and closes it."""
    blender.ask("bpy.ops.screen.userpref_show(section='ADDONS'); bpy.context.window_manager.addon_search = 'Mono3D'")
    time.sleep(1.0)
    blender.ask(
        "window, area, region = preferences()\n"
        "import addon_utils\n"
        "addon_utils.module_bl_info(sys.modules[NAME])['show_expanded'] = True\n"
        "area.tag_redraw()"
    )
    time.sleep(1.5)
    blender.shot(name)
    blender.ask(
        "window, area, region = preferences()\nwith bpy.context.temp_override(window=window): bpy.ops.wm.window_close()"
    )


def header(blender: Window) -> tuple[float, float]:
    """Returns the position of the main panel's header."""
    left, top, width, _ = blender.ask("result = region('UI')")
    return left + 0.3 * width, top + 14
