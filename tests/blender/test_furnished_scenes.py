# SPDX-License-Identifier: GPL-3.0-or-later
"""Furnished scenes in Blender: true sizes, depth in metres, and a small run of the command."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.training import made_furniture
from tests.training.made_bodies import made_body
from training.scenes import render
from training.scenes.blender import bpy
from training.scenes.furnished import assembly, catalogue, plan
from training.scenes.furnished.__main__ import main
from training.scenes.furnished.library import Library
from training.scenes.furnished.scene import Furnished, Panel, Placed, Shot
from training.scenes.stage import Light, Sky, View

pytestmark = pytest.mark.thorough

DAY = Light(Sky((0.6, 0.7, 0.9), (0.4, 0.6, 0.9)))


def _ahead(x: float, y: float, z: float) -> Shot:
    """Returns a photo in the direction +y, with a field of view of 90 degrees."""
    return Shot(View((x, y, z), (x, y + 1, z), 18.0), 64, 64)


@pytest.fixture
def assets(tmp_path: Path) -> dict[str, catalogue.Asset]:
    made_furniture.library(tmp_path)
    catalogue.unpack(tmp_path, tmp_path / "cache")
    return {one.name: one for one in catalogue.read(tmp_path)}


def test_an_asset_has_its_true_size_and_depth(assets: dict[str, catalogue.Asset], tmp_path: Path) -> None:
    render.empty()
    made = Furnished("room", "test", light=DAY)
    # 190 cm wide, 80 deep, 85 high, its front two metres ahead.
    made.put(assets["Sofa"], 0.0, 2.4, 0.0, 0.0)
    library = Library(tmp_path / "cache")
    assembly.assemble(made, library)
    assembly.aim(_ahead(0.0, 0.0, 0.4), library)
    depth = render.disparity(64, 64)
    front = depth > 0.49
    np.testing.assert_allclose(depth[front], 0.5, rtol=1e-3)
    pixels = 64 / (2 * 2 * math.tan(math.radians(45)))
    rows, columns = np.nonzero(front)
    assert np.ptp(columns) + 1 == pytest.approx(1.9 * pixels, abs=1.1)
    assert np.ptp(rows) + 1 == pytest.approx(0.85 * pixels, abs=1.1)


def test_what_is_held_before_the_camera_is_there_for_its_photo_only(
    assets: dict[str, catalogue.Asset], tmp_path: Path
) -> None:
    render.empty()
    made = Furnished("room", "test", light=DAY)
    made.put(assets["Wardrobe"], 0.0, 4.0, 0.0, 0.0)
    library = Library(tmp_path / "cache")
    assembly.assemble(made, library)
    shot = _ahead(0.0, 0.0, 0.8)
    empty = replace(shot, close=())
    held = replace(shot, close=(Placed(assets["Chair"], (0.0, 1.0, 0.3), 0.0),))
    for one, nearest in ((held, 1.0), (empty, 4.0), (held, 1.0), (empty, 4.0)):
        assembly.aim(one, library)
        assert 1.0 / render.disparity(64, 64).max() == pytest.approx(nearest, abs=0.5)


def test_a_missing_texture_does_not_show_as_magenta(assets: dict[str, catalogue.Asset], tmp_path: Path) -> None:
    render.empty()
    made = Furnished("room", "test", light=DAY)
    made.put(assets["Wardrobe"], 0.0, 2.0, 0.0, 0.0)
    library = Library(tmp_path / "cache")
    assembly.assemble(made, library)
    assembly.aim(_ahead(0.0, 0.0, 1.0), library)
    red, green, blue = render.color(64, 64, 4)[30:34, 30:34].mean(axis=(0, 1))
    assert green > 0.3 * max(red, blue)


def test_a_picture_on_a_wall_is_flat_and_upright(tmp_path: Path) -> None:
    render.empty()
    file = tmp_path / "picture.png"
    image = bpy.data.images.new("picture", 8, 8)
    pixels = np.zeros((8, 8, 4), np.float32)
    # Blender's rows go upwards: red above, blue below.
    pixels[4:, :, 0], pixels[:4, :, 2], pixels[..., 3] = 1, 1, 1
    image.pixels.foreach_set(pixels.ravel())
    image.filepath_raw, image.file_format = str(file), "PNG"
    image.save()
    made = Furnished("flat", "test", light=DAY)
    corners = ((-2.0, 1.0, -1.0), (2.0, 1.0, -1.0), (2.0, 1.0, 3.0), (-2.0, 1.0, 3.0))
    made.panels.append(Panel(corners, file, glow=1.0))
    library = Library(tmp_path)
    assembly.assemble(made, library)
    assembly.aim(_ahead(0.0, 0.0, 1.0), library)
    np.testing.assert_allclose(render.disparity(64, 64), 1.0, rtol=1e-3)
    light = render.color(64, 64, 4)
    assert light[8, 32, 0] > 0.9 > 0.1 > light[8, 32, 2]
    assert light[56, 32, 2] > 0.9 > 0.1 > light[56, 32, 0]


def test_clearing_keeps_the_library(assets: dict[str, catalogue.Asset], tmp_path: Path) -> None:
    render.empty()
    library = Library(tmp_path / "cache")
    first = library.mesh(assets["Chair"])
    assembly.clear()
    assert library.mesh(assets["Chair"]) == first
    assert len(first.polygons) == 6
    assert not bpy.data.objects


def test_a_small_run_writes_complete_pictures_of_every_kind(tmp_path: Path) -> None:
    people, out = tmp_path / "people", tmp_path / "renders"
    people.mkdir()
    # One name of these is not held out.
    for number in range(3):
        made_body().save(people / f"body_{number}.npz")
    made_furniture.library(tmp_path)
    arguments = [
        "--assets",
        str(tmp_path),
        "--cache",
        str(tmp_path / "cache"),
        "--out",
        str(out),
        "--people",
        str(people),
    ]
    for seed, kind in enumerate(plan.SHARES):
        assert main([*arguments, "--count", "1", "--views", "1", "--seed", str(seed), "--kinds", kind]) == 0
    written = sorted(out.glob("*.json"))
    assert len(written) >= len(plan.SHARES) - 1
    for file in written:
        known = json.loads(file.read_text())
        assert known["inverse_metres"] > 0
        assert 0.3 < known["focal"] < 4
        assert known["held"] is False
        for ending, begins in ((".jpg", b"\xff\xd8\xff"), (".disp.png", b"\x89PNG")):
            assert file.with_name(file.stem + ending).read_bytes().startswith(begins)
    before = {file: file.stat().st_mtime_ns for file in out.iterdir()}
    assert main([*arguments, "--count", "1", "--views", "1", "--seed", "0", "--kinds", "room"]) == 0
    assert {file: file.stat().st_mtime_ns for file in out.iterdir()} == before
