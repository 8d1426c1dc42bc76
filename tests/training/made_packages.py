# SPDX-License-Identifier: GPL-3.0-or-later
"""Tiny packages in the formats that contain photos."""

from __future__ import annotations

import io
import struct
import tarfile
import zlib
from collections.abc import Mapping
from typing import Literal


def tar(files: Mapping[str, bytes], packing: Literal["gz", "xz"], before: str = "") -> bytes:
    """Returns a packed tar archive; `before` is a prefix of each name."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz" if packing == "gz" else "w:xz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(before + name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def deb(files: Mapping[str, bytes]) -> bytes:
    """Returns a Debian package with real files and dummy metadata."""
    members = {"debian-binary": b"2.0\n", "control.tar.xz": b"odd", "data.tar.xz": tar(files, "xz", "./")}
    data = b"!<arch>\n"
    for name, content in members.items():
        data += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode()
        data += content + b"\n" * (len(content) % 2)
    return data


def collection(files: Mapping[str, bytes]) -> bytes:
    """Returns a Qt resource collection, version 1, of files in one folder or none; large ones are compressed."""
    folders = sorted({name.partition("/")[0] for name in files if "/" in name})
    names, contents = b"", b""
    tree: list[tuple[int, int, int, int]] = []

    def named(name: str) -> int:
        nonlocal names
        place = len(names)
        names += struct.pack(">HI", len(name), 0) + name.encode("utf-16-be")
        return place

    def file(name: str, content: bytes) -> tuple[int, int, int, int]:
        nonlocal contents
        place, packed = len(contents), len(content) > 50
        stored = struct.pack(">I", len(content)) + zlib.compress(content) if packed else content
        contents += struct.pack(">I", len(stored)) + stored
        return named(name), int(packed), 0, place

    top = [name for name in files if "/" not in name]
    tree.append((0, 2, len(folders) + len(top), 1))
    first = 1 + len(folders) + len(top)
    for folder in folders:
        inside = [name for name in files if name.startswith(f"{folder}/")]
        tree.append((named(folder), 2, len(inside), first))
        first += len(inside)
    tree += [file(name, files[name]) for name in top]
    for folder in folders:
        tree += [file(name.partition("/")[2], files[name]) for name in files if name.startswith(f"{folder}/")]
    nodes = b"".join(struct.pack(">IHII", *node) for node in tree)
    header = 20
    places = (header, header + len(nodes), header + len(nodes) + len(contents))
    return struct.pack(">4sIIII", b"qres", 1, *places) + nodes + contents + names
