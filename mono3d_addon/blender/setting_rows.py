# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of settings in a panel: the basic ones, and the advanced ones by group. `settings.py` decides which and in
which order; a setting that changes nothing beside the others is not shown."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from ..settings import SettingField, Settings, fields_of
from . import state
from .texts import label

_AUTOMATIC = frozenset(item.name for item in fields_of(Settings) if item.choice.typical)
"""Settings whose value 0 means "automatic"."""

_CHOICES = {item.name: item.choice for item in fields_of(Settings)}


class Rows(NamedTuple):
    """Names of the settings that a panel shows, in their order.

    shown  rows that come first
    more   group and rows of those that come after them, folded
    """

    shown: tuple[str, ...] = ()
    more: tuple[tuple[str, tuple[str, ...]], ...] = ()


def rows_of(items: Iterable[SettingField]) -> Rows:
    """Returns the rows for `items`: the basic ones, and the advanced ones by group."""
    shown, more = [], dict[str, list[str]]()
    for item in items:
        if item.choice.level == "basic":
            shown.append(item.name)
        else:
            more.setdefault(item.choice.group, []).append(item.name)
    return Rows(tuple(shown), tuple((group, tuple(names)) for group, names in more.items()))


def draw(layout: Any, owner: Any, names: Iterable[str]) -> None:
    """Shows properties of `owner`."""
    column = layout.column()
    column.use_property_split = True
    column.use_property_decorate = False
    for name in names:
        if not _CHOICES[name].has_effect(owner):
            continue
        value = getattr(owner, name)
        if name in _AUTOMATIC and not value:
            row = column.row()
            row.prop(owner, name)
            label(row, "automatic")
        else:
            column.prop(owner, name)
        if state.current.lacking and _CHOICES[name].needs_packages(value, owner):
            column.label(text=state.current.lacking, icon="INFO", translate=False)


def draw_groups(layout: Any, owner: Any, groups: Iterable[tuple[str, tuple[str, ...]]]) -> None:
    """Shows properties of `owner` by group, each under its name."""
    for group, names in groups:
        label(layout, group)
        draw(layout, owner, names)
