# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker that speaks the real protocol in a real process, but hands out results made beforehand.

So the Blender half is tested in Pythons for which neither torch nor Open3D is installed. And operators that can
be followed, and a layout that panels can draw on, without a window.
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import Any

import numpy as np

from mono3d_addon.core import reconstruction
from mono3d_addon.worker.client import Worker
from tests.blender import made
from tests.blender.made import bpy

_PROGRAM = """#!{python}
import json, os, shutil, sys, time
prepared = {prepared!r}
for line in sys.stdin:
    request = json.loads(line)
    with open(prepared + "/requests.jsonl", "a") as file:
        file.write(json.dumps(dict(request, arguments=sys.argv)) + "\\n")
    def say(**event):
        print(json.dumps(dict(event, job=request["job"])), flush=True)
    photo = request["photo"]
    if "gone" in photo:
        say(event="failed", message="There is no file '" + photo + "'.")
        continue
    if "kill" in photo:
        os.kill(os.getpid(), 9)
    if request["task"] == "describe":
        shutil.copy(prepared + "/thumbnail.npy", request["thumbnail"])
        say(event="done", result={{"width": 60, "height": 40, "camera": "assumed 55 degrees"}})
        continue
    say(event="progress", stage="Estimating depth", fraction=0.25)
    if "slow" in photo:
        time.sleep(60)
    for name in os.listdir(prepared + "/result"):
        shutil.copy(prepared + "/result/" + name, request["folder"])
    say(event="done", result={{"folder": request["folder"]}})
"""


def worker(folder: Path, kind: str = "reconstruct") -> Worker:
    """Returns a worker whose every photo becomes the same small grid; its requests lie in `requests.jsonl`."""
    result = folder / "result"
    result.mkdir(parents=True, exist_ok=True)
    small = made.reconstruction(folder, made.camera(60, 40), 8, 12)
    reconstruction.save(small, result)
    np.save(folder / "thumbnail.npy", np.full((40, 60, 3), 200, dtype=np.uint8))
    program = folder / "python"
    program.write_text(_PROGRAM.format(python=sys.executable, prepared=str(folder)))
    program.chmod(0o755)
    return Worker(kind, [], folder / "worker.log", folder, python=str(program))


def followed(operator: type, **properties: Any) -> Any:
    """Returns what Blender would make of an operator's class: an object with its methods, and what it reported."""
    methods: dict[str, Any] = {}
    for cls in reversed(operator.__mro__[: operator.__mro__.index(bpy.types.Operator)]):
        methods |= {name: one for name, one in vars(cls).items() if not name.startswith("__") and name != "bl_rna"}
    one: Any = type("Followed", (), methods)()
    one.reported = []
    one.report = lambda kind, sentence: one.reported.append(sentence)
    vars(one).update(properties)
    return one


_RNA = bpy.types.UILayout.bl_rna
_OWN = ("texts", "said", "operators", "labels", "shown", "sections", "heights", "opens_sections", "is_row", "is_begun")


class Layout:
    """Keeps the texts, the operators and their labels that a panel draws, and the height of each row, in rows.

    `said` are the texts among them that Blender is told not to translate.

    As Blender's UILayout does, it refuses arguments, attributes and icons that this version of Blender does not have.
    Its methods are given required arguments by position and all others by name, as UILayout's are.
    """

    def __init__(self, *, opens_sections: bool = True) -> None:
        self.texts: list[str] = []
        self.said: list[str] = []
        self.operators: list[str] = []
        self.labels: list[str] = []
        self.shown: list[str] = []
        self.sections: list[str] = []
        self.heights: list[float] = []
        self.opens_sections = opens_sections
        self.is_row = False
        self.is_begun = [False]

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _OWN:
            object.__setattr__(self, name, value)
        elif name not in _attributes():
            raise AttributeError(f"UILayout has no attribute '{name}'")
        else:
            _check_value(name, _attributes()[name], value)

    def row(self, **options: Any) -> Layout:
        _check("row", options)
        return self._within_row()

    def column(self, **options: Any) -> Layout:
        _check("column", options)
        return self

    def box(self) -> Layout:
        return self

    def split(self, **options: Any) -> Layout:
        _check("split", options)
        return self._within_row()

    def _within_row(self) -> Layout:
        """Returns a layout that keeps what this one does, and takes a single row."""
        if self.is_row:
            return self
        within = object.__new__(type(self))
        within.__dict__.update(self.__dict__, is_row=True, is_begun=[False])
        return within

    def _takes(self, height: float = 1.0) -> None:
        if not (self.is_row and self.is_begun[0]):
            self.heights.append(height)
        self.is_begun[0] = True

    def label(self, **options: Any) -> None:
        _check("label", options)
        self._takes()
        self.texts.append(options.get("text", ""))
        self._says(options)

    def _says(self, options: dict[str, Any]) -> None:
        if not options.get("translate", True):
            self.said.append(options["text"])

    def panel(self, idname: str, **options: Any) -> tuple[Layout, Layout | None]:
        _check("panel", options)
        self.sections.append(idname)
        return self._within_row(), self if self.opens_sections else None

    def operator(self, name: str, **options: Any) -> Any:
        _check("operator", options)
        self._takes()
        self.operators.append(name)
        self.labels.append(options.get("text", ""))
        self._says(options)
        return _Properties(name)

    def prop(self, owner: Any, name: str, **options: Any) -> None:
        _check("prop", options)
        assert hasattr(owner, name), name
        self._takes()
        self.shown.append(name)

    def prop_enum(self, owner: Any, name: str, value: str, **options: Any) -> None:
        _check("prop_enum", options)
        items = owner.bl_rna.properties[name].enum_items
        assert value in items, value
        self._takes()
        # The buttons for the values of one property count once.
        if self.shown[-1:] != [name]:
            self.shown.append(name)
        self.texts.append(items[value].name)

    def progress(self, **options: Any) -> None:
        _check("progress", options)
        self._takes()
        self.texts.append(options.get("text", ""))
        self._says(options)

    def template_icon(self, icon_value: int, **options: Any) -> None:
        _check("template_icon", options)
        self._takes(options.get("scale", 1.0))
        self.shown.append(f"icon {icon_value}")

    def template_list(
        self, kind: str, name: str, owner: Any, items: str, selection_owner: Any, selected: str, **options: Any
    ) -> None:
        _check("template_list", options)
        assert hasattr(bpy.types, kind), kind
        assert hasattr(owner, items) and hasattr(selection_owner, selected), (items, selected)
        self._takes(options.get("rows", 5))
        self.shown.append(items)

    def separator(self, **options: Any) -> None:
        _check("separator", options)

    def popover(self, **options: Any) -> None:
        _check("popover", options)
        assert hasattr(bpy.types, options["panel"]), options["panel"]
        self._takes()
        self.shown.append(options["panel"])

    def menu(self, name: str, **options: Any) -> None:
        _check("menu", options)
        self._takes()
        self.shown.append(name)


class _Properties:
    """What `UILayout.operator` returns: takes the properties that the operator has."""

    def __init__(self, operator: str) -> None:
        self.__dict__["known"] = _operator_properties(operator)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.__dict__["known"]:
            raise AttributeError(f"the operator has no property '{name}'")
        _check_value(name, self.__dict__["known"][name], value)


@functools.cache
def _operator_properties(operator: str) -> dict[str, frozenset[str]]:
    """Returns the items of each property of an operator, by its name."""
    module, name = operator.split(".")
    return {one.identifier: _items(one) for one in getattr(getattr(bpy.ops, module), name).get_rna_type().properties}


def _check(function: str, options: dict[str, Any]) -> None:
    """Raises TypeError for arguments that a function of UILayout does not take."""
    known = _arguments(function)
    for name, value in options.items():
        if name not in known:
            raise TypeError(f"UILayout.{function}() has no argument '{name}'")
        _check_value(name, known[name], value)


@functools.cache
def _arguments(function: str) -> dict[str, frozenset[str]]:
    """Returns the items of each argument of a function of UILayout, by its name."""
    return {one.identifier: _items(one) for one in _RNA.functions[function].parameters if not one.is_output}


@functools.cache
def _attributes() -> dict[str, frozenset[str]]:
    """Returns the items of each attribute of UILayout that can be set, by its name."""
    return {one.identifier: _items(one) for one in _RNA.properties if not one.is_readonly}


def _items(one: Any) -> frozenset[str]:
    """Returns the values of an enumeration; none for other types, nor where a function makes them."""
    return frozenset(one.enum_items.keys() if one.type == "ENUM" else ())


def _check_value(name: str, items: frozenset[str], value: Any) -> None:
    """Raises TypeError for a value that is none of the items, such as an unknown icon."""
    wrong = set(value if isinstance(value, set) else [value]) - items if items else set()
    if wrong:
        raise TypeError(f"'{min(wrong)}' is none of the values of '{name}'")
