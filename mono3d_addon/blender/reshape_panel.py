# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel that shapes the active object: sliders that show its own settings, and the operators behind them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import bpy
from bpy.app.handlers import persistent
from bpy.props import PointerProperty

from ..errors import Mono3DError
from ..settings import SettingField
from . import interface, names, progress, properties, running, setting_rows, state
from .scene import reshaped

# What does the work is imported with the first change: Blender's start waits for this module.
if TYPE_CHECKING:
    from .reshape import Pending, Reshaping

LIVE = {item.name: item for items in properties.live_groups().values() for item in items}

_UNTIL_RENDERED = 0.25
"""Seconds between two looks at whether Blender still renders."""

_MAIN = ("near", "far", "field_of_view", "detail", "tear", "surface")
"""Settings in the panel itself; the others are in sub-panels, by group."""


def reshaping() -> "Reshaping":
    """Returns what shapes objects, made with the first change."""
    work = _present()
    if work is None:
        from .reshape import Reshaping

        work = state.current.reshaping = Reshaping(lambda: state.current.worker or running.worker())
    return work


def _present() -> "Reshaping | None":
    """Returns what shapes objects; None before the first change."""
    return cast("Reshaping | None", state.current.reshaping)


def pending(owner: bpy.types.Object | None) -> "Pending | None":
    """Returns what is under way for an object."""
    work = _present()
    return work.of(owner) if owner is not None and work is not None else None


def advance() -> float | None:
    """Goes on with everything that is being shaped; a timer of Blender's."""
    work = _present()
    if work is None:
        return None
    return _UNTIL_RENDERED if running.is_rendering() else work.advance()


def start() -> None:
    """Has the timer look at once."""
    if not bpy.app.timers.is_registered(advance):
        bpy.app.timers.register(advance, first_interval=0.0)


def _shown(item: SettingField) -> Any:
    """Returns what a slider shows: the value asked for or stored; a field of view from EXIF as the angle it is."""
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
    """Takes over what the user set; without a window nobody waits, and it is done at once."""
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
        "__doc__": "The active object's settings. The window manager has them: the mesh is the undo step, not these.",
        "__annotations__": {name: properties.property_of(item, **_accessors(item)) for name, item in LIVE.items()},
    },
)


def refuse(cls: Any, context: bpy.types.Context) -> str:
    """Returns why an operator cannot shape the active object, and tells Blender; empty when it can."""
    owner = reshaped.target(context)
    sentence = "Select a mesh made by Mono3D" if owner is None else reshaped.refusal(owner).rstrip(".")
    if not sentence and state.current.run is not None:
        sentence = "A photo is being worked on; wait for it or cancel it"
    if sentence:
        cls.poll_message_set(sentence)
    return sentence


class ReshapeOperator(progress.Follower):
    """Follows one object until it has its shape; a subclass says which change it asks for."""

    bl_idname = "mono3d.reshape_operator"
    bl_label = "Shape"
    bl_options = {"UNDO"}
    _uid = 0
    _under_way: Any = None

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Offers it while a mesh object of Mono3D is active that can be shaped."""
        return not refuse(cls, context)

    def ask(self, context: bpy.types.Context, owner: bpy.types.Object) -> None:
        """Asks for the change. Raises Mono3DError when it makes no sense."""
        raise NotImplementedError

    def begin(self, context: bpy.types.Context) -> None:
        """Asks for the change. Raises Mono3DError when it makes no sense."""
        owner = reshaped.target(context)
        if owner is None:
            raise Mono3DError("Select a mesh made by Mono3D first.")
        self._uid = owner.session_uid
        state.current.say()
        self.ask(context, owner)
        self._under_way = pending(owner)

    def advance(self, context: bpy.types.Context) -> bool:
        """Goes on; tells whether more is to come."""
        advance()
        under_way = reshaping().pending.get(self._uid)
        return under_way is not None and under_way is self._under_way and not under_way.blocked

    def wait(self, context: bpy.types.Context) -> None:
        """Waits for the mesh."""
        owner = next((one for one in bpy.data.objects if one.session_uid == self._uid), None)
        if owner is not None:
            reshaping().failure = reshaping().finish(owner)

    def fraction(self) -> float:
        """Returns how much is done."""
        under_way = reshaping().pending.get(self._uid)
        return under_way.request.job.fraction if under_way and under_way.request else 0.0

    def stop(self) -> None:
        """Leaves the object as it is."""
        owner = next((one for one in bpy.data.objects if one.session_uid == self._uid), None)
        if owner is not None:
            reshaping().forget(owner)

    def finish(self, context: bpy.types.Context) -> str:
        """Returns the sentence of a failure."""
        return reshaping().failure

    def has_changed(self) -> bool:
        """Tells whether the mesh was changed without an undo step; a second one would take away what can be redone."""
        return self._under_way is not None and self._under_way.is_begun


class MONO3D_OT_reshape(ReshapeOperator):
    """Give the active mesh other settings, without running the network again; object, materials and modifiers stay"""

    bl_idname = "mono3d.reshape"
    bl_label = "Reshape"
    __annotations__ = {name: properties.property_of(item, options={"SKIP_SAVE"}) for name, item in LIVE.items()}

    def ask(self, context: bpy.types.Context, owner: bpy.types.Object) -> None:
        """Asks for the settings that were given."""
        given: Any = self.properties
        values = {
            name: properties.from_blender(name, getattr(self, name)) for name in LIVE if given.is_property_set(name)
        }
        reshaping().change(owner, values, makes_undo=False)


class MONO3D_OT_remesh(ReshapeOperator):
    """Make the mesh anew from the photo and the settings; what was changed on the mesh by hand is lost"""

    bl_idname = "mono3d.remesh"
    bl_label = "Re-mesh"

    def ask(self, context: bpy.types.Context, owner: bpy.types.Object) -> None:
        """Asks for the mesh as its settings have it."""
        reshaping().change(owner, {}, makes_undo=False, is_forced=True)


class MONO3D_OT_keep_shape(bpy.types.Operator):
    """Leave the mesh as it is and show the settings that made it"""

    bl_idname = "mono3d.keep_shape"
    bl_label = "Keep"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Offers it while something is under way."""
        return pending(reshaped.target(context)) is not None

    def execute(self, context: bpy.types.Context) -> interface.Result:
        """Drops what was asked for."""
        owner = reshaped.target(context)
        if owner is not None:
            reshaping().forget(owner)
        interface.redraw()
        return {"FINISHED"}


class Sidebar(bpy.types.Panel):
    """A panel of the sidebar that is there for the active object."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Mono3D"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Shows it for Mono3D's meshes and their cameras only."""
        return state.current.checked and not state.current.setup and reshaped.target(context) is not None


class MONO3D_PT_active(Sidebar):
    """Shapes the active object, while the settings above are for the next photo."""

    bl_label = "Shape of the Active Object"
    bl_order = 1

    def draw(self, context: bpy.types.Context) -> None:
        """Shows the object's name, its main settings and what is under way."""
        layout: Any = self.layout
        owner: Any = reshaped.target(context)
        layout.label(text=owner.name, icon="MESH_GRID", translate=False)
        draw_state(layout, owner)
        draw_settings(layout, context, setting_rows.Rows(_MAIN))


def draw_state(layout: Any, owner: bpy.types.Object) -> None:
    """Shows what is under way for an object, and what the user may decide."""
    under_way = pending(owner)
    if under_way is not None and under_way.blocked:
        box = layout.box().column(align=True)
        for line in state.wrapped(under_way.blocked):
            box.label(text=line)
        row = box.row(align=True)
        row.operator("mono3d.remesh", icon="FILE_REFRESH")
        row.operator("mono3d.keep_shape", icon="X")
    elif under_way is not None:
        share = under_way.request.job.fraction if under_way.request else 0.0
        progress.draw(layout, under_way.stage, share, "mono3d.keep_shape")
    elif owner.get(names.DRAFT):
        layout.operator("mono3d.remesh", icon="FILE_REFRESH", text="Draft: Re-mesh")
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
            one.is_begun = False  # it is an undo step now


@persistent  # type: ignore[untyped-decorator]
def _before_load(*_: Any) -> None:
    if state.current.reshaping is not None:
        state.current.reshaping.close()


def _handlers() -> tuple[tuple[Any, Any], ...]:
    handlers: Any = bpy.app.handlers
    return (handlers.undo_pre, _before_undo), (handlers.redo_pre, _before_undo), (handlers.load_pre, _before_load)


def register() -> None:
    """Gives the window manager the active object's settings, and has undo and loading told."""
    bpy.types.WindowManager.mono3d_shape = PointerProperty(type=MONO3D_PG_reshape)  # type: ignore[attr-defined]
    for handlers, handler in _handlers():
        handlers.append(handler)


def unregister() -> None:
    """Takes it all away again."""
    for handlers, handler in _handlers():
        handlers.remove(handler)
    if bpy.app.timers.is_registered(advance):
        bpy.app.timers.unregister(advance)
    del bpy.types.WindowManager.mono3d_shape  # type: ignore[attr-defined]
