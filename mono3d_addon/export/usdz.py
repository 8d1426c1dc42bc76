# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes USDZ: the mesh with its photo and camera in one file, for AR on Apple's devices and for film tools; y up.

Sources: Pixar, USDZ File Format Specification; UsdPreviewSurface Specification; UsdGeomCamera.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..core.camera.camera import Camera
from ..core.mesh.mesh import Mesh
from ..core.photo.texture_file import for_gltf
from ..core.reconstruction import Reconstruction
from .files import Staging
from .frames import y_up
from .gltf import camera_pose, mime_of, pinhole_of
from .gltf_buffer import linear_rgba
from .usd_crate import Attribute, Prim, Relationship, crate

_ALIGNMENT = 64
_PADDING = 0x1986
"""Kind of the extra field that OpenUSD uses to align files in a zip."""

_HEADER = 30
"""Bytes in front of an entry's name."""

_FOCAL_LENGTH = 0.36
"""In tenths of a scene unit, so 36 mm. Apertures are made for it."""

_ROOT, _LOOKS = "/photo", "/photo/looks"


def write_usdz(result: Reconstruction, path: Path, staging: Staging) -> None:
    """Writes the mesh, the background as another mesh, and the camera.

    The model stands on the origin, where AR viewers put it on the floor: it is the scene of a GLB file, moved so that
    the middle of its lowest side is there. Panoramas are not moved.
    `settings.shading` 'emission' becomes a surface that only emits. Triangles only.
    """
    textured = result.settings.material == "texture"
    files: list[tuple[str, bytes]] = []
    meshes, looks = [], []
    for name, (mesh, texture) in zip(("mesh", "behind"), result.scene_layers, strict=False):
        picture = relief = ""
        if textured:
            picture = _add(files, name, for_gltf(texture.read_bytes()))
        if result.normal_map is not None and name == "mesh":
            relief = _add(files, "normals", result.normal_map.read_bytes())
        meshes.append(_mesh(name, mesh, with_colors=not textured))
        looks.append(_look(name, picture, relief, is_unlit=result.settings.shading == "emission"))
    stand = Attribute("double3", _stand(result.camera, [mesh for mesh, _ in result.scene_layers]))
    root = Prim(
        _ROOT[1:],
        "Xform",
        {
            "xformOp:translate": stand,
            "xformOpOrder": Attribute("token[]", ["xformOp:translate"], uniform=True),
        },
        [*meshes, _camera(result), Prim(_LOOKS.rpartition("/")[2], "Scope", {}, looks)],
        kind="component",
        display_name=result.name.encode("utf-8", "replace").decode(),
    )
    scene = crate(root, metres_per_unit=1.0, up="Y")
    _save(staging.path_for(path), [("scene.usdc", scene), *files])


def _add(files: list[tuple[str, bytes]], name: str, data: bytes) -> str:
    """Adds a picture to the package, and returns its path seen from the scene's file."""
    place = f"textures/{name}.{'png' if mime_of(data) == 'image/png' else 'jpg'}"
    files.append((place, data))
    return f"./{place}"


def _stand(camera: Camera, meshes: Iterable[Mesh]) -> NDArray[np.float64]:
    places = np.concatenate([y_up(mesh.vertices) for mesh in meshes])
    if camera.is_panorama or not len(places):
        return np.zeros(3)
    low, high = places.min(axis=0).astype(np.float64), places.max(axis=0).astype(np.float64)
    return np.array([-(low[0] + high[0]) / 2, -low[1], -(low[2] + high[2]) / 2])


def _mesh(name: str, mesh: Mesh, with_colors: bool) -> Prim:
    places, used = y_up(mesh.vertices), mesh.triangles
    per_vertex = {"interpolation": "vertex"}
    properties: dict[str, Attribute | Relationship] = {
        "doubleSided": Attribute("bool", True, uniform=True),
        "extent": Attribute("float3[]", [places.min(axis=0), places.max(axis=0)] if len(places) else []),
        "faceVertexCounts": Attribute("int[]", np.full(len(used), 3, np.int32)),
        "faceVertexIndices": Attribute("int[]", np.asarray(used, np.int32).reshape(-1)),
        "material:binding": Relationship(f"{_LOOKS}/{name}"),
        "normals": Attribute("normal3f[]", y_up(mesh.normals), metadata=per_vertex),
        "points": Attribute("point3f[]", places),
        "primvars:st": Attribute("texCoord2f[]", mesh.uv, metadata=per_vertex),
        "subdivisionScheme": Attribute("token", "none", uniform=True),
    }
    if with_colors:
        colors = linear_rgba(mesh.colors)[:, :3] / np.float32(65535)
        properties["primvars:displayColor"] = Attribute("color3f[]", colors, metadata=per_vertex)
    return Prim(name, "Mesh", properties, schemas=["MaterialBindingAPI"])


def _look(name: str, picture: str, relief: str, is_unlit: bool) -> Prim:
    """Returns a material that shows a picture, or the colours of the vertices where there is none."""
    path = f"{_LOOKS}/{name}"
    color = f"{path}/photo.outputs:rgb" if picture else f"{path}/colours.outputs:result"
    black = Attribute("color3f", (0, 0, 0))
    surface: dict[str, Attribute | Relationship] = {
        "info:id": Attribute("token", "UsdPreviewSurface", uniform=True),
        "inputs:roughness": Attribute("float", 1.0),
        "inputs:metallic": Attribute("float", 0.0),
        "outputs:surface": Attribute("token"),
    }
    if is_unlit:
        # Without its specular part, the surface reflects nothing.
        surface["inputs:diffuseColor"] = surface["inputs:specularColor"] = black
        surface["inputs:useSpecularWorkflow"] = Attribute("int", 1)
        surface["inputs:emissiveColor"] = Attribute("color3f", source=color)
    else:
        surface["inputs:diffuseColor"] = Attribute("color3f", source=color)
    nodes = []
    if picture:
        nodes.append(_picture("photo", picture, path, "sRGB"))
    else:
        nodes.append(_values("colours", "float3", "displayColor"))
    if relief and not is_unlit:
        surface["inputs:normal"] = Attribute("normal3f", source=f"{path}/normals.outputs:rgb")
        nodes.append(_picture("normals", relief, path, "raw"))
    if picture or relief:
        nodes.append(_values("coordinates", "float2", "st"))
    outputs = {"outputs:surface": Attribute("token", source=f"{path}/surface.outputs:surface")}
    return Prim(name, "Material", outputs, [Prim("surface", "Shader", surface), *nodes])


def _picture(name: str, file: str, look: str, colors: str) -> Prim:
    properties = {
        "info:id": Attribute("token", "UsdUVTexture", uniform=True),
        "inputs:file": Attribute("asset", file),
        "inputs:sourceColorSpace": Attribute("token", colors),
        "inputs:st": Attribute("float2", source=f"{look}/coordinates.outputs:result"),
        "inputs:wrapS": Attribute("token", "clamp"),
        "inputs:wrapT": Attribute("token", "clamp"),
        "outputs:rgb": Attribute("float3"),
    }
    if colors == "raw":
        properties["inputs:scale"] = Attribute("float4", (2, 2, 2, 1))
        properties["inputs:bias"] = Attribute("float4", (-1, -1, -1, 0))
    return Prim(name, "Shader", properties)


def _values(name: str, type: str, primvar: str) -> Prim:
    return Prim(
        name,
        "Shader",
        {
            "info:id": Attribute("token", f"UsdPrimvarReader_{type}", uniform=True),
            "inputs:varname": Attribute("string", primvar),
            "outputs:result": Attribute(type),
        },
    )


def _camera(result: Reconstruction) -> Prim:
    camera = pinhole_of(result.camera)
    across, down = _FOCAL_LENGTH / camera.fx, _FOCAL_LENGTH / camera.fy
    near, far = result.near_and_far
    properties: dict[str, Attribute | Relationship] = {
        "clippingRange": Attribute("float2", (max(0.01 * near, 1e-6), 100 * far)),
        "focalLength": Attribute("float", _FOCAL_LENGTH),
        "horizontalAperture": Attribute("float", camera.width * across),
        "horizontalApertureOffset": Attribute("float", (camera.width / 2 - camera.cx) * across),
        "verticalAperture": Attribute("float", camera.height * down),
        "verticalApertureOffset": Attribute("float", (camera.cy - camera.height / 2) * down),
    }
    pose = camera_pose(camera)
    if pose is not None:
        # USD's vectors are rows.
        properties["xformOp:transform"] = Attribute("matrix4d", pose.T)
        properties["xformOpOrder"] = Attribute("token[]", ["xformOp:transform"], uniform=True)
    return Prim("camera", "Camera", properties)


def _save(path: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Writes a zip of uncompressed files whose contents begin at multiples of 64 bytes."""
    with path.open("wb") as out, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as package:
        for name, data in files:
            entry = zipfile.ZipInfo(name)
            room = -(out.tell() + _HEADER + len(name) + 4) % _ALIGNMENT
            entry.extra = struct.pack("<HH", _PADDING, room) + bytes(room)
            package.writestr(entry, data)
