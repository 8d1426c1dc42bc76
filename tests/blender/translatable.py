# SPDX-License-Identifier: GPL-3.0-or-later
"""Every text that the add-on shows in Blender: what Blender knows of its classes, and sentences in the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mono3d_addon.blender
from mono3d_addon.blender import properties, registration
from mono3d_addon.depth.catalogue import MODELS
from tests.blender.made import bpy
from tests.stages import SAID, literals, name_of, stages

_SOURCES = Path(mono3d_addon.blender.__file__).parent
_SENTENCES = {"text": 0, "n_": 0, "label": 1}
"""Functions of `texts` -> place of the sentence among their arguments."""

_LAYOUT = frozenset({"operator", "prop", "menu", "label", "popover"})
"""Functions of UILayout that translate their argument `text`."""

_INHERITED = {one.identifier for kind in (bpy.types.Operator, bpy.types.Panel) for one in kind.bl_rna.properties} | {
    "rna_type",
    "name",
    "bl_idname",
    "module",
}
_OF_BLENDER = frozenset(
    {"filepath", "display_type", "files", "directory", "filter_glob", "remove_name", "remove_active"}
)
"""Properties that Blender's own mix-ins give an operator."""

_A_NAME = re.compile(r"(?=.*\d)[a-z0-9_]+|[A-Z0-9. ]+|[\W\d_]*")
"""What is the same in every language: names of models, abbreviations, text without letters."""


def texts() -> frozenset[str]:
    """Returns every text that can be translated, in English."""
    groups = {item.choice.group for item in properties.FIELDS.values() if item.choice.level == "advanced"}
    found = {*_of_classes(), *_of_sources(), *groups, *stages(), *SAID}
    titles = {model.title for model in MODELS.values() if model.title != model.name.capitalize()}
    return frozenset(one for one in found if one not in titles and not _A_NAME.fullmatch(one))


def _of_classes() -> Iterator[str]:
    classes: tuple[Any, ...] = registration.classes()
    for cls in classes:
        rna = cls.bl_rna
        if issubclass(cls, bpy.types.PropertyGroup | bpy.types.AddonPreferences):
            yield from _of_properties(rna)
        elif issubclass(cls, bpy.types.Operator):
            known = getattr(bpy.ops.mono3d, cls.bl_idname.partition(".")[2]).get_rna_type()
            yield from (known.name, known.description)
            yield from _of_properties(known)
        elif not issubclass(cls, bpy.types.UIList):
            yield cls.bl_label


def _of_properties(rna: Any) -> Iterator[str]:
    for one in rna.properties:
        if one.identifier in _INHERITED | _OF_BLENDER:
            continue
        yield from (one.name, one.description)
        if one.type == "ENUM":
            for item in one.enum_items:
                yield from (item.name, item.description)


def _of_sources() -> Iterator[str]:
    for path in sorted(_SOURCES.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield from _of_call(node)


def _of_call(node: ast.Call) -> Iterator[str]:
    name = name_of(node.func)
    is_method = isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") != "texts"
    place = None if is_method else _SENTENCES.get(name)
    if place is not None and len(node.args) > place:
        yield from literals(node.args[place])
    if is_method and name in _LAYOUT:
        for keyword in node.keywords:
            if keyword.arg == "text":
                yield from literals(keyword.value)
