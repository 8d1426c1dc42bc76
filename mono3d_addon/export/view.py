# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the mesh for a viewer on a slow line: a GLB of a twentieth of the download's bytes, to be sent with gzip.

Positions have 16 bits relative to their distance, texture coordinates 16 bits of the photo. Normals are left out where
the material is unlit. Indices and attributes are stored as EXT_meshopt_compression does. The photo is not in the file.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import Any

from ..core.mesh.mesh import Mesh
from ..core.reconstruction import Reconstruction
from .gltf import SAMPLER, UNLIT, contents, document_of, encoded, mime_of
from .gltf_buffer import Buffer
from .gltf_geometry import Look, Meshopt
from .meshopt_buffer import MeshoptBuffer

_BITS, _DRAFT_BITS = 16, 13
_EFFORT = 4
"""Of gzip: the next levels take twice as long for 5 %."""


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
    encoding = Meshopt(_DRAFT_BITS if is_draft else _BITS, MeshoptBuffer(is_packed=False))
    buffer = encoding.buffer
    is_textured = result.settings.material == "texture"
    is_lit = result.settings.shading != "emission"
    document = document_of(result)
    images: list[dict[str, Any]] = []
    for number, layer in enumerate(layers):
        (primitive,) = encoding.primitives(layer.mesh, Look(is_textured, has_normals=is_lit))
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
            material["extensions"] = {UNLIT: {}}
        document["materials"].append(material)
    if images:
        document |= {"images": images, "samplers": [SAMPLER]}
        document["textures"] = [{"source": index, "sampler": 0} for index in range(len(images))]
    document |= contents(encoding, is_unlit=not is_lit)
    return gzip.compress(b"".join(encoded(document, buffer)), _EFFORT, mtime=0)


def _image(texture: str | bytes, buffer: Buffer) -> dict[str, Any]:
    if isinstance(texture, str):
        return {"uri": texture}
    return {"bufferView": buffer.add_view(texture), "mimeType": mime_of(texture)}
