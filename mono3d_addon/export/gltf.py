# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes binary glTF 2.0 (.glb) with the embedded photo; y up, the camera of the photo at the origin.

trimesh is not used: it re-encodes the texture, does not linearise COLOR_0 and has no unlit material.
Specification: Khronos Group, glTF 2.0 (ISO/IEC 12113:2022) and KHR_materials_unlit.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..core.arrays import Bytes
from ..core.camera.camera import Camera
from ..core.camera.depth_strength import strengthened
from ..core.mesh.mesh import Mesh
from ..core.mesh.normal_map import tangents
from ..core.photo.texture_file import for_gltf
from ..core.reconstruction import Reconstruction
from .files import Staging
from .frames import y_up

VERTICES, INDICES = 34962, 34963
KINDS = {"float32": 5126, "int8": 5120, "uint16": 5123, "uint32": 5125}
SAMPLER = {"magFilter": 9729, "minFilter": 9987, "wrapS": 33071, "wrapT": 33071}
"""Linear filters with mipmaps; clamped to the edge."""


def write_glb(result: Reconstruction, path: Path, staging: Staging) -> None:
    """Writes the mesh with normals, texture coordinates and a material, and the camera.

    The background (see `core.mesh.background_fill`) is a second primitive with a material of its own.

    COLOR_0 multiplies the texture in glTF, so a file has either the photo as texture or vertex colours in linear
    light, by `settings.material`. `settings.shading` 'emission' becomes KHR_materials_unlit.
    A normal map is written with the tangents for which it was baked; unlit materials do not show it.
    """
    buffer = Buffer()
    textured = result.settings.material == "texture"
    layers = [("photo", result.scene_mesh, result.texture)]
    if result.scene_background is not None and result.background_texture is not None:
        layers.append(("behind", result.scene_background, result.background_texture))
    document = document_of(result)
    pictures: list[tuple[str, bytes]] = []
    for number, (name, mesh, texture) in enumerate(layers):
        document["meshes"][0]["primitives"].append(
            _primitive(mesh, number, buffer, textured, result.normal_map is not None and number == 0)
        )
        material: dict[str, Any] = {
            "name": name,
            "doubleSided": True,
            "pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 1.0},
        }
        if textured:
            material["pbrMetallicRoughness"]["baseColorTexture"] = {"index": len(pictures)}
            pictures.append((result.name if number == 0 else name, for_gltf(texture.read_bytes())))
        if result.normal_map is not None and number == 0:
            material["normalTexture"] = {"index": len(pictures)}
            pictures.append((f"{result.name} normals", result.normal_map.read_bytes()))
        if result.settings.shading == "emission":
            material["extensions"] = {"KHR_materials_unlit": {}}
            document["extensionsUsed"] = ["KHR_materials_unlit"]
        document["materials"].append(material)
    if pictures:
        document["images"] = [
            {"bufferView": buffer.add_view(data), "mimeType": mime_of(data), "name": name} for name, data in pictures
        ]
        document["samplers"] = [SAMPLER]
        document["textures"] = [{"source": index, "sampler": 0} for index in range(len(pictures))]
    document |= {"accessors": buffer.accessors, "bufferViews": buffer.views, "buffers": [{"byteLength": buffer.length}]}
    save(staging.path_for(path), document, buffer)


def document_of(result: Reconstruction) -> dict[str, Any]:
    """Returns the JSON of a file: a scene of the camera and a mesh, which has no primitives and materials yet."""
    return {
        "asset": {"version": "2.0", "generator": "Mono3D"},
        "scene": 0,
        "scenes": [{"nodes": [0, 1]}],
        "nodes": [{"name": result.name, "mesh": 0}, _camera_node(result.camera)],
        "cameras": [_camera(result.camera, result)],
        "meshes": [{"name": result.name, "primitives": []}],
        "materials": [],
    }


def _primitive(mesh: Mesh, material: int, buffer: Buffer, textured: bool, with_tangents: bool) -> dict[str, Any]:
    attributes = {
        "POSITION": buffer.add_accessor(y_up(mesh.vertices), "VEC3", VERTICES, bounds=True),
        "NORMAL": buffer.add_accessor(y_up(mesh.normals), "VEC3", VERTICES),
    }
    if textured or with_tangents:
        attributes["TEXCOORD_0"] = buffer.add_accessor(from_top(mesh.uv), "VEC2", VERTICES)
    if with_tangents:
        attributes["TANGENT"] = buffer.add_accessor(_tangents(mesh), "VEC4", VERTICES)
    if not textured:
        attributes["COLOR_0"] = buffer.add_accessor(linear_rgba(mesh.colors), "VEC4", VERTICES, normalized=True)
    indices = buffer.add_accessor(np.asarray(mesh.triangles, np.uint32).reshape(-1), "SCALAR", INDICES)
    return {"attributes": attributes, "indices": indices, "material": material, "mode": 4}


def linear_rgba(colors: Bytes) -> NDArray[np.uint16]:
    """Returns sRGB `colors`, uint8 (n, 3), in linear light with full alpha, uint16 (n, 4), for COLOR_0.

    Uses the transfer function of IEC 61966-2-1. 16 bits keep all 256 values distinct; alpha aligns entries to 8 bytes.
    """
    level = np.arange(256) / 255
    curve = np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)
    result = np.full((len(colors), 4), 65535, np.uint16)
    result[:, :3] = np.rint(curve * 65535).astype(np.uint16)[np.asarray(colors)]
    return result


@dataclass
class Buffer:
    """The one binary buffer of the file, and the JSON that describes its parts."""

    parts: list[bytes | memoryview] = field(default_factory=list)
    length: int = 0
    views: list[dict[str, Any]] = field(default_factory=list)
    accessors: list[dict[str, Any]] = field(default_factory=list)

    def add_view(self, data: bytes | memoryview, target: int | None = None) -> int:
        """Appends bytes, and returns the number of their view."""
        size = memoryview(data).nbytes
        view: dict[str, Any] = {"buffer": 0, "byteOffset": self.length, "byteLength": size}
        self.views.append(view | ({"target": target} if target else {}))
        padding = bytes(-size % 4)
        self.parts += [data, padding]
        self.length += size + len(padding)
        return len(self.views) - 1

    def add_accessor(
        self,
        array: NDArray[Any],
        kind: Literal["SCALAR", "VEC2", "VEC3", "VEC4"],
        target: int,
        bounds: bool = False,
        normalized: bool = False,
    ) -> int:
        """Appends an array, and returns the number of its accessor."""
        accessor: dict[str, Any] = {"componentType": KINDS[array.dtype.name], "count": len(array), "type": kind}
        if bounds and len(array):
            accessor |= {"min": array.min(axis=0).tolist(), "max": array.max(axis=0).tolist()}
        if normalized:
            accessor["normalized"] = True
        little = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False))
        view = self.add_view(little.reshape(-1).view(np.uint8).data, target)
        self.accessors.append({"bufferView": view} | accessor)
        return len(self.accessors) - 1


def from_top(uv: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns texture coordinates, float32 (n, 2), with their origin at the upper left corner, as in glTF."""
    return np.stack([uv[:, 0], np.float32(1) - uv[:, 1]], axis=1)


def _camera_node(camera: Camera) -> dict[str, Any]:
    """Returns the node of the camera, with its pose if it has one."""
    node: dict[str, Any] = {"name": "camera of the photo", "camera": 0}
    pose = camera_pose(camera)
    if pose is not None:
        node["matrix"] = pose.T.ravel().tolist()
    return node


def camera_pose(camera: Camera) -> NDArray[np.float64] | None:
    """Returns the matrix, float64 (4, 4), from the camera's axes (y up) to the file's; None for a camera at rest."""
    if not camera.has_pose:
        return None
    # y_up on both sides converts rotation matrices to the frame of the file.
    pose = np.eye(4)
    pose[:3, :3] = y_up(y_up(camera.rotation.astype(np.float32)).T).T
    pose[:3, 3] = y_up(camera.to_scene(np.zeros((1, 3), np.float32)))[0]
    return pose


def pinhole_of(camera: Camera) -> Camera:
    """Returns the camera; for a panorama, a pinhole camera at its place that looks straight ahead."""
    if not camera.is_panorama:
        return camera
    ahead = Camera.from_field_of_view(3, 2, math.radians(75.0), camera.source)
    return replace(ahead, pitch=camera.pitch, roll=camera.roll, elevation=camera.elevation)


def _tangents(mesh: Mesh) -> NDArray[np.float32]:
    found = tangents(mesh)
    found[:, :3] = y_up(found[:, :3])
    return found


def _camera(camera: Camera, result: Reconstruction) -> dict[str, Any]:
    """Returns glTF's camera, which looks along -z with y up; glTF does not support off-centre principal points."""
    camera = pinhole_of(camera)
    return {
        "name": "camera of the photo",
        "type": "perspective",
        "perspective": {
            "yfov": 2 * math.atan(camera.height / (2 * camera.fy)),
            "aspectRatio": camera.width / camera.height * (camera.fy / camera.fx),
            "znear": max(0.01 * strengthened(result.resolved.applied_to(result.settings)).near, 1e-6),
        },
    }


def mime_of(picture: bytes) -> str:
    """Returns the type of a picture's file, PNG or JPEG."""
    return "image/png" if picture.startswith(b"\x89PNG") else "image/jpeg"


def save(path: Path, document: dict[str, Any], buffer: Buffer) -> None:
    """Writes a file of the JSON `document` and the binary `buffer`."""
    with path.open("wb") as file:
        file.writelines(encoded(document, buffer))


def encoded(document: dict[str, Any], buffer: Buffer) -> Iterator[bytes | memoryview]:
    """Yields the parts of a file of the JSON `document` and the binary `buffer`."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8", "replace")
    text += b" " * (-len(text) % 4)
    yield struct.pack("<4sII", b"glTF", 2, 12 + 8 + len(text) + 8 + buffer.length)
    yield struct.pack("<I4s", len(text), b"JSON") + text
    yield struct.pack("<I4s", buffer.length, b"BIN\0")
    yield from buffer.parts
