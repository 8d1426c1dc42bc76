# SPDX-License-Identifier: GPL-3.0-or-later
"""Choosing a model by mouse: the next step after the first result, a missing model, the question for its licence."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mono3d_addon.settings import GRADES
from tests.file_server import Behaviour, serving
from tests.programs.program import WORK, Program
from tests.programs.window import Window, with_sidebar

PHOTO = Path(__file__).parents[1] / "photos" / "coffee.png"
SHOTS = os.environ.get("MONO3D_SCREENSHOTS", "")
VALUES = "bpy.context.scene.mono3d"
RESTRICTED = "depth_anything_v2_vitb"
ROW = 20
"""Pixels between the buttons of the models."""

STAND_INS = """
import dataclasses
folder = f'{NAME}.mono3d_addon'
readiness = sys.modules[f'{folder}.blender.readiness']
dialog = sys.modules[f'{folder}.blender.installing.licence_dialog']
rows = {
    name: row if row.bundled else dataclasses.replace(
        row, address=f'ADDRESS/{row.file}', file_bytes=2_000_000, size_is_exact=True, sha256='SHA256')
    for name, row in readiness.MODELS.items()
}
readiness.MODELS, dialog.model_named = rows, rows.__getitem__
bpy.context.preferences.system.use_online_access = True
readiness.refresh()
"""

pytestmark = [pytest.mark.timeout(900), pytest.mark.thorough]


@pytest.fixture(scope="module")
def server() -> Iterator[Behaviour]:
    """A server with small stand-ins for the weights of all models."""
    with serving() as behaviour:
        behaviour.content = bytes(2_000_000)
        yield behaviour


@pytest.fixture(scope="module")
def blender(program: Program, server: Behaviour) -> Iterator[Window]:
    data = program.work / "data"
    (data / ".next_step_offered").unlink(missing_ok=True)
    for folder in ("weights", "licences"):
        shutil.rmtree(data / folder, ignore_errors=True)
    window = Window(program, "choosing")
    shutil.copy(PHOTO, window.folder)
    try:
        with with_sidebar(window):
            window.ask(f"bpy.context.preferences.addons[NAME].preferences.data_folder = '{WORK}/data'")
            window.wait_for("addon_state().checked and not addon_state().lacking", 20.0)
            digest = hashlib.sha256(server.content).hexdigest()
            window.ask(STAND_INS.replace("ADDRESS", server.address).replace("SHA256", digest))
            window.ask(f"{VALUES}.photo = '{program.inside(window.folder)}/coffee.png'; {VALUES}.detail = 300")
            window.wait_for("addon_state().photos", 20.0)
            yield window
    finally:
        if SHOTS:
            shutil.copytree(window.folder, Path(SHOTS) / program.root.name / "choosing", dirs_exist_ok=True)
        for folder in ("weights", "licences"):
            shutil.rmtree(data / folder, ignore_errors=True)


def test_the_first_result_offers_the_next_step(blender: Window, server: Behaviour) -> None:
    blender.press("mono3d.generate()")
    blender.wait_for("meshes() and not addon_state().run", 180.0)
    blender.wait_for("addon_state().next_step", 20.0)
    time.sleep(1.0)
    blender.shot("1 next step")
    buttons = blender.buttons()
    assert 'bpy.ops.mono3d.get_and_generate(model="depth_anything_v2_vits")' in " ".join(buttons), buttons
    dismiss = next(place for name, place in buttons.items() if "mono3d.dismiss_next_step" in name)
    blender.click(*dismiss)
    blender.wait_for("addon_state().next_step is None", 10.0)
    assert not server.requests


def test_a_missing_model_is_got_by_the_main_button(blender: Window, server: Behaviour) -> None:
    blender.ask("[bpy.data.objects.remove(item) for item in meshes()]")
    x, y = blender.find("mono3d.model")
    blender.click(x, y + ROW)
    blender.wait_for(f"{VALUES}.model == '{GRADES['better']}'", 10.0)
    blender.move(*blender.view())
    time.sleep(0.5)
    blender.shot("2 missing model")
    began = blender.ask("result = addon_state().began")
    blender.press("mono3d.get_and_generate")
    # The stand-in is downloaded and verified; the worker, which knows the published hash, refuses it.
    blender.wait_for(f"addon_state().began > {began} and not addon_state().run", 120.0)
    assert [path for path, _ in server.requests] == ["/depth_anything_v2_vits.pth"]
    words = " ".join(blender.ask("result = list(addon_state().messages)"))
    assert "is not the right weights file" in words and "--" not in words
    time.sleep(0.5)
    blender.shot("3 after the download")
    # The report, a popup, is over the sidebar.
    blender.keys("Escape", over=blender.view())


def test_a_licence_is_asked_for_in_a_dialog(blender: Window, server: Behaviour) -> None:
    server.requests.clear()
    blender.ask(f"{VALUES}.model = '{RESTRICTED}'; addon_state().say()")
    time.sleep(0.5)
    blender.press("mono3d.get_and_generate")
    time.sleep(1.5)
    blender.shot("4 licence")
    # Return presses the button, without a tick.
    blender.keys("Return")
    time.sleep(1.0)
    blender.shot("5 not accepted")
    assert not server.requests and blender.ask("result = addon_state().download is None")
