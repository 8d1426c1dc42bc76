# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes scenes of Pixar's Universal Scene Description as binary files (.usdc, "crate").

Apple's rules for USDZ ask for this form. Tables are stored as LZ4 blocks of literals and arrays as they are, so nothing
is compressed; the zip of a USDZ is not compressed either.
Source: OpenUSD, pxr/usd/sdf/crateFile.cpp and integerCoding.cpp, pxr/base/tf/fastCompression.cpp; LZ4 block format.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

_VERSION = bytes((0, 8, 0))
"""Old enough for every reader; the newest ones warn of what is older."""

_START = 88
_ARRAY, _INLINED = 1 << 63, 1 << 62
_NONE = 0xFFFFFFFF
_EXPLICIT, _PREPENDED = 1 | 2, 32
_ONLY_SIBLING, _ONLY_CHILD, _LEAF = 0, -1, -2


class _Type(IntEnum):
    """Numbers of the types of values, as in crateDataTypes.h."""

    BOOL = 1
    INT = 3
    FLOAT = 8
    DOUBLE = 9
    STRING = 10
    TOKEN = 11
    ASSET = 12
    MATRIX4D = 15
    VEC2F = 20
    VEC3D = 23
    VEC3F = 24
    VEC4F = 28
    TOKEN_LIST = 32
    PATH_LIST = 34
    TOKEN_VECTOR = 41
    SPECIFIER = 42
    VARIABILITY = 44


_VALUES: Mapping[str, tuple[_Type, str]] = {
    "bool": (_Type.BOOL, ""),
    "int": (_Type.INT, "<i4"),
    "float": (_Type.FLOAT, "<f4"),
    "double": (_Type.DOUBLE, "<f8"),
    "token": (_Type.TOKEN, ""),
    "string": (_Type.STRING, ""),
    "asset": (_Type.ASSET, ""),
    "matrix4d": (_Type.MATRIX4D, "<f8"),
    "float2": (_Type.VEC2F, "<f4"),
    "float3": (_Type.VEC3F, "<f4"),
    "float4": (_Type.VEC4F, "<f4"),
    "double3": (_Type.VEC3D, "<f8"),
}
"""Type and data type of each kind of value."""

_ROLES = {
    "point3f": "float3",
    "normal3f": "float3",
    "color3f": "float3",
    "texCoord2f": "float2",
}
"""Names of types that are stored as another one."""


@dataclass(frozen=True)
class Attribute:
    """An attribute of a prim.

    type       name of the type in USD, such as "point3f[]" or "token"
    value      a number, text, or sequence or array of them; None: it has no value
    uniform    whether it cannot change over time
    source     path of the attribute that it is connected to; empty: none
    metadata   further fields, tokens, such as {"interpolation": "vertex"}
    """

    type: str
    value: Any = None
    uniform: bool = False
    source: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Relationship:
    """A relationship of a prim to the prim at the path `target`."""

    target: str


@dataclass(frozen=True)
class Prim:
    """A prim: `name`, type such as "Mesh", properties by name, children, and schemas that are applied to it.

    kind, display_name  metadata; empty: none
    """

    name: str
    type: str
    properties: Mapping[str, Attribute | Relationship] = field(default_factory=dict)
    children: Sequence[Prim] = ()
    schemas: Sequence[str] = ()
    kind: str = ""
    display_name: str = ""


def crate(root: Prim, metres_per_unit: float, up: str) -> bytes:
    """Returns a file of the prim `root`, which is the default prim; `up` is "Y" or "Z".

    Paths in connections and relationships must be of the prims and properties in `root`.
    """
    writer = _Writer(root)
    return writer.file({"metersPerUnit": ("double", metres_per_unit), "upAxis": ("token", up)})


class _Writer:
    """The tables of a file while it is written; each item of a table is named by its place in it."""

    def __init__(self, root: Prim) -> None:
        self.data = bytearray(_START)
        self.tokens: dict[str, int] = {"": 0}
        self.strings: dict[str, int] = {}
        self.fields: dict[tuple[int, int], int] = {}
        self.sets: list[int] = []
        self.specs: list[tuple[int, int, int]] = []
        self.root = root
        self.paths = {path: number for number, path in enumerate(_paths(root))}

    def file(self, about: Mapping[str, tuple[str, Any]]) -> bytes:
        fields = {name: self.value(*what) for name, what in about.items()}
        fields["defaultPrim"] = self.value("token", self.root.name)
        fields["primChildren"] = self.token_vector([self.root.name])
        self.spec("/", 7, fields)
        self.prim(self.root, "")
        # Paths name tokens, so the tokens are complete after them.
        paths = self.path_tree()
        words = b"".join(token.encode() + b"\0" for token in self.tokens)
        names, values = zip(*self.fields, strict=True)
        sections = {
            "TOKENS": struct.pack("<QQ", len(self.tokens), len(words)) + _sized(_literals(words)),
            "STRINGS": _indices([self.tokens[text] for text in self.strings]),
            "FIELDS": struct.pack("<Q", len(names)) + _integers(names) + _sized(_literals(np.array(values, "<u8"))),
            "FIELDSETS": struct.pack("<Q", len(self.sets)) + _integers(self.sets),
            "PATHS": paths,
            "SPECS": struct.pack("<Q", len(self.specs)) + b"".join(map(_integers, zip(*self.specs, strict=True))),
        }
        table = []
        for name, section in sections.items():
            table.append(struct.pack("<16sqq", name.encode(), self.append(section), len(section)))
        contents = self.append(struct.pack("<Q", len(table)) + b"".join(table))
        self.data[:_START] = struct.pack("<8s8sq64x", b"PXR-USDC", _VERSION, contents)
        return bytes(self.data)

    def prim(self, prim: Prim, parent: str) -> None:
        path = f"{parent}/{prim.name}"
        fields = {"specifier": _inlined(_Type.SPECIFIER, 0), "typeName": self.value("token", prim.type)}
        if prim.schemas:
            place = self.append(bytes((_PREPENDED,)) + self.token_indices(prim.schemas))
            fields["apiSchemas"] = _Type.TOKEN_LIST << 48 | place
        if prim.kind:
            fields["kind"] = self.value("token", prim.kind)
        if prim.display_name:
            fields["displayName"] = self.value("string", prim.display_name)
        if prim.properties:
            fields["properties"] = self.token_vector(prim.properties)
        if prim.children:
            fields["primChildren"] = self.token_vector([child.name for child in prim.children])
        self.spec(path, 6, fields)
        for name, one in prim.properties.items():
            self.property(f"{path}.{name}", one)
        for child in prim.children:
            self.prim(child, path)

    def property(self, path: str, one: Attribute | Relationship) -> None:
        if isinstance(one, Relationship):
            fields = {"variability": _inlined(_Type.VARIABILITY, 1), "targetPaths": self.path_list(one.target)}
            self.spec(path, 8, fields)
            return
        fields = {"typeName": self.value("token", one.type)}
        if one.uniform:
            fields["variability"] = _inlined(_Type.VARIABILITY, 1)
        if one.value is not None:
            fields["default"] = self.value(one.type, one.value)
        if one.source:
            fields["connectionPaths"] = self.path_list(one.source)
        fields |= {name: self.value("token", text) for name, text in one.metadata.items()}
        self.spec(path, 1, fields)

    def spec(self, path: str, kind: int, fields: Mapping[str, int]) -> None:
        start = len(self.sets)
        for name, value in fields.items():
            self.sets.append(self.fields.setdefault((self.token(name), value), len(self.fields)))
        self.sets.append(_NONE)
        self.specs.append((self.paths[path], start, kind))

    def value(self, type: str, value: Any) -> int:
        """Returns the 64 bits that tell a value or where it is."""
        name = type.removesuffix("[]")
        kind, dtype = _VALUES[_ROLES.get(name, name)]
        if type.endswith("[]"):
            if name == "token":
                numbers = np.array([self.token(text) for text in value], "<u4")
            else:
                numbers = np.ascontiguousarray(value, dtype)
            return _ARRAY | kind << 48 | self.array(numbers)
        if kind is _Type.BOOL:
            return _inlined(kind, int(value))
        if kind is _Type.STRING:
            return _inlined(kind, self.string(value))
        if kind in (_Type.TOKEN, _Type.ASSET):
            return _inlined(kind, self.token(value))
        data = np.asarray(value, dtype).tobytes()
        return _inlined(kind, int.from_bytes(data, "little")) if len(data) == 4 else kind << 48 | self.append(data)

    def array(self, values: NDArray[Any]) -> int:
        if not values.size:
            return 0
        place = self.append(struct.pack("<Q", len(values)))
        self.data += values.data.cast("B")
        return place

    def append(self, data: bytes) -> int:
        """Appends data at a multiple of 8, and returns their place."""
        self.data += bytes(-len(self.data) % 8)
        place = len(self.data)
        self.data += data
        return place

    def token(self, text: str) -> int:
        return self.tokens.setdefault(text, len(self.tokens))

    def string(self, text: str) -> int:
        self.token(text)
        return self.strings.setdefault(text, len(self.strings))

    def token_indices(self, tokens: Iterable[str]) -> bytes:
        return _indices([self.token(text) for text in tokens])

    def token_vector(self, tokens: Iterable[str]) -> int:
        return _Type.TOKEN_VECTOR << 48 | self.append(self.token_indices(tokens))

    def path_list(self, path: str) -> int:
        return _Type.PATH_LIST << 48 | self.append(bytes((_EXPLICIT,)) + _indices([self.paths[path]]))

    def path_tree(self) -> bytes:
        """Returns the section of all paths: their numbers, last parts (negative for properties) and jumps.

        A jump leads from a path that has children to its next sibling; `_ONLY_SIBLING` and so on where there is none.
        """
        rows: list[tuple[int, int, int]] = []

        def walk(prim: Prim, parent: str, has_sibling: bool) -> None:
            path, place = f"{parent}/{prim.name}", len(rows)
            below = len(prim.properties) + len(prim.children)
            rows.append((self.paths[path], self.token(prim.name), 0))
            for number, name in enumerate(prim.properties, 1):
                jump = _ONLY_SIBLING if number < below else _LEAF
                rows.append((self.paths[f"{path}.{name}"], -self.token(name), jump))
            for number, child in enumerate(prim.children, 1):
                walk(child, path, number < len(prim.children))
            jumps = (len(rows) - place, _ONLY_SIBLING) if has_sibling else (_ONLY_CHILD, _LEAF)
            rows[place] = (*rows[place][:2], jumps[0 if below else 1])

        rows.append((self.paths["/"], 0, _ONLY_CHILD))
        walk(self.root, "", False)
        return struct.pack("<QQ", len(rows), len(rows)) + b"".join(map(_integers, zip(*rows, strict=True)))


def _paths(root: Prim) -> Iterator[str]:
    yield "/"
    waiting = [("", root)]
    while waiting:
        parent, prim = waiting.pop()
        path = f"{parent}/{prim.name}"
        yield path
        yield from (f"{path}.{name}" for name in prim.properties)
        waiting += [(path, child) for child in prim.children]


def _inlined(kind: _Type, payload: int) -> int:
    return _INLINED | kind << 48 | payload


def _indices(values: Sequence[int]) -> bytes:
    return struct.pack("<Q", len(values)) + np.array(values, "<u4").tobytes()


def _integers(values: Sequence[int]) -> bytes:
    """Returns 32-bit integers in the form of the tables: differences of neighbours, here all with 32 bits."""
    numbers = np.array(values, np.int64).astype(np.uint32)
    differences = np.diff(numbers, prepend=np.uint32(0)).astype("<u4")
    # The most frequent difference, which no number uses; then the size of each, 2 bits that are all set.
    sizes = bytes((0xFF,)) * (-(-len(numbers) // 4))
    return _sized(_literals(bytes(4) + sizes + differences.tobytes()))


def _sized(data: bytes) -> bytes:
    return struct.pack("<Q", len(data)) + data


def _literals(data: bytes | NDArray[Any]) -> bytes:
    """Returns an LZ4 block of nothing but literals, after the 0 that says that there is one block."""
    data = bytes(data)
    more, rest = divmod(len(data) - 15, 255)
    length = bytes((len(data) << 4,)) if len(data) < 15 else b"\xf0" + b"\xff" * more + bytes((rest,))
    return b"\0" + length + data
