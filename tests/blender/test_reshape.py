# SPDX-License-Identifier: GPL-3.0-or-later
"""Reshaping objects in place, with a real worker process."""

from __future__ import annotations

import dataclasses
import json
import math
import subprocess
import time
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mathutils import Euler, Matrix, Vector

from mono3d_addon.blender import (
    known_distances,
    marks,
    names,
    reshape,
    reshape_operators,
    reshape_panel,
    setting_rows,
    state,
)
from mono3d_addon.blender.photos import running
from mono3d_addon.blender.scene import build as scene
from mono3d_addon.blender.scene import camera, hand_made, reshaped, source
from mono3d_addon.core import reconstruction
from mono3d_addon.core.camera import automatic
from mono3d_addon.core.camera.known_distances import KnownDistances, Sighting
from mono3d_addon.core.scene_guess import Guess, SceneGuess
from mono3d_addon.errors import Mono3DError
from mono3d_addon.settings import Settings
from mono3d_addon.worker import draft
from mono3d_addon.worker.client import Worker
from tests.blender import made, stand_in
from tests.blender.made import bpy
from tests.blender.worked import PYTHON, ROOT, SMALL, result_of, sliders, vertices

pytestmark = [
    pytest.mark.usefixtures("registered"),
    pytest.mark.skipif(not PYTHON, reason="MONO3D_TEST_WORKER names no Python with the worker's packages"),
]


def distance_beside(owner: Any, place: np.ndarray) -> float:
    """Returns the distance from the camera of the vertex that lies where `place` is seen."""
    places = vertices(owner)
    distances = np.linalg.norm(places, axis=1)
    return float(distances[(places @ place / distances).argmax()])


def as_worker_makes_it(worker: Worker, folder: Path, settings: Settings) -> np.ndarray:
    """Returns the vertices of a fresh reconstruction, in Blender's frame."""
    x, y, z = result_of(worker, folder, settings).scene_whole.vertices.T
    return np.stack([x, z, -y], axis=1)


def test_the_filled_background_follows_the_distances(cup: Any, worker: Worker, tmp_path: Path) -> None:
    front = len(vertices(cup))
    assert bpy.ops.mono3d.reshape(near=0.5, far=9.0, edges="fill") == {"FINISHED"}
    chosen = scene.stored_settings(cup)
    assert chosen == dataclasses.replace(SMALL, near=0.5, far=9.0, edges="fill")
    assert np.array_equal(vertices(cup), as_worker_makes_it(worker, tmp_path / "fresh", chosen))
    assert len(vertices(cup)) > 1.01 * front and len(cup.data.materials) == 2


@pytest.mark.smoke
def test_everything_but_the_mesh_stays(cup: Any, worker: Worker, tmp_path: Path) -> None:
    data, material = cup.data, cup.data.materials[0]
    material.name = "My own"
    modifier = cup.modifiers.new("Thick", "SOLIDIFY")
    empty = bpy.data.objects.new("Parent", None)
    cup.parent, cup.location, cup["mine"] = empty, (1.0, 2.0, 3.0), 7
    cup.data["note"] = "kept"
    images, meshes = len(bpy.data.images), len(bpy.data.meshes)
    name = data.name
    assert bpy.ops.mono3d.reshape(near=0.5, far=9.0, tear=0.1, detail=64) == {"FINISHED"}
    assert (cup.data, cup.data.name, cup.data.materials[0]) == (data, name, material)
    assert cup.modifiers[0] == modifier and cup.parent == empty and cup.location[:] == (1.0, 2.0, 3.0)
    assert cup["mine"] == 7 and cup.data["note"] == "kept"
    assert (len(bpy.data.images), len(bpy.data.meshes)) == (images, meshes)
    chosen = scene.stored_settings(cup)
    assert chosen == dataclasses.replace(SMALL, near=0.5, far=9.0, tear=0.1, detail=64)
    wanted = as_worker_makes_it(worker, tmp_path / "fresh", chosen)
    assert np.array_equal(vertices(cup), wanted)
    assert cup.data.uv_layers and cup.data.color_attributes and not cup.get(names.DRAFT)


@pytest.mark.parametrize(
    "values", [{"surface": "poisson", "poisson_depth": 5}, {"smooth": 3}, {"target_triangles": 2000}]
)
def test_other_surfaces_come_in_place_too(cup: Any, values: dict[str, Any]) -> None:
    before = len(cup.data.polygons)
    bpy.ops.mono3d.reshape(**values)
    for name, value in values.items():
        assert getattr(scene.stored_settings(cup), name) == value
    assert len(cup.data.polygons) > 500 and (len(cup.data.polygons) != before or "smooth" in values)
    assert not cup.data.validate()


def test_crop_leaves_the_rest_where_it_is(cup: Any) -> None:
    before = {tuple(place) for place in vertices(cup)}
    lens = camera.stored(cup)
    bpy.ops.mono3d.reshape(crop_left=30.0, crop_top=25.0, min_island=0.0)
    after = vertices(cup)
    assert 0.4 * len(before) < len(after) < 0.6 * len(before)
    assert len({tuple(place) for place in after} & before) > 0.98 * len(after)
    assert camera.stored(cup) == lens


def test_the_camera_follows_the_field_of_view(cup: Any, reconstructed: Path) -> None:
    eye = next(child for child in cup.children if child.type == "CAMERA")
    image = eye.data.background_images[0].image
    sliders().field_of_view = math.radians(80.0)
    assert eye.data.angle == pytest.approx(math.radians(80.0), abs=1e-5)
    assert (
        math.degrees(camera.stored(cup).field_of_view)
        == pytest.approx(80.0, abs=1e-4)
        == pytest.approx(math.degrees(camera.stored(eye).field_of_view), abs=1e-4)
    )
    assert eye.data.background_images[0].image == image
    sliders().field_of_view = 0.0
    wishes = dataclasses.replace(SMALL, field_of_view=0.0)
    found = automatic.resolve(wishes, reconstruction.load(reconstructed).scene).field_of_view
    angle = pytest.approx(math.degrees(found.value), abs=1e-3)
    assert scene.stored_settings(cup).field_of_view == angle and math.degrees(sliders().field_of_view) == angle
    assert camera.stored(cup).source == automatic.angle_words(found), "0 is automatic"


def test_lengths_are_in_the_units_of_the_scene(cup: Any) -> None:
    """Blender shows a length of one unit as `scale_length` metres: 50 units of a centimetre are 0.5 m."""
    units = bpy.context.scene.unit_settings
    units.system, units.scale_length = "METRIC", 0.01
    assert sliders().near == pytest.approx(100.0 * SMALL.near) and sliders().far == pytest.approx(100.0 * SMALL.far)
    sliders().near = 50.0
    assert scene.stored_settings(cup).near == 0.5 and sliders().near == pytest.approx(50.0)
    bpy.ops.mono3d.reshape(near=70.0)
    assert scene.stored_settings(cup).near == 0.7
    units.system = "NONE"
    assert sliders().near == pytest.approx(0.7), "there are no units"


def test_measured_distances_are_in_the_units_of_the_scene(cup: Any, reconstructed: Path) -> None:
    units = bpy.context.scene.unit_settings
    units.system, units.scale_length = "METRIC", 0.01
    owner = scene.build(reconstruction.load(reconstructed), bpy.context.scene).mesh
    bpy.context.view_layer.objects.active = owner
    bpy.context.view_layer.update()
    first, second = (
        tuple(vertices(owner)[number]) for number in (vertices(owner)[:, 1].argmin(), vertices(owner)[:, 1].argmax())
    )
    bpy.ops.mono3d.known_distances(
        kind="CAMERA", first=first, second=second, first_distance=60.0, second_distance=250.0
    )
    assert np.linalg.norm(vertices(owner), axis=1).min() == pytest.approx(0.6, rel=0.1)
    eye: Any = owner.children[0].data
    assert eye.clip_start < 60.0 and eye.clip_end > 250.0


def test_the_sliders_are_those_of_the_active_object(cup: Any, reconstructed: Path) -> None:
    bpy.context.scene.mono3d.near = 0.123
    other = scene.build(reconstruction.load(reconstructed), bpy.context.scene).mesh
    sliders().near = 0.7
    assert scene.stored_settings(cup).near == 0.7 and scene.stored_settings(other).near == 1.0
    bpy.context.view_layer.objects.active = other
    assert sliders().near == pytest.approx(1.0)
    sliders().tear = 0.2
    bpy.context.view_layer.objects.active = next(child for child in cup.children if child.type == "CAMERA")
    assert sliders().near == pytest.approx(0.7), "an active camera selects its mesh"
    assert (scene.stored_settings(cup).tear, scene.stored_settings(other).tear) == (SMALL.tear, 0.2)
    assert bpy.context.scene.mono3d.near == pytest.approx(0.123)
    bpy.context.view_layer.objects.active = None
    assert sliders().near == 0.0 and not bpy.ops.mono3d.reshape.poll()


def test_automatic_distances_are_numbers_that_sliders_go_on_from(cup: Any, reconstructed: Path) -> None:
    scene_guess = SceneGuess(Guess(0.4, 0.01), Guess(0.9, 0.01), Guess(1.1, 0.01))
    made = dataclasses.replace(reconstruction.load(reconstructed), settings=Settings(detail=96), scene=scene_guess)
    owner: Any = scene.build(made, bpy.context.scene).mesh
    bpy.context.view_layer.objects.active = owner
    first = scene.stored_settings(owner)
    assert (first.near, first.far, first.field_of_view) == pytest.approx((0.4, 0.9, 48.9), rel=0.01)
    assert reshaped.guess_words(owner) == "estimated 0.4 to 0.9 m" and sliders().near == pytest.approx(first.near)
    sliders().near = 0.3
    assert scene.stored_settings(owner) == dataclasses.replace(first, near=0.3), "far stays where it was"
    assert reshaped.guess_words(owner) == "near 0.3 m, set by you, far estimated 0.9 m"
    assert camera.stored(owner).source == "estimated 49 degrees" and 0.25 < vertices(owner)[:, 1].min() < 0.35
    sliders().near = 0.0
    assert scene.stored_settings(owner) == first and reshaped.guess_words(owner) == "estimated 0.4 to 0.9 m"
    sliders().near, sliders().far = 0.5, 2.0
    assert reshaped.guess_words(owner) == ""
    del owner[names.RESOLVED]
    sliders().near = 0.25
    assert scene.stored_settings(owner).far == 2.0, "an object of an earlier version"


def test_the_sky_that_a_network_told_stays_with_the_photo(cup: Any, reconstructed: Path, tmp_path: Path) -> None:
    """A worker that reads the photo from the object would have to guess it."""
    sky = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)
    for given in (sky, None):
        made = dataclasses.replace(reconstruction.load(reconstructed), sky=given)
        owner: Any = scene.build(made, bpy.context.scene).mesh
        written = source.write(owner, tmp_path).sky
        assert (written == "") == (given is None)
        if given is not None:
            assert np.array_equal(np.load(tmp_path / written), given)


def test_an_object_of_an_earlier_version_keeps_its_shape(cup: Any, worker: Worker, tmp_path: Path) -> None:
    """What its version could not do stays off."""
    stored = {**json.loads(cup[names.SETTINGS]), "sky": "keep", "tiles": False}
    del stored["planes"], cup[names.RESOLVED]
    cup[names.SETTINGS] = json.dumps(stored)
    before = dataclasses.replace(SMALL, planes=False, sky="keep", tiles="off")
    assert reshaped.stored_settings(cup) == before and not reshaped.stored_problems(cup)
    bpy.ops.mono3d.reshape(near=0.5)
    assert reshaped.stored_settings(cup) == dataclasses.replace(before, near=0.5)
    # Its disparity was made with tiles.
    now = dataclasses.replace(reshaped.stored_settings(cup), tiles="auto")
    wanted = as_worker_makes_it(worker, tmp_path / "fresh", now)
    np.testing.assert_allclose(vertices(cup), wanted, rtol=1e-5, atol=1e-6)


def test_meshes_that_are_shared_stay_one(cup: Any) -> None:
    twin = cup.copy()
    bpy.context.scene.collection.objects.link(twin)
    bpy.ops.mono3d.reshape(near=0.5)
    assert twin.data == cup.data and scene.stored_settings(twin) == scene.stored_settings(cup)


def test_values_that_contradict_each_other_change_nothing(cup: Any) -> None:
    before = vertices(cup)
    with pytest.raises(RuntimeError, match="Far"):
        bpy.ops.mono3d.reshape(near=9.0)
    sliders().near = 9.0
    assert any("Far" in line for line in state.current.messages) and sliders().near == pytest.approx(1.0)
    assert np.array_equal(vertices(cup), before)
    with pytest.raises(RuntimeError, match="empty mesh"):
        bpy.ops.mono3d.reshape(trim=100)
    assert np.array_equal(vertices(cup), before) and scene.stored_settings(cup) == SMALL


def test_undo_and_redo_keep_settings_and_mesh_together(cup: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    name = cup.name
    bpy.ops.ed.undo_push(message="Start")
    first = vertices(cup)
    sliders().near = 0.5
    second = vertices(cup)
    sliders().tear = 0.3
    third = vertices(cup)
    asked: list[Any] = []
    monkeypatch.setattr(worker_type := Worker, "submit", lambda self, request: asked.append(request))
    assert worker_type is Worker

    def now() -> Any:
        owner = bpy.data.objects[name]
        bpy.context.view_layer.objects.active = owner
        reshape_operators.advance()
        return owner

    for step, near, tear, places in (
        ("undo", 0.5, 0.04, second),
        ("undo", 1.0, 0.04, first),
        ("redo", 0.5, 0.04, second),
        ("redo", 0.5, 0.3, third),
    ):
        getattr(bpy.ops.ed, step)()
        owner = now()
        assert (sliders().near, sliders().tear) == (pytest.approx(near), pytest.approx(tear)), step
        assert np.array_equal(vertices(owner), places) and not hand_made.is_changed(owner)
    assert not asked


class Drag:
    """A slider that is dragged: advances the work step by step, as Blender's timer does, with a clock of its own."""

    def __init__(self, worker: Worker) -> None:
        self.time = 0.0
        self.jobs: list[dict[str, Any]] = []
        self.work = reshape.Reshaping(lambda: worker, lambda: self.time)
        state.current.reshaping = self.work
        submit = worker.submit

        def watched(request: dict[str, Any]) -> Any:
            self.jobs.append(request["settings"])
            return submit(request)

        self.watched = watched

    def until_done(self) -> None:
        end = time.monotonic() + 60
        while self.work.advance() is not None and time.monotonic() < end:
            time.sleep(0.005)
            self.time += 0.02


@pytest.fixture
def drag(cup: Any, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> Drag:
    made_drag = Drag(worker)
    monkeypatch.setattr(worker, "submit", made_drag.watched)
    return made_drag


def test_a_moving_slider_is_followed_at_once_and_meshed_once(cup: Any, drag: Drag) -> None:
    bpy.ops.ed.undo_push(message="Start")
    before = vertices(cup)
    for near in (0.9, 0.8, 0.7, 0.6):
        drag.work.change(cup, {"near": near})
        drag.work.advance()
        drag.time += 0.05
        moved = vertices(cup)
        assert moved[:, 1].min() < before[:, 1].min() and len(moved) == len(before)
        assert scene.stored_settings(cup).near == near and cup[names.DRAFT]
        before = moved
    assert drag.jobs == [], "only vertices have moved so far"
    drag.until_done()
    assert [job["near"] for job in drag.jobs if job["near"]] == [0.6] * len(drag.jobs) and len(drag.jobs) <= 2
    assert not cup.get(names.DRAFT) and drag.work.pending == {}
    name = cup.name
    bpy.ops.ed.undo()
    assert scene.stored_settings(bpy.data.objects[name]) == SMALL, "more than one undo step"


def test_drafts_are_coarse_and_the_last_value_wins(cup: Any, drag: Drag, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draft, "DETAIL", 32)
    drag.work.change(cup, {"tear": 0.1})
    drag.work.advance()
    drag.work.change(cup, {"tear": 0.2})
    drag.until_done()
    assert [job["tear"] for job in drag.jobs][-1] == 0.2
    assert drag.jobs[0]["detail"] == 32 and drag.jobs[-1]["detail"] == 96
    assert scene.stored_settings(cup) == dataclasses.replace(SMALL, tear=0.2)


def test_a_job_for_an_older_value_is_superseded_and_the_worker_stays(cup: Any, drag: Drag, worker: Worker) -> None:
    drag.work.change(cup, {"surface": "poisson", "poisson_depth": 6})
    drag.time += 1.0
    drag.work.advance()
    process = worker.process_id
    job = drag.work.of(cup).request.job  # type: ignore[union-attr]
    drag.work.change(cup, {"surface": "grid"})
    drag.work.advance()
    assert job.state == "cancelled"
    drag.until_done()
    assert worker.process_id == process and scene.stored_settings(cup).surface == "grid"


def test_the_field_of_view_needs_no_job(cup: Any, drag: Drag, worker: Worker, tmp_path: Path) -> None:
    drag.work.change(cup, {"field_of_view": 80.0})
    drag.until_done()
    assert drag.jobs == [] and not cup.get(names.DRAFT)
    wanted = as_worker_makes_it(worker, tmp_path / "fresh", dataclasses.replace(SMALL, field_of_view=80.0))
    np.testing.assert_allclose(vertices(cup), wanted, rtol=1e-5, atol=1e-6)


def test_moved_vertices_lie_where_the_mesh_will_be(cup: Any, drag: Drag, worker: Worker, tmp_path: Path) -> None:
    """Without tears and sharpening the draft equals the result."""
    flat = dataclasses.replace(SMALL, tear=0.0)
    drag.work.change(cup, {"tear": 0.0})
    drag.until_done()
    changes: dict[str, Any] = {"near": 2.0, "far": 40.0, "field_of_view": 30.0}
    for changes["depth_strength"] in (1.0, 0.4, 1.5):
        drag.work.change(cup, changes)
        drag.work.advance()
        wanted = as_worker_makes_it(worker, tmp_path / "fresh", dataclasses.replace(flat, **changes))
        np.testing.assert_allclose(vertices(cup), wanted, rtol=2e-5)


def test_undo_in_mid_drag_takes_the_draft_back(cup: Any, drag: Drag) -> None:
    name = cup.name
    bpy.ops.ed.undo_push(message="Start")
    bpy.ops.ed.undo_push(message="Something else")
    before = vertices(cup)
    drag.work.change(cup, {"near": 0.5})
    drag.work.advance()
    assert not np.array_equal(vertices(cup), before)
    bpy.ops.ed.undo()
    owner = bpy.data.objects[name]
    assert np.array_equal(vertices(owner), before) and scene.stored_settings(owner) == SMALL
    assert drag.work.pending == {} and drag.work.advance() is None


def test_nothing_changes_during_a_render(cup: Any, drag: Drag, monkeypatch: pytest.MonkeyPatch) -> None:
    before = vertices(cup)
    monkeypatch.setattr(running, "is_rendering", lambda: True)
    drag.work.change(cup, {"near": 0.5})
    assert reshape_operators.advance() and np.array_equal(vertices(cup), before) and drag.jobs == []
    monkeypatch.setattr(running, "is_rendering", lambda: False)
    reshape_operators.advance()
    assert not np.array_equal(vertices(cup), before)


@pytest.mark.parametrize("ending", ["undone", "kept", "stopped", "done"])
def test_only_a_followed_change_of_the_mesh_becomes_an_undo_step(cup: Any, drag: Drag, ending: str) -> None:
    """Another step after an undo would discard what can be redone."""
    operator = stand_in.followed(reshape_operators.MONO3D_OT_remesh)
    context = bpy.context
    operator.begin(context)
    assert operator.modal(context, types.SimpleNamespace(type="TIMER", value="NOTHING")) == {"PASS_THROUGH"}
    event = types.SimpleNamespace(type="TIMER", value="NOTHING")
    if ending == "undone":
        reshape_operators._before_undo()
    elif ending == "kept":
        bpy.ops.mono3d.keep_shape()
    elif ending == "stopped":
        event = types.SimpleNamespace(type="ESC", value="PRESS")
    else:
        drag.until_done()
    assert operator.modal(context, event) == ({"FINISHED"} if ending == "done" else {"CANCELLED"})
    assert not operator.reported


def test_a_draft_that_was_undone_is_no_further_step(cup: Any, drag: Drag) -> None:
    operator = stand_in.followed(reshape_operators.MONO3D_OT_remesh)
    drag.work.change(cup, {"near": 0.5})
    drag.work.advance()
    operator._uid, operator._under_way = cup.session_uid, drag.work.of(cup)
    assert operator.has_changed()
    reshape_operators._before_undo()
    assert not operator.has_changed()


def test_saved_and_opened_again_it_needs_neither_photo_nor_cache(
    cup: Any, worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cup[names.PHOTO] = "/nowhere/coffee.png"
    bpy.ops.mono3d.reshape(near=0.5)
    expected, name = vertices(cup), cup.name
    bpy.ops.mono3d.reshape(near=1.0)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "cup.blend"))
    code = f"""
import sys, pathlib
sys.path.insert(0, {str(ROOT)!r})
import bpy, numpy, mono3d_addon
from mono3d_addon.blender import state, workers
from mono3d_addon.worker import draft
from mono3d_addon.worker.client import Worker
mono3d_addon.register()
bpy.ops.wm.open_mainfile(filepath={str(tmp_path / "cup.blend")!r})
folder = pathlib.Path({str(tmp_path)!r})
worker = Worker("reconstruct", [], folder / "w.log", folder / "empty", python={PYTHON!r})
workers.worker = lambda habits: worker
state.current.checked = True
bpy.context.view_layer.objects.active = bpy.data.objects[{name!r}]
print(bpy.ops.mono3d.reshape(near=0.5))
data = bpy.context.active_object.data
places = numpy.empty((len(data.vertices), 3), numpy.float32)
data.vertices.foreach_get("co", places.reshape(-1))
numpy.save(folder / "places.npy", places)
worker.stop()
import os; os._exit(0)
"""
    import sys

    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert "FINISHED" in answer.stdout, answer.stdout + answer.stderr
    assert np.array_equal(np.load(tmp_path / "places.npy"), expected)


def test_appended_it_can_be_shaped_and_linked_it_says_why_not(cup: Any, worker: Worker, tmp_path: Path) -> None:
    name, file = cup.name, str(tmp_path / "cup.blend")
    bpy.ops.wm.save_as_mainfile(filepath=file)
    for link in (False, True):
        bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
        with bpy.data.libraries.load(file, link=link) as (_, wanted):
            wanted.objects = [name]
        owner = wanted.objects[0]
        bpy.context.scene.collection.objects.link(owner)
        bpy.context.view_layer.objects.active = owner
        if link:
            assert not bpy.ops.mono3d.reshape.poll()
            with pytest.raises(Mono3DError, match="Make Local"):
                reshape_operators.reshaping().change(owner, {"near": 0.5})
            sliders().near = 0.5
            assert scene.stored_settings(owner).near == 1.0
        else:
            assert bpy.ops.mono3d.reshape(near=0.5) == {"FINISHED"}


def test_a_photo_that_is_gone_is_one_sentence(cup: Any, worker: Worker, tmp_path: Path) -> None:
    worker.stop()  # it still has the photo in memory
    image = source.image_of(cup)
    image.unpack(method="REMOVE")
    image.filepath_raw = str(tmp_path / "gone.png")
    with pytest.raises(RuntimeError, match=r"photo of '.*' is gone.*gone\.png"):
        bpy.ops.mono3d.reshape(near=0.5)
    assert scene.stored_settings(cup) == SMALL
    bpy.data.images.remove(image)
    assert not bpy.ops.mono3d.reshape.poll()
    with pytest.raises(Mono3DError, match="generate it again"):
        reshape_operators.reshaping().change(cup, {"near": 0.5})


def test_an_older_object_without_disparity_is_one_sentence(cup: Any) -> None:
    del cup[names.IMAGE]
    with pytest.raises(Mono3DError, match="generate it again"):
        reshape_operators.reshaping().change(cup, {"near": 0.5})


def test_a_mesh_changed_by_hand_is_not_overwritten_silently(cup: Any, drag: Drag) -> None:
    cup.data.vertices[5].co.x += 0.25
    mine = vertices(cup)
    drag.work.change(cup, {"tear": 0.2})
    drag.time += 1.0
    drag.work.advance()
    assert drag.jobs == [] and np.array_equal(vertices(cup), mine)
    blocked = drag.work.of(cup)
    assert blocked is not None and blocked.edits is reshape.Edits.FOUND and drag.work.advance() is None
    assert bpy.ops.mono3d.keep_shape() == {"FINISHED"} and drag.work.of(cup) is None
    assert scene.stored_settings(cup) == SMALL
    with pytest.raises(RuntimeError, match="by hand"):
        bpy.ops.mono3d.reshape(tear=0.2)
    assert np.array_equal(vertices(cup), mine)
    assert bpy.ops.mono3d.remesh() == {"FINISHED"}
    assert not np.array_equal(vertices(cup), mine)
    assert bpy.ops.mono3d.reshape(tear=0.2) == {"FINISHED"}


@pytest.mark.parametrize("work", ["weights", "attribute", "shape key", "uv"])
def test_other_work_on_the_mesh_counts_as_well(cup: Any, work: str) -> None:
    if work == "weights":
        cup.vertex_groups.new(name="Mine")
    elif work == "attribute":
        cup.data.attributes.new("mine", "FLOAT", "POINT")
    elif work == "shape key":
        cup.shape_key_add(name="Basis")
    else:
        cup.data.uv_layers.new(name="Second")
    with pytest.raises(RuntimeError, match="by hand"):
        bpy.ops.mono3d.reshape(tear=0.2)


def test_a_re_mesh_leaves_no_shape_keys_of_the_mesh_before(cup: Any) -> None:
    """They hold positions of the old vertices, which would be shown instead of those of the new mesh."""
    cup.shape_key_add(name="Basis")
    cup.shape_key_add(name="Mine").data[7].co.x += 0.5
    count = len(cup.data.vertices)
    with pytest.raises(RuntimeError, match="by hand"):
        bpy.ops.mono3d.reshape(detail=64)
    assert len(cup.data.shape_keys.key_blocks) == 2 and len(cup.data.vertices) == count
    assert bpy.ops.mono3d.remesh() == {"FINISHED"}
    assert bpy.ops.mono3d.reshape(detail=64) == {"FINISHED"}, "edits by hand are left"
    assert cup.data.shape_keys is None and not bpy.data.shape_keys
    shown = cup.evaluated_get(bpy.context.evaluated_depsgraph_get())
    assert len(shown.data.vertices) == len(cup.data.vertices) < count
    assert np.array_equal(vertices(shown), vertices(cup))


def test_in_edit_mode_nothing_happens_until_it_is_left(cup: Any, drag: Drag) -> None:
    before = vertices(cup)
    bpy.ops.object.mode_set(mode="EDIT")
    drag.work.change(cup, {"near": 0.5})
    for _ in range(3):
        drag.time += 1.0
        assert drag.work.advance() is not None
    assert drag.jobs == [] and scene.stored_settings(cup) == SMALL
    reshape_panel.draw_state(layout := stand_in.Layout(), cup)
    assert layout.texts == ["Waits for Object Mode"] and layout.operators == ["mono3d.keep_shape"]
    with pytest.raises(RuntimeError, match="leave Edit Mode"):
        bpy.ops.mono3d.reshape(near=0.6)
    drag.work.change(cup, {"near": 0.5})
    bpy.ops.object.mode_set(mode="OBJECT")
    assert np.array_equal(vertices(cup), before) and not hand_made.is_changed(cup), "entering Edit Mode is no change"
    drag.until_done()
    assert scene.stored_settings(cup).near == 0.5


def test_the_panel_reads_and_computes_nothing(cup: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from unittest.mock import Mock

    state.current.checked = True
    monkeypatch.setattr(Settings, "from_json", classmethod(lambda cls, text: pytest.fail("parsed while drawing")))
    reshaped._parsed.cache_clear()
    layout = Mock()
    reshape_panel.draw_state(layout, cup)
    manager: Any = bpy.context.window_manager
    setting_rows.draw(layout, manager.mono3d_shape, ("near", "surface"))
    assert layout.operator.call_args.args == ("mono3d.remesh",)
    assert [call.args[1] for call in layout.column.return_value.prop.call_args_list] == ["near", "surface"]


def test_the_panel_for_distances_says_whether_the_mesh_is_metric(cup: Any) -> None:
    from unittest.mock import Mock

    layout = Mock()
    known_distances.MONO3D_PT_known_distances.draw(Mock(layout=layout), bpy.context)
    assert [call.args[0] for call in layout.operator.call_args_list] == ["mono3d.pick_distances"]
    cup[names.KNOWN] = KnownDistances(Sighting(1.0, 2.0, 0.9), Sighting(3.0, 4.0, 0.1), (1.5,)).to_json()
    known_distances.MONO3D_PT_known_distances.draw(Mock(layout=layout), bpy.context)
    assert layout.column.return_value.label.call_args_list[0].kwargs["text"].startswith("Metric: two points 1.5 m")


def test_from_a_photo_to_another_shape_the_worker_remembers(
    registered: None, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "worker", lambda: worker)
    bpy.context.scene.mono3d.photo = str(ROOT / "tests" / "photos" / "coffee.png")
    bpy.context.scene.mono3d.detail = 80
    assert bpy.ops.mono3d.generate() == {"FINISHED"}
    made_one = bpy.context.view_layer.objects.active
    monkeypatch.setattr(source, "write", lambda *values: pytest.fail("the photo was sent again"))
    sliders().near = 0.5
    assert scene.stored_settings(made_one).near == 0.5 and vertices(made_one)[:, 1].min() < 0.6


def test_two_distances_from_the_camera_make_it_metric(cup: Any) -> None:
    # Sharp edges shift a little with the distances.
    bpy.ops.mono3d.reshape(edge_aware=False, depth_strength=0.5)
    places = vertices(cup)
    near_one, far_one = places[places[:, 1].argmin()], places[places[:, 1].argmax()]
    done = bpy.ops.mono3d.known_distances(
        kind="CAMERA", first=near_one, second=far_one, first_distance=0.42, second_distance=1.7
    )
    assert done == {"FINISHED"} and "0.42 m and 1.7 m away" in reshaped.metric_words(cup)
    assert distance_beside(cup, near_one) == pytest.approx(0.42, rel=1e-5)
    assert distance_beside(cup, far_one) == pytest.approx(1.7, rel=1e-5)
    before = scene.stored_settings(cup)
    assert before.depth_strength == 1.0, "what is measured is not exaggerated"
    bpy.ops.mono3d.reshape(detail=80)
    assert (scene.stored_settings(cup).near, scene.stored_settings(cup).far) == (before.near, before.far)
    bpy.ops.mono3d.reshape(field_of_view=math.radians(80.0))
    known = reshaped.known_distances(cup)
    assert known is not None and known.distances == pytest.approx((0.42, 1.7))
    now, eye = scene.stored_settings(cup), camera.stored(cup)
    assert now.near != before.near, "the same distances along other rays need another near"
    seen = [math.hypot(*one.point(eye, now.near, now.far)) for one in (known.first, known.second)]
    assert seen == pytest.approx([0.42, 1.7], rel=1e-6)
    bpy.ops.mono3d.reshape(depth_strength=1.2)
    assert reshaped.metric_words(cup) == "", "setting the depth must discard the measured distances"


def test_a_distance_between_two_selected_vertices_scales(cup: Any) -> None:
    places = vertices(cup)
    one, two = int(places[:, 0].argmin()), int(places[:, 0].argmax())
    settings = scene.stored_settings(cup)
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="DESELECT")
    bpy.ops.object.mode_set(mode="OBJECT")
    for number in (one, two):
        cup.data.vertices[number].select = True
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mono3d.known_distances(kind="BETWEEN", apart=2.5)
    assert cup.mode == "OBJECT" and "2.5 m apart" in reshaped.metric_words(cup)
    now = scene.stored_settings(cup)
    assert now.far / now.near == pytest.approx(settings.far / settings.near)
    places = vertices(cup)
    assert np.linalg.norm(places[places[:, 0].argmin()] - places[places[:, 0].argmax()]) == pytest.approx(2.5, rel=1e-4)
    assert bpy.ops.mono3d.forget_distances() == {"FINISHED"} and reshaped.metric_words(cup) == ""


def test_two_empties_beside_a_scaled_object_do_too(cup: Any) -> None:
    cup.scale, cup.location = (2.0, 2.0, 2.0), (5.0, 0.0, 1.0)
    bpy.context.view_layer.update()
    bpy.ops.mono3d.reshape(edge_aware=False)  # sharp edges shift a little with the distances
    places = vertices(cup)
    near_one, far_one = places[places[:, 1].argmin()], places[places[:, 1].argmax()]
    for place in (near_one, far_one):
        empty = bpy.data.objects.new("Mark", None)
        bpy.context.scene.collection.objects.link(empty)
        empty.location = cup.matrix_world @ made.vector(place)
        empty.select_set(True)
    bpy.context.view_layer.update()
    bpy.ops.mono3d.known_distances(kind="CAMERA", first_distance=0.9, second_distance=4.0)
    assert 2.0 * distance_beside(cup, near_one) == pytest.approx(0.9, rel=1e-5)
    assert 2.0 * distance_beside(cup, far_one) == pytest.approx(4.0, rel=1e-5)


@pytest.mark.parametrize(("distances", "words"), [((4.0, 1.0), "swap the two"), ((1.0, 100.0), "behind the camera")])
def test_impossible_distances_change_nothing(cup: Any, distances: tuple[float, float], words: str) -> None:
    before = vertices(cup)
    order = before[:, 1].argsort()
    near_one, far_one = before[order[0]], before[order[len(order) // 2]]
    with pytest.raises(RuntimeError, match=words):
        bpy.ops.mono3d.known_distances(
            kind="CAMERA", first=near_one, second=far_one, first_distance=distances[0], second_distance=distances[1]
        )
    assert np.array_equal(vertices(cup), before) and not cup.get(names.KNOWN)
    with pytest.raises(RuntimeError, match="Pick two points"):
        bpy.ops.mono3d.known_distances(kind="CAMERA")


@pytest.mark.parametrize("kind", ["CAMERA", "BETWEEN"])
def test_distances_of_what_is_scaled_to_nothing_are_one_sentence(cup: Any, kind: str) -> None:
    places = vertices(cup)
    near_one, far_one = places[places[:, 1].argmin()], places[places[:, 1].argmax()]
    cup.scale = (1.0, 0.0, 1.0)
    bpy.context.view_layer.update()
    with pytest.raises(RuntimeError, match=r"scaled to 0"):
        bpy.ops.mono3d.known_distances(kind=kind)
    with pytest.raises(RuntimeError, match=r"scaled to 0"):
        bpy.ops.mono3d.known_distances(kind=kind, first=near_one, second=far_one)
    with pytest.raises(Mono3DError, match=r"scaled to 0"):
        known_distances._hit(Region(Vector()), cup, (50.0, 50.0))


@pytest.fixture
def broken_camera(cup: Any) -> Any:
    """An object from a version with other fields of the camera."""
    for one in (cup, *cup.children):
        one[names.CAMERA] = json.dumps({**json.loads(one[names.CAMERA]), "shutter": 0.01})
    return cup


def test_a_camera_of_another_version_is_one_sentence(broken_camera: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError, match=r"camera stored on .* another version"):
        bpy.ops.mono3d.look_through_camera()
    told: list[str] = []
    asking = types.SimpleNamespace(report=lambda kind, sentence: told.append(sentence))
    asking._points = lambda context, owner: (Vector(), Vector())
    monkeypatch.setattr(known_distances, "bpy", types.SimpleNamespace(app=types.SimpleNamespace(background=False)))
    invoke: Any = known_distances.MONO3D_OT_known_distances.invoke
    assert invoke(asking, bpy.context, None) == {"CANCELLED"} and "another version" in told[0]


class Region:
    """A region of a 3D view, 100 x 100 pixels, that looks from a point along +Y with a field of view of 90 degrees."""

    width = height = 100

    def __init__(self, place: Any) -> None:
        view = Euler((math.pi / 2, 0.0, 0.0)).to_matrix().to_4x4()
        view.translation = place
        view.invert()
        lens = Matrix(((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, -1, -0.02), (0, 0, -1, 0)))
        self.data = types.SimpleNamespace(is_perspective=True, view_matrix=view, perspective_matrix=lens @ view)
        self.x = self.y = 0


def test_in_quad_view_a_click_goes_where_its_own_part_looks(cup: Any) -> None:
    bpy.context.view_layer.update()
    straight, away = (known_distances._hit(Region(Vector((x, 0.0, 0.0))), cup, (50.0, 50.0)) for x in (0.0, 100.0))
    assert straight is not None and straight[:1] + straight[2:] == pytest.approx((0.0, 0.0), abs=1e-4)
    assert away is None, "hit, though it looks past the mesh"
    cup.hide_viewport = True
    bpy.context.view_layer.update()
    assert known_distances._hit(Region(Vector()), cup, (50.0, 50.0)) is None


class Picking:
    """The running operator Pick Two Points: `click` simulates a click that hits the mesh, `told` are its reports."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.told: list[str] = []
        self.asked: list[tuple[Any, Any]] = []
        self.hit: list[Any] = []
        self.cls: Any = known_distances.MONO3D_OT_pick_distances
        self._points: list[Any] = []

        def hit(region: Any, owner: Any, place: Any) -> tuple[float, float, float]:
            self.hit.append(owner)
            return (float(len(self.hit)), 0.0, 0.0)

        monkeypatch.setattr(known_distances, "_hit", hit)
        monkeypatch.setattr(known_distances, "_region_under", lambda context, event: Region(Vector()))
        self.really_ask = known_distances._ask_for_distances
        monkeypatch.setattr(known_distances, "_ask_for_distances", self.ask)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.cls, name)
        return types.MethodType(found, self) if isinstance(found, types.FunctionType) else found

    def ask(self, *points: Any) -> None:
        self.asked.append(points)

    def report(self, kind: Any, sentence: str) -> None:
        self.told.append(sentence)

    def click(self) -> Any:
        event = types.SimpleNamespace(type="LEFTMOUSE", value="PRESS", mouse_x=5, mouse_y=5)
        return self.cls.modal(self, bpy.context, event)


def test_both_points_are_of_the_mesh_that_was_clicked_first(
    cup: Any, reconstructed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = scene.build(reconstruction.load(reconstructed), bpy.context.scene).mesh
    picking = Picking(monkeypatch)
    assert picking.click() == {"RUNNING_MODAL"}
    bpy.context.view_layer.objects.active = other
    assert picking.click() == {"FINISHED"}
    assert picking.hit == [cup, cup] and bpy.context.view_layer.objects.active == cup
    assert picking.asked == [((1.0, 0.0, 0.0), (2.0, 0.0, 0.0))]


def test_a_mesh_that_is_gone_between_two_clicks_is_one_sentence(cup: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    picking = Picking(monkeypatch)
    picking.click()
    bpy.data.objects.remove(cup)
    assert picking.click() == {"CANCELLED"} and "first point is gone" in picking.told[0]
    assert marks.picked.points == [] and not picking.asked


def test_a_mesh_that_left_the_scene_between_two_clicks_is_too(cup: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    picking = Picking(monkeypatch)
    picking.click()
    cup.users_collection[0].objects.unlink(cup)
    assert picking.click() == {"CANCELLED"} and "first point is gone" in picking.told[0]
    assert marks.picked.points == [] and not picking.asked


def test_what_the_dialogue_refuses_ends_the_picking_with_its_sentence(
    broken_camera: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    picking = Picking(monkeypatch)
    monkeypatch.setattr(known_distances, "_ask_for_distances", picking.really_ask)
    picking.click()
    assert picking.click() == {"CANCELLED"}
    assert len(picking.told) == 1 and picking.told[0].startswith("The camera stored on"), picking.told
    assert marks.picked.points == []


@pytest.mark.parametrize("clicks", [0, 1])
def test_generate_pressed_while_points_are_picked_ends_that(
    cup: Any, clicks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    picking = Picking(monkeypatch)
    for _ in range(clicks):
        picking.click()
    monkeypatch.setattr(state.current, "run", types.SimpleNamespace(cancel=lambda: None))
    assert picking.click() == {"CANCELLED"}
    assert picking.told == ["A photo is being processed; wait for it or cancel it."]
    assert marks.picked.points == [] and not picking.asked


def test_what_the_image_carries_is_what_the_network_gave(cup: Any, reconstructed: Path, tmp_path: Path) -> None:
    result = reconstruction.load(reconstructed)
    written = source.write(cup, tmp_path)
    assert np.array_equal(np.load(tmp_path / written.disparity), result.disparity)
    assert (tmp_path / written.photo).read_bytes() == result.texture.read_bytes()
    assert written.mask == "" and source.key(cup) == result.photo_key
    mask = np.arange(35).reshape(5, 7) % 3 == 0
    source.store(source.image_of(cup), dataclasses.replace(result, mask=mask))
    assert np.array_equal(np.load(tmp_path / source.write(cup, tmp_path).mask), mask)
    assert json.loads(cup[names.SETTINGS])["detail"] == 96


def test_a_sky_far_behind_moves_with_far(cup: Any) -> None:
    """Its vertices lie at 4 times far, which no linear map of inverse depth keeps."""
    data = cup.data
    places = vertices(cup)
    places[:3] *= (24.0 / places[:3, 1])[:, None]
    data.attributes["position"].data.foreach_set("vector", places.ravel())
    reshape._move(cup, SMALL, dataclasses.replace(SMALL, near=2.0, far=10.0))
    moved = vertices(cup)
    np.testing.assert_allclose(moved[:3], places[:3] * np.float32(40.0 / 24.0), rtol=1e-5)
    # One percent of the photo may lie beyond far.
    assert moved[3:, 1].max() < 12.0
