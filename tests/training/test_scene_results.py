# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image

from training import sets
from training.scenes import disparity_file, metric_file, verdict
from training.scenes.__main__ import main
from training.scenes.kinds import KINDS, SHOWN


def _depth(far: float = 10.0) -> np.ndarray:
    """Returns the disparity of a wall with a rod in front of it."""
    disparity = np.full((48, 64), 1 / far, np.float32)
    disparity[:, 20:24] = 0.5
    return disparity


def test_the_disparity_is_a_grey_picture_of_16_bits() -> None:
    values = np.random.default_rng(0).integers(0, 65536, (7, 5)).astype(np.uint16)
    read = Image.open(io.BytesIO(disparity_file.png(values)))
    assert read.size == (5, 7)
    np.testing.assert_array_equal(np.asarray(read), values)
    assert disparity_file.ENDING == sets.DISPARITY_ENDING


def test_the_disparity_is_scaled_by_its_nearest_part_and_only_the_sky_is_zero() -> None:
    disparity = np.full((100, 100), 0.5, np.float32)
    disparity[0, :5] = 1000
    disparity[1, :5] = 1e-9
    disparity[2] = 0
    assert disparity_file.top(disparity) == 0.5
    scaled = disparity_file.scaled(disparity, 0.5)
    assert (scaled[0, :5] == 65535).all()
    assert scaled[50, 50] == 65535
    assert (scaled[1, :5] == 1).all()
    assert (scaled[2] == 0).all()
    nothing = np.zeros((3, 3), np.float32)
    assert disparity_file.scaled(nothing, disparity_file.top(nothing)).max() == 0


def test_the_measures_are_a_json_object_of_a_known_kind() -> None:
    metric = metric_file.Metric("room", 1.5, 0.8, "training.scenes")
    assert json.loads(metric.text()) == {
        "kind": "room",
        "inverse_metres": 1.5,
        "focal": 0.8,
        "generator": "training.scenes",
        "held": False,
    }
    assert set(SHOWN) == set(KINDS)
    assert set(SHOWN.values()) <= set(metric_file.KINDS)


def test_a_usable_disparity_has_no_fault() -> None:
    assert verdict.fault_of_disparity(_depth()) == ""
    assert verdict.edge_share(_depth()) == pytest.approx(2 / 63, abs=0.002)


@pytest.mark.parametrize(
    ("fault", "disparity"),
    [
        ("almost only sky", np.where(np.arange(64) < 8, _depth(), 0)),
        ("inside an object", np.where(np.arange(64) < 40, 100, _depth())),
        ("flat", np.full((48, 64), 0.3)),
        ("hardly any edges", np.broadcast_to(np.linspace(0.1, 1, 64), (48, 64))),
    ],
)
def test_an_unusable_disparity_is_rejected(fault: str, disparity: np.ndarray) -> None:
    assert verdict.fault_of_disparity(disparity.astype(np.float32)) == fault


def test_unusable_pictures_are_rejected() -> None:
    good = np.random.default_rng(0).random((40, 40, 3)).astype(np.float32)
    assert verdict.fault_of_picture(good) == ""
    assert verdict.fault_of_picture(good * 1e-5) == "black"
    assert verdict.fault_of_picture(np.full_like(good, 0.3)) == "one colour"
    assert verdict.fault_of_picture(np.where(np.arange(40)[:, None] < 4, good, 1e-4)) == "almost black"
    assert verdict.fault_of_picture(good * np.float32(np.inf)) == "infinite light"


def test_the_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    assert "--seed" in capsys.readouterr().out
