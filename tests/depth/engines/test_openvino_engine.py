# SPDX-License-Identifier: GPL-3.0-or-later
"""Converted networks against the official ones' outputs."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("openvino")

from mono3d_addon.depth import loading  # noqa: E402
from mono3d_addon.depth.catalogue import BUNDLED_FOLDER, MODELS  # noqa: E402
from mono3d_addon.depth.engines import openvino_engine  # noqa: E402
from mono3d_addon.depth.networks.architectures import build  # noqa: E402

import reference  # noqa: E402

pytestmark = pytest.mark.torch

needs_timm = pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="timm is not installed")


def largest_error(model: str, folder: Path) -> dict[tuple[int, int], float]:
    """Returns the largest difference to the official output, in its standard deviations, by the size of the input."""
    openvino_engine.convert(build(model, reference.state_dict(model)), MODELS[model], folder)
    errors = {}
    for size, expected in reference.outputs(model).items():
        engine = openvino_engine.load(folder, size, "float32")
        found = engine.run(reference.picture(*size).numpy())[0]
        errors[size] = float(np.abs(found[::4, ::4] - expected).max() / expected.std())
    return errors


def test_midas_small(tmp_path: Path) -> None:
    errors = largest_error("midas_v21_small_256", tmp_path)
    assert len(errors) == 3 and max(errors.values()) < 3e-5, errors


@pytest.mark.slow
@needs_timm
@pytest.mark.parametrize(
    "model",
    ["dpt_swin2_tiny_256", "dpt_levit_224", "dpt_next_vit_large_384", "dpt_beit_base_384", "dpt_hybrid_384"],
)
def test_one_of_each_kind_of_transformer(model: str, tmp_path: Path) -> None:
    errors = largest_error(model, tmp_path)
    # Why the hybrid may differ by more stands in test_networks.
    assert max(errors.values()) < (3e-4 if model == "dpt_hybrid_384" else 1e-4), errors


def test_one_graph_serves_all_sizes(tmp_path: Path) -> None:
    network = loading.network(MODELS["starter"], BUNDLED_FOLDER / "starter.safetensors", None)
    openvino_engine.convert(network, MODELS["starter"], tmp_path)
    for size in ((256, 384), (384, 256), (64, 96), (32, 32), (32, 1024)):
        picture = reference.picture(*size)
        with torch.inference_mode():
            expected = network(picture).numpy()
        found = openvino_engine.load(tmp_path, size, "float32").run(picture.numpy())
        np.testing.assert_allclose(found, expected, atol=1e-4 * expected.std())


def test_several_pictures_keep_their_order(tmp_path: Path) -> None:
    network = loading.network(MODELS["starter"], BUNDLED_FOLDER / "starter.safetensors", None)
    openvino_engine.convert(network, MODELS["starter"], tmp_path)
    engine = openvino_engine.load(tmp_path, (64, 96), "float32")
    pictures = np.concatenate([reference.picture(64, 96).numpy() * scale for scale in (1, 0.5, 0.1)])
    together = engine.run(pictures)
    for picture, found in zip(pictures, together, strict=True):
        assert np.array_equal(engine.run(picture[None])[0], found)


def test_float32_weights_stay_float32(tmp_path: Path) -> None:
    network = loading.network(MODELS["starter"], BUNDLED_FOLDER / "starter.safetensors", None)
    openvino_engine.convert(network, MODELS["starter"], tmp_path)
    assert (tmp_path / "graph.bin").stat().st_size > 4 * 0.95 * MODELS["starter"].parameters


@pytest.mark.parametrize(
    ("able", "expected"), [(["FP32", "BF16", "INT8"], ("bfloat16", "float32")), (["FP32"], ("float32",))]
)
def test_bfloat16_only_where_the_processor_has_it(
    monkeypatch: pytest.MonkeyPatch, able: list[str], expected: tuple[str, ...]
) -> None:
    import openvino

    class Core:
        def get_property(self, device: str, name: str) -> list[str]:
            assert (device, name) == ("CPU", "OPTIMIZATION_CAPABILITIES")
            return able

    monkeypatch.setattr(openvino, "Core", Core)
    assert openvino_engine.precisions() == expected
