# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker that speaks the real protocol in a real process, but hands out results made beforehand.

So the Blender half is tested in Pythons for which neither torch nor Open3D is installed. And operators that can
be followed, and a layout that panels can draw on, without a window.
"""

from __future__ import annotations

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


class Layout:
    """Takes whatever a panel draws and keeps the texts and the operators."""

    def __init__(self, *, opens_sections: bool = True) -> None:
        self.texts: list[str] = []
        self.operators: list[str] = []
        self.shown: list[str] = []
        self.sections: list[str] = []
        self.opens_sections = opens_sections

    def _part(self, **options: Any) -> Layout:
        return self

    box = row = column = split = _part

    def label(self, text: str = "", **options: Any) -> None:
        self.texts.append(text)

    def panel(self, idname: str, default_closed: bool = False) -> tuple[Layout, Layout | None]:
        self.sections.append(idname)
        return self, self if self.opens_sections else None

    def operator(self, name: str, **options: Any) -> Any:
        self.operators.append(name)
        return _Properties()

    def prop(self, owner: Any, name: str, **options: Any) -> None:
        assert hasattr(owner, name), name
        self.shown.append(name)

    def progress(self, text: str = "", **options: Any) -> None:
        self.texts.append(text)

    def template_icon(self, icon_value: int, scale: float) -> None:
        self.shown.append(f"icon {icon_value}")

    def separator(self, **options: Any) -> None:
        """Shows nothing."""

    def menu(self, name: str, **options: Any) -> None:
        self.shown.append(name)


class _Properties:
    """What `UILayout.operator` returns: takes any property."""
