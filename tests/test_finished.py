# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mono3d_addon.core.claimed_folder import ClaimedFolder, remove_abandoned
from mono3d_addon.errors import Mono3DError
from mono3d_addon.run import made_from
from mono3d_addon.run.finished import RECORD, FinishedPhotos
from mono3d_addon.run.in_folder import is_done
from mono3d_addon.run.photos import PhotoTask
from mono3d_addon.run.placement import move_into_place, prepare, reject_overwrites
from mono3d_addon.run.target import Target
from mono3d_addon.settings import Settings


def test_results_count_as_done_only_for_the_same_photo_settings_and_weights(tmp_path: Path) -> None:
    photo, mesh, texture = tmp_path / "cup.jpg", tmp_path / "out" / "cup.obj", tmp_path / "out" / "cup_texture.jpg"
    mask = tmp_path / "masks" / "cup_mask.png"
    for path in (photo, mesh, texture, mask):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"one")
    target = Target(mesh.parent, ("obj",))
    settings = Settings(mask=str(mask.parent))
    task = PhotoTask(photo, "cup")

    def done(settings: Settings = settings, weights: str = "w") -> bool:
        fresh = is_done(task, settings, target, weights, FinishedPhotos(target.folder))
        assert is_done(task, settings, target, weights, known) == fresh, "what is kept never shows"
        return fresh

    known = FinishedPhotos(target.folder)
    assert not done(), "results of which nothing is known"
    source = known.made_from(photo, settings, "w")
    assert source is not None
    known.remember("cup", source, [mesh, texture])
    assert done()
    assert (
        not done(replace(settings, detail=100)) and not done(weights="other") and not done(replace(settings, mask=""))
    )
    for path in (photo, mask):
        path.write_bytes(b"three")
        assert not done(), path
        path.write_bytes(b"one")
    for path in (mesh, texture):
        path.write_bytes(b"")
        assert not done(), path
        path.write_bytes(b"one")
    assert done()
    with (target.folder / ".mono3d-results.jsonl").open("ab") as file:
        file.write(b'{"name": "cup", "pho')
    assert done()
    nowhere = FinishedPhotos(tmp_path / "nowhere")
    assert not nowhere.is_finished("cup", source, [mesh]) and nowhere.made_from(tmp_path, settings, "") is None


def test_the_record_and_every_photo_are_read_once_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[bytes] = []
    hashed: list[Path] = []
    read, digest = json.loads, made_from._digest_of

    def counted_read(line: bytes) -> Any:
        parsed.append(line)
        return read(line)

    def counted_digest(path: Path) -> str:
        hashed.append(path)
        return digest(path)

    monkeypatch.setattr(json, "loads", counted_read)
    monkeypatch.setattr(made_from, "_digest_of", counted_digest)
    tasks = [PhotoTask(tmp_path / f"{number}.jpg", str(number)) for number in range(60)]
    target, settings = Target(tmp_path / "out", ("ply",)), Settings()
    target.folder.mkdir()
    earlier, known = FinishedPhotos(target.folder), FinishedPhotos(target.folder)
    for task in tasks:
        task.path.write_bytes(task.name.encode())
        mesh = target.files(task)["ply"]
        mesh.write_bytes(b"mesh")
        source = earlier.made_from(task.path, settings, "w")
        assert source is not None
        earlier.remember(task.name, source, [mesh])
    hashed.clear()
    for _ in range(3):
        assert all(is_done(task, settings, target, "w", known) for task in tasks)
    assert sorted(hashed) == sorted(task.path for task in tasks)
    assert len(parsed) == len(tasks)
    earlier.remember("0", {"photo": "another", "settings": "s", "weights": "w"}, [])
    assert not is_done(tasks[0], settings, target, "w", known), "what another run appended meanwhile counts"
    assert len(parsed) == len(tasks) + 1
    (target.folder / RECORD).write_bytes(b"")
    assert not is_done(tasks[1], settings, target, "w", known), "the record was emptied"


def test_what_a_killed_run_left_is_cleared_and_nothing_else(tmp_path: Path) -> None:
    used = ClaimedFolder(".mono3d-", ".partial", tmp_path)
    killed = ClaimedFolder(".mono3d-", ".partial", tmp_path)
    (killed.path / "cup.ply").touch()
    assert killed._handle is not None
    os.close(killed._handle)
    old, new = tmp_path / ".mono3d-0a.partial", tmp_path / ".mono3d-0b.partial"
    old_file, new_file = tmp_path / ".mono3d-0c.partial.json", tmp_path / ".mono3d-0d.partial.json"
    for folder in (old, new):
        folder.mkdir()
    for file in (old_file, new_file):
        file.touch()
    for path in (old, old_file):
        os.utime(path, (time.time() - 7200,) * 2)
    mine = tmp_path / "cup.partial"
    mine.mkdir()
    prepare(Target(tmp_path, ("ply",)))
    assert sorted(tmp_path.iterdir()) == sorted([used.path, new, new_file, mine])
    link = tmp_path / ".mono3d-0e.partial"
    link.symlink_to(used.path)
    remove_abandoned(tmp_path, ".mono3d-", ".partial")
    assert link.is_symlink() and used.path.is_dir()
    used.remove()
    assert not used.path.exists()
    remove_abandoned(tmp_path / "nowhere", "x")


def test_a_result_that_is_a_folder_is_named(tmp_path: Path) -> None:
    target = Target(tmp_path, ("ply",))
    (tmp_path / "cup.ply").mkdir()
    (task,) = reject_overwrites([PhotoTask(tmp_path / "cup.jpg", "cup")], target)
    assert "'cup.ply' exists as a folder" in task.problem
    staging = tmp_path / "staging"
    staging.mkdir()
    (staging / "cup.ply").touch()
    with pytest.raises(Mono3DError, match="'cup.ply' exists as a folder"):
        move_into_place(staging, tmp_path, frozenset())


def test_a_failed_move_brings_back_the_earlier_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    staging = tmp_path / "staging"
    staging.mkdir()
    for name in ("a.ply", "b.ply", "c.ply"):
        (staging / name).write_text("new")
    (tmp_path / "a.ply").write_text("old")
    real = Path.replace

    def failing(self: Path, target: Path) -> Path:
        if self.name == "c.ply" and self.parent == staging:
            raise OSError(28, "No space left on device")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(OSError, match="No space"):
        move_into_place(staging, tmp_path, frozenset())
    assert (tmp_path / "a.ply").read_text() == "old" and not (tmp_path / "b.ply").exists()
