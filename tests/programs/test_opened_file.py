# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender started with a .blend file, as a double click does it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from conftest import Program  # type: ignore[attr-defined]
from window import Window

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
    try:
        window.wait_until_ready()
        window.open_sidebar()
        yield window
    finally:
        window.close()


def test_the_sidebar_offers_what_to_do(blender: Window) -> None:
    assert blender.ask("result = bpy.context.scene.name") == "Own"
    blender.wait_for("addon_state().checked", 20.0)
    blender.wait_for("addon_state().planning is None", 60.0)
    assert not any("Finding out" in line for line in blender.ask("result = list(addon_state().setup)"))
    assert [name for name in blender.buttons() if "mono3d" in name]
    blender.shot("sidebar")
