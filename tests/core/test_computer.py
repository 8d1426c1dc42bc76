# SPDX-License-Identifier: GPL-3.0-or-later
"""What of this computer a process may use."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from mono3d_addon.core import computer
from mono3d_addon.core.computer import free_memory


@pytest.mark.parametrize(
    ("quota", "expected"),
    [("max 100000", 64), ("200000 100000", 2), ("50000 100000", 1), ("9900000 100000", 64), ("", 64), ("1 0", 64)],
)
def test_processors_of_a_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str, expected: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)), raising=False)
    file = tmp_path / "cpu.max"
    file.write_text(quota)
    assert computer.processors(file) == expected
    assert computer.processors(tmp_path / "absent") == 64


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's files")
def test_the_memory_of_a_container_counts(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:       24000000 kB\nMemFree: 1 kB\nMemAvailable:   20000000 kB\n")
    assert free_memory(meminfo, tmp_path / "none") == 20_000_000 * 1024
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("1000000000\n")
    assert free_memory(meminfo, tmp_path) == 20_000_000 * 1024
    (tmp_path / "memory.max").write_text("4000000000\n")
    assert free_memory(meminfo, tmp_path) == 3_000_000_000
    assert free_memory(tmp_path / "none", tmp_path) is not None, "half of the whole memory"
    assert (free_memory() or 0) > 0
