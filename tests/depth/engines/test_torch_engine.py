# SPDX-License-Identifier: GPL-3.0-or-later
"""torch as an engine, with every kind of number, on the processor."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from torch import Tensor  # noqa: E402
from torch.nn import functional  # noqa: E402

from mono3d_addon.depth import loading, resize  # noqa: E402
from mono3d_addon.depth.catalogue import BUNDLED_FOLDER, MODELS  # noqa: E402
from mono3d_addon.depth.engines import torch_engine  # noqa: E402
from mono3d_addon.depth.engines.agreement import compare_all  # noqa: E402
from mono3d_addon.depth.engines.engine import Precision  # noqa: E402
from mono3d_addon.depth.engines.torch_engine import TYPES, on_device  # noqa: E402
from mono3d_addon.depth.networks.architectures import build  # noqa: E402
from tests.depth import newer_reference, reference  # noqa: E402

ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.torch

thorough = pytest.mark.thorough

needs_timm = pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="timm is not installed")


@pytest.mark.parametrize("precision", ["float32", pytest.param("float16", marks=thorough), "bfloat16"])
def test_the_starter(precision: Precision) -> None:
    weights = BUNDLED_FOLDER / "starter.safetensors"
    pixels = np.asarray(Image.open(ROOT / "tests" / "photos" / "coffee.png").convert("RGB").resize((192, 128)))
    picture = resize.picture(pixels, 192, 128, MODELS["starter"])[None]
    pictures = np.concatenate([picture * np.float32(scale) for scale in (1, 0.3)])
    plain = on_device(loading.network(MODELS["starter"], weights, None), "cpu").run(pictures)
    engine = on_device(loading.network(MODELS["starter"], weights, None), "cpu", precision)
    assert {parameter.dtype for parameter in engine.network.get_submodule("backbone").parameters()} == {
        TYPES[precision]
    }
    found = engine.run(pictures)
    assert found["disparity"].dtype == np.float32 and found["disparity"].shape == (2, 128, 192)
    verdict = compare_all(plain, found, precision)
    assert verdict.agrees, verdict
    assert engine.name == f"torch {precision} on cpu"


@pytest.mark.parametrize("precision", [pytest.param("float16", marks=thorough), "bfloat16"])
def test_even_surfaces_stay_even(precision: Precision) -> None:
    """With all steps in bfloat16 the surface of the photo's table was uneven by six times its own relief."""
    pixels = np.asarray(Image.open(ROOT / "tests" / "photos" / "coffee.png").convert("RGB").resize((192, 128)))
    picture = resize.picture(pixels, 192, 128, MODELS["starter"])[None]
    weights = BUNDLED_FOLDER / "starter.safetensors"
    plain = on_device(loading.network(MODELS["starter"], weights, None), "cpu").run(picture)
    engine = on_device(loading.network(MODELS["starter"], weights, None), "cpu", precision)
    verdict = compare_all(plain, engine.run(picture), precision)
    assert verdict.agrees, verdict
    engine.network.to(dtype=TYPES[precision])
    verdict = compare_all(plain, engine.run(picture), precision)
    assert precision == "float16" or (not verdict.agrees and "uneven" in verdict.reason), verdict


def test_channels_side_by_side_change_nothing_but_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    weights, picture = BUNDLED_FOLDER / "starter.safetensors", reference.picture(64, 64).numpy()
    plain = on_device(loading.network(MODELS["starter"], weights, None), "cpu", "bfloat16")
    monkeypatch.setattr(torch_engine, "CHANNELS_LAST", ("cpu",))
    beside = on_device(loading.network(MODELS["starter"], weights, None), "cpu", "bfloat16")
    assert beside.memory_format == torch.channels_last
    assert compare_all(plain.run(picture), beside.run(picture), "bfloat16").agrees


@pytest.mark.slow
@needs_timm
@pytest.mark.parametrize(
    "model",
    ["midas_v21_small_256", *(pytest.param(one, marks=thorough) for one in ("midas_v21_384", "dpt_levit_224"))],
)
def test_what_is_enlarged_last_is_not_rounded(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds: list[object] = []
    original = functional.interpolate

    def watched(x: Tensor, *given: Any, **named: Any) -> Tensor:
        kinds.append(x.dtype)
        return original(x, *given, **named)

    network = build(model, {name: one + 0.0 for name, one in reference.empty_state_dict(model).items()})
    engine = on_device(network, "cpu", "bfloat16")
    monkeypatch.setattr(functional, "interpolate", watched)
    side = MODELS[model].network_size if MODELS[model].square_only else 64
    engine.run(reference.picture(side, side).numpy())
    # By the decoder's last step and by the head.
    assert kinds[-2:] == [torch.float32] * 2 and torch.bfloat16 in kinds


def test_a_card_computes_the_last_steps_as_exactly_as_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    network = loading.network(MODELS["starter"], BUNDLED_FOLDER / "starter.safetensors", None)
    monkeypatch.setattr(network, "to", lambda **_: network)
    on_device(network, "cuda", "float16")
    assert not torch.backends.cudnn.allow_tf32


@pytest.mark.thorough
@pytest.mark.slow
@needs_timm
@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
@pytest.mark.parametrize("model", ["midas_v21_small_256", "dpt_swin2_tiny_256", "dpt_levit_224"])
def test_reduced_precision_agrees(model: str, precision: Precision) -> None:
    tensors = reference.state_dict(model)
    # Small, because a processor without these kinds of number works with them a hundred times slower.
    side = MODELS[model].network_size if MODELS[model].square_only else 64
    picture = reference.picture(side, side).numpy()
    plain = on_device(build(model, tensors), "cpu").run(picture)
    verdict = compare_all(plain, on_device(build(model, tensors), "cpu", precision).run(picture), precision)
    assert verdict.agrees and verdict.correlation > 0.999, verdict


@needs_timm
@pytest.mark.parametrize("model", ["depth_anything_v2_vits", "moge_2_vits_normal"])
def test_newer_networks_end_in_float32(model: str) -> None:
    tensors = {name: one + 0.0 for name, one in newer_reference.empty_tensors(model).items()}
    engine = on_device(build(model, tensors), "cpu", "bfloat16")
    channels = 4 if MODELS[model].sees_aspect else 3
    given = torch.ones(1, channels, 56, 84, dtype=torch.bfloat16)
    with torch.inference_mode():
        assert {array.dtype for array in engine.network(given)} == {torch.float32}
    ends: Any = engine.network.end()  # type: ignore[operator]
    kinds = {name: one.dtype for name, one in engine.network.named_parameters()}
    assert {kind for name, kind in kinds.items() if name.startswith(ends)} == {torch.float32}
    assert {kind for name, kind in kinds.items() if "transformer" in name} == {torch.bfloat16}
