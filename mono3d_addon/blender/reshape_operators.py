# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators that reshape the active object, and the timer and handlers that they need."""

from typing import TYPE_CHECKING, Any, cast

import bpy
from bpy.app.handlers import persistent

from ..errors import Mono3DError
from . import interface, preference_values, progress, properties, state, workers
from .photos import running
from .scene import reshaped
from .texts import text

# `reshape` is imported with the first change, to keep Blender's start fast.
if TYPE_CHECKING:
    from ..worker.runner import Runner
    from .reshape import Pending, Reshaping

LIVE = {item.name: item for items in properties.live_groups().values() for item in items}

_UNTIL_RENDERED = 0.25
"""Seconds between two checks whether Blender still renders."""


def reshaping() -> "Reshaping":
    """Returns the pending changes of all objects; creates them with the first change."""
    work = _present()
    if work is None:
        from .reshape import Reshaping

        work = state.current.reshaping = Reshaping(_worker)
    return work


def _worker() -> "Runner":
    """Returns the worker for photos; what is installed is looked up anew only before the first job."""
    return workers.worker(preference_values.habits()) if state.current.checked else running.worker()


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


def refuse(cls: Any, context: bpy.types.Context) -> str:
    """Returns why an operator cannot reshape the active object and sets it as poll message; empty if it can."""
    owner = reshaped.target(context)
    sentence = text("Select a mesh made by Mono3D") if owner is None else reshaped.refusal(owner).rstrip(".")
    if not sentence and state.current.run is not None:
        sentence = text(interface.BUSY)
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

    def subject(self, owner: bpy.types.Object) -> bpy.types.Object:
        """Returns the object to change, for the active one."""
        return owner

    def begin(self, context: bpy.types.Context) -> None:
        """Requests the change. Raises Mono3DError if it is invalid."""
        owner = reshaped.target(context)
        if owner is None:
            raise Mono3DError("Select a mesh made by Mono3D first.")
        owner = self.subject(owner)
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
        owner = reshaped.with_uid(self._uid)
        if owner is not None:
            reshaping().failure = reshaping().finish(owner)

    def fraction(self) -> float:
        """Returns the completed fraction, 0..1."""
        under_way = reshaping().pending.get(self._uid)
        return under_way.request.job.fraction if under_way and under_way.request else 0.0

    def stage(self) -> str:
        """Returns the stage of the change."""
        under_way = reshaping().pending.get(self._uid)
        return under_way.stage if under_way is not None else ""

    def stop(self) -> None:
        """Drops the change."""
        owner = reshaped.with_uid(self._uid)
        if owner is not None:
            reshaping().forget(owner)

    def finish(self, context: bpy.types.Context) -> str:
        """Returns the error message, empty if there is none."""
        return reshaping().failure

    def has_changed(self) -> bool:
        """Returns whether the object has changed since the last undo step; a step without a change would end redo."""
        is_only_the_material = self._under_way is None
        return is_only_the_material or self._under_way.needs_undo


class MONO3D_OT_reshape(ReshapeOperator):
    """Change settings of the active mesh without running the network again; object, materials and modifiers stay"""

    bl_idname = "mono3d.reshape"
    bl_label = "Reshape"
    __annotations__ = {name: properties.property_of(item, options={"SKIP_SAVE"}) for name, item in LIVE.items()}

    def ask(self, context: bpy.types.Context, owner: bpy.types.Object) -> None:
        """Requests the settings that were given."""
        given: Any = self.properties
        values = {
            name: properties.from_blender(name, getattr(self, name), context.scene)
            for name in LIVE
            if given.is_property_set(name)
        }
        reshaping().change(owner, values, makes_undo=False)


class MONO3D_OT_remesh(ReshapeOperator):
    """Reshape from the photo and the settings, also without a change; edits made by hand are lost"""

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


CLASSES = (MONO3D_OT_reshape, MONO3D_OT_remesh, MONO3D_OT_keep_shape)


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


HANDLERS = (("undo_pre", _before_undo), ("redo_pre", _before_undo), ("load_pre", _before_load))
