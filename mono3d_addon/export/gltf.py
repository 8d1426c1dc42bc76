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
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.camera.camera import Camera
from ..core.photo.texture_file import for_gltf
from ..core.reconstruction import Reconstruction
from .files import Staging
from .frames import y_up
from .gltf_buffer import Buffer
from .gltf_geometry import Encoding, Look, encoding_of

UNLIT = "KHR_materials_unlit"
SAMPLER = {"magFilter": 9729, "minFilter": 9987, "wrapS": 33071, "wrapT": 33071}
"""Linear filters with mipmaps; clamped to the edge."""


def write_glb(result: Reconstruction, path: Path, staging: Staging, compress: str = "none") -> None:
    """Writes the mesh with texture coordinates and a material, and the camera; `compress` as in `settings.COMPRESS`.

    The background (see `core.mesh.background_fill`) is a primitive with a material of its own.

    COLOR_0 multiplies the texture in glTF, so a file has either the photo as texture or vertex colours in linear
    light, by `settings.material`. `settings.shading` 'emission' becomes KHR_materials_unlit, which needs no normals.
    A normal map is written with the tangents for which it was baked; unlit materials do not show it.
    """
    is_unlit = result.settings.shading == "emission"
    textured = result.settings.material == "texture"
    encoding = encoding_of(compress, result, [mesh for mesh, _ in result.scene_layers])
    document = document_of(result)
    document["nodes"][0] |= encoding.node
    pictures: list[tuple[str, bytes]] = []
    for number, (name, (mesh, texture)) in enumerate(zip(("photo", "behind"), result.scene_layers, strict=False)):
        is_baked = result.normal_map is not None and number == 0
        look = Look(textured, has_normals=is_baked or not is_unlit, has_tangents=is_baked)
        primitives = encoding.primitives(mesh, look)
        document["meshes"][0]["primitives"] += [one | {"material": number} for one in primitives]
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
        if is_unlit:
            material["extensions"] = {UNLIT: {}}
        document["materials"].append(material)
    buffer = encoding.buffer
    if pictures:
        document["images"] = [
            {"bufferView": buffer.add_view(data), "mimeType": mime_of(data), "name": name} for name, data in pictures
        ]
        document["samplers"] = [SAMPLER]
        document["textures"] = [{"source": index, "sampler": 0} for index in range(len(pictures))]
    save(staging.path_for(path), document | contents(encoding, is_unlit=is_unlit), buffer)


def contents(encoding: Encoding, *, is_unlit: bool) -> dict[str, Any]:
    """Returns what the JSON of a file says of its geometry, once all is in the buffer, and of its extensions."""
    used = [*encoding.extensions, *([UNLIT] if is_unlit else [])]
    return {
        **({"extensionsUsed": used} if used else {}),
        **({"extensionsRequired": list(encoding.extensions)} if encoding.extensions else {}),
        "accessors": encoding.buffer.accessors,
        "bufferViews": encoding.buffer.views,
        "buffers": encoding.buffer.described,
    }


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


def _camera(camera: Camera, result: Reconstruction) -> dict[str, Any]:
    """Returns glTF's camera, which looks along -z with y up; glTF does not support off-centre principal points."""
    camera = pinhole_of(camera)
    return {
        "name": "camera of the photo",
        "type": "perspective",
        "perspective": {
            "yfov": 2 * math.atan(camera.height / (2 * camera.fy)),
            "aspectRatio": camera.width / camera.height * (camera.fy / camera.fx),
            "znear": max(0.01 * result.near_and_far[0], 1e-6),
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
