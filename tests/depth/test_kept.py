# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of a weights file: whole or not at all."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mono3d_addon.depth import kept
from mono3d_addon.depth.engines.verdict import Verdict

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "own.pt"
    path.write_bytes(b"weights")
    return path


@pytest.fixture
def keeps(weights: Path, tmp_path: Path) -> kept.Kept:
    return kept.kept_for("starter", weights, tmp_path / "data")


def make(keeps: kept.Kept, content: bytes = b"graph") -> Path:
    with keeps.making("graph") as folder:
        (folder / "graph.bin").write_bytes(content)
    place = keeps.intact("graph")
    assert place is not None
    return place


def test_what_was_made_is_found_again(keeps: kept.Kept) -> None:
    assert keeps.intact("graph") is None
    assert (make(keeps) / "graph.bin").read_bytes() == b"graph"


def test_what_was_not_finished_leaves_nothing(keeps: kept.Kept) -> None:
    with pytest.raises(KeyboardInterrupt), keeps.making("graph") as folder:
        (folder / "graph.bin").write_bytes(b"half")
        raise KeyboardInterrupt
    assert keeps.intact("graph") is None and list(keeps.folder.iterdir()) == []


def test_a_kill_leaves_nothing_that_counts(keeps: kept.Kept, weights: Path, tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from mono3d_addon.depth import kept\n"
        "keeps = kept.kept_for('starter', Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "with keeps.alone(), keeps.making('graph') as folder:\n"
        "    (folder / 'graph.bin').write_bytes(b'half'); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    keeps.remember_use()
    subprocess.run([sys.executable, "-c", code, str(weights), str(tmp_path / "data")], cwd=ROOT, check=False)
    assert len([path for path in keeps.folder.iterdir() if path.suffix == ".partial"]) == 1
    assert keeps.intact("graph") is None
    # The lock went with the process, and what it left goes with the next that is made.
    with keeps.alone() as alone:
        assert alone
        make(keeps)
    assert not [path for path in keeps.folder.iterdir() if path.suffix == ".partial"]


@pytest.mark.parametrize("damage", ["cut", "other bytes", "file gone", "description gone", "description cut", "text"])
def test_a_spoilt_file_is_not_used(keeps: kept.Kept, damage: str) -> None:
    place = make(keeps)
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
    assert keeps.intact("graph") is None
    assert (make(keeps) / "graph.bin").read_bytes() == b"graph"


def test_a_copied_data_folder_is_read_anew_and_good(keeps: kept.Kept) -> None:
    place = make(keeps)
    os.utime(place / "graph.bin", (1e9, 1e9))
    assert keeps.intact("graph") == place


def test_of_two_processes_one_works(keeps: kept.Kept) -> None:
    keeps.remember_use()
    code = (
        "import sys; from pathlib import Path; from mono3d_addon.depth import kept\n"
        "with kept.Kept(Path(sys.argv[1])).alone() as alone:\n    print(alone)\n"
    )
    command = [sys.executable, "-c", code, str(keeps.folder)]
    with keeps.alone() as alone:
        assert alone
        assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout == "False\n"
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout == "True\n"


def test_use_is_remembered_from_process_to_process(keeps: kept.Kept) -> None:
    assert [keeps.remember_use() for _ in range(3)] == [False, True, True]


def test_a_replaced_weights_file_has_nothing_kept_and_the_old_goes(
    keeps: kept.Kept, weights: Path, tmp_path: Path
) -> None:
    keeps.remember_use()
    make(keeps)
    weights.write_bytes(b"other weights")
    newer = kept.kept_for("starter", weights, tmp_path / "data")
    assert newer.intact("graph") is None and not newer.remember_use()
    make(newer)
    assert not keeps.folder.exists() and newer.intact("graph") is not None


def test_verdicts(keeps: kept.Kept) -> None:
    assert keeps.verdict("engine") is None
    verdict = Verdict(False, 0.5, 2.0, "it differs")
    keeps.record("engine", verdict)
    assert keeps.verdict("engine") == verdict and keeps.verdict("another") is None


@pytest.mark.parametrize("content", ["", "[]", '{"verdict": 3}', '{"verdict": {"agrees": true}}'])
def test_a_damaged_verdict_is_none(keeps: kept.Kept, content: str) -> None:
    keeps.record("engine", Verdict(True, 1.0, 0.0))
    (record,) = keeps.folder.glob("agreement-*.json")
    record.write_text(content)
    assert keeps.verdict("engine") is None


def test_a_data_folder_that_cannot_be_written(weights: Path, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    keeps = kept.kept_for("starter", weights, tmp_path / "data")
    keeps.record("engine", Verdict(True, 1.0, 0.0))
    assert keeps.verdict("engine") is None and keeps.intact("graph") is None
    assert not keeps.remember_use() and not keeps.remember_use()
    with keeps.alone() as alone:
        assert not alone


def test_forgetting_a_model_leaves_the_others(keeps: kept.Kept, weights: Path, tmp_path: Path) -> None:
    make(keeps)
    other = kept.kept_for("dpt_levit_224", weights, tmp_path / "data")
    make(other)
    size = kept.kept_bytes("starter", tmp_path / "data")
    assert size > 5
    assert kept.forget("starter", tmp_path / "data") == size
    assert kept.kept_bytes("starter", tmp_path / "data") == 0 and other.intact("graph") is not None


def test_room(keeps: kept.Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    assert keeps.room_for(1000)
    full = shutil.disk_usage(keeps.folder.parents[-1])._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: full)
    assert not keeps.room_for(1000)
