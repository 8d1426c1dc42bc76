# SPDX-License-Identifier: GPL-3.0-or-later
"""Materials and colours by mouse and keys: the photo's colours, live shading, own changes, copies."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mono3d_addon.build import build
from tests.programs.program import WORK, Program
from tests.programs.window import Window, with_sidebar

INSIDE = f"{WORK}/repository/tests/photos/coffee.png"
SHOTS = os.environ.get("MONO3D_SCREENSHOTS", "")
VIEW = "bpy.context.scene.view_settings.view_transform"
RESTYLED = "meshes()[{}].material_slots[{}].material.node_tree.get_output_node('ALL').inputs[0].links[0].from_node.type"
"""What renders: the shader, or the mix of the emission with itself."""
EMISSION, PRINCIPLED = "MIX_SHADER", "BSDF_PRINCIPLED"

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def blender(debian: Program) -> Iterator[Window]:
    """A window with a mesh and its filled background, the panel Material open."""
    program = debian.with_extension(build(debian.work / "dist"), "material")
    window = Window(program, "material-window")
    try:
        with with_sidebar(window):
            window.wait_for("addon_state().checked", 20.0)
            window.ask(
                "for item in list(bpy.data.objects): bpy.data.objects.remove(item)\n"
                f"bpy.context.scene.mono3d.photo = {INSIDE!r}\n"
                "bpy.context.scene.mono3d.detail = 128\n"
                "bpy.context.scene.mono3d.tiles = 'off'\n"
                "bpy.ops.mono3d.generate()\n"
                "cls = sys.modules[f'{NAME}.mono3d_addon.blender.material_panel'].MONO3D_PT_active_material\n"
                "bpy.utils.unregister_class(cls)\n"
                "cls.bl_options, cls.bl_idname = set(), 'MONO3D_PT_active_material_open'\n"
                "bpy.utils.register_class(cls)\n"
                "bpy.context.scene.mono3d.photo = ''\n"
                "bpy.ops.ed.undo_push(message='Start')",
                timeout=180.0,
            )
            assert len(window.ask("result = [slot.name for slot in meshes()[0].material_slots]")) == 2
            # The main panel is closed, so that those below it are visible.
            left, top, width, _ = window.ask("result = region('UI')")
            window.click(left + 0.3 * width, top + 14)
            time.sleep(0.5)
            yield window
    finally:
        if SHOTS:
            shutil.copytree(window.folder, Path(SHOTS) / program.root.name / "material", dirs_exist_ok=True)


def choose_shading(blender: Window, letter: str) -> None:
    """Chooses an entry of the list of shadings by the mouse and its underlined letter."""
    blender.click(*blender.find("mono3d_shape.shading"))
    time.sleep(0.5)
    blender.keys(letter)
    time.sleep(0.3)


def shaders(blender: Window, number: int = 0) -> list[str]:
    """Returns what renders the front and the background of a mesh."""
    return [blender.ask(f"result = {RESTYLED.format(number, slot)}") for slot in (0, 1)]


def test_renders_get_the_photos_colours_when_asked(blender: Window) -> None:
    assert blender.ask(f"result = {VIEW}") == "AgX", "never unasked"
    blender.shot("1 agx")
    blender.press("mono3d.render_like_photo")
    blender.wait_for(f"{VIEW} == 'Standard'", 10.0)
    blender.move(*blender.view())
    blender.shot("2 standard")
    assert "mono3d.render_like_photo" not in " ".join(blender.buttons()), "nothing is left to offer"
    blender.keys("ctrl+z", over=blender.view())
    blender.wait_for(f"{VIEW} == 'AgX'", 10.0)


def test_shading_changes_at_once_and_is_one_undo_step(blender: Window) -> None:
    assert shaders(blender) == [EMISSION] * 2
    choose_shading(blender, "p")
    blender.wait_for(f"{RESTYLED.format(0, 0)} == '{PRINCIPLED}'", 10.0)
    assert shaders(blender) == [PRINCIPLED] * 2
    blender.shot("3 principled")
    blender.keys("ctrl+z", over=blender.view())
    blender.wait_for(f"{RESTYLED.format(0, 0)} == '{EMISSION}'", 10.0)
    blender.keys("ctrl+shift+z", over=blender.view())
    blender.wait_for(f"{RESTYLED.format(0, 0)} == '{PRINCIPLED}'", 10.0)
    assert shaders(blender) == [PRINCIPLED] * 2


def test_own_changes_stay_until_rebuild_is_pressed(blender: Window) -> None:
    lit = "meshes()[0].material_slots[0].material.node_tree.nodes['Lit'].inputs['Roughness'].default_value"
    blender.ask(f"{lit} = 0.25\nbpy.ops.ed.undo_push(message='Roughness')")
    choose_shading(blender, "e")
    blender.wait_for("any('changed by hand' in line for line in ['', ' '.join(addon_state().messages)])", 10.0)
    assert shaders(blender) == [PRINCIPLED] * 2 and abs(blender.ask(f"result = {lit}") - 0.25) < 1e-6
    blender.shot("4 changed by hand")
    blender.press("mono3d.rebuild_material")
    blender.wait_for(f"abs({lit} - 0.9) < 1e-6", 10.0)
    choose_shading(blender, "e")
    blender.wait_for(f"{RESTYLED.format(0, 0)} == '{EMISSION}'", 10.0)


def test_a_duplicate_is_changed_alone(blender: Window) -> None:
    blender.ask("for item in bpy.data.objects: item.select_set(item == meshes()[0])")
    blender.keys("shift+d", "Escape", over=blender.view())
    blender.wait_for("len(meshes()) == 2 and bpy.context.view_layer.objects.active == meshes()[1]", 10.0)
    choose_shading(blender, "p")
    blender.wait_for(f"{RESTYLED.format(1, 0)} == '{PRINCIPLED}'", 10.0)
    assert shaders(blender, 1) == [PRINCIPLED] * 2 and shaders(blender, 0) == [EMISSION] * 2
    blender.shot("5 duplicate")
