# SPDX-License-Identifier: GPL-3.0-or-later
"""Compression with the same bytes everywhere.

The output of zlib differs between its versions and its replacements, so a zip made with it is not reproducible. This is
a small encoder of the same format, DEFLATE (RFC 1951): one block with codes of its own for each file. On Python sources
its output is a few per cent larger than zlib's.
"""

from __future__ import annotations

import bisect
import heapq
import struct
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

_WINDOW = 32_768
_SHORTEST, _LONGEST = 3, 258
_CANDIDATES = 12
"""Earlier places that are compared for each match."""

_END = 256
_LENGTH_BASES = (
    *range(3, 11),
    *(11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258),
)
_LENGTH_BITS = (*[0] * 8, *(bits for bits in range(1, 6) for _ in range(4)), 0)
_DISTANCE_BITS = (0, 0, *(bits for bits in range(14) for _ in range(2)))
_DISTANCE_BASES = tuple(1 + sum(1 << bits for bits in _DISTANCE_BITS[:code]) for code in range(30))
_ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)
"""The order in which the lengths of the code for code lengths are stored."""

_LONGEST_CODE, _LONGEST_CODE_OF_LENGTHS = 15, 7

Symbols = list[tuple[int, int, int]]
"""A symbol, the value of the bits that follow its code, and their number."""


_STORED_MOST = 65_535
_EMPTY_STORED = b"\x00\x00\xff\xff"
"""What follows the three bits of a stored block of no bytes, which ends at a whole byte."""

LAST = b"\x01" + _EMPTY_STORED
"""A block of no bytes that ends a stream."""


@dataclass(frozen=True)
class Block:
    """One compressed block: its `bits`, the first one lowest, and their `count`. The first is set in a last block.

    Compressing is slow: hand in a cached `compressed` where the same data occurs in several files.
    """

    bits: bytes
    count: int

    def stream(self) -> bytes:
        """Returns the block as a complete stream."""
        return bytes([self.bits[0] | 1]) + self.bits[1:]

    def part(self) -> bytes:
        """Returns the block as a part of a stream, to be followed by others and by LAST."""
        # Three bits begin the empty stored block, and then come bits up to the next byte.
        return self.bits + bytes(-(-(self.count + 3) // 8) - len(self.bits)) + _EMPTY_STORED


Compress = Callable[[bytes], Block]


def stored_part(data: bytes) -> bytes:
    """Returns `data`, not compressed, as a part of a stream, to be followed by others and by LAST."""
    pieces = (data[at : at + _STORED_MOST] for at in range(0, len(data), _STORED_MOST))
    return b"".join(b"\0" + struct.pack("<2H", len(one), len(one) ^ 0xFFFF) + one for one in pieces)


def compressed(data: bytes) -> Block:
    """Returns `data` as a compressed block."""
    tokens: list[Symbols] = []
    for length, value in _matches(data):
        if length == 1:
            tokens.append([(value, 0, 0)])
        else:
            size, distance = _code_of(length, _LENGTH_BASES), _code_of(value, _DISTANCE_BASES)
            first = (_END + 1 + size, length - _LENGTH_BASES[size], _LENGTH_BITS[size])
            second = (distance, value - _DISTANCE_BASES[distance], _DISTANCE_BITS[distance])
            tokens.append([first, second])
    tokens.append([(_END, 0, 0)])
    literals = _code_lengths(Counter(symbols[0][0] for symbols in tokens), _LONGEST_CODE)
    distances = _code_lengths(Counter(symbols[1][0] for symbols in tokens if len(symbols) > 1), _LONGEST_CODE)
    bits = _Bits()
    bits.add(0, 1)  # whether it is the last block
    bits.add(2, 2)  # with codes of its own
    _add_codes(bits, literals, distances or {0: 1})
    codes = (_codes(literals), _codes(distances))
    for symbols in tokens:
        for (symbol, extra, count), code in zip(symbols, codes, strict=False):
            bits.add(*code[symbol])
            bits.add(extra, count)
    return bits.done()


class _Bits:
    """Collects bits, the first one lowest."""

    def __init__(self) -> None:
        self._bytes, self._pending, self._count = bytearray(), 0, 0

    def add(self, value: int, count: int) -> None:
        self._pending |= value << self._count
        self._count += count
        while self._count >= 8:
            self._bytes.append(self._pending & 0xFF)
            self._pending >>= 8
            self._count -= 8

    def done(self) -> Block:
        total = 8 * len(self._bytes) + self._count
        self.add(0, -self._count % 8)
        return Block(bytes(self._bytes), total)


def _matches(data: bytes) -> Iterator[tuple[int, int]]:
    """Yields (1, byte), or (length, distance) for a repetition of earlier bytes."""
    places: defaultdict[bytes, list[int]] = defaultdict(list)
    at, end = 0, len(data)
    while at < end:
        length, distance = _longest(data, at, places[data[at : at + _SHORTEST]])
        yield (length, distance) if length > 1 else (1, data[at])
        for place in range(at, at + length):
            places[data[place : place + _SHORTEST]].append(place)
        at += length


def _longest(data: bytes, at: int, places: list[int]) -> tuple[int, int]:
    best, distance = 1, 0
    most = min(_LONGEST, len(data) - at)
    if most < _SHORTEST:
        return best, distance
    for place in reversed(places[-_CANDIDATES:]):
        if at - place > _WINDOW:
            break
        if best > 1 and data[place + best : place + best + 1] != data[at + best : at + best + 1]:
            continue
        length = _SHORTEST
        while length < most and data[place + length] == data[at + length]:
            length += 1
        if length > best:
            best, distance = length, at - place
            if length == most:
                break
    return best, distance


def _code_of(value: int, bases: tuple[int, ...]) -> int:
    """Returns the last code whose base is at most `value`."""
    return bisect.bisect_right(bases, value) - 1


def _code_lengths(counts: Mapping[int, int], longest: int) -> dict[int, int]:
    """Returns the length of each symbol's Huffman code, at most `longest` bits."""
    if len(counts) < 2:
        return dict.fromkeys(counts, 1)
    while True:
        heap: list[tuple[int, int, tuple[int, ...]]]
        heap = [(count, symbol, (symbol,)) for symbol, count in sorted(counts.items())]
        heapq.heapify(heap)
        lengths = dict.fromkeys(counts, 0)
        number = max(counts)
        while len(heap) > 1:
            (one, _, left), (other, _, right) = heapq.heappop(heap), heapq.heappop(heap)
            number += 1
            for symbol in (*left, *right):
                lengths[symbol] += 1
            heapq.heappush(heap, (one + other, number, (*left, *right)))
        if max(lengths.values()) <= longest:
            return lengths
        # Flatter counts make shorter codes.
        counts = {symbol: (count + 1) // 2 for symbol, count in counts.items()}


def _codes(lengths: Mapping[int, int]) -> dict[int, tuple[int, int]]:
    """Returns each symbol's code, its first bit lowest, and its length."""
    codes: dict[int, tuple[int, int]] = {}
    code = before = 0
    for symbol, length in sorted(lengths.items(), key=lambda item: (item[1], item[0])):
        code <<= length - before
        codes[symbol] = (int(f"{code:0{length}b}"[::-1], 2), length)
        code, before = code + 1, length
    return codes


def _add_codes(bits: _Bits, literals: Mapping[int, int], distances: Mapping[int, int]) -> None:
    """Adds the lengths of both codes, compressed by a third one."""
    counts = (max(literals) + 1, max(distances) + 1)
    both = [literals.get(symbol, 0) for symbol in range(counts[0])]
    both += [distances.get(symbol, 0) for symbol in range(counts[1])]
    runs = list(_runs(both))
    lengths = _code_lengths(Counter(symbol for symbol, _, _ in runs), _LONGEST_CODE_OF_LENGTHS)
    stored = [lengths.get(symbol, 0) for symbol in _ORDER]
    while stored[-1] == 0:
        stored.pop()
    for value, base, count in ((counts[0], 257, 5), (counts[1], 1, 5), (len(stored), 4, 4)):
        bits.add(value - base, count)
    for length in stored:
        bits.add(length, 3)
    codes = _codes(lengths)
    for symbol, extra, count in runs:
        bits.add(*codes[symbol])
        bits.add(extra, count)


def _runs(lengths: list[int]) -> Iterator[tuple[int, int, int]]:
    """Yields the symbols that stand for a list of code lengths, with the bits that follow each."""
    at = 0
    while at < len(lengths):
        length = lengths[at]
        run = 1
        while at + run < len(lengths) and lengths[at + run] == length:
            run += 1
        if length == 0 and run >= 3:
            run = min(run, 138)
            yield (17, run - 3, 3) if run < 11 else (18, run - 11, 7)
        elif run >= 4:
            run = min(run, 7)
            yield length, 0, 0
            yield 16, run - 4, 2
        else:
            run = 1
            yield length, 0, 0
        at += run
