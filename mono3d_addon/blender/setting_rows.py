# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of settings in a panel: basic ones first, advanced ones in a collapsible section below."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from ..settings import SettingField, Settings, fields_of
from . import state
from .texts import label

_AUTOMATIC = frozenset(item.name for item in fields_of(Settings) if item.choice.typical)
"""Settings whose value 0 means "automatic"."""

_BEYOND = {item.name: item.choice for item in fields_of(Settings) if item.choice.bare}
"""Settings with values that need packages."""


class Rows(NamedTuple):
    """Names of the settings that a panel shows, in their order.

    shown      rows that are always visible
    collapsed  rows of the section "Advanced", which is closed at first
    section    identifier by which Blender remembers whether the section is open
    """

    shown: tuple[str, ...]
    collapsed: tuple[str, ...] = ()
    section: str = ""


def rows_of(items: Iterable[SettingField], section: str) -> Rows:
    """Returns the rows for `items`. Without a basic setting among them, nothing is collapsed."""
    items = tuple(items)
    basic = tuple(item.name for item in items if item.choice.level == "basic")
    advanced = tuple(item.name for item in items if item.choice.level == "advanced")
    return Rows(basic, advanced, section) if basic else Rows(advanced)


def draw(layout: Any, owner: Any, rows: Rows) -> None:
    """Shows properties of `owner`. `layout` is that of the panel itself: Blender allows no section in a column."""
    _draw_column(layout, owner, rows.shown)
    if rows.collapsed:
        header, body = layout.panel(rows.section, default_closed=True)
        label(header, "Advanced")
        if body is not None:
            _draw_column(body, owner, rows.collapsed)


def _draw_column(layout: Any, owner: Any, names: tuple[str, ...]) -> None:
    column = layout.column()
    column.use_property_split = True
    column.use_property_decorate = False
    for name in names:
        value = getattr(owner, name)
        if name in _AUTOMATIC and not value:
            row = column.row()
            row.prop(owner, name)
            label(row, "automatic")
        else:
            column.prop(owner, name)
        if state.current.lacking and name in _BEYOND and _BEYOND[name].needs_packages(value, owner):
            column.label(text=state.current.lacking, icon="INFO", translate=False)
