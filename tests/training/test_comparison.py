# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training import comparison, sets

HELD = next(f"a_{number}" for number in range(1000) if sets.is_held_out(f"a_{number}"))


def write(folder: Path, name: str, disparity: comparison.Floats) -> None:
    folder.mkdir(exist_ok=True)
    Image.fromarray(np.full((*disparity.shape, 3), 90, np.uint8)).save(folder / f"{name}.png")
    Image.fromarray(np.rint(disparity * 65535).astype(np.uint16)).save(folder / f"{name}.disp.png")


def board() -> comparison.Floats:
    truth = np.full((96, 128), 0.25, np.float32)
    truth[30:70, 40:80] = 1.0
    return truth


def test_only_held_out_photos_count(tmp_path: Path) -> None:
    write(tmp_path / "set", HELD, board())
    write(tmp_path / "set", "b_0", board())
    assert not sets.is_held_out("b_0")
    assert [case.name for case in comparison.photos([tmp_path / "set"]).cases] == [HELD]
    assert [case.name for case in comparison.exact(tmp_path / "set", held_only=True).cases] == [HELD]
    assert len(comparison.exact(tmp_path / "set", held_only=False).cases) == 2
    (tmp_path / "set" / f"{HELD}.png").unlink()
    with pytest.raises(ValueError, match="none that is held out"):
        comparison.photos([tmp_path / "set"])
    with pytest.raises(ValueError, match="no scene that is held out"):
        comparison.exact(tmp_path / "set", held_only=True)


def test_photos_with_a_known_lens_are_found(tmp_path: Path) -> None:
    for name in ("a", "b", "c", "d"):
        write(tmp_path / "set", name, board())
    for name in ("b", "c", "d"):
        (tmp_path / "set" / f"{name}.json").write_text('{"focal": 0.9}', encoding="utf-8")
    cases = comparison.lenses([tmp_path / "set"])
    assert [(case.name, case.metric) for case in cases] == [(name, sets.Metric(focal=0.9)) for name in ("b", "c", "d")]
    assert [case.name for case in comparison.lenses([tmp_path / "set"], scores_half=True)] == ["c"]
    for file in (tmp_path / "set").glob("*.json"):
        file.unlink()
    with pytest.raises(ValueError, match="none whose lens is known"):
        comparison.lenses([tmp_path / "set"])


def test_the_truth_itself_scores_perfectly(tmp_path: Path) -> None:
    write(tmp_path / "set", HELD, board())
    predictors = {"knows": lambda pixels: board(), "ramp": comparison.vertical_ramp(lambda pixels: (128, 96))}
    exact = comparison.compare(comparison.exact(tmp_path / "set", held_only=False), predictors)
    assert list(exact) == ["knows", "ramp", "the truth at half size"]
    assert exact["knows"]["f_score"] == pytest.approx([1.0])
    assert exact["knows"]["ramp"] == pytest.approx([0.8])
    assert exact["knows"]["missed"] == exact["ramp"]["f_score"] == [0.0]
    assert exact["ramp"]["missed"][0] > 0.5
    agreement = comparison.compare(comparison.photos([tmp_path / "set"]), predictors)
    assert agreement["knows"]["r_squared"] == pytest.approx([1.0])
    assert agreement["knows"]["mean_error"] == pytest.approx([0.0], abs=1e-4)


def test_ground_truth_counts_where_it_is_known(tmp_path: Path) -> None:
    stored = (10 * board()).astype(np.float32)
    stored[:, :30] = np.inf
    np.savez(tmp_path / "hall_disp.npz", stored)
    Image.fromarray(np.zeros((96, 128, 3), np.uint8)).save(tmp_path / "hall_left.png")
    group = comparison.ground_truth(tmp_path, 2.0)
    _, truth = group.cases[0].read()
    assert np.isnan(truth[:, :30]).all()
    assert truth[50, 60] == 12.0
    wild = board()
    wild[:, :29] = 50.0
    assert comparison.compare(group, {"knows": lambda pixels: wild})["knows"] == {
        "spearman": pytest.approx([1.0]),
        "within": pytest.approx([1.0]),
    }
    with pytest.raises(ValueError, match="no NAME_left"):
        comparison.ground_truth(tmp_path / "elsewhere", 0.0)


def test_the_table_shows_paired_differences() -> None:
    results = {
        "old": {"spearman": [0.2, 0.6, math.nan], "within": [0.5, 0.5, 0.5]},
        "new": {"spearman": [0.3, 0.8, 0.9], "within": [0.5, 0.5, 0.5]},
    }
    lines = comparison.table(results, ["old", "new"]).split("\n")
    assert lines[0] == "| | Spearman | within 1.25, % |"
    assert lines[2] == "| old | 0.400 | 50.0 |"
    assert lines[4] == "| *new - old* | +0.150 ± 0.050 | +0.0 ± 0.0 |"
    assert comparison.table({"old": {"ramp": [math.nan]}}, ["old"]).endswith("| old | – |")
