# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network measures, in Blender: from the button to the mesh, by a worker whose network tells the truth."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from numpy.typing import NDArray

from mono3d_addon.blender import state, workers
from mono3d_addon.blender.photos import running
from mono3d_addon.blender.scene import build as scene
from mono3d_addon.worker import client
from tests import exact_network as exact
from tests import exact_worker
from tests.blender.made import bpy
from tests.blender.worked import PYTHON, vertices
from tests.exact_files import ANGLE, BY_FOCAL, POINTS, files, true_sky, vertex_errors

pytestmark = [
    pytest.mark.usefixtures("registered"),
    pytest.mark.skipif(not PYTHON, reason="MONO3D_TEST_WORKER names no Python with the worker's packages"),
]
DETAIL = 320


@pytest.fixture(scope="module")
def exact_one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[client.Worker]:
    """A worker that has packages and whose networks make no errors."""
    data = tmp_path_factory.mktemp("exact")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "_START", exact_worker.START)
        made_worker = client.Worker("reconstruct", [], data / "worker.log", data, python=PYTHON)
        yield made_worker
        made_worker.stop()


@pytest.fixture
def values(exact_one: client.Worker, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The settings of the scene, with a worker whose networks make no errors."""
    monkeypatch.setattr(running, "worker", lambda: exact_one)
    monkeypatch.setattr(workers, "worker", lambda habits: exact_one)
    state.current.checked, state.current.offer, state.current.lacking = True, None, ""
    target = bpy.context.scene.mono3d
    target.detail, target.planes, target.edges, target.sky = DETAIL, False, "tear", "remove"
    return target


def generate(values: Any, folder: Path, model: str) -> Any:
    """Presses Generate and returns the mesh object."""
    given = files(folder, model)
    values.photo, values.model, values.weights = str(given.photo), model, str(given.weights)
    assert bpy.ops.mono3d.generate() == {"FINISHED"}
    return bpy.context.view_layer.objects.active


def places_of(owner: Any) -> NDArray[np.float32]:
    """Returns the vertices in the camera's frame. In Blender the camera looks along y, and z is up."""
    return vertices(owner)[:, [0, 2, 1]] * np.array([1, -1, 1], np.float32)


@pytest.mark.smoke
def test_metres_lens_and_sky_from_the_button(values: Any, tmp_path: Path) -> None:
    owner = generate(values, tmp_path, POINTS)
    eye = exact.eye(degrees=ANGLE)
    places = places_of(owner)
    assert np.quantile(vertex_errors(places, eye), 0.98) < 1e-3
    camera = next(one for one in owner.users_collection[0].objects if one.type == "CAMERA")
    assert math.degrees(camera.data.angle) == pytest.approx(ANGLE, abs=0.01)
    # The camera sees each vertex where the photo shows it.
    for index in range(0, len(places), len(places) // 50):
        seen = world_to_camera_view(bpy.context.scene, camera, owner.matrix_world @ owner.data.vertices[index].co)
        wanted = eye.project(places[index : index + 1])[0] / (eye.width, eye.height)
        assert (seen.x, 1.0 - seen.y) == pytest.approx(tuple(wanted), abs=1e-4)
    # Vertices beside the sky move by less than a cell; the truth is within one cell of them.
    rows, columns = DETAIL * 3 // 4, DETAIL
    cells = np.floor(eye.project(places) / (eye.width, eye.height) * (columns, rows)).astype(int)
    things = np.zeros((rows, columns), bool)
    things[np.clip(cells[:, 1], 0, rows - 1), np.clip(cells[:, 0], 0, columns - 1)] = True
    assert (things == true_sky(eye, rows, columns)).mean() < 0.01
    # Shaded by the network's normals: the floor's are even.
    assert owner.data.has_custom_normals
    words = " ".join(state.current.messages)
    assert "estimated 62 degrees" in words and "Distances: estimated" in words and POINTS in words


def test_sliders_and_known_distances_go_on_from_the_metres(values: Any, tmp_path: Path) -> None:
    owner = generate(values, tmp_path, POINTS)
    before, eye = scene.stored_settings(owner), exact.eye(degrees=ANGLE)
    assert bpy.ops.mono3d.reshape(near=2.0 * before.near, far=2.0 * before.far) == {"FINISHED"}
    assert np.quantile(vertex_errors(places_of(owner) / 2.0, eye), 0.98) < 1e-3
    assert owner.data.has_custom_normals
    # Two places, measured in the true scene, bring the truth back.
    places = places_of(owner)
    near_one, far_one = places[places[:, 2].argmin()], places[np.abs(places[:, 2] - 12.0).argmin()]
    wanted = [float(np.linalg.norm(place)) / 2.0 for place in (near_one, far_one)]
    first, second = (tuple(place[[0, 2, 1]] * np.array([1, 1, -1], np.float32)) for place in (near_one, far_one))
    done = bpy.ops.mono3d.known_distances(
        kind="CAMERA", first=first, second=second, first_distance=wanted[0], second_distance=wanted[1]
    )
    assert done == {"FINISHED"}
    assert np.quantile(vertex_errors(places_of(owner), eye), 0.98) < 3e-3


def test_a_known_lens_gives_metres_to_what_needs_it(values: Any, tmp_path: Path) -> None:
    values.field_of_view = math.radians(ANGLE)
    owner = generate(values, tmp_path, BY_FOCAL)
    assert np.quantile(vertex_errors(places_of(owner), exact.eye(degrees=ANGLE)), 0.98) < 1e-3
