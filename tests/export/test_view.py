# SPDX-License-Identifier: GPL-3.0-or-later
"""The viewer's mesh, read back by the specification of its compression; tests/browser reads it with three.js."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mono3d_addon import export
from mono3d_addon.core.reconstruction import Reconstruction
from mono3d_addon.export import meshopt
from mono3d_addon.export.gltf_buffer import linear_rgba
from mono3d_addon.export.view import Layer, view_of
from tests.surface import results
from tests.view_file import accessor, decoded_indices, decoded_rows, read

_CAMERA = results.view()


@limits(max_examples=40, deadline=None)
@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 700), st.sampled_from([4, 8, 12, 36]))))
def test_rows_of_bytes_come_back(rows: np.ndarray) -> None:
    np.testing.assert_array_equal(decoded_rows(meshopt.attributes(rows), *rows.shape), rows)


@limits(max_examples=40, deadline=None)
@given(arrays.arrays(np.int32, st.tuples(st.integers(0, 200), st.just(3)), elements=st.integers(0, 20_000_000)))
def test_indices_come_back(triangles: np.ndarray) -> None:
    found = decoded_indices(meshopt.indices(triangles), triangles.size)
    np.testing.assert_array_equal(found, triangles.reshape(-1))


@limits(max_examples=40, deadline=None)
@given(
    arrays.arrays(
        np.float32, st.tuples(st.integers(1, 50), st.just(3)), elements=st.floats(-1e6, 1e6, width=32, allow_nan=False)
    )
)
def test_positions_are_exact_for_their_distance(values: np.ndarray) -> None:
    packed = meshopt.exponential(values, 16)
    found = np.ldexp(((packed << 8) >> 8).astype(np.float64), packed >> 24)
    largest = np.abs(values).max(axis=1, keepdims=True)
    assert (np.abs(found - values) <= np.maximum(largest * 2.0**-16, 1e-29)).all()


def made(folder: Path, **settings: Any) -> tuple[Reconstruction, bytes]:
    result = results.result(folder, results.grid(_CAMERA).mesh(_CAMERA), **settings)
    return result, view_of(result, [Layer("photo", result.scene_mesh, "photo")])


@pytest.mark.parametrize("shading", ["emission", "principled"])
def test_the_view_is_the_mesh_in_few_bytes(tmp_path: Path, shading: str) -> None:
    result, data = made(tmp_path, shading=shading)
    document, binary = read(gzip.decompress(data))
    primitive = document["meshes"][0]["primitives"][0]
    arrays_of = {name: accessor(document, binary, number) for name, number in primitive["attributes"].items()}
    mesh = result.scene_mesh
    expected = mesh.vertices * [1, -1, -1]
    scale = np.abs(expected).max(axis=1, keepdims=True)
    assert (np.abs(arrays_of["POSITION"] - expected) / scale).max() < 2.0**-16
    np.testing.assert_allclose(arrays_of["TEXCOORD_0"] / 65535, mesh.uv * [1, -1] + [0, 1], atol=1e-5)
    triangles = accessor(document, binary, primitive["indices"]).reshape(-1, 3)
    assert {tuple(row) for row in triangles} == {tuple(row) for row in mesh.triangles}
    is_lit = shading != "emission"
    assert ("NORMAL" in arrays_of) == is_lit, "an unlit material needs none"
    if is_lit:
        normals = arrays_of["NORMAL"][:, :3] / 127
        np.testing.assert_allclose(normals, mesh.normals * [1, -1, -1], atol=0.005)
    (whole,) = export.write(result, "glb", tmp_path / "whole.glb")
    geometry = whole.stat().st_size - result.texture.stat().st_size
    assert len(data) < geometry / 8


def test_the_photo_is_named_and_vertex_colours_are_kept(tmp_path: Path) -> None:
    document, _ = read(gzip.decompress(made(tmp_path)[1]))
    assert document["images"] == [{"uri": "photo"}]
    result, data = made(tmp_path, material="vertex_colours")
    document, binary = read(gzip.decompress(data))
    attributes = document["meshes"][0]["primitives"][0]["attributes"]
    assert "images" not in document
    np.testing.assert_array_equal(
        accessor(document, binary, attributes["COLOR_0"]), linear_rgba(result.scene_mesh.colors)
    )
