# SPDX-License-Identifier: GPL-3.0-or-later
"""A real worker process, and an object that it made and reshapes. The fixtures are those of all tests here."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mono3d_addon.blender import state, workers
from mono3d_addon.blender.scene import build as scene
from mono3d_addon.core import reconstruction
from mono3d_addon.core.reconstruction import Reconstruction
from mono3d_addon.settings import Settings
from mono3d_addon.worker.client import Worker
from tests.blender.made import bpy

ROOT = Path(__file__).resolve().parents[2]
COFFEE = ROOT / "tests" / "photos" / "coffee.png"
PYTHON = os.environ.get("MONO3D_TEST_WORKER", "")
"""A Python with the worker's packages; tests/run.py names that of the part "core"."""
SMALL = Settings(detail=96, near=1.0, far=6.0, field_of_view=55.0, edges="tear")


@pytest.fixture(scope="session")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    folder = tmp_path_factory.mktemp("data")
    made_worker = Worker("reconstruct", [], folder / "worker.log", folder, python=PYTHON)
    yield made_worker
    made_worker.stop()


def result_of(worker: Worker, folder: Path, settings: Settings, photo: Path = COFFEE) -> Reconstruction:
    """Returns what the worker makes of a photo, written into a folder."""
    folder.mkdir(exist_ok=True)
    wishes = dataclasses.asdict(settings)
    worker.submit({"task": "reconstruct", "photo": str(photo), "settings": wishes, "folder": str(folder)}).wait()
    return reconstruction.load(folder)


@pytest.fixture(scope="session")
def reconstructed(worker: Worker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a photo's reconstruction with low detail."""
    folder = tmp_path_factory.mktemp("job")
    result_of(worker, folder, SMALL)
    return folder


def active(worker: Worker, result: Reconstruction, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Returns the object of a result, active, reshaped by the worker as by one of the add-on's own."""
    monkeypatch.setattr(workers, "worker", lambda habits: worker)
    state.current.checked = True
    built = scene.build(result, bpy.context.scene)
    bpy.context.view_layer.objects.active = built.mesh
    return built.mesh


@pytest.fixture
def cup(worker: Worker, reconstructed: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The mesh object of a photo, active."""
    return active(worker, reconstruction.load(reconstructed), monkeypatch)


def sliders() -> Any:
    return bpy.context.window_manager.mono3d_shape


def vertices(owner: Any) -> np.ndarray:
    """Returns the vertices of an object, float32 (n, 3)."""
    places = np.empty((len(owner.data.vertices), 3), np.float32)
    owner.data.vertices.foreach_get("co", places.reshape(-1))
    return places
