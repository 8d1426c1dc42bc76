# SPDX-License-Identifier: GPL-3.0-or-later
"""Our own files, read by Blender's importers; USDZ is checked by OpenUSD's rules for Apple's devices."""

from __future__ import annotations

import dataclasses
import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mono3d_addon.core.mesh.mesh import empty_mesh
from mono3d_addon.export import write
from tests.blender import made
from tests.blender.made import bpy
from tests.blender.scene import test_exports

pytestmark = pytest.mark.usefixtures("empty_file")
needs_usd = pytest.mark.skipif(not test_exports.is_there("usd"), reason="this Blender is built without USD")
FORMATS = [
    pytest.param("usdz", marks=needs_usd),
    *(pytest.param(one, marks=pytest.mark.thorough) for one in ("glb", "obj", "ply")),
]
SIZES = [(80, 60), pytest.param((60, 80), marks=pytest.mark.thorough)]


def stand(places: np.ndarray) -> np.ndarray:
    """Returns the middle of the lowest side of points in Blender's frame, which the file puts on the origin."""
    low, high = places.min(axis=0), places.max(axis=0)
    return np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]])


def open_usd(path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    """Returns the stage in a file, and OpenUSD's module of utilities."""
    for site in Path(bpy.utils.resource_path("LOCAL")).glob("python/lib/python*/site-packages"):
        monkeypatch.setattr(sys, "path", [*sys.path, str(site)])
    usd = pytest.importorskip("pxr.Usd", reason="this Blender brings no Python modules for USD")
    return usd.Stage.Open(str(path)), importlib.import_module("pxr.UsdUtils")


@pytest.mark.parametrize("shading", test_exports.SHADINGS)
@pytest.mark.parametrize("kind", FORMATS)
def test_blender_shows_the_photo_and_its_normal_map(kind: str, shading: str, tmp_path: Path) -> None:
    result, expected = test_exports.photo(tmp_path, shading=shading)
    path = tmp_path / f"cup.{kind}"
    write(result, kind, path)
    test_exports.read_back("usd" if kind == "usdz" else kind, path)
    if kind == "usdz":
        expected = dataclasses.replace(expected, places=expected.places - stand(expected.places))
    if kind == "ply":
        test_exports.check_colours(expected)
        return
    test_exports.check(expected, kind, shading, is_whole=kind != "obj")
    if kind == "usdz" and shading == "emission":
        for slot in (slot for one in bpy.data.objects for slot in one.material_slots):
            shader = next(node for node in slot.material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
            assert not any(shader.inputs["Base Color"].default_value[:3])
            assert shader.inputs["Emission Strength"].default_value == 1.0


@needs_usd
@pytest.mark.parametrize("size", SIZES)
def test_the_camera_of_a_usdz_sees_every_vertex_at_its_texture_coordinate(
    size: tuple[int, int], tmp_path: Path
) -> None:
    seen_by = dataclasses.replace(made.camera(*size, off_centre=(0.1, -0.2)), pitch=-0.3, roll=0.12, elevation=1.4)
    result = made.reconstruction(tmp_path, seen_by, 6, 8)
    path = tmp_path / "cup.usdz"
    write(result, "usdz", path)
    test_exports.read_back("usd", path)
    (owner,) = (one for one in bpy.data.objects if one.type == "CAMERA")
    (mesh,) = (one for one in bpy.data.objects if one.type == "MESH")
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = size
    look = importlib.import_module("bpy_extras.object_utils").world_to_camera_view
    places = [mesh.matrix_world @ vertex.co for vertex in mesh.data.vertices]
    seen = np.array([look(scene, owner, place)[:2] for place in places])
    np.testing.assert_allclose(seen, result.mesh.uv, atol=1e-4)
    assert owner.data.lens == pytest.approx(36.0)
    heights = np.array(places)[:, 2]
    assert heights.min() == pytest.approx(0, abs=1e-5)


@needs_usd
@pytest.mark.parametrize("looks", ["texture", "vertex_colours"])
def test_a_usdz_keeps_apples_rules(looks: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result, _ = test_exports.photo(tmp_path, material=looks, shading="principled" if looks == "texture" else "emission")
    path = tmp_path / "Größe 1.usdz"
    write(dataclasses.replace(result, name="Größe Ω 1"), "usdz", path)
    stage, utilities = open_usd(path, monkeypatch)
    checker = utilities.ComplianceChecker(arkit=True)
    checker.CheckCompliance(str(path))
    assert [*checker.GetErrors(), *checker.GetFailedChecks(), *checker.GetWarnings()] == []
    assert stage.GetDefaultPrim().GetMetadata("displayName") == "Größe Ω 1"
    assert (stage.GetMetadata("metersPerUnit"), stage.GetMetadata("upAxis")) == (1.0, "Y")
    mesh = stage.GetPrimAtPath("/photo/mesh")
    value = {one.GetName(): one.Get() for one in mesh.GetAttributes() if one.HasAuthoredValue()}
    turned = np.array([1, -1, -1], np.float32)
    np.testing.assert_array_equal(value["points"], result.mesh.vertices * turned)
    np.testing.assert_array_equal(value["normals"], result.mesh.normals * turned)
    np.testing.assert_array_equal(value["primvars:st"], result.mesh.uv)
    np.testing.assert_array_equal(np.reshape(value["faceVertexIndices"], (-1, 3)), result.mesh.triangles)
    np.testing.assert_array_equal(value["extent"], [np.min(value["points"], 0), np.max(value["points"], 0)])
    assert value["doubleSided"] and value["subdivisionScheme"] == "none"
    if looks == "vertex_colours":
        linear = np.array(value["primvars:displayColor"])
        srgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
        np.testing.assert_array_equal(np.rint(srgb * 255), result.mesh.colors)


@needs_usd
def test_an_empty_mesh_becomes_a_file_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = dataclasses.replace(made.reconstruction(tmp_path, made.camera(80, 60), 6, 8), mesh=empty_mesh())
    write(result, "usdz", tmp_path / "cup.usdz")
    stage, _ = open_usd(tmp_path / "cup.usdz", monkeypatch)
    assert len(stage.GetPrimAtPath("/photo/mesh").GetAttribute("points").Get()) == 0
