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

_SOURCES = Path(mono3d_addon.blender.__file__).parent
_ROOT = _SOURCES.parents[1]
_WITH_STAGES = ("mono3d_addon", "vendor_installer")
_STAGES = frozenset({"progress", "_progress", "on_progress", "stage"})
"""Functions whose first argument is a stage of a job, for the user."""

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

SAID = (
    "assumed {a} degrees",
    "assumed {a} degrees, unless the network estimates it",
    "estimated {a} degrees",
    "estimated {a} degrees (rough)",
    "estimated {a} to {b} m",
    "estimated {a} to {b} m (rough)",
    "typical {a} to {b} m (rough)",
    "near {a}, far {b}",
    "{a} m, set by you",
    "estimated {a} m",
    "estimated {a} m (rough)",
    "typical {a} m (rough)",
    "Distances: {a}.",
    "Distances: {a}; set 'Near' and 'Far' if you know them.",
    "There is no file '{a}'.",
    "two points {a} m apart",
    "two points {a} m and {b} m away",
)
"""What the worker says in the usual states. All else that it says stays English."""

_A_NAME = re.compile(r"(?=.*\d)[a-z0-9_]+|[A-Z0-9. ]+|[\W\d_]*")
"""What is the same in every language: names of models, abbreviations, text without letters."""


def texts() -> frozenset[str]:
    """Returns every text that can be translated, in English."""
    groups = {item.choice.group for item in properties.FIELDS.values() if item.choice.level == "advanced"}
    found = {*_of_classes(), *_of_sources(), *groups, *_of_stages(), *SAID}
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


def _of_stages() -> Iterator[str]:
    """Yields the stages of jobs; what is filled in becomes {a}, {b} and so on."""
    trees = [
        ast.parse(path.read_text(encoding="utf-8")) for name in _WITH_STAGES for path in (_ROOT / name).rglob("*.py")
    ]
    constants = dict(one for tree in trees for one in _constants(tree))
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args and _name(node.func) in _STAGES:
                yield from _stage(node.args[0], constants)
    yield constants["READING"]


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yields name and text of each constant of a module, also of several that are assigned together."""
    for node in tree.body:
        if isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
            names = target.elts if isinstance(target, ast.Tuple) else [target]
            values = value.elts if isinstance(value, ast.Tuple) and isinstance(target, ast.Tuple) else [value]
            for one, text in zip(names, values, strict=False):
                if isinstance(one, ast.Name) and isinstance(text, ast.Constant) and isinstance(text.value, str):
                    yield one.id, text.value


def _stage(node: ast.expr, constants: dict[str, str]) -> Iterator[str]:
    if isinstance(node, ast.Name) and node.id in constants:
        yield constants[node.id]
    elif isinstance(node, ast.JoinedStr):
        letters = iter("abcdefgh")
        parts = [
            str(one.value)
            if isinstance(one, ast.Constant)
            else constants.get(_name(getattr(one, "value", None)), "") or f"{{{next(letters)}}}"
            for one in node.values
        ]
        yield "".join(parts)
    else:
        yield from _literals(node)


def _name(node: Any) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _of_call(node: ast.Call) -> Iterator[str]:
    name = _name(node.func)
    is_method = isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") != "texts"
    place = None if is_method else _SENTENCES.get(name)
    if place is not None and len(node.args) > place:
        yield from _literals(node.args[place])
    if is_method and name in _LAYOUT:
        for keyword in node.keywords:
            if keyword.arg == "text":
                yield from _literals(keyword.value)


def _literals(node: ast.expr) -> Iterator[str]:
    """Yields the text that an expression is, or those between which it chooses."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _literals(node.body)
        yield from _literals(node.orelse)
