# SPDX-License-Identifier: GPL-3.0-or-later
"""Independent computations at the same time, and one after the other where a process has one thread."""

from __future__ import annotations

import threading
import time

import pytest

from mono3d_addon.core.side_by_side import both, each


def test_they_run_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    meeting = threading.Barrier(2, timeout=20)
    assert both(lambda: (meeting.wait(), "one")[1], lambda: (meeting.wait(), 2)[1]) == ("one", 2)
    assert each(lambda number: (meeting.wait(), -number)[1], range(4)) == [0, -1, -2, -3]


def test_one_thread_does_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    here = threading.get_ident()
    assert both(threading.get_ident, threading.get_ident) == (here, here)
    assert each(lambda number: threading.get_ident(), range(3)) == [here] * 3


@pytest.mark.parametrize("threads", ["1", "2"])
def test_an_error_is_raised_and_nothing_runs_on(monkeypatch: pytest.MonkeyPatch, threads: str) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    running = []

    def fails() -> None:
        raise MemoryError

    def slow() -> None:
        running.append("slow")
        time.sleep(0.2)
        running.remove("slow")

    for pair in ((fails, slow), (slow, fails)):
        with pytest.raises(MemoryError):
            both(*pair)
        assert not running
