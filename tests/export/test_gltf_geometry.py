# SPDX-License-Identifier: GPL-3.0-or-later
"""The encodings of a GLB file's geometry, read back by their specifications."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from mono3d_addon import export
from mono3d_addon.core.mesh.mesh import empty_mesh
from mono3d_addon.core.reconstruction import Reconstruction
from mono3d_addon.errors import Mono3DError
from mono3d_addon.export import meshopt
from mono3d_addon.export.frames import y_up
from mono3d_addon.export.gltf_geometry import pieces
from mono3d_addon.settings import COMPRESS
from tests import view_file
from tests.surface import results

WITHOUT_DRACO = tuple(name for name in COMPRESS if name != "draco")
CAMERA = results.view()


def layered(folder: Path, **settings: Any) -> Reconstruction:
    """Returns a result of two layers: the room, and a small mesh behind it."""
    texture = folder / "behind.png"
    Image.new("RGB", (64, 48), (0, 0, 255)).save(texture)
    mesh = results.grid(CAMERA).mesh(CAMERA)
    behind = replace(results.random_mesh(5, 30, 40))
    result = replace(results.result(folder, mesh, **settings), camera=CAMERA, depth=results.room(CAMERA))
    return replace(result, background=behind, background_texture=texture)


def stored(document: dict[str, Any], binary: bytes, number: int) -> np.ndarray:
    """Returns the values of an accessor, float64, or int64 for indices; unpacked by the extension that it names."""
    one = document["accessors"][number]
    view = document["bufferViews"][one["bufferView"]]
    width = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}[one["type"]]
    kind = {5120: "<i1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}[one["componentType"]]
    if "extensions" in view:
        assert "byteStride" not in view or view["byteStride"] % 4 == 0
        values = view_file.accessor(document, binary, number)
        if values.dtype == np.uint8 or one["type"] == "SCALAR":
            values = values.view(np.uint8).view(kind)
        values = values.reshape(one["count"], -1)
    else:
        stride = view.get("byteStride", np.dtype(kind).itemsize * width)
        assert stride % 4 == 0 or one["type"] == "SCALAR"
        part = np.frombuffer(binary, np.uint8, stride * one["count"], view["byteOffset"]).reshape(-1, stride)
        values = np.ascontiguousarray(part).view(kind)
    if "min" in one:
        np.testing.assert_allclose(values[:, :width].min(axis=0), one["min"], rtol=1e-3, atol=1e-3)
    values = values[:, :width]
    return values / np.iinfo(kind).max if one.get("normalized") else values


def corners(path: Path, material: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns position and texture coordinates of all corners of triangles of a material, metres, float64 (m, 3, 5)."""
    document, binary = view_file.read(path.read_bytes())
    node = document["nodes"][0]
    found, normals = [], []
    for one in document["meshes"][0]["primitives"]:
        if one["material"] != material:
            continue
        values = {name: stored(document, binary, number) for name, number in one["attributes"].items()}
        places = values["POSITION"] * node.get("scale", 1.0) + node.get("translation", 0.0)
        rows = stored(document, binary, one["indices"]).astype(np.int64).reshape(-1, 3)
        assert rows.max() < len(places)
        found.append(np.concatenate([places, values["TEXCOORD_0"]], axis=1)[rows])
        normals.append(values.get("NORMAL", np.zeros_like(places))[rows])
    return np.concatenate(found), np.concatenate(normals)


def in_order(corners: np.ndarray) -> np.ndarray:
    """Returns triangles in an order that does not depend on how they are numbered, from their first corner on."""
    uv = np.rint(corners[:, :, 3:] * 4096).astype(np.int64)
    key = uv[:, :, 0] * 8192 + uv[:, :, 1]
    turn = key.argmin(axis=1)[:, None] + np.arange(3)
    turned = np.take_along_axis(corners, (turn % 3)[:, :, None], axis=1)
    keys = np.take_along_axis(key, turn % 3, axis=1)
    return turned[np.lexsort(keys.T)]


@pytest.mark.parametrize("shading", ["emission", "principled"])
@pytest.mark.parametrize("compress", WITHOUT_DRACO)
def test_the_triangles_come_back(tmp_path: Path, compress: str, shading: str) -> None:
    result = layered(tmp_path, shading=shading)
    (path,) = export.write(result, "glb", tmp_path / "cup.glb", compress)
    cell = 1 / CAMERA.fx
    for number, mesh in enumerate((result.scene_mesh, result.scene_background)):
        assert mesh is not None
        wanted = np.concatenate([y_up(mesh.vertices), mesh.uv * [1, -1] + [0, 1]], axis=1)[mesh.triangles]
        found, normals = corners(path, number)
        assert len(found) == len(wanted)
        if number == 0:
            found, wanted = in_order(found), in_order(wanted)
            error = np.abs(found[:, :, :3] - wanted[:, :, :3]).max(axis=2)
            if compress == "none":
                assert error.max() == 0, "exact stays exact"
            elif compress == "quantize":
                assert 0 < error.max() <= 0.25 * cell * result.mesh.vertices[:, 2].min()
            else:
                assert 0 < (error / np.linalg.norm(wanted[:, :, :3], axis=2)).max() <= 0.25 * cell
            np.testing.assert_allclose(found[:, :, 3:], wanted[:, :, 3:], atol=0.51 / 65535)
        lengths = np.linalg.norm(normals, axis=2)
        np.testing.assert_allclose(lengths, 0.0 if shading == "emission" else 1.0, atol=0.01)


@pytest.mark.parametrize("compress", COMPRESS)
def test_an_empty_mesh_becomes_a_file_too(tmp_path: Path, compress: str) -> None:
    if compress == "draco":
        pytest.importorskip("DracoPy")
    result = replace(results.result(tmp_path, shading="principled"), mesh=empty_mesh())
    (path,) = export.write(result, "glb", tmp_path / "cup.glb", compress)
    document, _ = view_file.read(path.read_bytes())
    (primitive,) = document["meshes"][0]["primitives"]
    assert document["accessors"][primitive["attributes"]["POSITION"]]["count"] == 0


def test_another_compression_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Mono3DError, match="'zip'; the choices are none, quantize, meshopt, draco"):
        export.write(layered(tmp_path), "glb", tmp_path / "cup.glb", "zip")


def test_a_mesh_is_cut_where_16_bits_cannot_number_its_vertices() -> None:
    mesh = results.grid(CAMERA).mesh(CAMERA)
    found = list(pieces(mesh, 1000))
    assert len(found) > len(mesh.vertices) / 1000
    assert max(len(piece.vertices) for piece in found) <= 1000
    assert sum(len(piece.vertices) for piece in found) < 1.5 * len(mesh.vertices)
    together = np.concatenate([piece.vertices[piece.triangles] for piece in found])
    wanted = mesh.vertices[mesh.triangles]
    first, second = (rows.reshape(len(rows), -1) for rows in (together, wanted))
    np.testing.assert_array_equal(first[np.lexsort(first.T)], second[np.lexsort(second.T)])
    # Triangles between vertices that have nothing to do with each other.
    wild = results.random_mesh(3, 5000, 3000)
    found = list(pieces(wild, 50))
    assert sum(len(piece.triangles) for piece in found) == 3000
    assert max(len(piece.vertices) for piece in found) <= 50


def test_positions_stay_floats_where_16_bits_would_show(tmp_path: Path) -> None:
    """A thing near the camera before mountains."""
    result = layered(tmp_path)
    far = result.mesh.vertices.copy()
    far[far[:, 2] > 4.0] *= 1000.0
    result = replace(result, mesh=replace(result.mesh, vertices=far), background=None)
    (path,) = export.write(result, "glb", tmp_path / "cup.glb", "quantize")
    found, _ = corners(path, 0)
    near = found[:, :, 2].max(axis=1) > -4.0
    wanted = y_up(far)[result.mesh.triangles]
    wanted = wanted[wanted[:, :, 2].max(axis=1) > -4.0]
    for axis in (0, 1, 2):
        np.testing.assert_array_equal(np.sort(found[near][:, :, axis].ravel()), np.sort(wanted[:, :, axis].ravel()))


@limits(max_examples=40, deadline=None)
@given(
    arrays.arrays(
        np.uint8,
        st.tuples(st.integers(1, 700), st.sampled_from([4, 12, 36])),
        elements=st.one_of(st.sampled_from([0, 1, 2, 9]), st.integers(0, 255)),
    )
)
def test_packed_rows_come_back(rows: np.ndarray) -> None:
    packed = meshopt.packed_attributes(rows)
    np.testing.assert_array_equal(view_file.decoded_rows(packed, *rows.shape), rows)
    assert len(packed) <= len(meshopt.attributes(rows))


@pytest.mark.parametrize("material", ["texture", "vertex_colours"])
def test_draco_by_its_own_library(tmp_path: Path, material: str) -> None:
    library = pytest.importorskip("DracoPy")
    result = layered(tmp_path, material=material, shading="principled")
    (path,) = export.write(result, "glb", tmp_path / "cup.glb", "draco")
    document, binary = view_file.read(path.read_bytes())
    assert document["extensionsRequired"] == ["KHR_draco_mesh_compression"]
    primitive = document["meshes"][0]["primitives"][0]
    extension = primitive["extensions"]["KHR_draco_mesh_compression"]
    assert set(extension["attributes"]) == set(primitive["attributes"])
    view = document["bufferViews"][extension["bufferView"]]
    mesh = library.decode(binary[view["byteOffset"] :][: view["byteLength"]])
    by_number = {one["unique_id"]: one["data"] for one in mesh.attributes}
    places = by_number[extension["attributes"]["POSITION"]]
    position = document["accessors"][primitive["attributes"]["POSITION"]]
    assert position["count"] == len(places) and document["accessors"][primitive["indices"]]["count"] == mesh.faces.size
    np.testing.assert_allclose([places.min(axis=0), places.max(axis=0)], [position["min"], position["max"]], atol=1e-6)
    wanted = y_up(result.scene_mesh.vertices)
    allowed = 0.25 / CAMERA.fx * result.mesh.vertices[:, 2].min()
    assert np.abs(places.min(axis=0) - wanted.min(axis=0)).max() <= allowed
    middles = [places[mesh.faces].mean(axis=(0, 1)), wanted[result.mesh.triangles].mean(axis=(0, 1))]
    assert np.abs(middles[0] - middles[1]).max() <= allowed
    if material == "vertex_colours":
        assert by_number[extension["attributes"]["COLOR_0"]].max() == 65535
    else:
        uv = by_number[extension["attributes"]["TEXCOORD_0"]]
        assert np.abs([uv.min(), uv.max()] - np.array([0.0, 1.0])).max() < 0.02


def test_without_the_library_of_draco_a_sentence_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "DracoPy", None)
    with pytest.raises(Mono3DError, match=r"by Draco need the package DracoPy.*pip install 'mono3d\[draco\]'"):
        export.write(layered(tmp_path), "glb", tmp_path / "cup.glb", "draco")
    assert not (tmp_path / "cup.glb").exists()
    with pytest.raises(Mono3DError, match="DracoPy"):
        export.require(["ply", "glb"], "draco")
    export.require(["ply"], "draco")
