# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from training import calibrate, start  # noqa: E402

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


def test_few_scenes_are_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        calibrate.line(np.zeros(5), np.ones(5), np.zeros(5))


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
