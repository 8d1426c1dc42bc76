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
from mono3d_addon.depth import choosing, licence
from mono3d_addon.depth.catalogue import MODELS
from tests.blender.made import bpy
from tests.stages import SAID, literals, name_of, sentence_of, stages

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

_A_SENTENCE = re.compile(r"(?:['A-Z{]|\.blend).* .* .*(?:\.|: \{\w\})", re.DOTALL)
"""A text for the user, wherever it is in the source, by its form: from three words on, with a full stop or a cause."""

_OF_MODELS = (
    *("about {a} s", "{a} s here", "{a} s here ({b})", "bundled", "downloaded", *choosing.BRINGS.values()),
    *("{a} with the packages that it needs", "{a} and the packages that it needs"),
)
"""What the lines about models say beside what the catalogue says."""

_ACTIONS = ("install the packages", "repair the packages", "update the packages", "download '{a}'")
"""What Blender may not do without a network."""

_A_NAME = re.compile(r"(?=.*\d)[a-z0-9_]+|[A-Z0-9. ]+|[\W\d_]*")
"""What is the same in every language: names of models, abbreviations, text without letters."""


def texts() -> frozenset[str]:
    """Returns every text that can be translated, in English."""
    groups = {item.choice.group for item in properties.FIELDS.values() if item.choice.level == "advanced"}
    found = {*_of_classes(), *_of_sources(), *groups, *stages(), *_of_models(), *_ACTIONS, *SAID}
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
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                found |= set(_of_call(node))
        yield from found
        if path.parent.name != "nodes":  # Blender does not translate what node groups say of themselves
            yield from _sentences(tree, found)


def _sentences(tree: ast.Module, known: set[str]) -> Iterator[str]:
    """Yields the sentences of a module that are not `known` yet, but for docstrings; what is filled in becomes {a}."""
    others = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            others |= {id(value) for key, value in pairs if getattr(key, "value", "") == "__doc__"}
        elif isinstance(node, ast.JoinedStr):
            others |= {id(part) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr | ast.Constant) and id(node) not in others:
            yield from (one for one in sentence_of(node, {}) if one not in known and _A_SENTENCE.fullmatch(one))


def _of_models() -> Iterator[str]:
    """Yields what is known of the models, each phrase with its numbers as {a}, {b} and so on."""
    yield from _OF_MODELS
    for model in MODELS.values():
        phrases = model.accuracy.words.split(", ") if model.accuracy else []
        for one in (*phrases, *model.gives_words):
            letters = iter("abcd")
            yield re.sub(r"\d+", lambda _, letters=letters: f"{{{next(letters)}}}", one)  # type: ignore[misc]
        yield from (one for one in (licence.use(model), model.licence) if " " in one)


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
