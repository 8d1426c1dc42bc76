# SPDX-License-Identifier: GPL-3.0-or-later
"""The starter model on photos, and what happens when a network fails."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from mono3d_addon.depth import estimate  # noqa: E402
from mono3d_addon.depth.catalogue import BUNDLED_FOLDER, MODELS  # noqa: E402
from mono3d_addon.errors import Mono3DError  # noqa: E402

pytestmark = pytest.mark.torch

COFFEE = Path(__file__).resolve().parents[1] / "photos" / "coffee.png"
STORED = Path(__file__).with_name("starter_coffee.npy")


@pytest.fixture(scope="module")
def starter() -> estimate.Estimator:
    return estimate.load(MODELS["starter"], BUNDLED_FOLDER / "starter.safetensors", "cpu")


@pytest.fixture(scope="module")
def coffee() -> NDArray[np.uint8]:
    return np.asarray(Image.open(COFFEE).convert("RGB"))


def rank_correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    first, second = (np.argsort(np.argsort(values, axis=None)).astype(np.float64) for values in (one, other))
    return float(np.corrcoef(first, second)[0, 1])


def test_coffee_as_it_was_when_trained(starter: estimate.Estimator, coffee: NDArray[np.uint8]) -> None:
    # Every 8th value of what the network that was trained gave for the same input.
    disparity = starter.disparity(coffee)
    assert disparity.shape == (256, 384) and disparity.dtype == np.float32
    np.testing.assert_allclose(disparity[::8, ::8], np.load(STORED), atol=2e-3)


def test_the_cup_stands_before_the_table(starter: estimate.Estimator, coffee: NDArray[np.uint8]) -> None:
    disparity = starter.disparity(coffee)
    cup, far_edge, near_edge = disparity[30:110, 120:200], disparity[:20, :60], disparity[-10:, 150:250]
    spread = np.percentile(disparity, 99) - np.percentile(disparity, 1)
    assert cup.mean() > far_edge.mean() + 0.4 * spread
    assert near_edge.mean() > cup.mean()


def test_the_mirror_image_is_as_deep(starter: estimate.Estimator, coffee: NDArray[np.uint8]) -> None:
    mirrored = starter.disparity(np.ascontiguousarray(coffee[:, ::-1]))[:, ::-1]
    assert rank_correlation(starter.disparity(coffee), mirrored) > 0.98


def test_a_large_photo_is_as_deep_as_a_small_one(starter: estimate.Estimator, coffee: NDArray[np.uint8]) -> None:
    large = coffee.repeat(5, axis=0).repeat(5, axis=1)
    assert rank_correlation(starter.disparity(coffee), starter.disparity(large)) > 0.995


def test_the_same_photo_gives_the_same_bits(starter: estimate.Estimator, coffee: NDArray[np.uint8]) -> None:
    again = estimate.load(MODELS["starter"], BUNDLED_FOLDER / "starter.safetensors", "cpu")
    assert np.array_equal(starter.disparity(coffee), again.disparity(coffee))


def test_network_size(starter: estimate.Estimator, coffee: NDArray[np.uint8]) -> None:
    assert starter.disparity(coffee, 192).shape == (192, 288)


@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (10, 20000), (20000, 10), (100, 4000), (500, 4000)])
@pytest.mark.parametrize("antialias", [True, False])
def test_photos_of_every_shape(starter: estimate.Estimator, shape: tuple[int, int], antialias: bool) -> None:
    estimator = dataclasses.replace(starter, model=dataclasses.replace(starter.model, antialias=antialias))
    disparity = estimator.disparity(np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8))
    assert np.isfinite(disparity).all()
    assert disparity.shape[0] % 32 == disparity.shape[1] % 32 == 0


@pytest.mark.parametrize("value", [0, 255])
def test_photos_of_one_colour(starter: estimate.Estimator, value: int) -> None:
    assert np.isfinite(starter.disparity(np.full((60, 80, 3), value, np.uint8))).all()


class Broken(nn.Module):
    """A network that fails as told."""

    def __init__(self, result: float | BaseException) -> None:
        super().__init__()
        self.result = result

    def forward(self, picture: Tensor) -> Tensor:
        if isinstance(self.result, BaseException):
            raise self.result
        return picture[:, 0] * 0 + self.result


def broken(starter: estimate.Estimator, result: float | BaseException) -> estimate.Estimator:
    return dataclasses.replace(starter, network=Broken(result))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_out_of_range(starter: estimate.Estimator, value: float) -> None:
    with pytest.raises(Mono3DError, match="no usable depth on the device 'cpu'"):
        broken(starter, value).disparity(np.zeros((32, 32, 3), np.uint8))


def test_a_flat_result_is_a_result(starter: estimate.Estimator) -> None:
    assert (broken(starter, 0.5).disparity(np.zeros((32, 32, 3), np.uint8)) == 0.5).all()


def test_full_memory_is_a_sentence_and_defects_stay_defects(starter: estimate.Estimator) -> None:
    with pytest.raises(Mono3DError, match="does not suffice for 'starter' at 256x256"):
        broken(starter, torch.OutOfMemoryError("out of memory")).disparity(np.zeros((32, 32, 3), np.uint8))
    with pytest.raises(RuntimeError, match="a defect"):
        broken(starter, RuntimeError("a defect")).disparity(np.zeros((32, 32, 3), np.uint8))
