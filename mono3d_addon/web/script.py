# SPDX-License-Identifier: GPL-3.0-or-later
"""Joins JavaScript modules into one, so that a page needs one request for them.

It knows the few forms of import and export that the page's modules use, and refuses others. Each module becomes a
function that returns its exports, so names are as private as before; nothing else is changed.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping

_IMPORT = re.compile(r'^import\s+(?:\*\s+as\s+(\w+)|(\{[^}]*\}))\s+from\s+"([^"]+)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export\s+((?:async\s+function|function|class|const)\s+(\w+))", re.MULTILINE)
_OTHER = re.compile(r"^(?:import|export)\b(?!\().*$", re.MULTILINE)
_DYNAMIC = re.compile(r'\bimport\("([^"]+)"\)')


def joined(entry: str, read: Callable[[str], str], outside: Mapping[str, str]) -> str:
    """Returns a module that does what the module `entry` and all that it imports do.

    entry    its path, with "/"
    read     returns the text of a module by its path
    outside  modules that are not joined: path -> address for the import

    Raises ValueError for circles, and for forms of import and export that it does not know.
    """
    heads: list[str] = []
    parts: dict[str, str] = {}
    underway: list[str] = []

    def name_of(path: str) -> str:
        return "$" + re.sub(r"\W", "_", path.removesuffix(".js"))

    def add(path: str) -> None:
        if path in underway:
            raise ValueError(f"{path} imports itself through {', '.join(underway)}.")
        if path in parts:
            return
        underway.append(path)
        folder = posixpath.dirname(path)

        def bring_in(found: re.Match[str]) -> str:
            alias, names, where = found.groups()
            target = posixpath.normpath(posixpath.join(folder, where))
            if target in outside:
                head = f'import * as {name_of(target)} from "{outside[target]}";'
                if head not in heads:
                    heads.append(head)
            else:
                add(target)
            taken = alias or re.sub(r"\s+as\s+", ": ", names)
            return f"const {taken} = {name_of(target)};"

        def reach(found: re.Match[str]) -> str:
            target = posixpath.normpath(posixpath.join(folder, found[1]))
            if target not in outside:
                raise ValueError(f"{path} imports {target} later, which has no address.")
            return f'import("{outside[target]}")'

        text = _DYNAMIC.sub(reach, _IMPORT.sub(bring_in, read(path)))
        exports = [found[2] for found in _EXPORT.finditer(text)]
        text = _EXPORT.sub(r"\1", text)
        if strange := _OTHER.search(text):
            raise ValueError(f"{path} has a line that cannot be joined: {strange[0]}")
        parts[path] = f"const {name_of(path)} = (() => {{\n{text}\nreturn {{ {', '.join(exports)} }};\n}})();\n"
        underway.pop()

    add(entry)
    own = "".join(f"export const {{ {name} }} = {name_of(entry)};\n" for name in _names(parts[entry]))
    return "\n".join([*heads, *parts.values(), own])


def _names(part: str) -> list[str]:
    """Returns the exports of a joined part."""
    listed = part.rsplit("return { ", 1)[1].split(" };", 1)[0]
    return listed.split(", ") if listed else []
