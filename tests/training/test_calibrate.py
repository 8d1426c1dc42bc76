# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mono3d_addon.core.scene_guess import Guess, SceneGuess  # noqa: E402
from mono3d_addon.depth.catalogue import BUNDLED_FOLDER  # noqa: E402
from tests.training.made_sets import write_set  # noqa: E402
from training import calibrate, start  # noqa: E402
from training.scene_report import Truth  # noqa: E402

pytestmark = pytest.mark.torch


def test_estimates_that_scatter_too_widely_are_drawn_to_the_mean() -> None:
    random = np.random.default_rng(0)
    true = random.normal(0.5, 0.6, 3000)
    error = random.laplace(0.0, 0.2, 3000)
    # What was said: the best estimate, stretched twice, moved, and far too sure.
    said = 2.0 * (true + error) + 0.7
    found = calibrate.line(said, np.full(3000, 0.05), true)
    again = found.slope * said + found.shift
    assert found.slope < 0.5 and np.median(np.abs(again - true)) < 0.2
    deviation = found.factor * 0.05
    inside = np.abs(again - true) < -math.log(1.0 - calibrate.LEVEL) / math.sqrt(2.0) * deviation
    assert inside.mean() == pytest.approx(calibrate.LEVEL, abs=0.01)


def seen(times: float, count: int = 40, deviation: float = 0.1) -> calibrate.Seen:
    """Scenes whose lens is off by a factor that grows from 1 to `times`."""
    guesses, truths = [], []
    for number in range(count):
        focal = 0.6 + 0.01 * number
        guesses.append(SceneGuess(Guess(1.0, 0.5), Guess(5.0, 0.5), Guess(focal, deviation)))
        truths.append(Truth(1.0, 5.0, focal * times ** (number / count), None))
    return calibrate.Seen(guesses, truths)


def test_few_scenes_are_refused() -> None:
    with pytest.raises(ValueError, match="19 pictures are too few"):
        calibrate.lines(seen(2.0, count=19))
    with pytest.raises(ValueError, match="9 pictures are too few"):
        calibrate.lines(seen(2.0), seen(2.0, count=9))


def test_photos_tell_the_deviation_of_the_lens_and_nothing_else() -> None:
    scenes, photos = seen(2.0), seen(3.0, count=12, deviation=0.05)
    alone, found = calibrate.lines(scenes), calibrate.lines(scenes, photos)
    assert (found["near"], found["far"]) == (alone["near"], alone["far"])
    assert found["focal"][:2] == alone["focal"][:2]
    slope, shift, factor = found["focal"]
    away = [
        abs(slope * math.log(guess.focal.value) + shift - math.log(truth.focal))
        for guess, truth in zip(*photos, strict=True)
        if guess.focal
    ]
    holds = -math.log(1.0 - calibrate.LEVEL) / math.sqrt(2.0) * factor * 0.05
    assert np.mean(np.array(away) <= holds) == pytest.approx(calibrate.LEVEL, abs=0.06)


def test_flat_pictures_become_rare() -> None:
    shares = np.random.default_rng(0).uniform(0.0, 1.0, 500)
    odds = shares / (1.0 - shares) * math.exp(calibrate.flat_shift(shares))
    assert (odds / (1.0 + odds)).mean() == pytest.approx(calibrate.FLAT_SHARE, rel=1e-3)
    assert calibrate.flat_shift(np.full(5, 0.5 * calibrate.FLAT_SHARE)) == 0.0


def test_the_network_says_what_the_lines_say() -> None:
    network = start.network(None, 0).eval()
    picture = torch.rand(1, 3, 64, 96)
    found = {name: calibrate.Line(0.5, 0.3, 2.0) for name in ("near", "far", "focal")}
    with torch.no_grad():
        before = network(picture)[2][0]
        tensors = calibrate.calibrated(network.state_dict(), found, flat=-1.5)
        network.load_state_dict({name: value.float() for name, value in tensors.items()})
        after = network(picture)[2][0]
    torch.testing.assert_close(after[:3], 0.5 * before[:3] + 0.3, atol=5e-3, rtol=0.0)
    torch.testing.assert_close(after[3:6], before[3:6] + math.log(2.0), atol=5e-3, rtol=0.0)
    torch.testing.assert_close(after[6:11], before[6:11], atol=5e-3, rtol=0.0)
    torch.testing.assert_close(after[11], before[11] - 1.5, atol=5e-3, rtol=0.0)


@pytest.mark.thorough
def test_photos_change_the_deviation_that_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"s_{number:02d}" for number in range(calibrate.FEWEST)]
    scenes = write_set(tmp_path / "scenes", names, is_metric=True)
    photos = write_set(tmp_path / "photos", names)
    for name in names:
        (photos / f"{name}.json").write_text('{"focal": 8.0}', encoding="utf-8")

    def told(*more: str | Path) -> dict[str, str]:
        choices = ("--model", BUNDLED_FOLDER / "starter.safetensors", "--metric", scenes, "--out", tmp_path / "own")
        monkeypatch.setattr(sys, "argv", ["calibrate", *map(str, (*choices, *more))])
        calibrate.main()
        return dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())

    by_scenes, by_photos = told(), told("--lens", photos)
    assert by_scenes["near"] == by_photos["near"] and by_scenes["far"] == by_photos["far"]
    # The pictures are the same, and the truth is ten times as long.
    alone, found = ([float(part.split()[-1]) for part in one["focal"].split(", ")] for one in (by_scenes, by_photos))
    assert found[:2] == alone[:2] and found[2] > 3.0 * alone[2]
    with pytest.raises(SystemExit):
        told("--lens", photos, "--every-other")
    assert "10 pictures are too few" in capsys.readouterr().err
