# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs in the documents that are meant for Blender's own console run there, with a result as they expect it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.blender.made import bpy
from website.blocks import Block, blocks_of

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = [
    (path.name, block)
    for path in sorted((ROOT / "docs").glob("*.md"))
    for block in blocks_of(path)
    if block.is_python and "import bpy" in block.text
]


@pytest.mark.smoke
@pytest.mark.parametrize("entry", PROGRAMS, ids=lambda entry: f"{entry[0]}#{entry[1].heading}")
def test_programs_run(entry: tuple[str, Block], empty_file: None) -> None:
    scene = bpy.context.scene
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    camera.rotation_euler = (1.5708, 0.0, 0.0)
    scene.camera = camera
    bpy.context.view_layer.update()
    exec(compile(entry[1].text, entry[0], "exec"), {"__name__": "__main__"})
    scene.frame_set(1)
    first = camera.matrix_world.copy()
    scene.frame_set(60)
    last = camera.matrix_world.copy()
    # It moves to the right by 0.24 m, and what is 1.5 m before it stays in the middle.
    assert last.translation.x - first.translation.x == pytest.approx(0.24, abs=1e-4)
    for placed in (first, last):
        target = placed.inverted() @ first.translation.__class__((0.0, 1.5, 0.0))
        assert target.x / -target.z == pytest.approx(0.0, abs=1e-4)


def test_the_parallax_shot_is_among_them() -> None:
    assert ("cookbook.md", "a-parallax-shot") in [(name, block.heading) for name, block in PROGRAMS]
