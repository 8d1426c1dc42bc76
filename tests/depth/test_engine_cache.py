# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of a weights file: whole or not at all."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mono3d_addon.depth import engine_cache
from mono3d_addon.depth.engines.verdict import Verdict

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "own.pt"
    path.write_bytes(b"weights")
    return path


@pytest.fixture
def cache(weights: Path, tmp_path: Path) -> engine_cache.EngineCache:
    return engine_cache.cache_for("starter", weights, tmp_path / "data")


def make(cache: engine_cache.EngineCache, content: bytes = b"graph") -> Path:
    with cache.making("graph") as folder:
        (folder / "graph.bin").write_bytes(content)
    place = cache.intact("graph")
    assert place is not None
    return place


def test_what_was_made_is_found_again(cache: engine_cache.EngineCache) -> None:
    assert cache.intact("graph") is None
    assert (make(cache) / "graph.bin").read_bytes() == b"graph"


def test_what_was_not_finished_leaves_nothing(cache: engine_cache.EngineCache) -> None:
    with pytest.raises(KeyboardInterrupt), cache.making("graph") as folder:
        (folder / "graph.bin").write_bytes(b"half")
        raise KeyboardInterrupt
    assert cache.intact("graph") is None and list(cache.folder.iterdir()) == []


def test_a_kill_leaves_nothing_that_counts(cache: engine_cache.EngineCache, weights: Path, tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from mono3d_addon.depth import engine_cache\n"
        "cache = engine_cache.cache_for('starter', Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "with cache.alone(), cache.making('graph') as folder:\n"
        "    (folder / 'graph.bin').write_bytes(b'half'); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    cache.remember_use()
    subprocess.run([sys.executable, "-c", code, str(weights), str(tmp_path / "data")], cwd=ROOT, check=False)
    assert len([path for path in cache.folder.iterdir() if path.suffix == ".partial"]) == 1
    assert cache.intact("graph") is None
    # The lock went with the process, and what it left goes with the next that is made.
    with cache.alone() as alone:
        assert alone
        make(cache)
    assert not [path for path in cache.folder.iterdir() if path.suffix == ".partial"]


@pytest.mark.parametrize("damage", ["cut", "other bytes", "file gone", "description gone", "description cut", "text"])
def test_a_spoilt_file_is_not_used(cache: engine_cache.EngineCache, damage: str) -> None:
    place = make(cache)
    file, description = place / "graph.bin", place / "files.json"
    if damage == "cut":
        file.write_bytes(b"gra")
    elif damage == "other bytes":
        file.write_bytes(b"grasp")
    elif damage == "file gone":
        file.unlink()
    elif damage == "description gone":
        description.unlink()
    else:
        description.write_text('{"graph.bin"' if damage == "description cut" else '["graph.bin"]')
    assert cache.intact("graph") is None
    assert (make(cache) / "graph.bin").read_bytes() == b"graph"


def test_a_copied_data_folder_is_read_anew_and_good(cache: engine_cache.EngineCache) -> None:
    place = make(cache)
    os.utime(place / "graph.bin", (1e9, 1e9))
    assert cache.intact("graph") == place


def test_of_two_processes_one_works(cache: engine_cache.EngineCache) -> None:
    cache.remember_use()
    code = (
        "import sys; from pathlib import Path; from mono3d_addon.depth import engine_cache\n"
        "with engine_cache.EngineCache(Path(sys.argv[1])).alone() as alone:\n    print(alone)\n"
    )
    command = [sys.executable, "-c", code, str(cache.folder)]
    with cache.alone() as alone:
        assert alone
        assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout == "False\n"
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout == "True\n"


def test_use_is_remembered_from_process_to_process(cache: engine_cache.EngineCache) -> None:
    assert [cache.remember_use() for _ in range(3)] == [False, True, True]


def test_a_replaced_weights_file_has_nothing_kept_and_the_old_goes(
    cache: engine_cache.EngineCache, weights: Path, tmp_path: Path
) -> None:
    cache.remember_use()
    make(cache)
    weights.write_bytes(b"other weights")
    newer = engine_cache.cache_for("starter", weights, tmp_path / "data")
    assert newer.intact("graph") is None and not newer.remember_use()
    make(newer)
    assert not cache.folder.exists() and newer.intact("graph") is not None


def test_verdicts(cache: engine_cache.EngineCache) -> None:
    assert cache.verdict("engine") is None
    verdict = Verdict(False, 0.5, 2.0, "it differs")
    cache.record("engine", verdict)
    assert cache.verdict("engine") == verdict and cache.verdict("another") is None


@pytest.mark.parametrize("content", ["", "[]", '{"verdict": 3}', '{"verdict": {"agrees": true}}'])
def test_a_damaged_verdict_is_none(cache: engine_cache.EngineCache, content: str) -> None:
    cache.record("engine", Verdict(True, 1.0, 0.0))
    (record,) = cache.folder.glob("agreement-*.json")
    record.write_text(content)
    assert cache.verdict("engine") is None


def test_a_data_folder_that_cannot_be_written(weights: Path, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    cache = engine_cache.cache_for("starter", weights, tmp_path / "data")
    cache.record("engine", Verdict(True, 1.0, 0.0))
    assert cache.verdict("engine") is None and cache.intact("graph") is None
    assert not cache.remember_use() and not cache.remember_use()
    with cache.alone() as alone:
        assert not alone


def test_forgetting_a_model_leaves_the_others(cache: engine_cache.EngineCache, weights: Path, tmp_path: Path) -> None:
    make(cache)
    other = engine_cache.cache_for("dpt_levit_224", weights, tmp_path / "data")
    make(other)
    size = engine_cache.cached_bytes("starter", tmp_path / "data")
    assert size > 5
    assert engine_cache.forget("starter", tmp_path / "data") == size
    assert engine_cache.cached_bytes("starter", tmp_path / "data") == 0 and other.intact("graph") is not None


def test_room(cache: engine_cache.EngineCache, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache.room_for(1000)
    full = shutil.disk_usage(cache.folder.parents[-1])._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: full)
    assert not cache.room_for(1000)
