# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network measures is stored with the photo, and a mesh made again from it has the same metres."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from mono3d_addon.blender.scene import build as scene
from mono3d_addon.blender.scene import source
from mono3d_addon.core.photo.hand_over import NOTHING
from mono3d_addon.core.scene_guess import Measures, SceneGuess
from mono3d_addon.settings import Settings
from mono3d_addon.worker import reshape_task
from tests.blender import made


def test_metres_sky_and_holes_survive_in_the_file(tmp_path: Path) -> None:
    target: Any = bpy.context.scene
    rows, columns = 30, 40
    camera = made.camera(400, 300)
    holds = np.ones((rows, columns), bool)
    holds[:8, :19] = False
    measures = Measures(2.0, 6.0, "metres", 0.9)
    depth = np.linspace(6.0, 2.0, rows * columns, dtype=np.float32).reshape(rows, columns)
    result = replace(
        made.reconstruction(tmp_path, camera, rows, columns, depth=depth),
        scene=SceneGuess(measures=measures),
        holds=holds,
        sky=np.where(holds, 0.0, 1.0).astype(np.float32),
        normals=np.broadcast_to(np.array([0.6, 0.0, -0.8], np.float32), (rows, columns, 3)),
    )
    assert result.has_given_normals
    owner: Any = scene.build(result, target).mesh
    assert source.is_measured(owner) and not source.is_metric(owner)
    found = source.resolve(owner, camera, Settings())
    assert (found.near.value, found.far.value) == (2.0, 6.0) and found.near.source == "estimated"
    assert found.field_of_view.source == "estimated"
    folder = tmp_path / "job"
    folder.mkdir()
    written = source.write(owner, folder)
    assert np.array_equal(np.load(folder / written.holds), holds)
    assert result.normals is not None
    np.testing.assert_allclose(np.load(folder / written.normals), result.normals, atol=2e-5)
    reshaper = reshape_task._read(folder, written, Settings(), NOTHING)
    assert owner.data.has_custom_normals and reshaper.normals is not None
    kept = Settings(detail=40, sky="keep", edge_aware=False, planes=False)
    again = reshaper.depth(kept)
    assert np.array_equal(np.isnan(again), ~holds)
    np.testing.assert_allclose(again[holds], depth[holds], rtol=1e-3)
    # A photo stored without holes has none.
    plain = replace(result, holds=None, sky=None, scene=None, normals=None)
    other: Any = scene.build(plain, target).mesh
    again_written = source.write(other, folder)
    assert again_written.holds == again_written.normals == "" and not source.is_measured(other)
    assert not other.data.has_custom_normals
