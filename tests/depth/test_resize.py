# SPDX-License-Identifier: GPL-3.0-or-later
"""The size and the resampling of a network's input."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from mono3d_addon.depth import resize  # noqa: E402
from mono3d_addon.depth.catalogue import MODELS  # noqa: E402

pytestmark = pytest.mark.torch

STARTER, SMALL, LARGE = MODELS["starter"], MODELS["midas_v21_small_256"], MODELS["dpt_large_384"]
UPPER_384 = dataclasses.replace(SMALL, network_size=384)
SQUARE = dataclasses.replace(LARGE, square_only=True)


@pytest.mark.parametrize(
    ("model", "photo", "expected"),
    [
        (LARGE, (640, 480), (512, 384)),
        (UPPER_384, (640, 480), (384, 288)),
        (SMALL, (640, 480), (256, 192)),
        (LARGE, (1920, 1080), (672, 384)),
        (SMALL, (1920, 1080), (256, 128)),
        (LARGE, (480, 640), (384, 512)),
        # 144 lies between 128 and 160, at 4.5 times 32: to the even 4.
        (SMALL, (1600, 900), (256, 128)),
        # Smaller than the network's size: the side that needs the least change decides.
        (STARTER, (100, 50), (256, 128)),
        (LARGE, (1, 1), (384, 384)),
        # Both sides would need the same change: the height decides.
        (LARGE, (480, 320), (576, 384)),
        (LARGE, (320, 480), (256, 384)),
        # The official rule gives a height of 0.
        (LARGE, (4000, 100), (384, 32)),
        (SMALL, (4000, 100), (256, 32)),
        (STARTER, (20000, 10), (256, 32)),
        (STARTER, (10, 20000), (32, 256)),
        # The official rule gives 3072x384, eight times the pixels of the trained square.
        (LARGE, (4000, 500), (2176, 256)),
        (SQUARE, (4000, 500), (384, 384)),
    ],
)
def test_input_size(model: object, photo: tuple[int, int], expected: tuple[int, int]) -> None:
    assert resize.input_size(*photo, model) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "side"), [(0, 256), (192, 192), (200, 192), (208, 192), (240, 256), (1, 32), (16, 32)]
)
def test_another_network_size_is_rounded_to_the_stride(asked: int, side: int) -> None:
    assert resize.input_size(1000, 1000, STARTER, asked) == (side, side)


def test_a_network_of_one_size_keeps_it() -> None:
    assert resize.input_size(1000, 500, SQUARE, 192) == (384, 384)


@given(st.integers(1, 30_000), st.integers(1, 30_000), st.sampled_from([STARTER, SMALL, LARGE]), st.integers(0, 2048))
def test_input_size_keeps_the_rules(width: int, height: int, model: object, asked: int) -> None:
    new_width, new_height = resize.input_size(width, height, model, asked)  # type: ignore[arg-type]
    side = resize.input_size(1, 1, model, asked)[0]  # type: ignore[arg-type]
    assert new_width % 32 == new_height % 32 == 0
    assert min(new_width, new_height) >= 32
    # Rounding a short side up may add some.
    assert new_width * new_height <= 1.5 * resize.LARGEST_AREA * side * side
    if not np.isclose(abs(1 - side / width), abs(1 - side / height)) or width == height:
        assert (new_height, new_width) == resize.input_size(height, width, model, asked)  # type: ignore[arg-type]
    if min(new_width, new_height) > 32 and side >= 64:
        # One scale for both sides; each is off by half a stride at most.
        scales = [
            ((new + delta) / old) for new, old in ((new_width, width), (new_height, height)) for delta in (-16, 16)
        ]
        assert max(scales[0], scales[2]) <= min(scales[1], scales[3]) + 1e-9


@pytest.mark.parametrize(
    ("old", "new"), [((300, 401), (96, 128)), ((40, 30), (128, 96)), ((1, 1), (32, 32)), ((64, 64), (64, 64))]
)
def test_sampled_is_the_official_resize(old: tuple[int, int], new: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*old, 3), dtype=np.uint8)
    source = torch.from_numpy(pixels).permute(2, 0, 1)[None].double() / 255
    expected = torch.nn.functional.interpolate(source, size=new, mode="bicubic", align_corners=False)
    picture = resize.sampled(pixels, new[1], new[0])
    assert picture.dtype == np.float32
    np.testing.assert_allclose(picture, expected[0].permute(1, 2, 0).numpy(), atol=2e-6)


def test_sampled_keeps_the_overshoot() -> None:
    step = np.zeros((20, 20, 3), np.uint8)
    step[:, 10:] = 255
    picture = resize.sampled(step, 64, 64)
    assert picture.max() > 1.02 and picture.min() < -0.02


def test_averaged_uses_every_pixel() -> None:
    lines = np.zeros((1024, 1024, 3), np.uint8)
    lines[::2] = 255
    assert np.ptp(resize.averaged(lines, 96, 96)[8:-8]) < 0.02
    assert np.ptp(resize.sampled(lines, 96, 96)[8:-8]) > 0.5


def test_averaged_keeps_colours_and_place() -> None:
    ramp = np.zeros((256, 512, 3), np.uint8)
    ramp[..., 0] = np.arange(512) // 2
    ramp[..., 2] = 200
    ramp.flags.writeable = False
    picture = resize.averaged(ramp, 64, 32)
    np.testing.assert_allclose(
        picture[:, 1:-1, 0], np.tile((np.arange(64) * 4 + 1.75)[1:-1] / 255, (32, 1)), atol=1 / 255
    )
    assert (picture[..., 1] == 0).all()
    np.testing.assert_allclose(picture[..., 2], 200 / 255, atol=1e-6)
