# SPDX-License-Identifier: GPL-3.0-or-later
"""The colours of renders, compared with those of the photo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mono3d_addon.blender import photo_colours
from mono3d_addon.blender.scene import build as scene
from mono3d_addon.blender.scene import camera, colours
from mono3d_addon.settings import Settings
from tests.blender import made
from tests.blender.made import bpy

PHOTO = Path(__file__).parents[2] / "photos" / "coffee.png"
STEP = 4
"""Every so manieth pixel of the photo, in both directions."""


def photographed(folder: Path, **settings: Any) -> np.ndarray:
    """Builds a scene whose camera sees a small photo; returns the photo, uint8 (height, width, 3)."""
    pixels = np.rint(made.read_picture(PHOTO)[::STEP, ::STEP] * 255).astype(np.uint8)
    height, width, _ = pixels.shape
    # Without edges in depth nothing but the colours can differ.
    depth = np.full((height, width), 2.0, np.float32)
    result = made.reconstruction(folder, made.camera(width, height), height, width, pixels, depth, **settings)
    built = scene.build(result, bpy.context.scene)
    camera.use(bpy.context.scene, built.camera)
    return pixels


def rendered(path: Path) -> np.ndarray:
    """Renders the scene through its camera; returns the picture, 0..255, float32 (height, width, 3)."""
    target = bpy.context.scene
    target.render.engine = "CYCLES"
    target.cycles.device, target.cycles.samples, target.cycles.use_denoising = "CPU", 4, False
    # Samples in the middle of each pixel: the filter's blur is no matter of colours.
    target.cycles.pixel_filter_type, target.cycles.filter_width = "GAUSSIAN", 0.01
    target.render.dither_intensity = 0.0
    target.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    return made.read_picture(path) * 255


def error(seen: np.ndarray, pixels: np.ndarray) -> float:
    """Returns the mean absolute difference of 255, without the border, where the mesh ends."""
    inner = (slice(1, -1), slice(1, -1))
    return float(np.abs(seen[inner] - pixels[inner]).mean())


@pytest.mark.smoke
@pytest.mark.usefixtures("registered")
def test_renders_have_the_photos_colours_once_that_is_asked_for(tmp_path: Path) -> None:
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    target = bpy.context.scene
    assert target.view_settings.view_transform == "AgX" and colours.departs(target)
    pixels = photographed(tmp_path)
    assert target.view_settings.view_transform == "AgX", "never unasked"
    before = error(rendered(tmp_path / "before.png"), pixels)
    assert bpy.ops.mono3d.render_like_photo() == {"FINISHED"}
    after = error(rendered(tmp_path / "after.png"), pixels)
    print(f"mean error {before:.2f} of 255 with AgX, {after:.2f} with Standard")
    assert before > 8.0 and after < 0.05
    assert not bpy.ops.mono3d.render_like_photo.poll()


@pytest.mark.usefixtures("empty_file")
def test_a_scene_that_is_made_for_a_photo_departs_from_none_of_its_colours(tmp_path: Path) -> None:
    assert colours.departs(bpy.context.scene)
    colours.use(bpy.context.scene)
    assert not colours.departs(bpy.context.scene)


CHANGES = {
    "view_transform": "Filmic",
    "exposure": 1.0,
    "gamma": 1.5,
    "look": "High Contrast",
    "use_curve_mapping": True,
    "use_white_balance": True,
}


@pytest.mark.usefixtures("empty_file")
@pytest.mark.parametrize("name", CHANGES)
def test_everything_that_changes_colours_is_found_and_put_right(name: str) -> None:
    target = bpy.context.scene
    colours.use(target)
    view = target.view_settings
    if not hasattr(view, name):
        pytest.skip(f"this Blender has no {name}")
    setattr(view, name, CHANGES[name])
    assert colours.departs(target)
    colours.use(target)
    assert not colours.departs(target)


@pytest.mark.usefixtures("registered")
def test_undo_takes_it_back_and_other_scenes_stay(tmp_path: Path) -> None:
    other = bpy.data.scenes.new("other")
    name = bpy.context.scene.name
    bpy.ops.ed.undo_push(message="Start")
    bpy.ops.mono3d.render_like_photo("EXEC_DEFAULT", True)
    assert not colours.departs(bpy.data.scenes[name]) and colours.departs(other)
    bpy.ops.ed.undo()
    assert colours.departs(bpy.data.scenes[name])


@pytest.mark.usefixtures("registered")
def test_the_note_is_for_photos_as_they_were_lit() -> None:
    target = bpy.context.scene
    words = photo_colours.note(target, Settings())
    assert "AgX" in words and photo_colours.MONO3D_OT_render_like_photo.bl_label in words
    assert not photo_colours.note(target, Settings(shading="principled"))
    colours.use(target)
    assert not photo_colours.note(target, Settings())
