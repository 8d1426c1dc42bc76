# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows the models with the state of their weights, and the buttons to download them where that is possible."""

from __future__ import annotations

from typing import Any

import bpy

from . import progress, state


def draw(layout: bpy.types.UILayout, name: str) -> None:
    """Shows the state of the model `name`, and a button if its weights are missing or the running download.

    A download of another model shows that model's name.
    """
    current = state.current
    line = current.models.get(name)
    if line is None:
        return
    layout.label(text=line.text, icon="ERROR" if line.action else "CHECKMARK" if line.is_ready else "INFO")
    if current.download is not None:
        _draw_download(layout, current.download, name)
    elif line.action:
        button: Any = layout.operator("mono3d.download_model", text=line.action, icon="IMPORT")
        button.model = name


def _draw_download(layout: bpy.types.UILayout, download: state.Download, beside: str) -> None:
    stage = download.stage.rpartition(": ")[2]
    line = stage if download.model.name == beside else f"{download.model.name}: {stage}"
    progress.draw(layout, line, download.fraction, "mono3d.cancel_download")


def draw_list(layout: bpy.types.UILayout) -> None:
    """Shows all models with their states."""
    column = layout.box().column(align=True)
    download = state.current.download
    for name, line in state.current.models.items():
        row = column.split(factor=0.35)
        row.label(text=name)
        if download is not None and download.model.name == name:
            _draw_download(row, download, name)
            continue
        row = row.split(factor=0.7)
        row.label(text=line.text)
        if line.action:
            button: Any = row.operator("mono3d.download_model", text=line.action)
            button.model = name
