# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the mesh for a viewer on a slow line: a GLB of a twentieth of the download's bytes, to be sent with gzip.

Positions have 16 bits relative to their distance, texture coordinates 16 bits of the photo. Normals are left out where
the material is unlit. Indices and attributes are stored as EXT_meshopt_compression does. The photo is not in the file.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..core.mesh.mesh import Mesh
from ..core.reconstruction import Reconstruction
from . import meshopt
from .frames import y_up
from .gltf import (
    INDICES,
    KINDS,
    SAMPLER,
    VERTICES,
    Buffer,
    document_of,
    encoded,
    from_top,
    linear_rgba,
    mime_of,
)

_EXTENSION = "EXT_meshopt_compression"
_QUANTIZED = "KHR_mesh_quantization"
_UNLIT = "KHR_materials_unlit"
_BITS, _DRAFT_BITS = 16, 13
_EFFORT = 4
"""Of gzip: the next levels take twice as long for 5 %."""

Kind = Literal["SCALAR", "VEC2", "VEC3", "VEC4"]


@dataclass(frozen=True)
class Layer:
    """One mesh of a view, in the scene frame, and its texture: the address of a picture, or the picture's file."""

    name: str
    mesh: Mesh
    texture: str | bytes


def view_of(result: Reconstruction, layers: list[Layer], normal_map: bytes = b"", *, is_draft: bool = False) -> bytes:
    """Returns the GLB of a view of `result`, compressed by gzip.

    normal_map  the file of the picture; it belongs to the first layer where the material is lit
    is_draft    whether positions may be less exact: 13 bits
    """
    buffer = _Compressed()
    is_textured = result.settings.material == "texture"
    is_lit = result.settings.shading != "emission"
    bits = _DRAFT_BITS if is_draft else _BITS
    document = document_of(result) | {
        "extensionsUsed": [_EXTENSION, *([_QUANTIZED] if is_lit else [_UNLIT])],
        "extensionsRequired": [_EXTENSION, *([_QUANTIZED] if is_lit else [])],
    }
    images: list[dict[str, Any]] = []
    for number, layer in enumerate(layers):
        primitive = _primitive(layer.mesh, buffer, bits, is_textured=is_textured, is_lit=is_lit)
        document["meshes"][0]["primitives"].append(primitive | {"material": number})
        surface: dict[str, Any] = {"metallicFactor": 0.0, "roughnessFactor": 1.0}
        material: dict[str, Any] = {"name": layer.name, "doubleSided": True, "pbrMetallicRoughness": surface}
        if is_textured:
            surface["baseColorTexture"] = {"index": len(images)}
            images.append(_image(layer.texture, buffer))
        if is_lit and normal_map and number == 0:
            material["normalTexture"] = {"index": len(images)}
            images.append(_image(normal_map, buffer))
        if not is_lit:
            material["extensions"] = {_UNLIT: {}}
        document["materials"].append(material)
    if images:
        document |= {"images": images, "samplers": [SAMPLER]}
        document["textures"] = [{"source": index, "sampler": 0} for index in range(len(images))]
    document |= {
        "accessors": buffer.accessors,
        "bufferViews": buffer.views,
        # The second buffer is what the first one's parts become; no file has it.
        "buffers": [
            {"byteLength": buffer.length},
            {"byteLength": buffer.unpacked, "extensions": {_EXTENSION: {"fallback": True}}},
        ],
    }
    return gzip.compress(b"".join(encoded(document, buffer)), _EFFORT, mtime=0)


def _image(texture: str | bytes, buffer: Buffer) -> dict[str, Any]:
    if isinstance(texture, str):
        return {"uri": texture}
    return {"bufferView": buffer.add_view(texture), "mimeType": mime_of(texture)}


def _primitive(mesh: Mesh, buffer: _Compressed, bits: int, *, is_textured: bool, is_lit: bool) -> dict[str, Any]:
    points = y_up(mesh.vertices)
    places = meshopt.exponential(points, bits)
    bounds = {"min": points.min(axis=0).tolist(), "max": points.max(axis=0).tolist()}
    uv = np.rint(np.clip(from_top(mesh.uv), 0.0, 1.0) * 65535).astype(np.uint16)
    attributes = {
        "POSITION": buffer.add_attribute(places, "VEC3", "float32", filter="EXPONENTIAL", **bounds),
        "TEXCOORD_0": buffer.add_attribute(uv, "VEC2", "uint16", normalized=True),
    }
    if is_lit:
        normals = np.zeros((len(mesh.normals), 4), np.int8)
        normals[:, :3] = np.rint(y_up(mesh.normals) * 127)
        attributes["NORMAL"] = buffer.add_attribute(normals, "VEC3", "int8", normalized=True)
    if not is_textured:
        attributes["COLOR_0"] = buffer.add_attribute(linear_rgba(mesh.colors), "VEC4", "uint16", normalized=True)
    # Where triangles of neighbouring vertices follow each other, differences of indices are small.
    order = np.argsort(np.minimum.reduce(mesh.triangles.T), kind="stable")
    return {
        "attributes": attributes,
        "indices": buffer.add_indices(mesh.triangles[order], len(mesh.vertices)),
        "mode": 4,
    }


class _Compressed(Buffer):
    """A buffer whose accessors are compressed; `unpacked` counts the bytes that they become."""

    unpacked = 0

    def add_attribute(
        self, values: NDArray[Any], kind: Kind, component: str, *, filter: str = "", **details: Any
    ) -> int:
        rows = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<"), copy=False)).view(np.uint8)
        accessor = {"componentType": KINDS[component], "count": len(values), "type": kind} | details
        how = {"mode": "ATTRIBUTES"} | ({"filter": filter} if filter else {})
        return self._add(meshopt.attributes(rows), rows.shape, how, accessor, VERTICES)

    def add_indices(self, triangles: NDArray[np.int32], vertices: int) -> int:
        component = "uint16" if vertices <= 65535 else "uint32"
        count, size = triangles.size, np.dtype(component).itemsize
        accessor = {"componentType": KINDS[component], "count": count, "type": "SCALAR"}
        return self._add(meshopt.indices(triangles), (count, size), {"mode": "INDICES"}, accessor, INDICES)

    def _add(
        self, data: bytes, shape: tuple[int, ...], how: dict[str, str], accessor: dict[str, Any], target: int
    ) -> int:
        count, stride = shape
        number = self.add_view(data)
        place = self.views[number]
        view: dict[str, Any] = {
            "buffer": 1,
            "byteOffset": self.unpacked,
            "byteLength": count * stride,
            "target": target,
        }
        view["extensions"] = {_EXTENSION: place | {"count": count, "byteStride": stride} | how}
        if target == VERTICES:
            view["byteStride"] = stride
        self.views[number] = view
        self.unpacked += -(-count * stride // 4) * 4
        self.accessors.append({"bufferView": number} | accessor)
        return len(self.accessors) - 1
