# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls in a process of their own, some of which end it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mono3d_addon.depth.engines import trial
from tests.processes import children

ROOT = Path(__file__).resolve().parents[3]


def test_what_returns_or_raises_survives(capfd: pytest.CaptureFixture[str]) -> None:
    assert trial.survives("time", "sleep", 0)
    assert trial.survives("os", "stat", "/nowhere/at all")
    assert trial.survives("builtins", "print", "not in the protocol")
    assert capfd.readouterr().out == ""


def test_what_raises_does_not_succeed() -> None:
    assert trial.succeeds("time", "sleep", 0)
    assert not trial.succeeds("os", "stat", "/nowhere/at all")


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_what_crashes_does_not() -> None:
    assert not trial.survives("os", "abort")
    assert not trial.survives("signal", "raise_signal", int(signal.SIGSEGV))


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_killed_by_the_system_means_memory() -> None:
    with pytest.raises(MemoryError):
        trial.survives("signal", "raise_signal", int(signal.SIGKILL))


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks for the child in /proc")
def test_it_ends_with_the_process_that_waits_for_it() -> None:
    code = "from mono3d_addon.depth.engines import trial; trial.survives('time', 'sleep', 87.5)"
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT) as parent:
        while not (child := children(parent.pid)):
            time.sleep(0.02)
        # Until it sleeps it may not have begun to listen.
        time.sleep(1.0)
        parent.kill()
    end = time.monotonic() + 10.0
    while Path("/proc", str(min(child))).exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not Path("/proc", str(min(child))).exists()
