# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of the scene get another shape while the user turns a setting: in place, and without the network.

A change is shown at once as a draft: moved vertices where only near, far or the field of view changed, else a coarser
mesh. When the user pauses, the worker makes the mesh itself and the change becomes one undo step. The last value wins.
"""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..errors import Mono3DError, unforeseen
from ..settings import Settings
from ..worker import draft
from . import interface, names, state, temporary
from .scene import reshaped

# What brings numpy is imported with the first change: Blender's start waits for this module.
if TYPE_CHECKING:
    from ..core.camera.camera import Camera
    from ..core.camera.known_distances import KnownDistances
    from ..worker.reshape_files import ReshapedMesh
    from ..worker.runner import Job, Runner

_PAUSE = 0.25
"""Seconds without a change after which it counts as settled."""
_INTERVAL = 0.02
_WAITING = 0.25
"""Seconds between two looks while nothing but the user can change anything."""

_MOVES = {"near", "far", "field_of_view"}
_SETTLE_METRIC = {"near", "far", "percentile"}
"""Settings with which the user gives up measured distances."""

HAND_MADE = "The mesh of '{name}' was changed by hand. Re-mesh replaces it; Keep leaves it as it is."


@dataclass
class Pending:
    """An object on its way to other settings.

    wanted       what the user asks for
    known        measured distances that stay true; None where there are none
    shown        what the mesh is made for now, about or exactly
    changed      time of the last change, seconds
    makes_undo   whether the end of it is to become an undo step here; operators make their own
    is_forced    whether a mesh changed by hand is to be replaced
    is_checked   whether the mesh is known to be as it was made
    is_drafted   whether the mesh is only about what `shown` asks for
    is_begun     whether the mesh was changed and that is no undo step yet
    blocked      the sentence why nothing happens until the user decides
    request      what the worker does for it
    """

    wanted: Settings
    known: KnownDistances | None
    shown: Settings
    changed: float
    makes_undo: bool = True
    is_forced: bool = False
    is_checked: bool = False
    is_drafted: bool = False
    is_begun: bool = False
    blocked: str = ""
    request: Request | None = None

    @property
    def stage(self) -> str:
        """What happens now, in words."""
        if self.request is not None and not self.request.is_draft:
            return self.request.job.stage
        return "Reshaping"


@dataclass
class Request:
    """What the worker was asked for: the job, its folder, and what for. `has_source`: it was told of the photo."""

    job: Job
    folder: Path
    settings: Settings
    is_draft: bool
    has_source: bool = False


class Reshaping:
    """All objects that are being shaped, by their `session_uid`, which outlives renaming and undo.

    `worker` returns the worker, or raises Mono3DError; `clock` tells the time in seconds.
    """

    def __init__(self, worker: Callable[[], Runner], clock: Callable[[], float] = time.monotonic) -> None:
        self.pending: dict[int, Pending] = {}
        self.failure = ""
        self._worker = worker
        self._clock = clock

    def of(self, owner: bpy.types.Object) -> Pending | None:
        """Returns what is under way for an object."""
        return self.pending.get(owner.session_uid)

    def settings(self, owner: bpy.types.Object) -> Settings:
        """Returns the settings that the user sees: those asked for, else those that made the mesh."""
        pending = self.of(owner)
        return pending.wanted if pending else reshaped.stored_settings(owner)

    def change(
        self,
        owner: bpy.types.Object,
        values: Mapping[str, Any],
        *,
        known: KnownDistances | None = None,
        makes_undo: bool = True,
        is_forced: bool = False,
    ) -> None:
        """Asks for an object with other `values`, by the names of settings, or with measured distances.

        Raises Mono3DError, and changes nothing, when the object cannot be shaped or the values make no sense.
        """
        if reason := reshaped.refusal(owner):
            raise Mono3DError(reason)
        pending = self.of(owner)
        before = pending.wanted if pending else reshaped.stored_settings(owner)
        kept = known or (pending.known if pending else reshaped.known_distances(owner))
        if not known and _SETTLE_METRIC & {name for name, value in values.items() if value != getattr(before, name)}:
            kept = None
        wanted = replace(before, **values)
        if kept is not None:
            near, far = kept.solve(camera_for(owner, wanted), wanted.near, wanted.far)
            wanted = replace(wanted, near=near, far=far)
        if pending is None:
            pending = Pending(wanted, kept, reshaped.stored_settings(owner), self._clock(), makes_undo)
            pending.is_drafted = bool(owner.get(names.DRAFT))
            self.pending[owner.session_uid] = pending
        pending.wanted, pending.known, pending.changed = wanted, kept, self._clock()
        pending.is_forced |= is_forced
        if is_forced:
            pending.blocked = ""
        self.failure = ""

    def advance(self) -> float | None:
        """Does what can be done now, without waiting; returns after which time to look again, None for never."""
        delays = []
        for uid in tuple(self.pending):
            pending = self.pending[uid]
            owner = _object(uid)
            if owner is None:
                self._drop(uid)
                continue
            try:
                delays.append(self._step(owner, pending))
            except Mono3DError as error:
                self._fail(owner, str(error))
            except Exception as error:
                traceback.print_exc()
                self._fail(owner, unforeseen(error))
        return min((delay for delay in delays if delay is not None), default=None)

    def finish(self, owner: bpy.types.Object) -> str:
        """Waits until an object has its shape; returns the sentence of a failure."""
        uid = owner.session_uid
        while (pending := self.pending.get(uid)) is not None:
            pending.changed = float("-inf")
            if pending.request is not None:
                with contextlib.suppress(Mono3DError):  # the next step looks at how it ended
                    pending.request.job.wait()
            self.advance()
            if (left := self.pending.get(uid)) is not None and (left.blocked or _is_being_edited(owner)):
                sentence = left.blocked or f"'{owner.name}' is being edited; leave Edit Mode first."
                self._drop(uid)
                return sentence
        return self.failure

    def release_worker(self) -> None:
        """Lets another job have the worker; what is under way is asked for again afterwards."""
        for pending in self.pending.values():
            _give_up(pending)

    def forget(self, owner: bpy.types.Object) -> None:
        """Leaves an object as it is."""
        self._drop(owner.session_uid)

    def before_undo(self) -> None:
        """Makes drafts undo steps, so that undoing takes them back, and drops whatever is under way."""
        begun = any(pending.is_begun for pending in self.pending.values())
        self.close()
        if begun:
            interface.push_undo("Shape")

    def close(self) -> None:
        """Drops whatever is under way."""
        for uid in tuple(self.pending):
            self._drop(uid)

    def _step(self, owner: bpy.types.Object, pending: Pending) -> float | None:
        """Brings one object further; returns when to look again."""
        if pending.blocked:
            return None
        if _is_being_edited(owner):
            pending.is_checked = False
            return _WAITING
        if not pending.is_checked and not pending.is_forced:
            from .scene import hand_made

            if hand_made.is_changed(owner):
                pending.blocked = HAND_MADE.format(name=owner.name)
                interface.redraw()
                return None
            pending.is_checked = True
        request = pending.request
        if request is not None:
            if request.job.poll():
                if not request.is_draft and request.settings != pending.wanted:
                    _give_up(pending)
                    return 0.0
                return _INTERVAL
            return self._on_finished(owner, pending, request)
        is_settled = self._clock() - pending.changed >= _PAUSE
        if pending.wanted != pending.shown and not is_settled:
            self._draft(owner, pending)
        elif is_settled:
            if not pending.is_forced and _is_exact(pending):
                self._settle(owner, pending)
                return None
            self._ask(owner, pending, is_draft=False)
        return _INTERVAL

    def _draft(self, owner: bpy.types.Object, pending: Pending) -> None:
        changed = _differences(pending.shown, pending.wanted)
        if changed <= _MOVES and not pending.is_forced and _can_move(owner, pending.wanted):
            _move(owner, pending.shown, pending.wanted)
            pending.is_drafted |= changed != {"field_of_view"} or not _is_plain_grid(pending.wanted)
            self._show(owner, pending, pending.wanted, camera_for(owner, pending.wanted))
        elif draft.is_quick(pending.wanted):
            self._ask(owner, pending, is_draft=True)

    def _ask(self, owner: bpy.types.Object, pending: Pending, *, is_draft: bool, source: bool = False) -> None:
        """Hands the worker a job, unless a photo is being worked on: then it waits for its turn."""
        from .scene import source as sources

        if state.current.run is not None:
            return
        settings = draft.draft_of(pending.wanted) if is_draft else pending.wanted
        folder = temporary.folder()
        try:
            message = {
                "task": "reshape",
                "key": sources.key(owner),
                "settings": dataclasses.asdict(settings),
                "folder": str(folder),
            }
            if source:
                message["source"] = dataclasses.asdict(sources.write(owner, folder))
            pending.request = Request(self._worker().submit(message), folder, pending.wanted, is_draft, source)
        finally:
            if pending.request is None:
                shutil.rmtree(folder, ignore_errors=True)

    def _on_finished(self, owner: bpy.types.Object, pending: Pending, request: Request) -> float | None:
        """Takes in what the worker made."""
        from ..core.camera.camera import Camera
        from ..worker import reshape_files

        pending.request = None
        try:
            result = request.job.wait()
            if result.get("missing"):
                is_draft = request.is_draft and draft.is_quick(pending.wanted)
                self._ask(owner, pending, is_draft=is_draft, source=True)
                return _INTERVAL
            _replace_mesh(owner, reshape_files.load(request.folder), request.settings)
        finally:
            shutil.rmtree(request.folder, ignore_errors=True)
        pending.is_forced, pending.is_drafted = False, request.is_draft
        self._show(owner, pending, request.settings, Camera(**result["camera"]))
        if request.is_draft or request.settings != pending.wanted:
            return 0.0
        self._settle(owner, pending)
        return None

    def _show(self, owner: bpy.types.Object, pending: Pending, settings: Settings, camera: Camera) -> None:
        """Stores on the object what its mesh now shows."""
        pending.shown, pending.is_begun = settings, True
        for user in _users(owner):
            user[names.SETTINGS] = settings.to_json()
            if pending.is_drafted:
                user[names.DRAFT] = True
            else:
                user.pop(names.DRAFT, None)
            if pending.known is None:
                user.pop(names.KNOWN, None)
            else:
                user[names.KNOWN] = pending.known.to_json()
            _refit(user, camera, settings)
        from .scene import hand_made

        hand_made.remember(owner.data)  # type: ignore[arg-type]
        interface.redraw()

    def _settle(self, owner: bpy.types.Object, pending: Pending) -> None:
        """Ends a change: the mesh is what was asked for."""
        self._drop(owner.session_uid)
        if pending.makes_undo and pending.is_begun:
            interface.push_undo("Shape")
        interface.redraw()

    def _fail(self, owner: bpy.types.Object, sentence: str) -> None:
        self._drop(owner.session_uid)
        self.failure = sentence
        state.current.say(sentence, failed=True)
        interface.redraw()

    def _drop(self, uid: int) -> None:
        pending = self.pending.pop(uid, None)
        if pending is not None:
            _give_up(pending)


def camera_for(owner: bpy.types.Object, settings: Settings) -> Camera:
    """Returns the camera of an object's photo with these settings. Raises Mono3DError when its photo is gone."""
    from ..core.camera.lens import photo_camera
    from .scene import camera, source

    eye = camera.stored(owner)
    return photo_camera((eye.width, eye.height), source.lens(owner), settings, is_panorama=eye.is_panorama)


def _give_up(pending: Pending) -> None:
    request, pending.request = pending.request, None
    if request is not None:
        request.job.supersede()
        # The worker may still be writing there; the folder goes with the next clean-up of the system if so.
        shutil.rmtree(request.folder, ignore_errors=True)


def _object(uid: int) -> bpy.types.Object | None:
    return next((one for one in bpy.data.objects if one.session_uid == uid), None)


def _users(owner: bpy.types.Object) -> list[bpy.types.Object]:
    """Returns the objects that share an object's mesh, itself among them."""
    data: Any = owner.data
    if data.users < 2:
        return [owner]
    return [one for one in bpy.data.objects if one.data == data and names.is_ours(one) and one.library is None]


def _is_being_edited(owner: bpy.types.Object) -> bool:
    """Tells whether the user works on a mesh, this or another one, so that its undo steps are not Blender's usual."""
    manager = bpy.context.window_manager
    active = [window.view_layer.objects.active for window in manager.windows] if manager else []
    return any(one is not None and one.mode != "OBJECT" for one in (owner, *active))


def _differences(one: Settings, other: Settings) -> set[str]:
    names_of = (item.name for item in dataclasses.fields(Settings))
    return {name for name in names_of if getattr(one, name) != getattr(other, name)}


def _is_plain_grid(settings: Settings) -> bool:
    """Tells whether the mesh is the depth map's grid and nothing else."""
    is_grid = settings.surface == "grid" and not settings.target_triangles and not settings.smooth
    return is_grid and settings.edges != "fill" and settings.solid == "off" and not settings.normal_map


def _is_exact(pending: Pending) -> bool:
    """Tells whether the mesh already is what is asked for."""
    return pending.wanted == pending.shown and not pending.is_drafted


def _can_move(owner: bpy.types.Object, settings: Settings) -> bool:
    """Tells whether the mesh lies about the camera as the disparity has it, so that its vertices can follow by `_move`.

    On the floor the ground has to be found anew, and what the sky does depends on the far distance.
    """
    from .scene import camera, source

    eye = camera.stored(owner)
    is_plain = not eye.is_panorama and not eye.has_pose and not settings.level
    return is_plain and settings.solid == "off" and settings.sky == "keep" and not source.is_metric(owner)


def _move(owner: bpy.types.Object, before: Settings, after: Settings) -> None:
    """Moves the vertices along their rays to where other distances and another field of view put them.

    Inverse depth is linear in disparity, so that the new one follows from the old one whatever made the mesh; what
    is torn where remains as it was.
    """
    import numpy as np

    from .scene import camera

    data: Any = owner.data
    if not len(data.vertices):
        return
    old, new = camera.stored(owner), camera_for(owner, after)
    places = np.empty((len(data.vertices), 3), dtype=np.float32)
    attribute = data.attributes["position"].data
    attribute.foreach_get("vector", places.reshape(-1))
    depth = places[:, 1].copy()
    slope = (1.0 / after.near - 1.0 / after.far) / (1.0 / before.near - 1.0 / before.far)
    inverse = (1.0 / depth - np.float32(1.0 / before.far)) * np.float32(slope) + np.float32(1.0 / after.far)
    moved = 1.0 / np.maximum(inverse, np.float32(0.01 / after.far))
    share = moved / depth
    places[:, 0] *= share * np.float32(old.fx / new.fx)
    places[:, 1] = moved
    places[:, 2] *= share * np.float32(old.fy / new.fy)
    attribute.foreach_set("vector", places.reshape(-1))
    data.update()


def _replace_mesh(owner: bpy.types.Object, made: ReshapedMesh, settings: Settings) -> None:
    from .scene import background_fill, material, mesh_data

    data: Any = owner.data
    trusted = settings.surface == "grid" and not settings.target_triangles and settings.solid == "off"
    if data.shape_keys is not None:
        owner.shape_key_clear()  # They hold the old vertices' places; the user was asked, as for all that is hand-made.
    mesh_data.fill(data, made.mesh, trusted=trusted, edges=made.edges, background_triangles=made.background_triangles)
    if made.background_texture is not None:
        background_fill.show(data, owner.name, made.background_texture, settings)
    if made.normal_map is not None:
        mesh_data.set_normals(data, made.mesh.normals)
        material.exchange(data.materials[0], material.RELIEF, owner.name, made.normal_map, "Non-Color")


def _refit(owner: bpy.types.Object, camera: Camera, settings: Settings) -> None:
    """Has the photo's camera follow: the object's own description and the camera object below it."""
    import json

    from .scene import camera as cameras

    owner[names.CAMERA] = json.dumps(dataclasses.asdict(camera))
    eye = reshaped.camera_of(owner)
    if eye is not None and eye.library is None and eye.data is not None and eye.data.library is None:
        cameras.refit(eye, camera, settings.near, settings.far)
