# SPDX-License-Identifier: GPL-3.0-or-later
"""A buffer whose accessors are compressed by EXT_meshopt_compression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.arrays import Bytes, Floats, Ints
from . import meshopt
from .gltf_buffer import INDICES, KINDS, VERTICES, Buffer, Kind

MESHOPT = "EXT_meshopt_compression"


@dataclass
class MeshoptBuffer(Buffer):
    """A buffer whose accessors are compressed; `unpacked` counts the bytes that they become.

    `is_packed` is False for what will be compressed by gzip.
    """

    is_packed: bool = True
    unpacked: int = 0

    @property
    def described(self) -> list[dict[str, Any]]:
        """The JSON of the buffer, and of what its parts become, which no file has."""
        return [*super().described, {"byteLength": self.unpacked, "extensions": {MESHOPT: {"fallback": True}}}]

    def add_positions(self, points: Floats, bits: int) -> int:
        """Appends points, float32 (n, 3), in `bits` relative to their distance; returns the number of the accessor."""
        bounds: dict[str, Any] = {}
        if len(points):
            bounds = {"min": points.min(axis=0).tolist(), "max": points.max(axis=0).tolist()}
        places = meshopt.exponential(points, bits)
        return self.add_attribute(places, "VEC3", "float32", filter="EXPONENTIAL", **bounds)

    def add_attribute(
        self, values: NDArray[Any], kind: Kind, component: str, *, filter: str = "", **details: Any
    ) -> int:
        """Appends the values of an attribute, whose rows have a multiple of 4 bytes; returns the accessor's number."""
        rows = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<"), copy=False)).view(np.uint8)
        accessor = {"componentType": KINDS[component], "count": len(values), "type": kind} | details
        how = {"mode": "ATTRIBUTES"} | ({"filter": filter} if filter else {})
        return self._add(self._packed(rows), rows.shape, how, accessor, VERTICES)

    def add_indices(self, triangles: Ints, vertices: int) -> int:
        """Appends the corners of triangles, int32 (m, 3); returns the number of the accessor."""
        if self.is_packed:
            # A row of bytes for a triangle: the differences are one, in two bits, wherever the mesh is a grid.
            rows = np.ascontiguousarray(_alike(triangles).astype("<u4")).view(np.uint8)
            accessor = {"componentType": KINDS["uint32"], "count": triangles.size, "type": "SCALAR"}
            return self._add(meshopt.packed_attributes(rows), rows.shape, {"mode": "ATTRIBUTES"}, accessor, INDICES)
        component = "uint16" if vertices <= 65535 else "uint32"
        count, size = triangles.size, np.dtype(component).itemsize
        accessor = {"componentType": KINDS[component], "count": count, "type": "SCALAR"}
        return self._add(meshopt.indices(triangles), (count, size), {"mode": "INDICES"}, accessor, INDICES)

    def _packed(self, rows: Bytes) -> bytes:
        return meshopt.packed_attributes(rows) if self.is_packed else meshopt.attributes(rows)

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
        view["extensions"] = {MESHOPT: place | {"count": count, "byteStride": stride} | how}
        if target == VERTICES:
            view["byteStride"] = stride
        self.views[number] = view
        self.unpacked += -(-count * stride // 4) * 4
        return self.add_described({"bufferView": number} | accessor)


def _alike(triangles: Ints) -> Ints:
    """Returns triangles, int32 (m, 3), the two halves of grid cells apart, each from its first vertex on."""
    turn = triangles.argmin(axis=1)[:, None] + np.arange(3)
    turned = triangles[np.arange(len(triangles))[:, None], turn % 3]
    is_upper = turned[:, 1] > turned[:, 2]
    return np.concatenate([turned[is_upper], turned[~is_upper]])
