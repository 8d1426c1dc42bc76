# SPDX-License-Identifier: GPL-3.0-or-later
"""Modal operators, called as Blender would call them in a window, which the wheels do not have."""

from __future__ import annotations

import sys
import tempfile
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest

import mono3d_addon
from mono3d_addon.blender import progress, state
from mono3d_addon.blender.photos import generate, running
from tests.blender import stand_in
from tests.blender.made import bpy

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the fake worker is a script")
AREA = types.SimpleNamespace(type="VIEW_3D", as_pointer=lambda: 1)
TIMER = types.SimpleNamespace(type="TIMER", value="NOTHING")


@pytest.fixture
def manager(registered: None, monkeypatch: pytest.MonkeyPatch) -> MagicMock:
    """The mocked window manager of a Blender with a window."""
    found = MagicMock()
    shown = types.SimpleNamespace(
        app=types.SimpleNamespace(background=False),
        context=types.SimpleNamespace(window_manager=found),
        types=bpy.types,
    )
    monkeypatch.setattr(progress, "bpy", shown)
    return found


@pytest.fixture
def job(manager: MagicMock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The operator Generate, invoked in a window."""
    worker = stand_in.worker(tmp_path / "worker")
    monkeypatch.setattr(running, "worker", lambda: worker)
    one = stand_in.followed(generate.MONO3D_OT_generate, photos="/photos/slow.jpg")
    one.context = types.SimpleNamespace(
        window_manager=manager, window=object(), area=AREA, scene=bpy.context.scene, mode="OBJECT", view_layer=None
    )
    assert one.invoke(one.context, None) == {"RUNNING_MODAL"} and state.current.run is not None
    yield one
    worker.stop()


def test_a_disk_without_room_is_one_sentence_for_each_photo(
    manager: MagicMock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = stand_in.worker(tmp_path / "worker")
    monkeypatch.setattr(running, "worker", lambda: worker)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    one = stand_in.followed(generate.MONO3D_OT_generate, photos="/photos/a.jpg\n/photos/b.jpg")
    context: Any = types.SimpleNamespace(window_manager=manager, window=object(), area=AREA, scene=bpy.context.scene)
    assert one.invoke(context, None) == {"RUNNING_MODAL"}
    assert one.modal(context, TIMER) == {"CANCELLED"}
    assert state.current.run is None and state.current.failed
    assert one.reported[0].count("No folder for temporary files can be made") == 2


def test_a_defect_while_following_ends_the_job_with_one_sentence(
    job: Any, manager: MagicMock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(state.current.run, "advance", lambda build: 1 / 0)
    assert job.modal(job.context, TIMER) == {"CANCELLED"}
    assert "unforeseen error occurred (ZeroDivisionError" in job.reported[0] and "Traceback" in capsys.readouterr().err
    assert state.current.run is None and state.current.failed and "unforeseen" in " ".join(state.current.messages)
    manager.event_timer_remove.assert_called_once()
    assert bpy.ops.mono3d.generate.poll()


def test_files_that_cannot_be_read_at_the_start_are_one_sentence(
    manager: MagicMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "worker", MagicMock(side_effect=OSError("no space left")))
    one = stand_in.followed(generate.MONO3D_OT_generate, photos="/photos/a.jpg")
    context: Any = types.SimpleNamespace(window_manager=manager, window=object(), area=AREA, scene=bpy.context.scene)
    assert one.invoke(context, None) == {"CANCELLED"}
    assert "no space left" in one.reported[0] and state.current.run is None
    manager.event_timer_add.assert_not_called()


def test_switching_off_in_the_middle_of_a_job_takes_its_timer_away(job: Any, manager: MagicMock) -> None:
    timer = manager.event_timer_add.return_value
    mono3d_addon.unregister()
    try:
        manager.event_timer_remove.assert_called_once_with(timer)
        manager.progress_end.assert_called_once()
    finally:
        mono3d_addon.register()
    job.cancel(job.context)
    manager.event_timer_remove.assert_called_once()
