# SPDX-License-Identifier: GPL-3.0-or-later
"""A run with a runner that only notes what it is asked: pixels decoded by the caller, scenes beside exports."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mono3d_addon.core.stages import Progress
from mono3d_addon.errors import Mono3DError
from mono3d_addon.run.in_folder import FolderResults
from mono3d_addon.run.loop import run
from mono3d_addon.run.photos import PhotoTask
from mono3d_addon.run.report import Record
from mono3d_addon.run.target import target_of
from mono3d_addon.settings import RunOptions, Settings


class Job:
    """A job that is done at once."""

    state, stage, fraction, error = "done", "", 1.0, ""

    def __init__(self, request: Mapping[str, Any]) -> None:
        self.result = {
            name: request.get(name, {}) for name in ("folder", "counts", "seconds", "camera", "distances", "notes")
        } | {"model": "", "engine": ""}

    def wait(self, on_progress: Progress | None = None) -> dict[str, Any]:
        return self.result


class Runner:
    """Notes requests, and whether the pixels that they hand over are there."""

    log = Path()

    def __init__(self) -> None:
        self.requests: list[Mapping[str, Any]] = []
        self.pixels: list[str] = []

    def for_photos(self, name: str) -> Runner:
        return self

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def submit(self, request: Mapping[str, Any]) -> Job:
        self.requests.append(request)
        self.pixels += [Path(place).read_text() for place in request["decoded"].values()]
        return Job(request)


class Quiet:
    """Shows nothing and writes no scene."""

    def progress(self, task: PhotoTask, stage: str, fraction: float) -> None: ...

    def finished(self, task: PhotoTask, record: Record) -> None: ...

    def write(self, folder: Path, blend: Path) -> dict[str, float]:
        return {}

    def close(self) -> None: ...


@pytest.fixture
def tasks(tmp_path: Path) -> list[PhotoTask]:
    names = ("a", "b", "c")
    for name in names:
        (tmp_path / f"{name}.jpg").write_bytes(name.encode())
    (tmp_path / "out").mkdir()
    return [PhotoTask(tmp_path / f"{name}.jpg", name) for name in names]


def process(tasks: list[PhotoTask], tmp_path: Path, decode: Any) -> tuple[Any, list[Record]]:
    options = RunOptions(output=str(tmp_path / "out"), format=("ply",), preview="off")
    runner: Any = Runner()
    quiet: Any = Quiet()
    records: list[Record] = []
    results = FolderResults(target_of(options), Settings())
    run(tasks, Settings(), results, runner, quiet, quiet, lambda _, record: records.append(record), decode=decode)
    return runner, records


def test_pixels_are_decoded_in_the_calling_thread_and_removed_in_the_end(
    tasks: list[PhotoTask], tmp_path: Path
) -> None:
    folders: list[Path] = []

    def decode(photo: Path, settings: Settings, folder: Path) -> dict[str, str]:
        assert threading.current_thread() is threading.main_thread()
        folders.append(folder)
        (folder / "pixels.npy").write_text(photo.name)
        return {str(photo): str(folder / "pixels.npy")}

    runner, records = process(tasks, tmp_path, decode)
    assert [record.status for record in records] == ["done"] * 3
    assert runner.pixels == ["a.jpg", "b.jpg", "c.jpg"]
    assert [list(request["decoded"]) for request in runner.requests] == [
        [request["photo"]] for request in runner.requests
    ]
    assert not any(request["ahead"] for request in runner.requests), "nobody decodes these for the runner"
    assert len(folders) == 3 and not any(folder.exists() for folder in folders)


def test_a_photo_that_cannot_be_decoded_stops_no_other(tasks: list[PhotoTask], tmp_path: Path) -> None:
    def decode(photo: Path, settings: Settings, folder: Path) -> dict[str, str]:
        if photo.stem == "b":
            raise Mono3DError("'b.jpg' is damaged or cut off; copy it again.")
        return {}

    runner, records = process(tasks, tmp_path, decode)
    assert [record.status for record in records] == ["done", "failed", "done"]
    assert records[1].message == "'b.jpg' is damaged or cut off; copy it again." and len(runner.requests) == 2


def test_an_interrupt_leaves_no_pixels(tasks: list[PhotoTask], tmp_path: Path) -> None:
    folders: list[Path] = []

    def decode(photo: Path, settings: Settings, folder: Path) -> dict[str, str]:
        folders.append(folder)
        if photo.stem == "b":
            raise KeyboardInterrupt
        return {}

    with pytest.raises(KeyboardInterrupt):
        process(tasks, tmp_path, decode)
    assert len(folders) == 2 and not any(folder.exists() for folder in folders)


def test_a_run_that_decodes_nothing_looks_ahead(tasks: list[PhotoTask], tmp_path: Path) -> None:
    runner, _ = process(tasks, tmp_path, None)
    assert [len(request["ahead"]) for request in runner.requests] == [2, 1, 0]
    assert all(request["decoded"] == {} for request in runner.requests)
    assert not any(request["save"] for request in runner.requests), "only a scene needs the arrays"


class ExportingJob(Job):
    """A job whose reconstruction is saved and whose exports wait for `scene`, if the reconstruction does not fail."""

    def __init__(self, request: Mapping[str, Any], scene: threading.Event, failure: str) -> None:
        super().__init__(request)
        self._scene, self._failure = scene, failure

    def wait(self, on_progress: Progress | None = None) -> dict[str, Any]:
        assert on_progress is not None
        on_progress("Building the mesh", 0.5)
        if self._failure == "reconstruction":
            raise Mono3DError("The photo is damaged.")
        on_progress("Writing glb", 0.8)
        assert self._scene.wait(20), "the scene waits for the exports"
        if self._failure == "export":
            raise Mono3DError("The disk is full.")
        return super().wait()


class Scenes(Quiet):
    """Notes the scenes that it writes; `on_write` lets the exports go on."""

    def __init__(self, on_write: threading.Event, failure: str) -> None:
        self._on_write, self._failure = on_write, failure
        self.written: list[Path] = []

    def write(self, folder: Path, blend: Path) -> dict[str, float]:
        assert folder.is_dir() and threading.current_thread() is threading.main_thread()
        self._on_write.set()
        self.written.append(blend)
        if self._failure in ("scene", "export"):
            raise Mono3DError("The .blend file cannot be made.")
        blend.write_bytes(b"BLENDER")
        return {"Writing the .blend file": 1.0}


@pytest.mark.parametrize(
    ("failure", "message", "scenes"),
    [
        ("", "", 1),
        ("scene", "The .blend file cannot be made.", 1),
        ("reconstruction", "The photo is damaged.", 0),
        # Its scene fails too, because of it.
        ("export", "The disk is full.", 1),
    ],
)
def test_the_scene_is_written_beside_the_exports(
    tasks: list[PhotoTask], tmp_path: Path, failure: str, message: str, scenes: int
) -> None:
    started = threading.Event()

    class Exporting(Runner):
        def submit(self, request: Mapping[str, Any]) -> Job:
            self.requests.append(request)
            return ExportingJob(request, started, failure)

    options = RunOptions(output=str(tmp_path / "out"), format=("blend", "glb"), preview="off")
    runner: Any = Exporting()
    writer: Any = Scenes(started, failure)
    records: list[Record] = []
    results = FolderResults(target_of(options), Settings())
    run(tasks[:1], Settings(), results, runner, writer, writer, lambda _, record: records.append(record))
    assert [record.message for record in records] == [message]
    assert len(writer.written) == scenes
    folder = Path(runner.requests[0]["folder"])
    assert not folder.exists()
    assert [path.name for path in (tmp_path / "out").iterdir() if not path.name.startswith(".")] == (
        [] if failure else ["a.blend"]
    )
    assert not list((tmp_path / "out").glob("*.partial"))
