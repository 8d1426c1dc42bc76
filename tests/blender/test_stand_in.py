# SPDX-License-Identifier: GPL-3.0-or-later
"""The layout on which the tests draw panels takes nothing that Blender's own would refuse."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.blender.made import bpy
from tests.blender.stand_in import Layout


def _set(name: str, value: object) -> Callable[[Layout], None]:
    return lambda layout: setattr(layout, name, value)


def test_what_blender_takes_is_taken() -> None:
    layout = Layout()
    column = layout.box().column(align=True).row(align=True)
    column.alignment = "RIGHT"
    column.use_property_split = True
    column.label(text="Depth", icon="INFO")
    column.operator("wm.url_open", text="Help", icon="HELP", emboss=False).url = "https://example.org"
    column.prop(bpy.context.scene, "frame_start", slider=True, icon="ERROR")
    column.split(factor=0.3).progress(factor=0.5, text="Half", type="BAR")
    assert (layout.texts, layout.operators, layout.shown) == (["Depth", "Half"], ["wm.url_open"], ["frame_start"])


@pytest.mark.parametrize(
    "draw",
    [
        lambda layout: layout.label(text="Depth", icon="NO_SUCH_ICON"),
        lambda layout: layout.label(text="Depth", colour="red"),
        lambda layout: layout.label("Depth"),
        lambda layout: layout.prop(bpy.context.scene, "frame_start", icon="INFOS"),
        lambda layout: layout.prop(bpy.context.scene, "frame_start", slide=True),
        lambda layout: layout.operator("wm.url_open", label="Help"),
        lambda layout: layout.row(aligned=True),
        lambda layout: layout.progress(type="SQUARE"),
        lambda layout: setattr(layout.operator("wm.url_open"), "address", "https://example.org"),
        lambda layout: layout.template_nothing(),
        _set("scale", 2.0),
        _set("direction", "VERTICAL"),
        _set("alignment", "MIDDLE"),
    ],
)
def test_what_blender_refuses_is_refused(draw: Callable[[Layout], object]) -> None:
    with pytest.raises((TypeError, AttributeError)):
        draw(Layout())
