# SPDX-License-Identifier: GPL-3.0-or-later
"""How the meshes of a GLB file are stored: as they are, in 16 bits, or compressed.

Specifications: Khronos Group, glTF 2.0, KHR_mesh_quantization, EXT_meshopt_compression, KHR_draco_mesh_compression.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..core.arrays import Floats, Ints, folded
from ..core.mesh.footprint import footprints
from ..core.mesh.mesh import Mesh
from ..core.mesh.normal_map import tangents
from ..core.reconstruction import Reconstruction
from ..errors import Mono3DError
from ..settings import COMPRESS
from .frames import y_up
from .gltf_buffer import INDICES, KINDS, VERTICES, Buffer, Kind, from_top, linear_rgba
from .meshopt_buffer import MESHOPT, MeshoptBuffer

_QUANTIZED = "KHR_mesh_quantization"
_DRACO = "KHR_draco_mesh_compression"

_MOST_ERROR = 0.25
"""Largest error of a position along an axis, in cells of the grid where it is nearest, that an encoding may cause."""
_MESHOPT_BITS = (13, 20)
"""Least and most bits of a position relative to its distance."""
_LARGEST = 32767
_MOST_INDEXED = 65535
"""Vertices that 16 bits can number; the last number is reserved."""
_WINDOW = 3 * 2 * _MOST_INDEXED
"""Corners of triangles among which, in a grid, so many vertices are found."""
_DRACO_BITS = (14, 24)
"""Least and most bits of a position."""
_DRACO_LEVEL = 7
_DRACO_TYPES = {0: "POSITION", 1: "NORMAL", 3: "TEXCOORD_0"}
"""What an attribute is, by the library's number for its type."""
_DRACO_KINDS: Mapping[str, tuple[Kind, str]] = MappingProxyType(
    {
        "POSITION": ("VEC3", "float32"),
        "NORMAL": ("VEC3", "float32"),
        "TEXCOORD_0": ("VEC2", "float32"),
        "TANGENT": ("VEC4", "float32"),
        "COLOR_0": ("VEC4", "uint16"),
    }
)


@dataclass(frozen=True)
class Look:
    """Which attributes of a mesh are needed: texture coordinates or colours, normals and tangents."""

    is_textured: bool
    has_normals: bool
    has_tangents: bool = False

    @property
    def has_uv(self) -> bool:
        """Whether texture coordinates are needed: for the photo or for a normal map."""
        return self.is_textured or self.has_tangents


class Encoding(Protocol):
    """Stores meshes in a buffer.

    buffer      what they are stored in, together with the pictures
    node        properties of the node with the mesh, by which positions become metres
    extensions  names of the extensions that a reader must know
    """

    @property
    def buffer(self) -> Buffer: ...  # noqa: D102

    @property
    def node(self) -> dict[str, Any]: ...  # noqa: D102

    @property
    def extensions(self) -> tuple[str, ...]: ...  # noqa: D102

    def primitives(self, mesh: Mesh, look: Look) -> list[dict[str, Any]]:
        """Stores a mesh in the scene frame, and returns the JSON of its primitives, without a material."""
        ...


def encoding_of(compress: str, result: Reconstruction, meshes: Sequence[Mesh]) -> Encoding:
    """Returns the encoding, by a word of `settings.COMPRESS`, for the `meshes` of `result` in the scene frame."""
    if compress == "none":
        return Plain()
    if compress == "meshopt":
        # Relative to the distance, so that far and near are as exact.
        bits = math.ceil(-math.log2(_MOST_ERROR / 2 * _cell(result)))
        return Meshopt(min(max(bits, _MESHOPT_BITS[0]), _MESHOPT_BITS[1]))
    most_error = _MOST_ERROR * _cell(result) * _nearest(result)
    if compress == "quantize":
        return Quantized(cube_of(meshes, most_error))
    if compress == "draco":
        return Draco(most_error)
    raise Mono3DError(f"GLB files cannot be stored as '{compress}'; the choices are {', '.join(COMPRESS)}.")


def _cell(result: Reconstruction) -> float:
    """Returns the size of a grid cell at the distance 1."""
    return float(footprints(np.ones(1, np.float32), result.depth.size, result.camera)[0])


def _nearest(result: Reconstruction) -> float:
    """Returns the distance of the nearest vertex, metres; 0 for no vertices."""
    vertices = result.mesh.vertices
    if not len(vertices):
        return 0.0
    distances = np.linalg.norm(vertices, axis=1) if result.camera.is_panorama else vertices[:, 2]
    return max(0.0, float(distances.min()))


@dataclass(frozen=True)
class Plain:
    """Floats, which every reader knows; the mesh is exact.

    glTF allows texture coordinates of 16 bits too, but trimesh 5.0, Open3D 0.20 and MeshLab take them for pixels.
    """

    buffer: Buffer = field(default_factory=Buffer)
    node: dict[str, Any] = field(default_factory=dict)
    extensions: tuple[str, ...] = ()

    def primitives(self, mesh: Mesh, look: Look) -> list[dict[str, Any]]:
        """Stores a mesh in the scene frame, and returns the JSON of its primitive, without a material."""
        add = self.buffer.add_accessor
        attributes = {"POSITION": add(y_up(mesh.vertices), "VEC3", VERTICES, bounds=True)}
        if look.has_normals:
            attributes["NORMAL"] = add(y_up(mesh.normals), "VEC3", VERTICES)
        if look.has_tangents:
            attributes["TANGENT"] = add(_tangents(mesh), "VEC4", VERTICES)
        if look.has_uv:
            attributes["TEXCOORD_0"] = add(from_top(mesh.uv), "VEC2", VERTICES)
        if not look.is_textured:
            attributes["COLOR_0"] = add(linear_rgba(mesh.colors), "VEC4", VERTICES, normalized=True)
        kind = np.uint16 if len(mesh.vertices) <= _MOST_INDEXED else np.uint32
        indices = add(mesh.triangles.astype(kind).reshape(-1), "SCALAR", INDICES)
        return [{"attributes": attributes, "indices": indices, "mode": 4}]


@dataclass(frozen=True)
class Cube:
    """The cube whose coordinates 16-bit numbers are: its centre, in the frame of the file, and half its side."""

    centre: tuple[float, float, float]
    half: float


def cube_of(meshes: Sequence[Mesh], most_error: float) -> Cube | None:
    """Returns the smallest cube around `meshes`; None if 16 bits would move vertices by more than `most_error`."""
    points = [y_up(mesh.vertices) for mesh in meshes if len(mesh.vertices)]
    if not points:
        return None
    low = np.min([one.min(axis=0) for one in points], axis=0).astype(np.float64)
    high = np.max([one.max(axis=0) for one in points], axis=0).astype(np.float64)
    half = float((high - low).max()) / 2
    if half == 0.0 or half / _LARGEST / 2 > most_error:
        return None
    x, y, z = ((low + high) / 2).tolist()
    return Cube((x, y, z), half)


@dataclass(frozen=True)
class Quantized:
    """Attributes and indices of 16 bits, normals of 8; a mesh is cut into primitives of up to 65,535 vertices.

    Positions stay floats without a `cube`.
    """

    cube: Cube | None
    buffer: Buffer = field(default_factory=Buffer)
    extensions: tuple[str, ...] = (_QUANTIZED,)

    @property
    def node(self) -> dict[str, Any]:
        """Place and size of the cube."""
        if self.cube is None:
            return {}
        return {"translation": list(self.cube.centre), "scale": [self.cube.half] * 3}

    def primitives(self, mesh: Mesh, look: Look) -> list[dict[str, Any]]:
        """Stores a mesh in the scene frame, and returns the JSON of its primitives, without a material."""
        return [self._primitive(piece, look) for piece in pieces(mesh)]

    def _primitive(self, mesh: Mesh, look: Look) -> dict[str, Any]:
        add = self.buffer.add_accessor
        points = y_up(mesh.vertices)
        if self.cube is None:
            attributes = {"POSITION": add(points, "VEC3", VERTICES, bounds=True)}
        else:
            inside = (points.astype(np.float64) - self.cube.centre) / self.cube.half
            places = np.zeros((len(points), 4), np.int16)
            places[:, :3] = np.rint(inside * _LARGEST)
            attributes = {"POSITION": add(places, "VEC3", VERTICES, bounds=True, normalized=True)}
        if look.has_normals:
            attributes["NORMAL"] = add(_in_bytes(y_up(mesh.normals)), "VEC3", VERTICES, normalized=True)
        if look.has_tangents:
            attributes["TANGENT"] = add(_in_bytes(_tangents(mesh)), "VEC4", VERTICES, normalized=True)
        uv = from_top(mesh.uv)
        if look.has_uv:
            is_inside = not len(uv) or (uv.min() >= 0.0 and uv.max() <= 1.0)
            shown = np.rint(uv * 65535).astype(np.uint16) if is_inside else uv
            attributes["TEXCOORD_0"] = add(shown, "VEC2", VERTICES, normalized=is_inside)
        if not look.is_textured:
            attributes["COLOR_0"] = add(linear_rgba(mesh.colors), "VEC4", VERTICES, normalized=True)
        indices = add(mesh.triangles.astype(np.uint16).reshape(-1), "SCALAR", INDICES)
        return {"attributes": attributes, "indices": indices, "mode": 4}


def pieces(mesh: Mesh, most: int = _MOST_INDEXED) -> Iterator[Mesh]:
    """Yields the mesh in pieces of up to `most` vertices; neighbours have copies of the vertices that they share."""
    if len(mesh.vertices) <= most:
        yield mesh
        return
    rest = in_rows(mesh.triangles)
    first = np.empty(len(mesh.vertices), np.int32)
    while len(rest):
        corners = rest.reshape(-1)[: max(_WINDOW, 3 * most)]
        order = np.arange(len(corners), dtype=np.int32)
        # Of several values for a vertex the last one stays: its first place.
        first[corners[::-1]] = order[::-1]
        is_first = first[corners] == order
        count = int(np.searchsorted(np.cumsum(is_first)[2::3], most, side="right"))
        here = corners[: 3 * count][is_first[: 3 * count]]
        first[here] = np.arange(len(here), dtype=np.int32)
        yield Mesh(
            mesh.vertices[here],
            first[rest[:count]],
            mesh.uv[here],
            mesh.colors[here],
            mesh.normals[here],
        )
        rest = rest[count:]


def in_rows(triangles: Ints) -> Ints:
    """Returns triangles, int32 (m, 3), ordered so that those of neighbouring vertices follow each other."""
    return triangles[np.argsort(folded(np.minimum, triangles), kind="stable")]


@dataclass(frozen=True)
class Meshopt:
    """EXT_meshopt_compression. Positions have `bits` relative to their distance from the origin, normals 8."""

    bits: int
    buffer: MeshoptBuffer = field(default_factory=MeshoptBuffer)
    node: dict[str, Any] = field(default_factory=dict)

    @property
    def extensions(self) -> tuple[str, ...]:
        """That of the compression, and that of vectors in bytes where there are any."""
        has_bytes = any(one["componentType"] == KINDS["int8"] for one in self.buffer.accessors)
        return (MESHOPT, _QUANTIZED) if has_bytes else (MESHOPT,)

    def primitives(self, mesh: Mesh, look: Look) -> list[dict[str, Any]]:
        """Stores a mesh in the scene frame, and returns the JSON of its primitive, without a material."""
        if not len(mesh.triangles):
            # The format has no form for a mesh of nothing.
            return Plain(self.buffer).primitives(mesh, look)
        add = self.buffer.add_attribute
        attributes = {"POSITION": self.buffer.add_positions(y_up(mesh.vertices), self.bits)}
        uv = np.rint(np.clip(from_top(mesh.uv), 0.0, 1.0) * 65535).astype(np.uint16)
        attributes["TEXCOORD_0"] = add(uv, "VEC2", "uint16", normalized=True)
        if look.has_normals:
            attributes["NORMAL"] = add(_in_bytes(y_up(mesh.normals)), "VEC3", "int8", normalized=True)
        if look.has_tangents:
            attributes["TANGENT"] = add(_in_bytes(_tangents(mesh)), "VEC4", "int8", normalized=True)
        if not look.is_textured:
            attributes["COLOR_0"] = add(linear_rgba(mesh.colors), "VEC4", "uint16", normalized=True)
        indices = self.buffer.add_indices(in_rows(mesh.triangles), len(mesh.vertices))
        return [{"attributes": attributes, "indices": indices, "mode": 4}]


@dataclass(frozen=True)
class Draco:
    """KHR_draco_mesh_compression, by the library that Google publishes.

    Positions are off by at most `most_error`, metres.
    """

    most_error: float
    buffer: Buffer = field(default_factory=Buffer)
    node: dict[str, Any] = field(default_factory=dict)
    extensions: tuple[str, ...] = (_DRACO,)

    def primitives(self, mesh: Mesh, look: Look) -> list[dict[str, Any]]:
        """Stores a mesh in the scene frame, and returns the JSON of its primitive, without a material.

        Raises ModuleNotFoundError without the package DracoPy.
        """
        import DracoPy

        if not len(mesh.triangles):
            # Draco has no form for a mesh of nothing.
            return Plain(self.buffer).primitives(mesh, look)
        points = y_up(mesh.vertices)
        low, high = points.min(axis=0), points.max(axis=0)
        side = float((high - low).max())
        steps = side / max(2 * self.most_error, 1e-30)
        bits = int(np.clip(np.ceil(np.log2(max(steps, 1.0))), *_DRACO_BITS))
        others: dict[str, NDArray[Any]] = {}
        if not look.is_textured:
            others["COLOR_0"] = linear_rgba(mesh.colors)
        if look.has_tangents:
            others["TANGENT"] = _tangents(mesh)
        data = DracoPy.encode(
            points,
            mesh.triangles.astype(np.uint32),
            quantization_bits=bits,
            compression_level=_DRACO_LEVEL,
            # The library takes doubles only.
            tex_coord=from_top(mesh.uv).astype(np.float64) if look.has_uv else None,
            tex_coord_quantization_bits=16,
            normals=y_up(mesh.normals).astype(np.float64) if look.has_normals else None,
            normal_quantization_bits=8,
            generic_attributes=dict(enumerate(others.values())) or None,
        )
        # It may merge and reorder vertices; a reader must be told their number and the bounds.
        found = DracoPy.decode(data)
        by_type = {one["attribute_type"]: one["unique_id"] for one in found.attributes}
        numbers: dict[str, int] = {name: by_type[kind] for kind, name in _DRACO_TYPES.items() if kind in by_type}
        numbers |= {name: number for number, name in enumerate(others)}
        attributes: dict[str, int] = {}
        for name in numbers:
            kind, component = _DRACO_KINDS[name]
            accessor = {"componentType": KINDS[component], "count": len(found.points), "type": kind}
            if name == "POSITION":
                accessor |= {"min": found.points.min(axis=0).tolist(), "max": found.points.max(axis=0).tolist()}
            if component == "uint16":
                accessor["normalized"] = True
            attributes[name] = self.buffer.add_described(accessor)
        indices = {"componentType": KINDS["uint32"], "count": found.faces.size, "type": "SCALAR"}
        extension = {"bufferView": self.buffer.add_view(data), "attributes": numbers}
        return [
            {
                "attributes": attributes,
                "indices": self.buffer.add_described(indices),
                "mode": 4,
                "extensions": {_DRACO: extension},
            }
        ]


def _in_bytes(vectors: Floats) -> NDArray[np.int8]:
    """Returns unit vectors, float32 (n, 3 or 4), as int8 (n, 4)."""
    found = np.zeros((len(vectors), 4), np.int8)
    found[:, : vectors.shape[1]] = np.rint(vectors * 127)
    return found


def _tangents(mesh: Mesh) -> Floats:
    found = tangents(mesh)
    found[:, :3] = y_up(found[:, :3])
    return found
