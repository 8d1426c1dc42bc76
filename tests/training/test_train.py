# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")

import torch
from safetensors.torch import load_file, save_file

from mono3d_addon.depth.catalogue import BUNDLED_FOLDER
from mono3d_addon.depth.networks.architectures import build
from mono3d_addon.depth.scene_vector import LENGTH
from tests.training.made_sets import write_set
from training import quick, start, train
from training.batches import Batch, Batches, Source, facts
from training.packed import Pack

pytestmark = pytest.mark.torch
ROOT = Path(__file__).resolve().parents[2]
BUNDLED = BUNDLED_FOLDER / "starter.safetensors"
PLAN = train.Plan(4, 0.0, 2, 1e-3, 0.5, 0.0, 0, small=(32, 64), large=(64, 64))


def _command(module: str, *arguments: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", f"training.{module}", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _choices(folder: Path) -> list[str | Path]:
    write_set(folder / "photos", ["p_1", "p_2", "p_3"], disparity_divisor=2)
    write_set(folder / "exact", ["e_1", "e_2"], is_metric=True)
    return [
        *("--photos", folder / "photos", "--exact", folder / "exact", "--batch", "2", "--threads", "1"),
        *("--large-share", "0", "--small", "32x64", "--exact-share", "0.5", "--device", "cpu", "--keep-every", "0"),
    ]


def test_training_exports_a_starter_and_continues_where_it_stopped(tmp_path: Path) -> None:
    choices = _choices(tmp_path)
    said = _command("train", *choices, "--steps", "4", "--out", tmp_path / "whole")
    assert "2 photos, 2 exact pictures" in said, "one of the photos is held out"
    assert (tmp_path / "whole" / train.LOG).read_text().count("\n") == 5

    cut = tmp_path / "cut"
    # A first process that ends after two of the four steps.
    program = (
        "import sys; from training import train\n"
        "train_step = train.Training.train_step\n"
        "def some(self, batch):\n"
        "    if self.step == 2: raise KeyboardInterrupt\n"
        "    return train_step(self, batch)\n"
        "train.Training.train_step = some\n"
        "train.main()\n"
    )
    arguments = [*map(str, choices), "--steps", "4", "--out", str(cut)]
    first = subprocess.run([sys.executable, "-c", program, *arguments], cwd=ROOT, capture_output=True, timeout=300)
    assert first.returncode != 0
    assert torch.load(cut / train.CHECKPOINT, weights_only=True)["step"] == 2
    assert "from step 2" in _command("train", *arguments)

    for name in ("whole", "cut"):
        said = _command("export", "--checkpoint", tmp_path / name / train.CHECKPOINT, "--out", tmp_path / f"{name}.st")
        assert "step 4: file_bytes=" in said
    whole_state, cut_state = (
        torch.load(tmp_path / name / train.CHECKPOINT, weights_only=True) for name in ("whole", "cut")
    )
    for part in ("network", "average", "optimiser"):
        torch.testing.assert_close(cut_state[part], whole_state[part], rtol=1e-5, atol=1e-7)
    network = build("starter", load_file(tmp_path / "whole.st"))
    disparity, sky, scene = network(torch.zeros(1, 3, 64, 96))
    assert disparity.shape == (1, 64, 96)
    assert sky.shape == (1, 16, 24)
    assert scene.shape == (1, LENGTH)


def test_a_checkpoint_of_other_settings_is_refused() -> None:
    plans = [PLAN, replace(PLAN, learning_rate=2e-3)]
    first, second = (train.Training(start.network(None, 0), plan, torch.device("cpu")) for plan in plans)
    with pytest.raises(ValueError, match="other settings"):
        second.restore(first.state())


def test_a_network_learns(tmp_path: Path) -> None:
    torch.manual_seed(0)
    places = write_set(tmp_path / "photos", ["p_1"], 2), write_set(tmp_path / "exact", ["e_1"], is_metric=True)
    photos, exact = (Source(Pack(place / "pack"), [place], is_wanted=lambda name: True) for place in places)
    photos.fill()
    exact.fill()
    plan = replace(PLAN, steps=60, learning_rate=3e-3)
    training = train.Training(start.network(None, 0), plan, torch.device("cpu"))
    batch = Batches(photos, exact, 1, 2, 0.5, 0.0, 0, (64, 96), (64, 96), done=training.clock.done)[0]
    losses = [training.train_step(batch) for _ in range(60)]
    assert {*losses[0], "scene of photos"} == set(train.LOSSES)
    assert losses[-1]["photos"] < 0.7 * losses[0]["photos"]
    assert losses[-1]["exact"] < 0.8 * losses[0]["exact"]
    assert losses[-1]["scene"] < losses[0]["scene"] - 0.3


def test_with_a_teacher_only_what_is_said_of_the_scene_is_trained(tmp_path: Path) -> None:
    places = write_set(tmp_path / "photos", ["p_1"], 2), write_set(tmp_path / "exact", ["e_1"], is_metric=True)
    photos, exact = (Source(Pack(place / "pack"), [place], is_wanted=lambda name: True) for place in places)
    photos.fill()
    exact.fill()
    teacher, network = start.network(None, 1), start.network(None, 0)
    assert teacher.heads is not None and network.heads is not None
    with torch.no_grad():
        teacher.heads.scene.last.bias[:3] = torch.log(torch.tensor([30.0, 90.0, 2.0]))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    training = train.Training(network, replace(PLAN, steps=30, learning_rate=3e-3), torch.device("cpu"), teacher)
    batch = Batches(photos, exact, 1, 2, 0.5, 0.0, 0, (64, 96), (64, 96), done=training.clock.done)[0]
    losses = [training.train_step(batch) for _ in range(30)]
    assert set(losses[0]) == {"sky of photos", "sky", "scene", "scene of photos"}
    assert losses[-1]["scene of photos"] < losses[0]["scene of photos"] - 0.5
    assert losses[-1]["sky"] == pytest.approx(losses[0]["sky"], rel=1e-4)
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert changed and all(name.startswith("heads.scene.") for name in changed)


def test_a_teacher_that_says_nothing_of_scenes_is_refused(tmp_path: Path) -> None:
    tensors = load_file(BUNDLED)
    save_file({name: value for name, value in tensors.items() if not name.startswith("heads.")}, tmp_path / "old.st")
    with pytest.raises(ValueError, match=r"old\.st says nothing of distances"):
        train.scene_teacher(tmp_path / "old.st")
    assert train.scene_teacher(BUNDLED).heads is not None


def test_a_run_may_end_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("training.train.time.time", lambda: now[0])
    clock = train.Clock(replace(PLAN, steps=0, minutes=10.0), before=4.0)
    assert clock.done(0) == clock.done(1000) == pytest.approx(0.4)
    now[0] += 120.0
    assert clock.done(0) == pytest.approx(0.6)
    now[0] += 1200.0
    assert clock.done(0) == 1.0


def test_the_learning_rate_rises_and_falls() -> None:
    factors = [train.learning_rate_factor(done / 100) for done in range(101)]
    assert factors.index(max(factors)) == round(100 * train.WARM_UP)
    assert factors[0] < 0.1
    assert factors[-1] == pytest.approx(0.02)


def test_frozen_parts_stay() -> None:
    network = start.network(None, 0)
    frozen = {
        name: value.clone()
        for name, value in network.backbone.state_dict().items()
        if name.startswith(quick.FROZEN) or "conv_dw" in name or "running" in name
    }
    training = train.Training(network, PLAN, torch.device("cpu"))
    training.step = 2
    pictures = torch.randint(0, 256, (1, 3, 64, 64), dtype=torch.uint8)
    training.train_step(Batch(pictures, torch.rand(1, 64, 64), torch.zeros(0, 64, 64), facts([], [])))
    after = network.backbone.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in frozen.items())
