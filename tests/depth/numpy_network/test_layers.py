# SPDX-License-Identifier: GPL-3.0-or-later
"""The layers on numpy against those of torch, at any shape."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from torch import Tensor  # noqa: E402
from torch.nn import functional  # noqa: E402

from mono3d_addon.core.arrays import Floats  # noqa: E402
from mono3d_addon.depth.networks.efficientnet_lite import SameConv2d  # noqa: E402
from mono3d_addon.depth.networks.efficientnet_stages import margins  # noqa: E402
from mono3d_addon.depth.numpy_network import decoder, heads  # noqa: E402
from mono3d_addon.depth.numpy_network.convolutions import (  # noqa: E402
    Layer,
    Tools,
    convolved,
    per_channel,
    pointwise,
)
from mono3d_addon.depth.numpy_network.enlarge import enlarged  # noqa: E402
from mono3d_addon.depth.numpy_network.products import Product, by_einsum, by_library  # noqa: E402
from mono3d_addon.depth.numpy_network.workspace import Workspace  # noqa: E402

pytestmark = pytest.mark.torch

WAYS = st.sampled_from([by_einsum, by_library])
SIDES = st.integers(1, 24)
CHANNELS = st.integers(1, 9)
SEEDS = st.integers(0, 2**32 - 1)


def tools(multiply: Product) -> Tools:
    """Returns tools whose memory holds what would spoil every result."""
    space = Workspace()
    dirty = [space.take(50_000) for _ in range(8)]
    for block in dirty:
        block[:] = np.nan
    space.give(*dirty)
    return Tools(space, multiply)


def noise(seed: int, *shape: int) -> Floats:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def layer(seed: int, outputs: int, inputs: int, kernel: int) -> Layer:
    return Layer(noise(seed + 1, outputs, inputs, kernel, kernel), noise(seed + 2, outputs, 1, 1))


def assert_same(found: Floats, expected: Tensor) -> None:
    assert found.dtype == np.float32 and found.shape == tuple(expected.shape)
    np.testing.assert_allclose(found, expected.numpy(), rtol=0, atol=1e-5 * max(1.0, float(expected.abs().max())))


@given(WAYS, SEEDS, CHANNELS, CHANNELS, SIDES, SIDES)
def test_pointwise(multiply: Product, seed: int, inputs: int, outputs: int, height: int, width: int) -> None:
    x, used = noise(seed, inputs, height, width), layer(seed, outputs, inputs, 1)
    expected = functional.conv2d(
        torch.from_numpy(x), torch.from_numpy(used.weights), torch.from_numpy(used.bias.ravel())
    )
    assert_same(pointwise(tools(multiply), x, used), expected)


@given(WAYS, SEEDS, CHANNELS, CHANNELS, SIDES, SIDES, st.sampled_from([1, 3, 5]), st.booleans())
def test_convolutions_as_wide_as_their_input(
    multiply: Product, seed: int, inputs: int, outputs: int, height: int, width: int, kernel: int, is_rectified: bool
) -> None:
    x, used = noise(seed, inputs, height, width), layer(seed, outputs, inputs, kernel)
    given_x = functional.relu(torch.from_numpy(x)) if is_rectified else torch.from_numpy(x)
    expected = functional.conv2d(
        given_x, torch.from_numpy(used.weights), torch.from_numpy(used.bias.ravel()), padding=kernel // 2
    )
    assert_same(convolved(tools(multiply), x, used, kernel // 2, is_rectified=is_rectified), expected)


@given(SEEDS, CHANNELS, st.integers(1, 12), st.integers(1, 12), st.sampled_from([3, 5]), st.sampled_from([1, 2]))
def test_convolutions_per_channel(seed: int, channels: int, rows: int, columns: int, kernel: int, stride: int) -> None:
    x, used = noise(seed, channels, rows * stride, columns * stride), layer(seed, channels, 1, kernel)
    theirs = SameConv2d(channels, channels, kernel, stride, groups=channels).requires_grad_(False)
    theirs.weight.copy_(torch.from_numpy(used.weights))
    expected = theirs(torch.from_numpy(x)[None])[0] + torch.from_numpy(used.bias)
    before, _ = margins(kernel, stride)
    assert_same(per_channel(tools(by_einsum), x, used, before, stride), expected)


@given(WAYS, SEEDS, st.integers(1, 12), st.integers(1, 12))
def test_the_first_convolution(multiply: Product, seed: int, rows: int, columns: int) -> None:
    x, used = noise(seed, 3, 2 * rows, 2 * columns), layer(seed, 5, 3, 3)
    theirs = SameConv2d(3, 5, 3, stride=2).requires_grad_(False)
    theirs.weight.copy_(torch.from_numpy(used.weights))
    expected = theirs(torch.from_numpy(x)[None])[0] + torch.from_numpy(used.bias)
    assert_same(convolved(tools(multiply), x, used, margins(3, 2)[0], 2), expected)


@pytest.mark.parametrize("size", [(70, 90), (2, 5000), (129, 64)])
def test_a_map_of_several_bands(size: tuple[int, int]) -> None:
    x, used = noise(1, 3, *size), layer(2, 4, 3, 3)
    expected = functional.conv2d(
        torch.from_numpy(x), torch.from_numpy(used.weights), torch.from_numpy(used.bias.ravel()), padding=1
    )
    assert_same(convolved(tools(by_einsum), x, used, 1), expected)


@given(SEEDS, CHANNELS, SIDES, SIDES, st.integers(0, 24), st.integers(0, 24))
def test_enlargement(seed: int, channels: int, height: int, width: int, more_rows: int, more_columns: int) -> None:
    x, size = noise(seed, channels, height, width), (height + more_rows, width + more_columns)
    expected = functional.interpolate(torch.from_numpy(x)[None], size=size, mode="bilinear", align_corners=False)[0]
    assert_same(enlarged(tools(by_einsum), x, size), expected)


@given(SEEDS, CHANNELS, st.integers(1, 40), st.integers(1, 40))
def test_means_over_cells(seed: int, channels: int, height: int, width: int) -> None:
    x = noise(seed, channels, height, width)
    assert_same(heads._cell_means(x), functional.adaptive_avg_pool2d(torch.from_numpy(x), 3))


@given(SEEDS, st.integers(1, 20), st.integers(1, 20))
def test_evened_disparity(seed: int, height: int, width: int) -> None:
    x = noise(seed, height, width)
    framed = functional.pad(torch.from_numpy(x)[None, None], (1, 1, 1, 1), mode="replicate")
    expected = functional.avg_pool2d(functional.avg_pool2d(framed, 2, stride=1), 2, stride=1)[0, 0]
    assert_same(decoder._evened(x), expected)
