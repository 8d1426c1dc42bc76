# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender started with a .blend file, as by a double click."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator

import pytest

from tests.programs.program import Program
from tests.programs.window import Window, with_sidebar

pytestmark = [pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def blender(program: Program) -> Iterator[Window]:
    place = program.work / "double click"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    file = program.inside(place / "own.blend")
    save = f"import bpy; bpy.context.scene.name = 'Own'; bpy.ops.wm.save_as_mainfile(filepath={file!r})"
    done = program.blender("--python-expr", save)
    assert done.returncode == 0, done.stdout + done.stderr
    window = Window(program, "opened", file)
    with with_sidebar(window):
        yield window


def test_the_sidebar_offers_what_to_do(blender: Window) -> None:
    assert blender.ask("result = bpy.context.scene.name") == "Own"
    blender.wait_for("addon_state().checked", 20.0)
    blender.wait_for("addon_state().planning is None", 60.0)
    assert [name for name in blender.buttons() if "mono3d" in name]
    blender.shot("sidebar")


_SLOW = """
import importlib
installation = importlib.import_module(f'{NAME}.mono3d_addon.blender.installing.installation')
network = sys.modules[f'{NAME}.mono3d_addon.blender.installing.network']
def work(self, progress, cancelled):
    while not bpy.app.driver_namespace.get('enough') and not cancelled():
        time.sleep(0.05)
installation.Installation.work = work
network.refusal = lambda action: ''
"""


@pytest.mark.thorough
def test_an_installation_outlives_the_preferences_and_the_file(blender: Window) -> None:
    """The installation itself is replaced: only following it is tested."""
    blender.ask(_SLOW)
    blender.ask("bpy.ops.screen.userpref_show('INVOKE_DEFAULT')")
    blender.wait_for("len(bpy.context.window_manager.windows) == 2", 20.0)
    second = "bpy.context.window_manager.windows[1]"
    blender.ask(f"with bpy.context.temp_override(window={second}): bpy.ops.mono3d.install('INVOKE_DEFAULT')")
    blender.wait_for("addon_state().installation.running", 20.0)
    blender.ask(f"with bpy.context.temp_override(window={second}): bpy.ops.wm.window_close()")
    blender.wait_for("len(bpy.context.window_manager.windows) == 1", 20.0)
    blender.ask("bpy.app.timers.register(lambda: bpy.ops.wm.open_mainfile(filepath=bpy.data.filepath) and None)")
    time.sleep(3.0)
    assert blender.ask("w = addon_state().installation\nresult = w is not None and w.running and not w.cancelled")
    blender.ask("bpy.app.driver_namespace['enough'] = True")
    blender.wait_for("addon_state().installation is None", 20.0)
    assert "Installed." in " ".join(blender.ask("result = list(addon_state().messages)"))
    assert "Traceback" not in blender.output()
