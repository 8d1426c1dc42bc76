# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepares geometry for compression by the glTF extension EXT_meshopt_compression, in numpy.

What it writes is meant to be sent with gzip, so it makes no use of the format's own packing of small numbers. That
would take three times as long and save another 15 %.

Format: Khronos Group, EXT_meshopt_compression, appendix A (bitstream) and appendix B (filters).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..core.arrays import Bytes, Floats, Ints

_ATTRIBUTES, _INDICES = 0xA0, 0xD1
_GROUP = 16
_BLOCK_BYTES, _MOST_IN_BLOCK = 8192, 256
_TAIL = 32
_UNPACKED = 0xFF
"""Says of four groups that they are not packed."""
_NEAR = 30
"""Smallest difference to a triangle's first index from which on an index belongs to the second sequence."""
_LEAST_EXPONENT = -100


def attributes(values: Bytes) -> bytes:
    """Returns rows of bytes, uint8 (n, stride), in the mode ATTRIBUTES; `stride` is a multiple of 4, n > 0.

    Stored are the differences of each byte to the same one of the row before, ordered by byte, in blocks of rows.
    """
    count, stride = values.shape
    change = np.diff(values, axis=0, prepend=values[:1])
    # Zigzag: the lowest bit is the sign.
    codes: Bytes = (change << np.uint8(1)) ^ np.where(change >= 128, np.uint8(255), np.uint8(0))
    size = min(_BLOCK_BYTES // stride // _GROUP * _GROUP, _MOST_IN_BLOCK)
    whole = count // size * size
    parts = [_blocks(codes[:whole].reshape(-1, size, stride))]
    if whole < count:
        rest = np.zeros((1, -(-(count - whole) // _GROUP) * _GROUP, stride), np.uint8)
        rest[0, : count - whole] = codes[whole:]
        parts.append(_blocks(rest))
    return b"".join([bytes([_ATTRIBUTES]), *parts, bytes(max(0, _TAIL - stride)), values[0].tobytes()])


def _blocks(codes: Bytes) -> bytes:
    """Returns blocks of rows, uint8 (blocks, rows, stride), where `rows` is a multiple of 16."""
    blocks, rows, stride = codes.shape
    heads = np.full((blocks, stride, -(-rows // (4 * _GROUP))), _UNPACKED, np.uint8)
    return np.concatenate([heads, codes.transpose(0, 2, 1)], axis=2).tobytes()


def indices(triangles: Ints) -> bytes:
    """Returns the corners of triangles, int32 (m, 3), in the mode INDICES: differences in as few bytes as they need.

    There are two sequences of differences: one of the triangles' first corners and those near them, one of the others.
    In a grid each follows a row.
    """
    flat = triangles.reshape(-1)
    is_second = (np.abs(triangles - triangles[:, :1]) >= _NEAR).reshape(-1)
    change = np.empty_like(flat)
    for sequence in (is_second, ~is_second):
        change[sequence] = np.diff(flat[sequence], prepend=np.int32(0))
    codes = ((((change << 1) ^ (change >> 31)) << 1) | is_second).view(np.uint32)
    # Seven bits a byte, the lowest first; the highest bit says that another byte follows. Few need more than one byte.
    found = (codes & 127).astype(np.uint8)
    places: list[NDArray[np.intp]] = []
    others: list[Bytes] = []
    which = np.flatnonzero(codes > 127)
    found[which] |= 128
    rest = codes[which] >> 7
    while len(which):
        goes_on = rest > 127
        places.append(which + 1)
        others.append((rest & 127).astype(np.uint8) | (goes_on.astype(np.uint8) << np.uint8(7)))
        which, rest = which[goes_on], rest[goes_on] >> 7
    if places:
        place = np.concatenate(places)
        order = np.argsort(place, kind="stable")
        found = np.insert(found, place[order], np.concatenate(others)[order])
    return b"".join([bytes([_INDICES]), found.tobytes(), bytes(4)])


def exponential(values: Floats, bits: int) -> NDArray[np.int32]:
    """Returns the vectors `values`, float32 (n, k), for the filter EXPONENTIAL, int32 (n, k).

    The values of a vector share an exponent, and the largest keeps that number of `bits`: so what is near is as exact,
    for its distance, as what is far.
    """
    _, exponents = np.frexp(np.abs(values).max(axis=1, keepdims=True))
    shared = np.maximum(exponents - bits, _LEAST_EXPONENT).astype(np.int32)
    mantissas = np.rint(np.ldexp(values, -shared)).astype(np.int32)
    return (shared << 24) | (mantissas & 0xFFFFFF)
