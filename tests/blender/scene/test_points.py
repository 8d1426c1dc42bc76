# SPDX-License-Identifier: GPL-3.0-or-later
"""Point clouds as objects."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mono3d_addon.blender import names
from mono3d_addon.blender.scene import as_nodes, headless
from mono3d_addon.blender.scene import build as scene
from mono3d_addon.blender.scene.nodes import modifier as modifiers
from mono3d_addon.core.mesh.mesh import PointCloud
from tests.blender import made
from tests.blender.made import bpy

pytestmark = pytest.mark.usefixtures("empty_file")

ROWS, COLUMNS = 48, 64


def radii_shown(owner: Any) -> np.ndarray:
    """Returns the radii of the points that are shown, whatever the object's own data are."""
    bpy.context.view_layer.update()
    evaluated = owner.evaluated_get(bpy.context.evaluated_depsgraph_get())
    geometry = evaluated.evaluated_geometry()
    return values(geometry.pointcloud, "radius", "value", 1)


def values(data: Any, name: str, part: str, width: int) -> np.ndarray:
    attribute = data.attributes[name].data
    found = np.empty((len(attribute), width), np.float32)
    attribute.foreach_get(part, found.reshape(-1))
    return found


@pytest.mark.smoke
def test_points_lie_on_the_vertices_with_colours_and_the_size_of_their_cells(tmp_path: Path) -> None:
    result = made.reconstruction(tmp_path, made.camera(400, 300), ROWS, COLUMNS, build_as="points")
    built = scene.build(result, bpy.context.scene)
    assert built.mesh.type == ("POINTCLOUD" if bpy.app.version >= (5, 2, 0) else "MESH")
    assert built.camera.parent == built.mesh and built.mesh[names.NODES] == "points"
    data = built.mesh.data
    x, y, z = result.mesh.vertices.T
    assert np.array_equal(values(data, "position", "vector", 3), np.stack([x, z, -y], axis=1))
    colours = np.rint(values(data, "Color", "color_srgb", 4)[:, :3] * 255).astype(np.uint8)
    assert np.array_equal(colours, result.mesh.colors)
    cell = np.sqrt(400 * 300 / (ROWS * COLUMNS)) / result.camera.fx
    assert np.allclose(values(data, "radius", "value", 1)[:, 0], math.sqrt(0.5) * z * cell, rtol=1e-5)


@pytest.mark.skipif(bpy.app.version < (5, 0, 0), reason="older versions do not show evaluated points to Python")
def test_their_size_can_be_changed(tmp_path: Path) -> None:
    result = made.reconstruction(tmp_path, made.camera(400, 300), ROWS, COLUMNS, build_as="points")
    owner = scene.build(result, bpy.context.scene).mesh
    before = radii_shown(owner)
    modifiers.put(owner.modifiers[0], "Size", 3.0)
    assert np.allclose(radii_shown(owner), 3.0 * before)


def test_a_cleaned_cloud_is_used_where_there_is_one(tmp_path: Path) -> None:
    result = made.reconstruction(tmp_path, made.camera(400, 300), ROWS, COLUMNS, build_as="points", voxel=2.0)
    cloud = PointCloud(*(getattr(result.mesh, name)[::4] for name in ("vertices", "normals", "colors")))
    owner = scene.build(dataclasses.replace(result, cloud=cloud), bpy.context.scene).mesh
    radii = values(owner.data, "radius", "value", 1)[:, 0]
    cell = np.sqrt(400 * 300 / (ROWS * COLUMNS)) / result.camera.fx
    assert np.allclose(radii, 2.0 * math.sqrt(0.5) * cloud.points[:, 2] * cell, rtol=1e-5), (
        "thinned to twice the spacing"
    )


def test_a_render_shows_the_photo(tmp_path: Path) -> None:
    pixels = np.zeros((ROWS, COLUMNS, 3), np.uint8)
    pixels[:, : COLUMNS // 2] = (200, 60, 30)
    pixels[:, COLUMNS // 2 :] = (20, 90, 180)
    result = made.reconstruction(
        tmp_path, made.camera(COLUMNS, ROWS), ROWS, COLUMNS, pixels, near=1.0, far=4.0, build_as="points"
    )
    headless.write(result, tmp_path / "points.blend")
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "points.blend"))
    owner = next(one for one in bpy.data.objects if one.get(names.NODES) == "points")
    assert as_nodes.modifier_of(owner) is None
    modifiers.put(owner.modifiers[0], "Size", 1.5)
    scene_now = bpy.context.scene
    scene_now.render.engine, scene_now.render.filepath = "CYCLES", str(tmp_path / "render.png")
    scene_now.cycles.samples, scene_now.cycles.use_denoising = 4, False
    bpy.ops.render.render(write_still=True)
    seen = made.read_picture(tmp_path / "render.png")
    for columns, colour in ((np.s_[4:26], (200, 60, 30)), (np.s_[38:60], (20, 90, 180))):
        middle = np.median(seen[4:-4, columns].reshape(-1, 3), axis=0)
        assert np.abs(middle - np.array(colour) / 255).max() < 3 / 255
