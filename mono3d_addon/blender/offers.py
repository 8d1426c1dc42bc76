# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be got beside the add-on: packages and models to install, or the edition that can install them.

An edition without an installer does not contain the folder `installing`; here is decided what takes its place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bpy

from .. import edition
from ..version import website
from . import readiness, reports, state
from .texts import label, text


def classes() -> tuple[type, ...]:
    """Returns the operators to register."""
    if not edition.can_install():
        return ()
    from .installing import models, setup, way

    return (*setup.CLASSES, *models.CLASSES, *way.CLASSES)


def timers() -> tuple[Callable[[], float | None], ...]:
    """Returns the functions that may be registered as timers."""
    if not edition.can_install():
        return ()
    from .installing import models, setup

    return (readiness.poll_plan, setup.poll_installation, models.poll_download)


def settings() -> tuple[str, ...]:
    """Returns the names of the preferences that are about installing."""
    return ("wheelhouse", "backend") if edition.can_install() else ()


def draw(layout: bpy.types.UILayout) -> None:
    """Shows in the sidebar what can be installed, or how that goes."""
    if not edition.can_install():
        _draw_edition(layout)
        return
    from .installing import setup

    setup.draw(layout)


def draw_switch(layout: Any) -> None:
    """Shows the way to Blender's own switch for the network, if that is in the way of a download."""
    if edition.can_install():
        from .installing import network

        network.draw_switch(layout)


def draw_plan(layout: bpy.types.UILayout, width: int) -> None:
    """Shows in the preferences what can be installed, or how that goes, in lines of `width` letters."""
    if not edition.can_install():
        _draw_edition(layout)
        return
    from .installing import setup

    setup.draw_plan(layout, width)


def draw_installed(layout: bpy.types.UILayout) -> None:
    """Shows in the preferences what is installed, and the buttons for the report and the logs."""
    if not edition.can_install():
        reports.draw(layout)
        return
    from .installing import setup

    setup.draw_installed(layout)


def _draw_edition(layout: bpy.types.UILayout) -> None:
    column = layout.column(align=True)
    about = column.column(align=True)
    about.active = False
    for line in state.wrapped(text("The full edition: {what}", what=text(readiness.ADDS))):
        about.label(text=line, translate=False)
    if address := website():
        button: Any = column.operator("wm.url_open", text="Get the full edition", icon="URL")
        button.url = address
    else:
        label(about, "See Mono3D's documentation.")
