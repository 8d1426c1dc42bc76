# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes and points of an existing result, and reshaping what nodes make, with a real worker process."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mono3d_addon.blender import names
from mono3d_addon.blender.scene import as_nodes, reshaped
from mono3d_addon.blender.scene import build as scene
from mono3d_addon.blender.scene.nodes import modifier as modifiers
from mono3d_addon.core import reconstruction
from mono3d_addon.settings import Settings
from mono3d_addon.worker.client import Worker
from tests.blender.made import bpy
from tests.blender.scene.test_as_nodes import PRECISION, faces, places, shown, turned
from tests.blender.worked import PYTHON, active, result_of

pytestmark = [
    pytest.mark.usefixtures("registered"),
    pytest.mark.skipif(not PYTHON, reason="MONO3D_TEST_WORKER names no Python with the worker's packages"),
]
PLAIN = Settings(detail=96, near=1.0, far=6.0, field_of_view=55.0, edges="tear", edge_aware=False)
"""Settings with which the grid mesh has all its points on the grid."""


def in_blender(result: reconstruction.Reconstruction) -> tuple[np.ndarray, set[tuple[int, ...]]]:
    """Returns the vertices of a result's mesh in Blender's axes, and its triangles."""
    return result.mesh.vertices[:, [0, 2, 1]] * np.array([1, 1, -1], np.float32), turned(result.mesh.triangles)


def check_equal(owner: Any, result: reconstruction.Reconstruction) -> None:
    vertices, triangles = in_blender(result)
    found = places(shown(owner))
    assert len(found) == len(vertices) and faces(shown(owner)) == triangles
    assert (np.abs(found - vertices).max(axis=1) / vertices[:, 1]).max() < PRECISION


@pytest.fixture
def cup(worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The mesh object of a photo with all its points, active."""
    return active(worker, result_of(worker, tmp_path / "job", PLAIN), monkeypatch)


@pytest.mark.smoke
def test_nodes_made_of_a_mesh_show_the_same(cup: Any, tmp_path: Path) -> None:
    cup.location = (1.0, 2.0, 3.0)
    assert bpy.ops.mono3d.as_nodes() == {"FINISHED"}
    nodes = bpy.context.view_layer.objects.active
    assert nodes != cup and as_nodes.is_one(nodes) and cup.hide_render and cup.hide_get()
    check_equal(nodes, reconstruction.load(tmp_path / "job"))
    eye = reshaped.camera_of(nodes)
    assert nodes.location == cup.location and eye is not None and eye != reshaped.camera_of(cup)
    assert nodes.data.materials[0] != cup.data.materials[0]
    assert not bpy.ops.mono3d.as_nodes.poll(), "nodes make it already"


@pytest.mark.smoke
def test_reshaping_what_nodes_make_changes_the_depth_image(worker: Worker, cup: Any, tmp_path: Path) -> None:
    bpy.ops.mono3d.as_nodes()
    nodes = bpy.context.view_layer.objects.active
    modifier = as_nodes.modifier_of(nodes)
    modifiers.put(modifier, "Thickness", 0.5)
    before = modifiers.get(modifier, "Depth image").session_uid
    assert bpy.ops.mono3d.reshape(near=0.5, far=9.0, detail=64, tear=0.1) == {"FINISHED"}
    wanted = dataclasses.replace(PLAIN, near=0.5, far=9.0, detail=64, tear=0.1)
    assert scene.stored_settings(nodes) == dataclasses.replace(wanted, build_as="nodes")
    assert modifiers.get(modifier, "Thickness") == 0.5, "the user's own inputs stay"
    assert not any(one.session_uid == before for one in bpy.data.images), "no image is left over"
    modifiers.put(modifier, "Thickness", 0.0)
    check_equal(nodes, result_of(worker, tmp_path / "fresh", wanted))
    modifiers.put(modifier, "Near", 0.7)
    bpy.ops.mono3d.reshape(tear=0.2)
    assert modifiers.get(modifier, "Near") == pytest.approx(0.7), "another setting changed"


def test_generated_nodes_have_the_fill_behind_them(
    worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = dataclasses.replace(PLAIN, edges="fill", build_as="nodes", min_island=0.0)
    result = result_of(worker, tmp_path / "job", settings)
    nodes = active(worker, result, monkeypatch)
    assert result.background is not None and len(nodes.data.vertices) == len(result.background.vertices)
    assert len(nodes.data.materials) == 2
    found = places(shown(nodes))
    assert len(found) == len(result.background.vertices) + len(result.mesh.vertices)
    wanted = in_blender(result)[0]
    assert (np.abs(found[-len(wanted) :] - wanted).max(axis=1) / wanted[:, 1]).max() < PRECISION


@pytest.mark.smoke
@pytest.mark.parametrize("by_nodes", [False, True])
def test_points_made_of_a_mesh_lie_on_its_vertices(by_nodes: bool, cup: Any) -> None:
    if by_nodes:
        bpy.ops.mono3d.as_nodes()
    owner = bpy.context.view_layer.objects.active
    wanted = places(shown(owner))
    assert bpy.ops.mono3d.as_points() == {"FINISHED"}
    made = bpy.context.view_layer.objects.active
    assert made.get(names.NODES) == "points" and reshaped.target(bpy.context) is None
    assert not bpy.context.view_layer.objects.selected, "the outlines of selected points would cover their colours"
    assert reshaped.camera_of(made) is not None and bpy.ops.mono3d.look_through_camera.poll()
    seen = np.empty((len(wanted), 3), np.float32)
    made.data.attributes["position"].data.foreach_get("vector", seen.reshape(-1))
    assert np.array_equal(seen, wanted)
    radii = np.empty(len(wanted), np.float32)
    made.data.attributes["radius"].data.foreach_get("value", radii)
    footprint = wanted[:, 1] * (600 / 96) / reshaped_focal(made)
    assert np.allclose(radii, math.sqrt(0.5) * footprint, rtol=0.01)


def reshaped_focal(owner: Any) -> float:
    from mono3d_addon.blender.scene import camera

    seen_by = camera.stored(owner)
    return seen_by.fx * 600 / seen_by.width
