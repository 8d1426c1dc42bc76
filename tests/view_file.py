# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the viewer's meshes by the specification of EXT_meshopt_compression (Khronos Group)."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np


def decoded_rows(data: bytes, count: int, stride: int) -> np.ndarray:
    """Returns the rows of the mode ATTRIBUTES, uint8 (count, stride)."""
    assert data[0] == 0xA0
    row, place = np.frombuffer(data[-stride:], np.uint8).copy(), 1
    found, size = [], min(8192 // stride // 16 * 16, 256)
    for start in range(0, count, size):
        rows = min(size, count - start)
        groups = -(-rows // 16)
        deltas = []
        for _ in range(stride):
            heads = data[place : place + -(-groups // 4)]
            place += len(heads)
            numbers: list[int] = []
            for group in range(groups):
                place = _group(data, place, heads[group // 4] >> group % 4 * 2 & 3, numbers)
            deltas.append(np.array(numbers[:rows], np.uint8))
        codes = np.stack(deltas, axis=1)
        changes = (codes >> 1) ^ np.where(codes & 1, np.uint8(255), np.uint8(0))
        found.append(row + np.cumsum(changes, axis=0, dtype=np.uint8))
        row = found[-1][-1]
    assert place == len(data) - max(stride, 32)
    return np.concatenate(found)


def _group(data: bytes, place: int, way: int, numbers: list[int]) -> int:
    """Appends the 16 numbers of a group; returns the place behind it."""
    if way == 3:
        numbers += data[place : place + 16]
        return place + 16
    if way == 0:
        numbers += bytes(16)
        return place
    bits = 2 * way
    last = (1 << bits) - 1
    behind = place + 2 * bits
    for number in range(16):
        byte = data[place + number * bits // 8]
        value = byte >> (8 - bits - number * bits % 8) & last
        if value == last:
            value, behind = data[behind], behind + 1
        numbers.append(value)
    return behind


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


def read(glb: bytes) -> tuple[dict[str, Any], bytes]:
    """Returns the two chunks of a GLB file."""
    size = struct.unpack_from("<I", glb, 12)[0]
    return json.loads(glb[20 : 20 + size]), glb[28 + size :]


def accessor(document: dict[str, Any], binary: bytes, number: int) -> np.ndarray:
    """Returns the values of an accessor."""
    one = document["accessors"][number]
    how = document["bufferViews"][one["bufferView"]]["extensions"]["EXT_meshopt_compression"]
    part = binary[how["byteOffset"] : how["byteOffset"] + how["byteLength"]]
    if how["mode"] == "INDICES":
        return decoded_indices(part, how["count"])
    rows = decoded_rows(part, how["count"], how["byteStride"])
    if how.get("filter") == "EXPONENTIAL":
        packed = rows.view(np.int32)
        return np.ldexp(((packed << 8) >> 8).astype(np.float64), packed >> 24)
    return rows.view({5120: np.int8, 5123: np.uint16, 5125: np.uint32}[one["componentType"]])


def positions(glb: bytes) -> np.ndarray:
    """Returns the vertices of all meshes of a GLB file, float64 (n, 3)."""
    document, binary = read(glb)
    primitives = [one for mesh in document["meshes"] for one in mesh["primitives"]]
    return np.concatenate([accessor(document, binary, one["attributes"]["POSITION"]) for one in primitives])
