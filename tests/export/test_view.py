# SPDX-License-Identifier: GPL-3.0-or-later
"""The viewer's mesh, read back by the specification of its compression; tests/browser reads it with three.js."""

from __future__ import annotations

import gzip
import json
import struct
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
from mono3d_addon.export.gltf import linear_rgba
from mono3d_addon.export.view import Layer, view_of
from tests.surface import results

_CAMERA = results.view()


def decoded_rows(data: bytes, count: int, stride: int) -> np.ndarray:
    """Returns the rows of the mode ATTRIBUTES, uint8 (count, stride), of which no group is packed."""
    assert data[0] == 0xA0
    row, place = np.frombuffer(data[-stride:], np.uint8).copy(), 1
    found, size = [], min(8192 // stride // 16 * 16, 256)
    for start in range(0, count, size):
        rows = min(size, count - start)
        groups = -(-rows // 16)
        deltas = []
        for _ in range(stride):
            heads = -(-groups // 4)
            assert data[place : place + heads] == b"\xff" * heads
            place += heads
            deltas.append(np.frombuffer(data[place : place + 16 * groups], np.uint8)[:rows])
            place += 16 * groups
        codes = np.stack(deltas, axis=1)
        changes = (codes >> 1) ^ np.where(codes & 1, np.uint8(255), np.uint8(0))
        found.append(row + np.cumsum(changes, axis=0, dtype=np.uint8))
        row = found[-1][-1]
    assert place == len(data) - max(stride, 32)
    return np.concatenate(found)


def decoded_indices(data: bytes, count: int) -> np.ndarray:
    """Returns the indices of the mode INDICES, (count,)."""
    assert data[0] == 0xD1 and data[-4:] == bytes(4)
    place, last, found = 1, [0, 0], []
    for _ in range(count):
        code = shift = 0
        while True:
            byte = data[place]
            place += 1
            code |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        zigzag = code >> 1
        last[code & 1] += (zigzag >> 1) ^ -(zigzag & 1)
        found.append(last[code & 1])
    assert place == len(data) - 4
    return np.array(found)


def read(data: bytes) -> tuple[dict[str, Any], bytes]:
    glb = gzip.decompress(data)
    size = struct.unpack_from("<I", glb, 12)[0]
    return json.loads(glb[20 : 20 + size]), glb[28 + size :]


def accessor(document: dict[str, Any], binary: bytes, number: int) -> np.ndarray:
    one = document["accessors"][number]
    how = document["bufferViews"][one["bufferView"]]["extensions"]["EXT_meshopt_compression"]
    part = binary[how["byteOffset"] : how["byteOffset"] + how["byteLength"]]
    if how["mode"] == "INDICES":
        return decoded_indices(part, how["count"])
    rows = decoded_rows(part, how["count"], how["byteStride"])
    if how.get("filter") == "EXPONENTIAL":
        packed = rows.view(np.int32)
        return np.ldexp(((packed << 8) >> 8).astype(np.float64), packed >> 24)
    return rows.view({5120: np.int8, 5123: np.uint16}[one["componentType"]])


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
    document, binary = read(data)
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
    document, _ = read(made(tmp_path)[1])
    assert document["images"] == [{"uri": "photo"}]
    result, data = made(tmp_path, material="vertex_colours")
    document, binary = read(data)
    attributes = document["meshes"][0]["primitives"][0]["attributes"]
    assert "images" not in document
    np.testing.assert_array_equal(
        accessor(document, binary, attributes["COLOR_0"]), linear_rgba(result.scene_mesh.colors)
    )
