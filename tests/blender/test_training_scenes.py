# SPDX-License-Identifier: GPL-3.0-or-later
"""The generator of training pictures: its disparity against geometry, its files, its being repeatable."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from training.scenes import palette, plan, render
from training.scenes.__main__ import main
from training.scenes.blender import bpy
from training.scenes.build import build
from training.scenes.kinds import KINDS
from training.scenes.make import make
from training.scenes.shapes import ball, cylinder, sheet
from training.scenes.stage import Hair, Lamp, Light, Painted, Scatter, Scene, Sky, Stage, Sun, View

LENS, WIDTH, HEIGHT = 35.0, 96, 64
DAY = Light(Sky((0.5, 0.6, 0.8), (0.2, 0.4, 0.8), cover=0.5), (Sun(40, 30, 3),), (Lamp((0, -1, 3), (0, 4, 0), 1, 100),))

pytestmark = pytest.mark.thorough


def _rays(pitch: float) -> NDArray[np.float64]:
    """Returns the directions through the centres of the pixels, of length one along the axis, in the world."""
    pixel = 36 / LENS / WIDTH
    x = (np.arange(WIDTH) + 0.5 - WIDTH / 2) * pixel
    up = (HEIGHT / 2 - np.arange(HEIGHT) - 0.5) * pixel
    right, high = np.meshgrid(x, up)
    sine, cosine = math.sin(pitch), math.cos(pitch)
    return np.stack([right, cosine - high * sine, sine + high * cosine], -1)


@pytest.mark.parametrize("pitch", [0.0, -0.6, 0.3])
def test_the_disparity_of_a_plane_and_a_ball_is_exact(pitch: float) -> None:
    eye, middle, radius = np.array([0, 0, 1.5]), np.array([0.3, 4.0, 1.2]), 0.9
    stage = Stage()
    stage.add((0.5, 0.5, 0.5), palette.PLAIN, sheet(2000, 2000), ball(radius, 256).moved(*middle))
    view = View((0, 0, 1.5), (0, math.cos(pitch), 1.5 + math.sin(pitch)), LENS, f_number=0.5, focus=2)
    render.empty()
    build(Scene(stage, DAY, view))
    found = render.disparity(WIDTH, HEIGHT)

    rays = _rays(pitch)
    floor = np.where(rays[..., 2] < 0, -rays[..., 2] / eye[2], 0)
    towards = eye - middle
    a, b, c = (rays**2).sum(-1), 2 * rays @ towards, towards @ towards - radius**2
    root = np.sqrt(np.maximum(b * b - 4 * a * c, 0))
    hit = b * b - 4 * a * c > 0
    expected = np.where(hit, np.maximum(2 * a / np.where(hit, -b - root, 1), floor), floor)
    # The ball's polygons, and its outline: a centre of a pixel may fall on either side of it.
    close = np.isclose(found, expected, rtol=2e-3, atol=2e-4)
    assert close.mean() > 0.995
    inside = (b * b - 4 * a * c > 0.4) | (b * b - 4 * a * c < -0.4)
    assert close[inside].all()


def _overhead(stage: Stage) -> NDArray[np.float32]:
    """Returns the depth seen from five metres above the origin."""
    render.empty()
    build(Scene(stage, DAY, View((0, 0, 5), (0, 0.001, 0), LENS)))
    return np.float32(1) / render.disparity(WIDTH, HEIGHT)


def test_scattered_things_stand_on_their_ground_only() -> None:
    thing = (Painted(cylinder(0.2, 1.0), (1, 0, 0), palette.PLAIN),)
    stage = Stage()
    stage.add((0.5, 0.5, 0.5), palette.PLAIN, sheet(20, 20))
    stage.scatters.append(Scatter(sheet(2, 2), (thing,), 6.0, (1.0, 1.0), 3))
    depth = _overhead(stage)
    # Leant over by a few degrees, the cylinders are about a metre high.
    high = depth < 4.2
    assert depth[high].min() > 3.9
    assert 0.02 < high.mean() < 0.2
    outside = np.abs(np.arange(WIDTH) - WIDTH / 2) > 1.6 / 5 * LENS / 36 * WIDTH
    np.testing.assert_allclose(depth[:, outside], 5, rtol=1e-4)


def test_hair_grows_from_its_surface() -> None:
    stage = Stage()
    stage.add((0.5, 0.5, 0.5), palette.PLAIN, sheet(20, 20))
    stage.hairs.append(Hair(sheet(1, 1), (0.1, 0.1, 0.1), 500, 0.4, 0.02, 0.0, 0.0, 3))
    depth = _overhead(stage)
    hairy = depth < 4.999
    assert 0.02 < hairy.mean() < 0.3
    assert 4.5 < depth.min() < 4.75


def test_every_kind_renders_and_what_was_rendered_before_does_not_matter(tmp_path: Path) -> None:
    pictures = [plan.Picture(11, number, kind, 64, 48) for number, kind in enumerate(KINDS)]
    for folder, order in (("first", pictures), ("again", pictures[::-1])):
        (tmp_path / folder).mkdir()
        for picture in order:
            make(picture, tmp_path / folder)
    written = {file.name: file.read_bytes() for file in (tmp_path / "first").iterdir()}
    assert sorted(written) == sorted(one.name + end for one in pictures for end in (".disp.png", ".jpg", ".json"))
    for name, content in written.items():
        assert (tmp_path / "again" / name).read_bytes() == content, name
        begins = {".jpg": b"\xff\xd8\xff", ".png": b"\x89PNG", ".json": b"{"}
        assert content.startswith(begins[name[name.rindex(".") :]]), name


def test_the_measures_give_metres_and_the_lens(tmp_path: Path) -> None:
    picture = plan.Picture(11, 0, "table", 64, 48)
    make(picture, tmp_path)
    known = json.loads((tmp_path / f"{picture.name}.json").read_text())
    stored = bpy.data.images.load(str(tmp_path / f"{picture.name}.disp.png"))
    stored.colorspace_settings.name = "Non-Color"
    values = np.array(stored.pixels[:]).reshape(48, 64, -1)[::-1, :, 0]
    again = render.disparity(64, 48)
    middle = again < known["inverse_metres"]
    np.testing.assert_allclose((values * known["inverse_metres"])[middle], again[middle], rtol=1e-3, atol=1e-4)
    assert known["kind"] == "object"
    assert known["focal"] == pytest.approx(bpy.context.scene.camera.data.lens / 36)


def test_a_picture_is_as_bright_as_asked(tmp_path: Path) -> None:
    dim = np.full((8, 8, 3), 0.001, np.float32)
    assert render.exposure(dim, 0.18) == pytest.approx(math.log2(180), abs=1e-3)
    # One bright side: the exposure is held back so that it is not burnt out.
    dim[:, :2] = 1.0
    assert render.exposure(dim, 0.18) == pytest.approx(math.log2(render.BRIGHTEST), abs=1e-3)


def test_the_command_leaves_what_is_there_alone(tmp_path: Path) -> None:
    arguments = ["--out", str(tmp_path), "--count", "2", "--seed", "4", "--size", "64", "--kinds", "abstract"]
    assert main([*arguments, "--first", "1", "--step", "2"]) == 0
    assert sorted(file.name for file in tmp_path.glob("*.jpg")) == ["abstract_4_00001.jpg", "abstract_4_00003.jpg"]
    before = {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    (tmp_path / "abstract_4_00003.json").unlink()
    assert main([*arguments, "--first", "1", "--step", "2"]) == 0
    kept = tmp_path / "abstract_4_00001.jpg"
    assert kept.stat().st_mtime_ns == before[kept]
    assert (tmp_path / "abstract_4_00003.json").exists()
