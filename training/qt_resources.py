# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading files of a Qt resource collection (.rcc), in which some packages store their pictures.

The layout is that of Qt's tool `rcc`, with big-endian numbers: a header with the positions of three tables; a tree of
folders and files; their names in UTF-16; the content of the files, each preceded by its length.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

_MAGIC = b"qres"
_HEADER = struct.Struct(">4sIIII")
_NODE = struct.Struct(">IHII")
_NODE_BYTES = {1: 14, 2: 22, 3: 22}
"""Version of the layout -> size of a tree entry; since version 2 an entry ends with a time."""
_COMPRESSED, _FOLDER, _ZSTANDARD = 1, 2, 4
_DEEPEST = 32


@dataclass(frozen=True)
class _Collection:
    data: bytes
    tree: int
    files: int
    names: int
    node_bytes: int

    def node(self, number: int) -> tuple[int, int, int, int]:
        """Returns name offset, flags, and child count and first child of a folder or language and offset of a file."""
        return _NODE.unpack_from(self.data, self.tree + number * self.node_bytes)

    def name(self, place: int) -> str:
        start = self.names + place
        (length,) = struct.unpack_from(">H", self.data, start)
        return self.data[start + 6 : start + 6 + 2 * length].decode("utf-16-be")


def read(data: bytes, path: str, most_bytes: int) -> bytes:
    """Returns the file at `path` ('/' separated) in the collection `data`.

    Raises ValueError if `data` is no such collection, the file is missing, or it has more than `most_bytes`.
    """
    try:
        collection = _opened(data)
        number = 0
        parts = path.strip("/").split("/")
        if len(parts) > _DEEPEST:
            raise ValueError(f"'{path}' is too deep")
        for part in parts:
            number = _child(collection, number, part)
        return _content(collection, number, most_bytes)
    except (struct.error, zlib.error, UnicodeDecodeError) as error:
        raise ValueError(f"a damaged Qt resource collection ({error})") from error


def _opened(data: bytes) -> _Collection:
    magic, version, tree, files, names = _HEADER.unpack_from(data)
    if magic != _MAGIC or version not in _NODE_BYTES:
        raise ValueError("no Qt resource collection of a known version")
    return _Collection(data, tree, files, names, _NODE_BYTES[version])


def _child(collection: _Collection, number: int, name: str) -> int:
    _, flags, count, first = collection.node(number)
    if not flags & _FOLDER:
        raise ValueError(f"'{name}' lies in no folder")
    for child in range(first, first + count):
        if collection.name(collection.node(child)[0]) == name:
            return child
    raise ValueError(f"there is no '{name}' in it")


def _content(collection: _Collection, number: int, most_bytes: int) -> bytes:
    _, flags, _, place = collection.node(number)
    if flags & (_FOLDER | _ZSTANDARD):
        raise ValueError("the path is a folder, or a file with an unsupported compression")
    start = collection.files + place
    (length,) = struct.unpack_from(">I", collection.data, start)
    stored = collection.data[start + 4 : start + 4 + length]
    if len(stored) < length:
        raise ValueError("it is cut off")
    if not flags & _COMPRESSED:
        content = stored
    else:
        # The stream is preceded by four bytes with the length.
        unpacker = zlib.decompressobj()
        content = unpacker.decompress(stored[4:], most_bytes + 1)
    if len(content) > most_bytes:
        raise ValueError(f"it has more than {most_bytes} bytes")
    return content
