# SPDX-License-Identifier: GPL-3.0-or-later
"""How many workers a run starts, and how they share the processors."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mono3d_addon import cli
from mono3d_addon.core import computer as this_computer
from mono3d_addon.errors import Mono3DError
from mono3d_addon.run.parallel import Available, jobs_for
from mono3d_addon.worker.local import LocalRunners

GB = 1_000_000_000


@pytest.mark.parametrize(
    ("photos", "weights", "computer", "jobs"),
    [
        (1000, 7_000_000, Available(16, 64 * GB, has_card=False), 16),
        # Each further worker loads its libraries, which must pay.
        (1, 7_000_000, Available(16, 64 * GB, has_card=False), 1),
        (7, 7_000_000, Available(16, 64 * GB, has_card=False), 2),
        # 1.5 GB and three times 1.3 GB for each.
        (1000, 1_300_000_000, Available(16, 16 * GB, has_card=False), 2),
        (1000, 7_000_000, Available(16, GB // 2, has_card=False), 1),
        (1000, 7_000_000, Available(16, None, has_card=False), 1),
        (1000, 7_000_000, Available(16, 64 * GB, has_card=True), 1),
    ],
)
def test_processors_memory_and_photos_limit_the_workers(
    photos: int, weights: int, computer: Available, jobs: int
) -> None:
    assert jobs_for(photos, weights, computer) == jobs


@given(st.integers(0, 10**7), st.integers(0, 10**10), st.integers(1, 256), st.integers(0, 10**13))
def test_more_memory_never_means_fewer_workers(photos: int, weights: int, processors: int, free: int) -> None:
    few = jobs_for(photos, weights, Available(processors, free, has_card=False))
    many = jobs_for(photos, weights, Available(processors, 2 * free, has_card=False))
    assert 1 <= few <= many <= max(1, processors)


def test_workers_share_the_processors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[dict[str, str]]
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(this_computer, "processors", lambda: 8)
    for jobs, expected in ((1, None), (3, "2"), (16, "1")):
        with pytest.raises(Mono3DError):
            LocalRunners(tmp_path, {}, jobs=jobs).for_photos("worker-0").start()
        assert started[-1].get("OMP_NUM_THREADS") == expected
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    with pytest.raises(Mono3DError):
        LocalRunners(tmp_path, {}, jobs=3).for_photos("worker-0").start()
    assert started[-1]["OMP_NUM_THREADS"] == "5", "the user's own stands"
    assert started[-1]["MALLOC_MMAP_THRESHOLD_"] == "33554432", "the memory of a photo is kept for the next"


def test_a_single_photo_gets_all_processors_whatever_jobs_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[dict[str, str]]
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(this_computer, "processors", lambda: 8)
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"no photo, but no worker starts to read it")
    places = ["-o", f"{tmp_path / 'out'}", "--data-folder", f"{tmp_path / 'data'}"]
    assert cli.main([f"{photo}", *places, "--format", "glb", "--no-preview", "--jobs", "4"]) == cli.SOME_FAILED
    assert started and all("OMP_NUM_THREADS" not in one for one in started)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """The environments of the processes that were to be started."""
    environments: list[dict[str, str]] = []

    def refuse(*_: object, env: dict[str, str], **__: object) -> None:
        environments.append(env)
        raise PermissionError

    monkeypatch.setattr("subprocess.Popen", refuse)
    return environments
