# SPDX-License-Identifier: GPL-3.0-or-later
"""The 3D view that shows a result: the one that asked for it, and what undo gives back of it.

Blender's undo leaves views as they are. So what a result changed in a view is remembered, and goes and comes with it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import bpy
from bpy.app.handlers import persistent

from . import names, state
from .view_change import Change

_SHADING = ("type", "color_type", "light", "background_type", "background_color")
_SPACE = ("lens", "clip_start", "clip_end")
_REGION = ("view_perspective", "view_rotation", "view_location", "view_distance")
_POSE = frozenset((*_REGION, "lens"))
"""What belongs together: if the user has changed one of them since, all stay."""
_MOST_KEPT = 64


def asking(context: bpy.types.Context) -> int:
    """Returns the pointer of the 3D view in which an operator was called, else of the largest in its window.

    0 if there is none.
    """
    area = context.area
    if area is not None and area.type == "VIEW_3D":
        return area.as_pointer()
    shown = [one for one in context.window.screen.areas if one.type == "VIEW_3D"] if context.window else []
    return max(shown, key=lambda one: one.width * one.height).as_pointer() if shown else 0


def area_of(pointer: int, scene: bpy.types.Scene) -> Any:
    """Returns the area of a 3D view that shows `scene`; None if it is no longer on the screen or shows another one."""
    manager = bpy.context.window_manager
    for window in manager.windows if manager else ():
        for area in window.screen.areas:
            if area.as_pointer() == pointer and area.type == "VIEW_3D" and window.scene == scene:
                return area
    return None


def show_colours(space: Any, layer: bpy.types.ViewLayer | None, owner: bpy.types.Object | None) -> None:
    """Makes a 3D view that would show the result `owner` in grey show the photo's colours.

    Other models keep their shading; without any, the photo is shown as it is, without light. Points have their colours
    only in the material preview: Blender's solid view shows every point cloud in one colour.
    """
    from .scene import placing

    shading = space.shading
    if shading.type == "SOLID" and names.is_points(owner):
        shading.type = "MATERIAL"
    elif shading.type == "SOLID" and shading.color_type == "MATERIAL":
        shading.color_type = "TEXTURE"
        if layer is None or not placing.has_others(layer):
            shading.light = "FLAT"


def select(layer: Any, results: Iterable[bpy.types.Object], active: bpy.types.Object) -> None:
    """Selects those results that can be seen, and nothing else, and makes `active` the active object.

    Points are not selected: the outline of each would cover its colour.
    """
    for other in layer.objects.selected:
        other.select_set(False, view_layer=layer)
    for one in results:
        if one.name in layer.objects and one.visible_get(view_layer=layer):
            one.select_set(not names.is_points(one), view_layer=layer)
    layer.objects.active = active


@contextlib.contextmanager
def taken_back_with(area: Any, owner: bpy.types.Object) -> Iterator[None]:
    """Remembers what the block changes in a view, so that undoing the result `owner` undoes it too."""
    before = _values(area.spaces.active)
    yield
    after = _values(area.spaces.active)
    changed = {name for name, value in after.items() if not _is_same(value, before[name])}
    if not changed:
        return
    if changed & _POSE:
        changed |= _POSE
    kept = state.current.view_changes
    kept.append(
        Change(
            area.as_pointer(),
            owner.session_uid,
            {name: before[name] for name in changed},
            {name: after[name] for name in changed},
        )
    )
    del kept[:-_MOST_KEPT]


def _values(space: Any) -> dict[str, Any]:
    """Returns what results change in a view, by name."""
    return {name: _plain(getattr(owner, name)) for owner, name in _owners(space)}


def _owners(space: Any) -> Iterator[tuple[Any, str]]:
    for owner, changed in ((space.shading, _SHADING), (space, _SPACE), (space.region_3d, _REGION)):
        yield from ((owner, name) for name in changed)


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | float | int) else tuple(value)


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, str):
        return bool(one == other)
    pairs = zip(one, other, strict=True) if isinstance(one, tuple) else [(one, other)]
    return all(abs(a - b) <= 1e-5 * max(1.0, abs(a), abs(b)) for a, b in pairs)


def _set(space: Any, present: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Gives a view the values `wanted`, but for those that the user has changed from `present` since."""
    now = _values(space)
    kept = {name for name, value in present.items() if not _is_same(value, now[name])}
    if kept & _POSE:
        kept |= _POSE
    for owner, name in _owners(space):
        if name in wanted and name not in kept:
            setattr(owner, name, wanted[name])


@persistent  # type: ignore[untyped-decorator]
def _follow_undo(*_: Any) -> None:
    changes = state.current.view_changes
    if not changes:
        return
    manager = bpy.context.window_manager
    areas = {area.as_pointer(): area for window in manager.windows for area in window.screen.areas} if manager else {}
    there = {one.session_uid for one in bpy.data.objects}
    gone = [one for one in reversed(changes) if one.is_there and one.uid not in there]
    back = [one for one in changes if not one.is_there and one.uid in there]
    for change in (*gone, *back):
        change.is_there = not change.is_there
        area = areas.get(change.area)
        if area is not None and area.type == "VIEW_3D":
            ends = (change.before, change.after)
            wanted, present = reversed(ends) if change.is_there else ends
            _set(area.spaces.active, present, wanted)


@persistent  # type: ignore[untyped-decorator]
def _forget(*_: Any) -> None:
    state.current.view_changes.clear()


HANDLERS = (("undo_post", _follow_undo), ("redo_post", _follow_undo), ("load_pre", _forget))
