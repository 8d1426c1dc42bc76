# SPDX-License-Identifier: GPL-3.0-or-later
"""The forward pass of training gives the network's own numbers."""

from __future__ import annotations

from typing import cast

import pytest

torch = pytest.importorskip("torch")

from mono3d_addon.depth.catalogue import BUNDLED_FOLDER  # noqa: E402
from mono3d_addon.depth.networks.efficientnet_lite import EfficientNetLite  # noqa: E402
from training import quick, start  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.mark.parametrize(("is_reduced", "most"), [(False, 1e-5), (True, 0.05)])
def test_the_same_numbers(is_reduced: bool, most: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick, "uses_bfloat16", lambda picture: is_reduced)
    network = start.network(BUNDLED_FOLDER / "starter.safetensors", 0).eval()
    picture = torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(0)) * 2.0 - 1.0
    with torch.no_grad():
        disparity, sky, scene = network(picture)
        quick_disparity, logits, quick_scene = quick.forward(network, picture)
    assert logits is not None and quick_scene is not None
    for found, wanted in ((quick_disparity, disparity), (torch.sigmoid(logits), sky), (quick_scene, scene)):
        torch.testing.assert_close(found, wanted, atol=most, rtol=0.0)


def test_what_is_trained_gets_gradients_and_nothing_else_does() -> None:
    network = start.network(None, 0).eval()
    trained = quick.trained(cast(EfficientNetLite, network.backbone))
    disparity, _, _ = quick.forward(network, torch.rand(1, 3, 64, 64))
    disparity.square().mean().backward()
    with_gradient = [one for one in network.backbone.parameters() if one.grad is not None]
    assert {id(one) for one in with_gradient} <= {id(one) for one in trained}
    assert len(with_gradient) > 0.9 * len(trained)
