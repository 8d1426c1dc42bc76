# SPDX-License-Identifier: GPL-3.0-or-later
"""The starter model on photos, and what happens when a network fails."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

torch = pytest.importorskip("torch")

from mono3d_addon.depth import scene_vector, timings  # noqa: E402
from mono3d_addon.depth.catalogue import BUNDLED_FOLDER, MODELS  # noqa: E402
from mono3d_addon.depth.engines.choice import EngineChoice, Result, Tell  # noqa: E402
from mono3d_addon.depth.engines.engine import DISPARITY, SCENE, SKY, Pictures  # noqa: E402
from mono3d_addon.depth.estimator import Estimator, InferenceOptions, load  # noqa: E402
from mono3d_addon.errors import Mono3DError  # noqa: E402

pytestmark = pytest.mark.torch

COFFEE = Path(__file__).resolve().parents[1] / "photos" / "coffee.png"
STORED = Path(__file__).with_name("starter_coffee.npy")


@pytest.fixture(scope="module")
def starter() -> Estimator:
    return load(MODELS["starter"], BUNDLED_FOLDER / "starter.safetensors", "cpu")


@pytest.fixture(scope="module")
def coffee() -> NDArray[np.uint8]:
    return np.asarray(Image.open(COFFEE).convert("RGB"))


def rank_correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    first, second = (np.argsort(np.argsort(values, axis=None)).astype(np.float64) for values in (one, other))
    return float(np.corrcoef(first, second)[0, 1])


def test_coffee_as_it_was_when_trained(starter: Estimator, coffee: NDArray[np.uint8]) -> None:
    # Every 8th value of what the network that was trained gave for the same input.
    disparity = starter.estimate(coffee).disparity
    assert disparity.shape == (256, 384) and disparity.dtype == np.float32
    np.testing.assert_allclose(disparity[::8, ::8], np.load(STORED), atol=2e-3)


def test_the_cup_stands_before_the_table(starter: Estimator, coffee: NDArray[np.uint8]) -> None:
    disparity = starter.estimate(coffee).disparity
    cup, far_edge, near_edge = disparity[30:110, 120:200], disparity[:20, :60], disparity[-10:, 150:250]
    spread = np.percentile(disparity, 99) - np.percentile(disparity, 1)
    assert cup.mean() > far_edge.mean() + 0.4 * spread
    assert near_edge.mean() > cup.mean()


def test_the_mirror_image_is_as_deep(starter: Estimator, coffee: NDArray[np.uint8]) -> None:
    mirrored = starter.estimate(np.ascontiguousarray(coffee[:, ::-1])).disparity[:, ::-1]
    assert rank_correlation(starter.estimate(coffee).disparity, mirrored) > 0.95


def test_a_large_photo_is_as_deep_as_a_small_one(starter: Estimator, coffee: NDArray[np.uint8]) -> None:
    large = coffee.repeat(5, axis=0).repeat(5, axis=1)
    assert rank_correlation(starter.estimate(coffee).disparity, starter.estimate(large).disparity) > 0.995


def test_the_same_photo_gives_the_same_bits(starter: Estimator, coffee: NDArray[np.uint8]) -> None:
    again = load(MODELS["starter"], BUNDLED_FOLDER / "starter.safetensors", "cpu")
    assert np.array_equal(starter.estimate(coffee).disparity, again.estimate(coffee).disparity)


def test_network_size(starter: Estimator, coffee: NDArray[np.uint8]) -> None:
    assert starter.estimate(coffee, InferenceOptions(192)).disparity.shape == (192, 288)


@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (10, 20000), (20000, 10), (100, 4000), (500, 4000)])
@pytest.mark.parametrize("sampling", ["cubic, averaged", "cubic"])
def test_photos_of_every_shape(starter: Estimator, shape: tuple[int, int], sampling: Any) -> None:
    estimator = dataclasses.replace(starter, model=dataclasses.replace(starter.model, sampling=sampling))
    disparity = estimator.estimate(noise(*shape)).disparity
    assert np.isfinite(disparity).all()
    assert disparity.shape[0] % 32 == disparity.shape[1] % 32 == 0


@pytest.mark.parametrize("value", [0, 255])
def test_photos_of_one_colour(starter: Estimator, value: int) -> None:
    assert np.isfinite(starter.estimate(np.full((60, 80, 3), value, np.uint8)).disparity).all()


def noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_the_mirror_image_takes_part_in_the_mean(starter: Estimator, coffee: NDArray[np.uint8]) -> None:
    plain = starter.estimate(coffee).disparity
    averaged = starter.estimate(coffee, InferenceOptions(flip=True)).disparity
    mirrored = starter.estimate(np.ascontiguousarray(coffee[:, ::-1]), InferenceOptions(flip=True)).disparity[:, ::-1]
    # A mean that sees both does not mind which of them is the photo, but for the scale and shift that it keeps.
    unlike = 1 - np.corrcoef(averaged.ravel(), plain.ravel())[0, 1]
    assert 1 - np.corrcoef(averaged.ravel(), mirrored.ravel())[0, 1] < 0.1 * unlike


def test_tiles_add_detail_and_keep_the_shape(starter: Estimator, coffee: NDArray[np.uint8]) -> None:
    large = np.asarray(Image.fromarray(coffee).resize((1800, 1200), Image.Resampling.BICUBIC))
    whole, detailed = (
        starter.estimate(large, look).disparity for look in (InferenceOptions(), InferenceOptions(tiles=True))
    )
    assert detailed.shape[0] > 1.5 * whole.shape[0]
    small = np.asarray(Image.fromarray(detailed).resize(whole.shape[::-1], Image.Resampling.BOX))
    assert rank_correlation(whole, small) > 0.98


def test_several_photos_together_are_as_deep_as_each_alone(starter: Estimator, coffee: NDArray[np.uint8]) -> None:
    photos = [coffee, noise(300, 300), coffee[:, ::-1].copy(), noise(100, 300)]
    together = starter.estimate_all(photos)
    for photo, estimate in zip(photos, together, strict=True):
        alone = starter.estimate(photo).disparity
        np.testing.assert_allclose(estimate.disparity, alone, atol=1e-4 * np.abs(alone).max())


class Engines(EngineChoice):
    """Engines that fail as told: each answer is a value for all pixels or what is raised; the last one stays."""

    def __init__(self, *answers: float | BaseException, device: str = "cpu") -> None:
        super().__init__(MODELS["starter"], Path("nowhere"), device, None)
        self.answers = list(answers)
        self.seen: list[tuple[int, ...]] = []

    def run(self, pictures: Pictures, tell: Tell = lambda words: None) -> Result:
        self.seen.append(pictures.shape)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        disparity = np.full((len(pictures), *pictures.shape[2:]), answer, np.float32)
        return Result({DISPARITY: disparity}, f"fake on {self.device}", device=self.device)


def test_the_seconds_of_the_usual_size_are_learnt(coffee: NDArray[np.uint8], tmp_path: Path) -> None:
    for data_folder in (None, tmp_path):
        estimator = load(MODELS["starter"], BUNDLED_FOLDER / "starter.safetensors", "cpu", data_folder)
        estimator.estimate(coffee, InferenceOptions(network_size=128))
        assert timings.measured(tmp_path) == {}, "another size"
        estimator.estimate(coffee)
    seconds = timings.measured(tmp_path)["starter"]["cpu"]
    assert 0.001 < seconds < 60.0


class TellingEngines(Engines):
    """Engines that say more than disparity: the sky is where a picture is bright, near its mean brightness."""

    def run(self, pictures: Pictures, tell: Tell = lambda words: None) -> Result:
        plain = super().run(pictures)
        sky = (pictures.mean(axis=1)[:, ::4, ::4] > 0.0).astype(np.float32)
        scene = np.zeros((len(pictures), scene_vector.LENGTH), np.float32)
        # The logarithm of near: different for a picture and its mirror image.
        scene[:, 0] = np.where(pictures[:, 0, 0, 0] > 0.0, np.log(2.0), np.log(8.0))
        return dataclasses.replace(plain, arrays={**plain.arrays, SKY: sky, SCENE: scene})


def telling(model_size: int = 64) -> Estimator:
    model = dataclasses.replace(MODELS["starter"], network_size=model_size)
    return Estimator(model, TellingEngines(0.5), lambda: TellingEngines(0.5))


def half_bright() -> NDArray[np.uint8]:
    photo = np.zeros((64, 96, 3), np.uint8)
    photo[:, :24] = 255
    return photo


def test_scene_and_sky_reach_the_estimate() -> None:
    photos = [half_bright(), np.ascontiguousarray(half_bright()[:, ::-1])]
    first, second = telling().estimate_all(photos)
    assert first.scene is not None and first.scene.near is not None and first.sky is not None
    assert second.scene is not None and second.scene.near is not None and second.sky is not None
    assert [first.scene.near.value, second.scene.near.value] == pytest.approx([2.0, 8.0])
    assert first.sky.dtype == np.float32 and first.sky.shape == (16, 24)
    assert first.sky[:, :5].all() and not first.sky[:, 7:].any()
    assert np.array_equal(second.sky, first.sky[:, ::-1])


def test_scene_and_sky_are_averaged_with_those_of_the_mirror_image() -> None:
    found = telling().estimate(half_bright(), InferenceOptions(flip=True))
    assert found.scene is not None and found.scene.near is not None and found.sky is not None
    assert found.scene.near.value == pytest.approx(4.0)
    assert found.sky[:, :5].all() and not found.sky[:, 7:].any()


def test_tiles_do_not_change_what_is_said_of_the_whole() -> None:
    large = half_bright().repeat(4, axis=0).repeat(4, axis=1)
    plain, detailed = (telling().estimate(large, InferenceOptions(tiles=tiles)) for tiles in (False, True))
    assert detailed.scene == plain.scene is not None
    assert plain.sky is not None and detailed.sky is not None and np.array_equal(detailed.sky, plain.sky)
    assert detailed.disparity.size > plain.disparity.size


def test_weights_without_heads_say_nothing(coffee: NDArray[np.uint8], second_starter: Path) -> None:
    found = load(MODELS["starter"], second_starter, "cpu").estimate(coffee, InferenceOptions(64))
    assert found.scene is None and found.sky is None


@pytest.fixture(scope="module")
def second_starter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled weights without those of the heads, which the second starter did not have."""
    from safetensors.torch import load_file, save_file

    tensors = load_file(BUNDLED_FOLDER / "starter.safetensors")
    file = tmp_path_factory.mktemp("weights") / "second.safetensors"
    save_file({name: value for name, value in tensors.items() if not name.startswith("heads.")}, file)
    return file


FULL = torch.OutOfMemoryError("out of memory")
BLACK = np.zeros((300, 300, 3), np.uint8)


def with_engines(engines: Engines, processor: Engines | None = None, model: str = "starter") -> Estimator:
    return Estimator(MODELS[model], engines, lambda: processor or engines)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_out_of_range(value: float) -> None:
    with pytest.raises(Mono3DError, match="no usable depth with fake on cpu"):
        with_engines(Engines(value)).estimate(BLACK)


def test_a_flat_result_is_a_result() -> None:
    assert (with_engines(Engines(0.5)).estimate(BLACK).disparity == 0.5).all()


def test_a_full_card_hands_over_to_the_processor() -> None:
    processor = Engines(0.5)
    estimate = with_engines(Engines(FULL, device="cuda"), processor).estimate(BLACK)
    assert processor.seen == [(1, 3, 256, 256)] and not estimate.is_reduced
    assert estimate.notes == (
        "The memory of the device 'cuda' did not suffice at 256x256.",
        "'starter' ran on 'cpu' at 256x256 instead.",
    )


def test_a_full_card_is_not_tried_again_at_that_size() -> None:
    card, processor = Engines(FULL, 0.5, device="cuda"), Engines(0.5)
    estimator = with_engines(card, processor)
    notes = [estimator.estimate(BLACK).notes for _ in range(3)]
    assert len(card.seen) == 1 and len(processor.seen) == 3 and notes[0] == notes[1] == notes[2]
    assert estimator.estimate(BLACK, InferenceOptions(128)).engine == "fake on cuda"


def test_what_a_card_could_not_hold_is_released_when_nothing_holds_on_to_it() -> None:
    """While the error is at hand, its frames are too, with all that the network had computed."""
    at_hand: list[BaseException | None] = []
    card = Engines(FULL, FULL, 0.5, device="cuda")
    card.release = lambda: at_hand.append(sys.exc_info()[1])  # type: ignore[method-assign]
    with_engines(card, Engines(0.5)).estimate_all([BLACK] * 2)
    assert at_hand == [None, None]


def test_a_full_processor_sees_less() -> None:
    engines = Engines(FULL, MemoryError(), 0.5)
    estimate = with_engines(engines).estimate(BLACK)
    assert [shape[2:] for shape in engines.seen] == [(256, 256), (192, 192), (128, 128)]
    assert estimate.is_reduced and estimate.disparity.shape == (128, 128)
    assert estimate.notes[-1] == "'starter' ran on 'cpu' at 128x128 instead."


def test_full_memory_whatever_is_tried_is_a_sentence() -> None:
    with pytest.raises(Mono3DError, match="does not suffice for 'starter': choose a smaller"):
        with_engines(Engines(FULL)).estimate(BLACK)


def test_the_processor_is_got_ready_once(tmp_path: Path) -> None:
    estimator = load(MODELS["starter"], BUNDLED_FOLDER / "starter.safetensors", "cpu", tmp_path)
    assert estimator.on_processor() is estimator.on_processor()


def test_a_reduced_tile_makes_a_reduced_result() -> None:
    engines = Engines(0.5, FULL, 0.5)
    large = np.zeros((1200, 1200, 3), np.uint8)
    estimate = with_engines(engines).estimate(large, InferenceOptions(tiles=True))
    assert estimate.is_reduced and len([note for note in estimate.notes if "did not suffice" in note]) == 1


def test_a_reduced_whole_has_no_detail_and_says_so() -> None:
    estimate = with_engines(Engines(FULL, 0.5)).estimate(
        np.zeros((1200, 1200, 3), np.uint8), InferenceOptions(tiles=True)
    )
    assert estimate.is_reduced and estimate.notes[-1] == "There was no memory for fine detail."


def test_a_model_of_one_size_is_not_shown_less() -> None:
    engines = Engines(FULL)
    with pytest.raises(Mono3DError, match="does not suffice for 'dpt_levit_224'"):
        with_engines(engines, model="dpt_levit_224").estimate(BLACK)
    assert len(engines.seen) == 1


def test_a_size_that_a_model_does_not_take_is_said() -> None:
    estimator = with_engines(Engines(0.5), model="dpt_levit_224")
    assert "sees every photo at 224x224" in estimator.estimate(BLACK, InferenceOptions(network_size=384)).notes[0]
    assert (
        not estimator.estimate(BLACK).notes and not estimator.estimate(BLACK, InferenceOptions(network_size=224)).notes
    )


def test_a_card_too_small_for_several_photos_takes_fewer() -> None:
    engines = Engines(FULL, FULL, 0.5, device="cuda")
    estimates = with_engines(engines).estimate_all([BLACK] * 4)
    # Two at a time were too many: the other two are not tried together.
    assert [shape[0] for shape in engines.seen] == [4, 2, 1, 1, 1, 1]
    assert len(estimates) == 4 and all(not estimate.notes for estimate in estimates)


def test_defects_stay_defects() -> None:
    with pytest.raises(RuntimeError, match="a defect"):
        with_engines(Engines(RuntimeError("a defect"))).estimate(BLACK)
    with pytest.raises(RuntimeError, match="a defect"):
        with_engines(Engines(RuntimeError("a defect"))).estimate_all([BLACK, BLACK])
