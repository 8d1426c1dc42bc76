# SPDX-License-Identifier: GPL-3.0-or-later
"""Compresses geometry by the glTF extension EXT_meshopt_compression, in numpy.

What is sent with gzip makes no use of the format's own packing of small numbers: `attributes`. That takes three times
as long and saves another 15 %. What is kept in a file is packed: `packed_attributes`.

Format: Khronos Group, EXT_meshopt_compression, appendix A (bitstream) and appendix B (filters).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..core.arrays import Bytes, Floats, Ints

_ATTRIBUTES, _INDICES = 0xA0, 0xD1
_GROUP = 16
_BLOCK_BYTES, _MOST_IN_BLOCK = 8192, 256
_TAIL = 32
_NEVER = 255
"""More bytes than any way of packing a group takes."""
_UNPACKED = 0xFF
"""Says of four groups that they are not packed."""
_NEAR = 30
"""Smallest difference to a triangle's first index from which on an index belongs to the second sequence."""
_LEAST_EXPONENT = -100


def attributes(values: Bytes) -> bytes:
    """Returns rows of bytes, uint8 (n, stride), in the mode ATTRIBUTES; `stride` is a multiple of 4, n > 0.

    Stored are the differences of each byte to the same one of the row before, ordered by byte, in blocks of rows.
    """
    return _in_blocks(values, _blocks)


def packed_attributes(values: Bytes) -> bytes:
    """Returns the same as `attributes`, with small differences in 0, 2 or 4 bits."""
    return _in_blocks(values, _packed_blocks)


def _in_blocks(values: Bytes, encode: Callable[[Bytes], bytes]) -> bytes:
    count, stride = values.shape
    change = np.diff(values, axis=0, prepend=values[:1])
    # Zigzag: the lowest bit is the sign.
    codes: Bytes = (change << np.uint8(1)) ^ np.where(change >= 128, np.uint8(255), np.uint8(0))
    size = min(_BLOCK_BYTES // stride // _GROUP * _GROUP, _MOST_IN_BLOCK)
    whole = count // size * size
    parts = [encode(codes[:whole].reshape(-1, size, stride))]
    if whole < count:
        rest = np.zeros((1, -(-(count - whole) // _GROUP) * _GROUP, stride), np.uint8)
        rest[0, : count - whole] = codes[whole:]
        parts.append(encode(rest))
    return b"".join([bytes([_ATTRIBUTES]), *parts, bytes(max(0, _TAIL - stride)), values[0].tobytes()])


def _blocks(codes: Bytes) -> bytes:
    """Returns blocks of rows, uint8 (blocks, rows, stride), where `rows` is a multiple of 16."""
    blocks, rows, stride = codes.shape
    heads = np.full((blocks, stride, -(-rows // (4 * _GROUP))), _UNPACKED, np.uint8)
    return np.concatenate([heads, codes.transpose(0, 2, 1)], axis=2).tobytes()


def _packed_blocks(codes: Bytes) -> bytes:
    """Returns the same as `_blocks`, each group of 16 numbers in the way that takes the fewest bytes."""
    blocks, rows, stride = codes.shape
    count = rows // _GROUP
    groups = codes.transpose(0, 2, 1).reshape(-1, _GROUP)
    sizes = np.stack(
        [
            np.where(groups.any(axis=1), _NEVER, 0),
            _GROUP // 4 + (groups >= 3).sum(axis=1),
            _GROUP // 2 + (groups >= 15).sum(axis=1),
            np.full(len(groups), _GROUP),
        ]
    )
    ways = sizes.argmin(axis=0)
    lengths = sizes.min(axis=0).reshape(-1, count)
    heads = -(-count // 4)
    # Every byte of a row has its heads, two bits for each group, and then its groups.
    ends = np.cumsum(heads + lengths.sum(axis=1))
    starts = ends - lengths.sum(axis=1)
    places = (starts[:, None] + np.cumsum(lengths, axis=1) - lengths).reshape(-1)
    found = np.zeros(int(ends[-1]) if len(ends) else 0, np.uint8)
    two_bits = np.zeros((blocks * stride, heads * 4), np.uint8)
    two_bits[:, :count] = ways.reshape(-1, count)
    found[(starts - heads)[:, None] + np.arange(heads)] = _joined(two_bits[:, ::-1], 2)[:, ::-1]
    for way, bits in ((1, 2), (2, 4)):
        chosen = np.flatnonzero(ways == way)
        values, most = groups[chosen], np.uint8((1 << bits) - 1)
        length = _GROUP * bits // 8
        found[places[chosen][:, None] + np.arange(length)] = _joined(np.minimum(values, most), bits)
        is_large = values >= most
        rank = np.cumsum(is_large, axis=1) - 1
        found[(places[chosen][:, None] + length + rank)[is_large]] = values[is_large]
    chosen = np.flatnonzero(ways == 3)
    found[places[chosen][:, None] + np.arange(_GROUP)] = groups[chosen]
    return found.tobytes()


def _joined(values: Bytes, bits: int) -> Bytes:
    """Returns rows of small numbers with several of them in a byte, the first in the highest bits."""
    each = 8 // bits
    parts = values.reshape(len(values), values.shape[1] // each, each)
    found = np.zeros(parts.shape[:2], np.uint8)
    for number in range(each):
        found |= parts[:, :, number] << np.uint8(8 - bits * (number + 1))
    return found


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
