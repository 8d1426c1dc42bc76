# SPDX-License-Identifier: GPL-3.0-or-later
"""The client before a child that does what a real worker should not; needs no packages."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mono3d_addon.errors import Mono3DError
from mono3d_addon.worker.client import Worker

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the child is a shell script")


def worker(folder: Path, script: str) -> Worker:
    program = folder / "child"
    program.write_text(f"#!/bin/sh\nread request\n{script}\n")
    program.chmod(0o755)
    return Worker("reconstruct", [], folder / "worker.log", folder, python=str(program))


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
