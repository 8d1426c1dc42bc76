# SPDX-License-Identifier: GPL-3.0-or-later
"""The binary buffer of a glTF file, and values in the form in which glTF stores them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..core.arrays import Bytes

VERTICES, INDICES = 34962, 34963
KINDS = {"float32": 5126, "int8": 5120, "int16": 5122, "uint16": 5123, "uint32": 5125}

Kind = Literal["SCALAR", "VEC2", "VEC3", "VEC4"]


@dataclass
class Buffer:
    """The one binary buffer of the file, and the JSON that describes its parts."""

    parts: list[bytes | memoryview] = field(default_factory=list)
    length: int = 0
    views: list[dict[str, Any]] = field(default_factory=list)
    accessors: list[dict[str, Any]] = field(default_factory=list)

    @property
    def described(self) -> list[dict[str, Any]]:
        """The JSON of the file's buffers, once all is in it."""
        return [{"byteLength": self.length}]

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
        self, array: NDArray[Any], kind: Kind, target: int, *, bounds: bool = False, normalized: bool = False
    ) -> int:
        """Appends an array, and returns the number of its accessor.

        A row that is longer than `kind` needs, such as one of 4 values for VEC3, ends in padding.
        """
        width = 1 if kind == "SCALAR" else int(kind[-1])
        accessor: dict[str, Any] = {"componentType": KINDS[array.dtype.name], "count": len(array), "type": kind}
        if bounds and len(array):
            values = array[:, :width]
            # Along each column numpy takes a tenth of the time.
            accessor |= {"min": [one.min().item() for one in values.T], "max": [one.max().item() for one in values.T]}
        if normalized:
            accessor["normalized"] = True
        little = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False))
        view = self.add_view(little.reshape(-1).view(np.uint8).data, target)
        if array.ndim == 2 and array.shape[1] != width:
            self.views[view]["byteStride"] = little.strides[0]
        return self.add_described(accessor | {"bufferView": view})

    def add_described(self, accessor: dict[str, Any]) -> int:
        """Appends an accessor as it is, and returns its number."""
        self.accessors.append(accessor)
        return len(self.accessors) - 1


def linear_rgba(colors: Bytes) -> NDArray[np.uint16]:
    """Returns sRGB `colors`, uint8 (n, 3), in linear light with full alpha, uint16 (n, 4), for COLOR_0.

    Uses the transfer function of IEC 61966-2-1. 16 bits keep all 256 values distinct; alpha aligns entries to 8 bytes.
    """
    level = np.arange(256) / 255
    curve = np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)
    result = np.full((len(colors), 4), 65535, np.uint16)
    result[:, :3] = np.rint(curve * 65535).astype(np.uint16)[np.asarray(colors)]
    return result


def from_top(uv: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns texture coordinates, float32 (n, 2), with their origin at the upper left corner, as in glTF."""
    return np.stack([uv[:, 0], np.float32(1) - uv[:, 1]], axis=1)
