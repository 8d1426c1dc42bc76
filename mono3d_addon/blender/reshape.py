# SPDX-License-Identifier: GPL-3.0-or-later
"""Reshapes objects of the scene in place while the user changes a setting, without running the network again.

A change is shown at once as a draft: if only near, far or the field of view changed, vertices are moved, else the
worker makes a coarser mesh. When the user pauses, the worker makes the full mesh and the change becomes one undo step.
A newer change supersedes the one before.
"""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..core.camera.depth_strength import strengthened
from ..errors import Mono3DError, unforeseen
from ..settings import Settings
from ..worker import draft
from . import interface, names, readiness, state, temporary
from .scene import reshaped
from .texts import n_

# Modules that import numpy are imported with the first change, to keep Blender's start fast.
if TYPE_CHECKING:
    from ..core.camera.automatic import Resolved
    from ..core.camera.camera import Camera
    from ..core.camera.known_distances import KnownDistances
    from ..worker.reshape_files import ReshapedMesh
    from ..worker.runner import Job, Runner

_PAUSE = 0.25
"""Seconds without a change after which the full mesh is made."""
_INTERVAL = 0.02
"""Seconds between two steps while something is in progress."""
_WAITING = 0.25
"""Seconds between two steps while the user edits a mesh."""

_SKY = 2.0
"""Distance, relative to far, beyond which there is nothing but sky."""
_AUTOMATIC = {"near", "far", "field_of_view"}
"""Settings that are automatic where the user did not set them."""
_MOVES = {*_AUTOMATIC, "depth_strength"}
"""Settings that a draft follows by moving vertices."""
_DISCARD_DISTANCES = {"near", "far", "depth_strength", "percentile"}
"""Settings whose change discards the measured distances."""


class Edits(Enum):
    """What is known of the user's own edits to a mesh.

    UNCHECKED  not checked since the user may last have edited it
    NONE       the mesh is as Mono3D made it
    FOUND      the user edited it; nothing happens until they choose Reshape or Keep
    DISCARDED  the mesh is replaced, edited or not
    """

    UNCHECKED = auto()
    NONE = auto()
    FOUND = auto()
    DISCARDED = auto()


@dataclass
class Pending:
    """A change of an object's settings that is not complete.

    wanted       requested settings
    known        measured distances to keep; None if there are none
    shown        settings that the present mesh shows, as a draft or exactly
    resolved     where the requested distances and field of view come from; None for objects of earlier versions
    changed      time of the last change, seconds
    makes_undo   whether to push an undo step at the end; operators push their own
    needs_undo   whether the mesh has changed since the last undo step
    edits        what is known of the user's own edits to the mesh
    waits        whether nothing happens until the user leaves a mode such as Edit Mode
    request      the worker's current job for it
    """

    wanted: Settings
    known: KnownDistances | None
    shown: Settings
    resolved: Resolved | None
    changed: float
    makes_undo: bool = True
    needs_undo: bool = False
    edits: Edits = Edits.UNCHECKED
    waits: bool = False
    request: Request | None = None

    @property
    def is_blocked(self) -> bool:
        """Whether nothing happens until the user chooses Reshape or Keep."""
        return self.edits is Edits.FOUND

    @property
    def stage(self) -> str:
        """The current stage, in words."""
        if self.waits:
            return n_("Waits for Object Mode")
        if self.request is not None and not self.request.is_draft:
            return self.request.job.stage
        return "Reshaping"


@dataclass
class Request:
    """A job of the worker: its folder for results, its settings, and whether it makes a draft.

    `has_source` tells that the request included the photo and its disparity.
    """

    job: Job
    folder: Path
    settings: Settings
    is_draft: bool
    has_source: bool = False


class Reshaping:
    """All objects being reshaped, by their `session_uid`, which survives renaming and undo.

    `worker` returns the runner or raises Mono3DError; `clock` returns the time in seconds.
    """

    def __init__(self, worker: Callable[[], Runner], clock: Callable[[], float] = time.monotonic) -> None:
        self.pending: dict[int, Pending] = {}
        self.failure = ""
        self._worker = worker
        self._clock = clock

    def of(self, owner: bpy.types.Object) -> Pending | None:
        """Returns the pending change of an object."""
        return self.pending.get(owner.session_uid)

    def settings(self, owner: bpy.types.Object) -> Settings:
        """Returns the settings that the user sees: the requested ones, else those that made the mesh."""
        pending = self.of(owner)
        return pending.wanted if pending else reshaped.stored_settings(owner)

    def change(
        self,
        owner: bpy.types.Object,
        values: Mapping[str, Any],
        *,
        known: KnownDistances | None = None,
        makes_undo: bool = True,
        discard_edits: bool = False,
    ) -> None:
        """Requests other `values`, by the names of settings, or measured distances for an object.

        With `discard_edits` a mesh that was edited by hand is replaced too. Raises Mono3DError and changes nothing if
        the object cannot be reshaped or the values contradict each other.
        """
        if reason := reshaped.refusal(owner):
            raise Mono3DError(reason)
        pending = self.of(owner)
        before = pending.wanted if pending else reshaped.stored_settings(owner)
        kept = known or (pending.known if pending else reshaped.known_distances(owner))
        changed = {name for name, value in values.items() if value != getattr(before, name)}
        if not known and changed & _DISCARD_DISTANCES:
            kept = None
        wanted = replace(before, **values)
        look = self._look(owner, wanted, changed)
        if look and changed == look.keys():
            self._restyle(owner, pending, look, makes_undo=makes_undo)
            return
        if lack := readiness.lack(wanted):
            raise Mono3DError(lack)
        origin = pending.resolved if pending else reshaped.stored_resolved(owner)
        wanted, origin = _in_numbers(owner, wanted, changed, origin)
        if kept is not None:
            wanted = strengthened(wanted)
            near, far = kept.solve(camera_for(owner, wanted), wanted.near, wanted.far)
            wanted = replace(wanted, near=near, far=far)
            origin = origin and origin.decided_by_user(wanted, ("near", "far"))
        if look:
            self._restyle(owner, pending, look, makes_undo=False)
        if pending is None:
            pending = Pending(wanted, kept, reshaped.stored_settings(owner), origin, self._clock(), makes_undo)
            self.pending[owner.session_uid] = pending
        pending.wanted, pending.known, pending.changed = wanted, kept, self._clock()
        pending.resolved = origin
        if discard_edits:
            pending.edits = Edits.DISCARDED
        self.failure = ""

    def _look(self, owner: bpy.types.Object, wanted: Settings, changed: set[str]) -> dict[str, Any]:
        """Returns the changed values that concern the material and need no other mesh.

        Raises Mono3DError if the user changed the material, or if an undo step could not contain it.
        """
        from .scene import restyle

        if not changed & (restyle.NODES | restyle.AT_ONCE):
            return {}
        if changed & restyle.NODES and (
            reason := restyle.refusal(reshaped.sharing(owner), reshaped.stored_settings(owner))
        ):
            raise Mono3DError(reason)
        if _is_being_edited(owner):
            raise Mono3DError(_editing(owner))
        return {name: getattr(wanted, name) for name in changed & restyle.AT_ONCE}

    def _restyle(
        self, owner: bpy.types.Object, pending: Pending | None, look: Mapping[str, Any], *, makes_undo: bool
    ) -> None:
        """Changes an object's material at once. Raises Mono3DError and changes nothing if that cannot be done."""
        from .scene import restyle

        stored, owners = reshaped.stored_settings(owner), reshaped.sharing(owner)
        restyle.restyle(owners, stored, replace(stored, **look))
        if pending is not None:
            pending.wanted, pending.shown = replace(pending.wanted, **look), replace(pending.shown, **look)
        for user in owners:
            user[names.SETTINGS] = replace(reshaped.stored_settings(user), **look).to_json()
        if "pack_texture" in look:
            for user in reshaped.with_same_photo(owner):
                kept = replace(reshaped.stored_settings(user), pack_texture=look["pack_texture"])
                user[names.SETTINGS] = kept.to_json()
        self.failure = ""
        if makes_undo:
            interface.push_undo("Material")
        interface.redraw()

    def advance(self) -> float | None:
        """Does what can be done now, without waiting. Returns the seconds until its next call, None if done."""
        delays = []
        for uid in tuple(self.pending):
            pending = self.pending[uid]
            owner = reshaped.with_uid(uid)
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
        """Waits until an object is reshaped; returns the error message, empty if there is none."""
        uid = owner.session_uid
        while (pending := self.pending.get(uid)) is not None:
            pending.changed = float("-inf")
            if pending.request is not None:
                with contextlib.suppress(Mono3DError):  # the next step handles the failure
                    pending.request.job.wait()
            self.advance()
            if (left := self.pending.get(uid)) is not None and (left.is_blocked or _is_being_edited(owner)):
                sentence = reshaped.edited_message(owner) if left.is_blocked else _editing(owner)
                self._drop(uid)
                return sentence
        return self.failure

    def release_worker(self) -> None:
        """Frees the worker for another job; pending changes are submitted again afterwards."""
        for pending in self.pending.values():
            _discard_request(pending)

    def forget(self, owner: bpy.types.Object) -> None:
        """Drops the pending change of an object, which stays as it is."""
        self._drop(owner.session_uid)

    def before_undo(self) -> None:
        """Makes drafts an undo step, so that undo reverts them, and drops all pending changes."""
        needs_undo = any(pending.needs_undo for pending in self.pending.values())
        self.close()
        if needs_undo:
            interface.push_undo("Reshape")

    def close(self) -> None:
        """Drops all pending changes."""
        for uid in tuple(self.pending):
            self._drop(uid)

    def _step(self, owner: bpy.types.Object, pending: Pending) -> float | None:
        """Advances one object; returns the seconds until the next step, None if nothing is left to do."""
        if pending.is_blocked:
            return None
        was_waiting, pending.waits = pending.waits, _is_being_edited(owner)
        if pending.waits != was_waiting:
            interface.redraw()
        if pending.waits:
            if pending.edits is Edits.NONE:
                pending.edits = Edits.UNCHECKED
            return _WAITING
        if pending.edits is Edits.UNCHECKED:
            from .scene import hand_made

            if hand_made.is_changed(owner):
                pending.edits = Edits.FOUND
                interface.redraw()
                return None
            pending.edits = Edits.NONE
        request = pending.request
        if request is not None:
            if request.job.poll():
                if not request.is_draft and request.settings != pending.wanted:
                    _discard_request(pending)
                    return 0.0
                return _INTERVAL
            return self._on_finished(owner, pending, request)
        is_settled = self._clock() - pending.changed >= _PAUSE
        if pending.wanted != pending.shown and not is_settled:
            self._draft(owner, pending)
        elif is_settled:
            if pending.edits is not Edits.DISCARDED and _is_exact(owner, pending):
                self._settle(owner, pending)
                return None
            self._submit(owner, pending, is_draft=False)
        return _INTERVAL

    def _draft(self, owner: bpy.types.Object, pending: Pending) -> None:
        changed = _differences(pending.shown, pending.wanted)
        if changed <= _MOVES and pending.edits is not Edits.DISCARDED and _can_move(owner, pending.wanted):
            _move(owner, pending.shown, pending.wanted)
            is_draft = _is_draft(owner) or changed != {"field_of_view"} or not _is_plain_grid(pending.wanted)
            self._show(owner, pending, pending.wanted, camera_for(owner, pending.wanted), is_draft=is_draft)
        elif draft.is_quick(pending.wanted):
            self._submit(owner, pending, is_draft=True)

    def _submit(self, owner: bpy.types.Object, pending: Pending, *, is_draft: bool, source: bool = False) -> None:
        """Submits a job to the worker; does nothing while the worker processes photos."""
        from ..core.photo.hand_over import named_pictures
        from .photos import pixels
        from .scene import source as sources

        if state.current.run is not None:
            return
        settings = draft.draft_of(pending.wanted) if is_draft else pending.wanted
        folder = temporary.folder()
        try:
            message: dict[str, Any] = {
                "task": "reshape",
                "key": sources.key(owner),
                "settings": dataclasses.asdict(settings),
                "folder": str(folder),
            }
            pictures = list(named_pictures(Path(sources.name(owner)), settings)[1:])
            if source:
                written = sources.write(owner, folder)
                message["source"] = dataclasses.asdict(written)
                pictures.append(folder / written.photo)
            if state.current.is_bare:
                message["decoded"] = pixels.hand_over(pictures, settings.max_pixels, folder)
            pending.request = Request(self._worker().submit(message), folder, pending.wanted, is_draft, source)
        finally:
            if pending.request is None:
                shutil.rmtree(folder, ignore_errors=True)

    def _on_finished(self, owner: bpy.types.Object, pending: Pending, request: Request) -> float | None:
        """Takes the result of a finished job."""
        from ..core.camera.camera import Camera
        from ..worker import reshape_files

        pending.request = None
        try:
            result = request.job.wait()
            if result.get("missing"):
                is_draft = request.is_draft and draft.is_quick(pending.wanted)
                self._submit(owner, pending, is_draft=is_draft, source=True)
                return _INTERVAL
            camera = Camera(**result["camera"])
            _replace_mesh(owner, reshape_files.load(request.folder), camera, request.settings)
        finally:
            shutil.rmtree(request.folder, ignore_errors=True)
        pending.edits = Edits.NONE
        self._show(owner, pending, request.settings, camera, is_draft=request.is_draft)
        if request.is_draft or request.settings != pending.wanted:
            return 0.0
        self._settle(owner, pending)
        return None

    def _show(
        self, owner: bpy.types.Object, pending: Pending, settings: Settings, camera: Camera, *, is_draft: bool
    ) -> None:
        """Stores on the object the settings that its mesh now shows."""
        from ..core.camera.automatic import angle_words
        from .scene import camera as cameras
        from .scene import hand_made

        pending.shown, pending.needs_undo = settings, True
        if pending.resolved is not None and not pending.resolved.field_of_view.is_known:
            camera = replace(camera, source=angle_words(pending.resolved.field_of_view))
        users = reshaped.sharing(owner)
        cameras.own_data([eye for user in users if (eye := reshaped.own_camera_of(user)) is not None])
        for user in users:
            user[names.SETTINGS] = settings.to_json()
            if is_draft:
                user[names.DRAFT] = True
            else:
                user.pop(names.DRAFT, None)
            if pending.known is None:
                user.pop(names.KNOWN, None)
            else:
                user[names.KNOWN] = pending.known.to_json()
            if pending.resolved is not None:
                user[names.RESOLVED] = pending.resolved.to_json()
            _refit(user, camera, settings)
        hand_made.remember(owner.data)  # type: ignore[arg-type]
        interface.redraw()

    def _settle(self, owner: bpy.types.Object, pending: Pending) -> None:
        """Ends a change whose mesh is complete."""
        self._drop(owner.session_uid)
        if pending.makes_undo and pending.needs_undo:
            interface.push_undo("Reshape")
        interface.redraw()

    def _fail(self, owner: bpy.types.Object, sentence: str) -> None:
        self._drop(owner.session_uid)
        self.failure = sentence
        state.current.say(sentence, failed=True)
        interface.redraw()

    def _drop(self, uid: int) -> None:
        pending = self.pending.pop(uid, None)
        if pending is not None:
            _discard_request(pending)


def _in_numbers(
    owner: bpy.types.Object, wanted: Settings, changed: set[str], origin: Resolved | None
) -> tuple[Settings, Resolved | None]:
    """Returns the settings with distances and field of view in numbers, and where these come from.

    A value of 0 makes that setting automatic again, and with it the others that the user never set.
    Raises Mono3DError if the object's photo is gone.
    """
    from .scene import camera, source

    chosen = changed & _AUTOMATIC
    if all(getattr(wanted, name) for name in chosen):
        return wanted, origin and origin.decided_by_user(wanted, chosen)
    wishes = wanted if origin is None else origin.decided_by_user(wanted, chosen).wishes(wanted)
    found = source.resolve(owner, camera.stored(owner), wishes)
    return found.pinned_to(wanted), found


def camera_for(owner: bpy.types.Object, settings: Settings) -> Camera:
    """Returns the camera of an object's photo with these settings. Raises Mono3DError if its photo is gone."""
    from ..core.camera.field_of_view import photo_camera
    from .scene import camera, source

    eye = camera.stored(owner)
    return photo_camera((eye.width, eye.height), source.lens(owner), settings, is_panorama=eye.is_panorama)


def _discard_request(pending: Pending) -> None:
    request, pending.request = pending.request, None
    if request is not None:
        request.job.supersede()
        # The worker may still write to the folder; then the system removes it with its other temporary files.
        shutil.rmtree(request.folder, ignore_errors=True)


def _is_being_edited(owner: bpy.types.Object) -> bool:
    """Returns whether this or any window's active object is in a mode with an undo of its own, such as Edit Mode."""
    manager = bpy.context.window_manager
    active = [window.view_layer.objects.active for window in manager.windows] if manager else []
    return any(one is not None and one.mode != "OBJECT" for one in (owner, *active))


def _editing(owner: bpy.types.Object) -> str:
    return f"'{owner.name}' is being edited; leave Edit Mode first."


def _differences(one: Settings, other: Settings) -> set[str]:
    names_of = (item.name for item in dataclasses.fields(Settings))
    return {name for name in names_of if getattr(one, name) != getattr(other, name)}


def _is_plain_grid(settings: Settings) -> bool:
    """Returns whether the mesh is the plain grid of the depth map."""
    is_grid = settings.surface == "grid" and not settings.target_triangles and not settings.smooth
    return is_grid and settings.edges != "fill" and settings.solid == "off" and not settings.normal_map


def _is_draft(owner: bpy.types.Object) -> bool:
    return bool(owner.get(names.DRAFT))


def _is_exact(owner: bpy.types.Object, pending: Pending) -> bool:
    """Returns whether the mesh is the requested one and no draft."""
    return pending.wanted == pending.shown and not _is_draft(owner)


def _can_move(owner: bpy.types.Object, settings: Settings) -> bool:
    """Returns whether `_move` can follow the change: depth must be a function of disparity, near and far alone.

    That excludes a levelled scene, whose ground must be found again, and a sky that is evened out or cut out.
    """
    from .scene import camera, source

    eye = camera.stored(owner)
    is_plain = not eye.is_panorama and not eye.has_pose and not settings.level and not owner.get(names.NODES)
    return is_plain and settings.solid == "off" and settings.sky in ("auto", "keep") and not source.is_metric(owner)


def _move(owner: bpy.types.Object, before: Settings, after: Settings) -> None:
    """Moves the vertices along their rays to their positions with other distances and another field of view.

    Inverse depth is linear in disparity, so the new depth follows from the old one, whatever made the mesh. A sky
    beyond far stays as many times as far. Tears stay where they are.
    """
    import numpy as np

    from .scene import camera

    data: Any = owner.data
    if not len(data.vertices):
        return
    old, new = camera.stored(owner), camera_for(owner, after)
    before, after = strengthened(before), strengthened(after)
    places = np.empty((len(data.vertices), 3), dtype=np.float32)
    attribute = data.attributes["position"].data
    attribute.foreach_get("vector", places.reshape(-1))
    depth = places[:, 1].copy()
    slope = (1.0 / after.near - 1.0 / after.far) / (1.0 / before.near - 1.0 / before.far)
    inverse = (1.0 / depth - np.float32(1.0 / before.far)) * np.float32(slope) + np.float32(1.0 / after.far)
    moved = 1.0 / np.maximum(inverse, np.float32(0.01 / after.far))
    if before.sky == "auto":
        is_sky = depth > np.float32(_SKY * before.far)
        moved[is_sky] = depth[is_sky] * np.float32(after.far / before.far)
    share = moved / depth
    places[:, 0] *= share * np.float32(old.fx / new.fx)
    places[:, 1] = moved
    places[:, 2] *= share * np.float32(old.fy / new.fy)
    attribute.foreach_set("vector", places.reshape(-1))
    data.update()


def _replace_mesh(owner: bpy.types.Object, made: ReshapedMesh, camera: Camera, settings: Settings) -> None:
    from .scene import as_nodes, background_fill, images, mesh_data, restyle

    data: Any = owner.data
    trusted = settings.surface == "grid" and not settings.target_triangles and settings.solid == "off"
    if data.shape_keys is not None:
        owner.shape_key_clear()  # they hold old positions; the user agreed to discard edits
    mesh_data.fill(data, made.mesh, trusted=trusted, edges=made.edges, background_triangles=made.background_triangles)
    owners = reshaped.sharing(owner)
    if made.background_texture is not None:
        copy = _beside(owner, made.background_texture, settings, "behind_")
        background_fill.show(owners, owner.name, made.background_texture, settings, copy)
    if len(made.mesh.normals):
        mesh_data.set_normals(data, made.mesh.normals)
    if made.normal_map is not None:
        copy = _beside(owner, made.normal_map, settings, "normal_")
        relief = images.load(f"{owner.name} normal", made.normal_map, copy, "Non-Color")
        restyle.set_relief(owners, settings, relief)
    elif not settings.normal_map:
        restyle.set_relief(owners, settings, None)
    if made.depth is not None:
        as_nodes.show_anew(owners, made.depth, camera, settings)


def _beside(owner: bpy.types.Object, texture: Path, settings: Settings, kind: str) -> Path | None:
    """Returns the path for a texture beside the .blend file; None if it is packed."""
    from .scene import images

    if settings.pack_texture or not bpy.data.filepath:
        return None
    return images.beside(Path(bpy.data.filepath), owner.name, kind, texture.suffix)


def _refit(owner: bpy.types.Object, camera: Camera, settings: Settings) -> None:
    """Updates the camera stored on the object and its camera object."""
    import json

    from .scene import camera as cameras

    owner[names.CAMERA] = json.dumps(dataclasses.asdict(camera))
    eye = reshaped.own_camera_of(owner)
    if eye is not None:
        shown = strengthened(settings)
        cameras.refit(eye, camera, shown.near, shown.far)
