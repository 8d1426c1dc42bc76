# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows the models to choose from with their state, and the buttons to get them where that is possible."""

from __future__ import annotations

from typing import Any

import bpy

from ..depth.catalogue import MODELS
from ..settings import GRADES
from . import offers, progress, state
from .texts import filled, label, n_, text

_FIRST = tuple(GRADES.values())
_ALL = "MONO3D_PT_main_models"
_COLUMNS = (n_("State"), n_("Seconds"), n_("Gives"), n_("Published accuracy"), n_("Licence"))


def draw(layout: Any, values: Any, *, is_short: bool = False) -> None:
    """Shows three models to choose from, below them all others in a closed section, and the state of the chosen one.

    `is_short`: a menu takes their place. `layout` is that of the panel itself: Blender allows no section elsewhere.
    """
    if is_short:
        layout.prop(values, "model", text="")
    else:
        _draw_choice(layout, values)
    if not _has_own_depth(values):
        draw_state(layout, values.model)


def _draw_choice(layout: Any, values: Any) -> None:
    column = layout.column(align=True)
    for name in _FIRST:
        column.prop_enum(values, "model", name)
    header, body = layout.panel(_ALL, default_closed=True)
    if values.model in _FIRST:
        label(header, "All models")
    else:
        header.label(text=MODELS[values.model].title, translate=False)
    if body is not None:
        _draw_others(body.column(align=True), values)


def _draw_others(layout: Any, values: Any) -> None:
    for name, line in state.current.models.items():
        if name not in _FIRST:
            layout.prop_enum(values, "model", name, icon="CHECKMARK" if line.is_ready else "NONE")


def draw_state(layout: Any, name: str) -> None:
    """Shows the state of the model `name` and, if its weights are missing, a small button or the running download.

    A download of another model shows that model's name.
    """
    current = state.current
    line = current.models.get(name)
    if line is None:
        return
    row = layout.row()
    column = row.column(align=True)
    icon = "CHECKMARK" if line.is_ready else "ERROR" if line.is_damaged else "INFO"
    for number, words in enumerate(line.lines):
        column.label(text=words, translate=False, icon="BLANK1" if number else icon)
    if current.download is not None:
        _draw_download(layout, current.download, name)
    elif line.action:
        button: Any = row.operator("mono3d.download_model", text="", icon="IMPORT")
        button.model = name


def draw_generate(layout: Any, values: Any) -> None:
    """Shows the main button: it generates, and gets before that what the chosen model lacks."""
    if words := _to_get(values):
        _draw_get(layout, words)
        return
    usual = state.current.usual
    words = text("Generate, about {time}", time=progress.clock(usual)) if usual is not None else text("Generate")
    layout.operator("mono3d.generate", icon="MESH_GRID", text=words, translate=False)


def _has_own_depth(values: Any) -> bool:
    """Returns whether the depth comes from weights or a depth map of the user's own, and not from the chosen model."""
    return bool(values.weights or values.depth_file or values.embedded_depth)


def _to_get(values: Any) -> str:
    """Returns the label of the button that gets what the chosen model lacks; empty if nothing is needed or possible."""
    line = state.current.models.get(values.model)
    return "" if line is None or _has_own_depth(values) else line.get


def _draw_get(layout: Any, words: str, model: str = "") -> None:
    button: Any = layout.operator("mono3d.get_and_generate", text=words, icon="IMPORT", translate=False)
    button.model = model


def draw_switch(layout: Any, values: Any) -> None:
    """Shows the way to Blender's own switch for the network, if that is in the way of the main button."""
    # Where packages are missing, it stands below their button.
    if _to_get(values) and not state.current.is_bare:
        offers.draw_switch(layout)


def draw_next_step(layout: Any) -> bool:
    """Shows, after the first result, what a better model would bring, with its button and one to dismiss it.

    Returns whether that button gets the packages too, so that no other is needed for them.
    """
    current = state.current
    step = current.next_step
    line = current.models.get(step.model) if step is not None else None
    if step is None or line is None or current.run is not None:
        return False
    row = layout.box().row()
    column = row.column(align=True)
    for words in step.lines:
        column.label(text=words, translate=False)
    gets_packages = bool(line.get) and current.is_bare and current.installation is None
    if line.get:
        _draw_get(column, line.get, step.model)
        if gets_packages:
            offers.draw_switch(column)
    row.operator("mono3d.dismiss_next_step", text="", icon="X", emboss=False)
    return gets_packages


class MONO3D_OT_dismiss_next_step(bpy.types.Operator):
    """Do not offer this model again"""

    bl_idname = "mono3d.dismiss_next_step"
    bl_label = "Dismiss"

    def execute(self, context: bpy.types.Context) -> set[Any]:
        """Forgets the offer."""
        state.current.next_step = None
        return {"FINISHED"}


def _draw_download(layout: Any, download: state.Download, beside: str) -> None:
    stage = filled(download.stage).rpartition(": ")[2]
    line = stage if download.model.name == beside else f"{download.model.title}: {stage}"
    progress.draw(layout, line, download.fraction, "mono3d.cancel_download")


def draw_list(layout: bpy.types.UILayout) -> None:
    """Shows all models in a wide list, with what is known of each."""
    column: Any = layout.box().column(align=True)
    _draw_row(column, text("Model"), tuple(map(text, _COLUMNS)))
    download = state.current.download
    for name, line in state.current.models.items():
        row = _draw_row(column, filled(MODELS[name].label), line.columns)
        if download is not None and download.model.name == name:
            _draw_download(row, download, name)
        elif line.action:
            button: Any = row.operator("mono3d.download_model", text=line.action, translate=False)
            button.model = name
        else:
            row.label(text="")


def _draw_row(layout: Any, title: str, columns: tuple[str, ...]) -> Any:
    """Shows a row of the list; returns the layout at its end."""
    row = layout.split(factor=0.21)
    row.label(text=title, translate=False)
    for factor, words in zip((0.2, 0.15, 0.27, 0.4, 0.6), columns, strict=False):
        row = row.split(factor=factor)
        row.label(text=words, translate=False)
    return row


CLASSES = (MONO3D_OT_dismiss_next_step,)
