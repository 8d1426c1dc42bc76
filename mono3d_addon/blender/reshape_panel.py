# SPDX-License-Identifier: GPL-3.0-or-later
"""Reshaping the active object: the panel with its settings, and the operators."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import bpy
from bpy.app.handlers import persistent
from bpy.props import PointerProperty

from ..errors import Mono3DError
from ..settings import SettingField
from . import interface, names, progress, properties, setting_rows, state
from .photos import running
from .scene import reshaped

# `reshape` is imported with the first change, to keep Blender's start fast.
if TYPE_CHECKING:
    from .reshape import Pending, Reshaping

LIVE = {item.name: item for items in properties.live_groups().values() for item in items}

_UNTIL_RENDERED = 0.25
"""Seconds between two checks whether Blender still renders."""

_MAIN = ("near", "far", "field_of_view", "detail", "tear", "surface")
"""Settings in the panel itself; the others are in sub-panels, by group."""


def reshaping() -> "Reshaping":
    """Returns the pending changes of all objects; creates them with the first change."""
    work = _present()
    if work is None:
        from .reshape import Reshaping

        work = state.current.reshaping = Reshaping(lambda: state.current.worker or running.worker())
    return work


def _present() -> "Reshaping | None":
    """Returns the pending changes of all objects; None before the first change."""
    return cast("Reshaping | None", state.current.reshaping)


def pending(owner: bpy.types.Object | None) -> "Pending | None":
    """Returns the pending change of an object."""
    work = _present()
    return work.of(owner) if owner is not None and work is not None else None


def advance() -> float | None:
    """Advances all pending changes. A timer: returns the seconds until its next call, None once all are done."""
    work = _present()
    if work is None:
        return None
    return _UNTIL_RENDERED if running.is_rendering() else work.advance()


def start() -> None:
    """Starts the timer."""
    if not bpy.app.timers.is_registered(advance):
        bpy.app.timers.register(advance, first_interval=0.0)


def _shown(item: SettingField) -> Any:
    """Returns the value of a slider: requested or stored; for a field of view of 0 the camera's actual angle."""
    owner = reshaped.target(bpy.context)
    if owner is None:
        return properties.to_blender(item.name, item.default)
    under_way = pending(owner)
    settings = under_way.wanted if under_way else reshaped.stored_settings(owner)
    value = getattr(settings, item.name)
    if item.name == "field_of_view" and not value:
        from .scene import camera

        try:
            return camera.stored(owner).field_of_view
        except Mono3DError:
            return 0.0
    return properties.to_blender(item.name, value)


def _change(item: SettingField, value: Any) -> None:
    """Requests a value that the user set. In background mode, where timers do not run, waits for the mesh."""
    owner = reshaped.target(bpy.context)
    if owner is None:
        return
    try:
        work = reshaping()
        work.change(owner, {item.name: properties.from_blender(item.name, value)})
        if bpy.app.background:
            work.finish(owner)
        else:
            start()
    except Mono3DError as error:
        state.current.say(str(error), failed=True)


def _accessors(item: SettingField) -> dict[str, Callable[..., Any]]:
    options = item.choice.options
    if options:
        return {
            "get": lambda group: options.index(_shown(item)),
            "set": lambda group, number: _change(item, options[number]),
        }
    return {"get": lambda group: _shown(item), "set": lambda group, value: _change(item, value)}


MONO3D_PG_reshape = type(
    "MONO3D_PG_reshape",
    (bpy.types.PropertyGroup,),
    {
        "__doc__": "The active object's settings, kept out of undo on the window manager: an undo step is the mesh.",
        "__annotations__": {name: properties.property_of(item, **_accessors(item)) for name, item in LIVE.items()},
    },
)


def refuse(cls: Any, context: bpy.types.Context) -> str:
    """Returns why an operator cannot reshape the active object and sets it as poll message; empty if it can."""
    owner = reshaped.target(context)
    sentence = "Select a mesh made by Mono3D" if owner is None else reshaped.refusal(owner).rstrip(".")
    if not sentence and state.current.run is not None:
        sentence = interface.BUSY
    if sentence:
        cls.poll_message_set(sentence)
    return sentence


class ReshapeOperator(progress.Follower):
    """Reshapes the active object and follows the work to its end. A subclass implements `ask`."""

    bl_idname = "mono3d.reshape_operator"
    bl_label = "Reshape"
    bl_options = {"UNDO"}
    _uid = 0
    _under_way: Any = None

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Returns whether the active object can be reshaped."""
        return not refuse(cls, context)

    def ask(self, context: bpy.types.Context, owner: bpy.types.Object) -> None:
        """Requests the change. Raises Mono3DError if it is invalid."""
        raise NotImplementedError

    def begin(self, context: bpy.types.Context) -> None:
        """Requests the change. Raises Mono3DError if it is invalid."""
        owner = reshaped.target(context)
        if owner is None:
            raise Mono3DError("Select a mesh made by Mono3D first.")
        self._uid = owner.session_uid
        state.current.say()
        self.ask(context, owner)
        self._under_way = pending(owner)

    def advance(self, context: bpy.types.Context) -> bool:
        """Advances the work; returns whether it goes on."""
        advance()
        under_way = reshaping().pending.get(self._uid)
        return under_way is not None and under_way is self._under_way and not under_way.is_blocked

    def wait(self, context: bpy.types.Context) -> None:
        """Waits for the mesh."""
        owner = next((one for one in bpy.data.objects if one.session_uid == self._uid), None)
        if owner is not None:
            reshaping().failure = reshaping().finish(owner)

    def fraction(self) -> float:
        """Returns the completed fraction, 0..1."""
        under_way = reshaping().pending.get(self._uid)
        return under_way.request.job.fraction if under_way and under_way.request else 0.0

    def stop(self) -> None:
        """Drops the change."""
        owner = next((one for one in bpy.data.objects if one.session_uid == self._uid), None)
        if owner is not None:
            reshaping().forget(owner)

    def finish(self, context: bpy.types.Context) -> str:
        """Returns the error message, empty if there is none."""
        return reshaping().failure

    def has_changed(self) -> bool:
        """Returns whether the mesh has changed since the last undo step; a step without a change would end redo."""
        return self._under_way is not None and self._under_way.needs_undo


class MONO3D_OT_reshape(ReshapeOperator):
    """Change settings of the active mesh without running the network again; object, materials and modifiers stay"""

    bl_idname = "mono3d.reshape"
    bl_label = "Reshape"
    __annotations__ = {name: properties.property_of(item, options={"SKIP_SAVE"}) for name, item in LIVE.items()}

    def ask(self, context: bpy.types.Context, owner: bpy.types.Object) -> None:
        """Requests the settings that were given."""
        given: Any = self.properties
        values = {
            name: properties.from_blender(name, getattr(self, name)) for name in LIVE if given.is_property_set(name)
        }
        reshaping().change(owner, values, makes_undo=False)


class MONO3D_OT_remesh(ReshapeOperator):
    """Rebuild the mesh from the photo and its settings; edits made by hand are lost"""

    bl_idname = "mono3d.remesh"
    bl_label = "Reshape"

    def ask(self, context: bpy.types.Context, owner: bpy.types.Object) -> None:
        """Requests the mesh with its present settings."""
        reshaping().change(owner, {}, makes_undo=False, discard_edits=True)


class MONO3D_OT_keep_shape(bpy.types.Operator):
    """Keep the mesh as it is and show the settings that made it"""

    bl_idname = "mono3d.keep_shape"
    bl_label = "Keep"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Returns whether a change is pending."""
        return pending(reshaped.target(context)) is not None

    def execute(self, context: bpy.types.Context) -> interface.Result:
        """Drops the change."""
        owner = reshaped.target(context)
        if owner is not None:
            reshaping().forget(owner)
        interface.redraw()
        return {"FINISHED"}


class Sidebar(bpy.types.Panel):
    """A sidebar panel for the active object."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Mono3D"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Shows it for meshes made by Mono3D and their cameras."""
        return state.current.checked and not state.current.setup and reshaped.target(context) is not None


class MONO3D_PT_active(Sidebar):
    """Settings of the active object; those above are for the next photo."""

    bl_label = "Reshape Active Object"
    bl_order = 1

    def draw(self, context: bpy.types.Context) -> None:
        """Shows the object's name, its pending change and its main settings."""
        layout: Any = self.layout
        owner: Any = reshaped.target(context)
        layout.label(text=owner.name, icon="MESH_GRID", translate=False)
        draw_state(layout, owner)
        draw_settings(layout, context, setting_rows.Rows(_MAIN))


def draw_state(layout: Any, owner: bpy.types.Object) -> None:
    """Shows the pending change of an object and the buttons to continue or drop it."""
    under_way = pending(owner)
    if under_way is not None and under_way.is_blocked:
        box = layout.box().column(align=True)
        for line in state.wrapped(reshaped.edited_message(owner)):
            box.label(text=line)
        row = box.row(align=True)
        row.operator("mono3d.remesh", icon="FILE_REFRESH")
        row.operator("mono3d.keep_shape", icon="X")
    elif under_way is not None:
        share = under_way.request.job.fraction if under_way.request else 0.0
        progress.draw(layout, under_way.stage, share, "mono3d.keep_shape")
    elif owner.get(names.DRAFT):
        layout.operator("mono3d.remesh", icon="FILE_REFRESH", text="Draft: Reshape")
    else:
        layout.operator("mono3d.remesh", icon="FILE_REFRESH")


def draw_settings(layout: Any, context: bpy.types.Context, rows: setting_rows.Rows) -> None:
    """Shows settings of the active object."""
    manager: Any = context.window_manager
    setting_rows.draw(layout, manager.mono3d_shape, rows)


class _Group(Sidebar):
    bl_parent_id = "MONO3D_PT_active"
    bl_options = {"DEFAULT_CLOSED"}
    rows = setting_rows.Rows(())

    def draw(self, context: bpy.types.Context) -> None:
        """Shows the settings of the group."""
        draw_settings(self.layout, context, self.rows)


def _group_panel(group: str, items: list[SettingField]) -> type:
    name = f"MONO3D_PT_active_{group.lower()}"
    rows = setting_rows.rows_of((item for item in items if item.name not in _MAIN), f"{name}_advanced")
    return type(name, (_Group,), {"__doc__": f"Reshape: {group}.", "bl_label": group, "rows": rows})


CLASSES = (
    MONO3D_PG_reshape,
    MONO3D_OT_reshape,
    MONO3D_OT_remesh,
    MONO3D_OT_keep_shape,
    MONO3D_PT_active,
    *(_group_panel(group, items) for group, items in properties.live_groups().items()),
)


@persistent  # type: ignore[untyped-decorator]
def _before_undo(*_: Any) -> None:
    work = _present()
    if work is not None:
        dropped = tuple(work.pending.values())
        work.before_undo()
        for one in dropped:
            one.needs_undo = False  # `before_undo` has pushed the undo step


@persistent  # type: ignore[untyped-decorator]
def _before_load(*_: Any) -> None:
    if state.current.reshaping is not None:
        state.current.reshaping.close()


def _handlers() -> tuple[tuple[Any, Any], ...]:
    handlers: Any = bpy.app.handlers
    return (handlers.undo_pre, _before_undo), (handlers.redo_pre, _before_undo), (handlers.load_pre, _before_load)


def register() -> None:
    """Registers the active object's settings and the handlers for undo and loading."""
    bpy.types.WindowManager.mono3d_shape = PointerProperty(type=MONO3D_PG_reshape)  # type: ignore[attr-defined]
    for handlers, handler in _handlers():
        handlers.append(handler)


def unregister() -> None:
    """Unregisters them and stops the timer."""
    for handlers, handler in _handlers():
        handlers.remove(handler)
    if bpy.app.timers.is_registered(advance):
        bpy.app.timers.unregister(advance)
    del bpy.types.WindowManager.mono3d_shape  # type: ignore[attr-defined]
