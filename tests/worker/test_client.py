# SPDX-License-Identifier: GPL-3.0-or-later
"""The client before a child that does what a real worker should not; needs no packages."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from mono3d_addon.environment import SCENE, WORKER
from mono3d_addon.errors import Mono3DError
from mono3d_addon.worker.client import Worker
from mono3d_addon.worker.local import LocalRunners

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the child is a shell script")


def worker(folder: Path, script: str, *, is_expendable: bool = False) -> Worker:
    program = folder / "child"
    program.write_text(f"#!/bin/sh\nread request\n{script}\n")
    program.chmod(0o755)
    return Worker("reconstruct", [], folder / "worker.log", folder, python=str(program), is_expendable=is_expendable)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "line", ['{"event": "done", "job": 1, "res', "[Open3D WARNING] bad average roots", '{"event": "done", "job": 1}']
)
def test_a_channel_cut_or_spoiled_is_a_failure_and_no_endless_wait(tmp_path: Path, line: str) -> None:
    """A kill may cut a message anywhere."""
    child = worker(tmp_path, f"printf '%s' '{line}'; kill -9 $$")
    with pytest.raises(Mono3DError, match="was killed"):
        child.submit({}).wait()
    child.stop()


@pytest.mark.timeout(20)
def test_words_between_the_messages_do_no_harm(tmp_path: Path) -> None:
    child = worker(tmp_path, """echo 'a library speaks'; echo '{"event": "done", "job": 1, "result": {"a": 1}}'""")
    assert child.submit({}).wait() == {"a": 1}
    child.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process choose what is killed first")
@pytest.mark.parametrize("is_expendable", [False, True])
def test_an_expendable_worker_is_killed_before_its_parent(tmp_path: Path, is_expendable: bool) -> None:
    child = worker(tmp_path, "sleep 60", is_expendable=is_expendable)
    child.start()
    try:
        scores = [int(Path(f"/proc/{process}/oom_score_adj").read_text()) for process in (child.process_id, "self")]
        assert scores[0] == (700 if is_expendable else scores[1])
    finally:
        child.stop()


def test_a_runners_factory_gives_each_worker_its_log(tmp_path: Path) -> None:
    packages = {WORKER: tmp_path / "worker", SCENE: tmp_path / "scene"}
    runners = LocalRunners(tmp_path, packages)
    logs = [runners.for_photos("worker-0").log, runners.for_photos("worker-1").log, runners.for_scenes().log]
    assert logs == [tmp_path / "logs" / name for name in ("worker-0.log", "worker-1.log", "scene.log")]
    assert not runners.for_photos("worker-0").alive
