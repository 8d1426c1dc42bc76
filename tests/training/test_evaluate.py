# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.training.made_sets import write_set
from training import sets

pytest.importorskip("torch")

from mono3d_addon.depth.catalogue import BUNDLED_FOLDER

pytestmark = pytest.mark.torch
ROOT = Path(__file__).resolve().parents[2]
BUNDLED = BUNDLED_FOLDER / "starter.safetensors"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "training.evaluate", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_two_examples(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    names = [name for name in (f"x_{number}" for number in range(1000)) if sets.is_held_out(name)][:2]
    for name in names:
        Image.fromarray(random.integers(0, 255, (60, 80, 3), np.uint8)).save(tmp_path / f"{name}.png")
        disparity = np.full((60, 80), 60, np.uint8)
        disparity[20:50, 30:60] = 200
        Image.fromarray(disparity).save(tmp_path / f"{name}.disp.png")
    report = tmp_path / "report.json"
    shutil.copy(BUNDLED, tmp_path / "other.safetensors")
    models = ["--model", f"one={BUNDLED}", "--model", str(tmp_path / "other.safetensors")]
    done = run(*models, "--photos", tmp_path, "--exact", tmp_path, "--size", "64", "--runs", "1", "--json", report)
    assert done.returncode == 0, done.stderr
    assert "| vertical ramp |" in done.stdout
    assert "| *other - one* | +0.000 ± 0.000 |" in done.stdout
    found = json.loads(report.read_text())
    assert [group["pictures"] for group in found["groups"]] == [names, names]
    assert set(found["groups"][0]["rows"]) == {"one", "other", "vertical ramp"}
    assert len(found["groups"][1]["rows"]["one"]["f_score"]["values"]) == 2
    assert found["bytes"]["one"] == BUNDLED.stat().st_size
    assert found["seconds"]["one"]["clock"] > 0.0


def write_measured(folder: Path, names: list[str]) -> Path:
    """Writes photos with measured depth, from 1 to 5 m, a part of it unknown, as `training.stereo` does."""
    folder.mkdir()
    for number, name in enumerate(names):
        pixels = np.random.default_rng(number).integers(0, 255, (60, 80, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{name}_left.png")
        away = np.full((60, 80), 0.2, np.float32)
        away[20:50, 30:60], away[:, :5] = 1.0, np.inf
        np.savez(folder / f"{name}_disp.npz", away)
        facts = {"kind": "object", "focal": 0.8, "inverse_metres": 1.0}
        (folder / f"{name}.json").write_text(json.dumps(facts), encoding="utf-8")
    return folder


@pytest.mark.thorough
def test_the_whole_chain_at_toy_size(tmp_path: Path) -> None:
    """Labels by the bundled model, training on them and on scenes with metres, export, scores."""
    gathered = write_set(tmp_path / "gathered", ["p_1", "p_2", "p_3"])
    for file in gathered.glob("*.disp.png"):
        file.unlink()
    (gathered / "p_2.json").write_text('{"focal": 0.9}', encoding="utf-8")
    scenes = write_set(tmp_path / "scenes", ["s_1", "s_2", "s_3", "s_4"], is_metric=True)
    own = tmp_path / "own.safetensors"
    choices = (
        *("--photos", tmp_path / "labelled", "--exact", scenes, "--growing", "--start", BUNDLED),
        *("--out", tmp_path / "run", "--steps", "3", "--batch", "3", "--small", "64x96", "--large", "64x96"),
        *("--threads", "1", "--device", "cpu"),
    )
    for command in (
        ("photos", "label", "--photos", gathered, "--model", "starter", "--out", tmp_path / "labelled"),
        ("train", *choices, "--keep-every", "0"),
        # Again: it continues, and has nothing left to do but its last step.
        ("train", *choices, "--keep-every", "60"),
        ("export", "--checkpoint", tmp_path / "run" / "checkpoint.pt", "--out", own),
    ):
        module, *arguments = command
        done = subprocess.run(
            [sys.executable, "-m", f"training.{module}", *map(str, arguments)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    report = tmp_path / "report.json"
    measured = write_measured(tmp_path / "measured", ["m_1", "m_2", "m_3"])
    known = ("--metric", scenes, "--lens", tmp_path / "labelled", "--measured", measured)
    done = run("--model", f"new={own}", *known, "--size", "64", "--runs", "0", "--json", report)
    assert done.returncode == 0, done.stderr
    assert "Exact depth: room" in done.stdout and "| constants |" in done.stdout and "| new: near |" in done.stdout
    assert "What is said of 1 photos with a known lens" in done.stdout
    assert "**Measured depth**, 3 pictures" in done.stdout
    written = json.loads(report.read_text())
    assert written["measured"]["pictures"] == ["m_1", "m_2", "m_3"]
    assert written["measured"]["truths"][0]["near"] == pytest.approx(1.0)
    assert written["measured"]["truths"][0]["far"] == pytest.approx(5.0)
    assert written["lenses"]["pictures"] == ["p_2"]
    assert written["lenses"]["truths"] == [{"near": None, "far": None, "focal": 0.9, "kind": None}]
    found = written["scenes"]
    assert len(found["guesses"]["new"]) == len(found["truths"]) == 4
    assert found["guesses"]["new"][0]["near"]["value"] > 0.0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--model", "nowhere.safetensors"], "there is no file 'nowhere.safetensors'"),
        (["--model", str(BUNDLED), "--model", str(BUNDLED)], "a unique name"),
        (["--model", str(BUNDLED), "--ground-truth", "."], "needs --ground-truth-offset"),
    ],
)
def test_wrong_arguments_are_refused(arguments: list[str], sentence: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert sentence in done.stderr
