# SPDX-License-Identifier: GPL-3.0-or-later
"""Converted networks against the official ones' outputs."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

torch = pytest.importorskip("torch")
openvino = pytest.importorskip("openvino")

from mono3d_addon.depth import loading, resize  # noqa: E402
from mono3d_addon.depth.catalogue import BUNDLED_FOLDER, MODELS  # noqa: E402
from mono3d_addon.depth.engines import openvino_engine  # noqa: E402
from mono3d_addon.depth.engines.agreement import compare, compare_all  # noqa: E402
from mono3d_addon.depth.engines.openvino_engine import Way  # noqa: E402
from mono3d_addon.depth.engines.torch_engine import on_device  # noqa: E402
from mono3d_addon.depth.networks.architectures import STARTER, Network, build  # noqa: E402
from tests.depth import newer_reference, reference  # noqa: E402

ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.torch

thorough = pytest.mark.thorough

needs_bfloat16 = pytest.mark.skipif(
    "bfloat16" not in openvino_engine.precisions(), reason="the processor has no bfloat16"
)
needs_timm = pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="timm is not installed")


def largest_error(model: str, folder: Path) -> dict[tuple[int, int], float]:
    """Returns the largest difference to the official output, in its standard deviations, by the size of the input."""
    openvino_engine.convert(build(model, reference.state_dict(model)), MODELS[model], folder)
    errors = {}
    for size, expected in reference.outputs(model).items():
        # On processors with AVX-512 OpenVINO 2026.4 crashes with the hybrid at small sizes.
        fused = Way("float32")
        way = fused if openvino_engine.survives(folder, size, fused) else Way("float32", is_fused=False)
        engine = openvino_engine.load(folder, size, way)
        found = engine.run(reference.picture(*size).numpy())["disparity"][0]
        errors[size] = float(np.abs(found[::4, ::4] - expected).max() / expected.std())
    return errors


def with_heads() -> Network:
    """Returns a network with heads that say something, whether or not the bundled weights have some."""
    torch.manual_seed(0)
    network = Network(STARTER, has_heads=True)
    bundled = loading.network(MODELS["starter"], BUNDLED_FOLDER / "starter.safetensors", None).state_dict()
    heads = {name: value for name, value in network.state_dict().items() if name.startswith("heads.")}
    network.load_state_dict({name: value.float() for name, value in {**heads, **bundled}.items()})
    return network.eval().requires_grad_(False)


def test_midas_small(tmp_path: Path) -> None:
    errors = largest_error("midas_v21_small_256", tmp_path)
    assert len(errors) == 3 and max(errors.values()) < 3e-5, errors


@pytest.mark.slow
@needs_timm
@pytest.mark.parametrize(
    "model",
    [
        "dpt_levit_224",
        *(
            pytest.param(one, marks=thorough)
            for one in ("dpt_swin2_tiny_256", "dpt_next_vit_large_384", "dpt_beit_base_384", "dpt_hybrid_384")
        ),
    ],
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
            expected = network(picture)[0].numpy()
        engine = openvino_engine.load(tmp_path, size, Way("float32"))
        found = engine.run(picture.numpy())["disparity"]
        np.testing.assert_allclose(found, expected, atol=1e-4 * expected.std())
        assert not engine.parts[0].get_property("ENABLE_CPU_PINNING"), "workers share the processors"


@pytest.mark.parametrize("is_parted", [False, True])
def test_a_network_with_heads_keeps_all_arrays(
    is_parted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At another size than that of the trace, in one part and in two; bfloat16 is held to float32 here."""
    network = with_heads()
    openvino_engine.convert(network, MODELS["starter"], tmp_path)
    monkeypatch.setattr(openvino_engine, "_HINTS", {"float32": "f32", "bfloat16": "f32"})
    pictures = np.concatenate([reference.picture(96, 160).numpy() * scale for scale in (1.0, 0.3)])
    expected = on_device(network, "cpu").run(pictures)
    engine = openvino_engine.load(tmp_path, (96, 160), Way("bfloat16" if is_parted else "float32"))
    found = engine.run(pictures)
    assert len(engine.parts) == 1 + is_parted
    assert list(expected) == ["disparity", "sky", "scene"] and set(found) == set(expected)
    assert expected["sky"].shape == (2, 24, 40) and expected["scene"].shape == (2, 12)
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, atol=1e-4 * array.std(), err_msg=name)


def test_several_pictures_keep_their_order(tmp_path: Path) -> None:
    network = loading.network(MODELS["starter"], BUNDLED_FOLDER / "starter.safetensors", None)
    openvino_engine.convert(network, MODELS["starter"], tmp_path)
    engine = openvino_engine.load(tmp_path, (64, 96), Way("float32"))
    pictures = np.concatenate([reference.picture(64, 96).numpy() * scale for scale in (1, 0.5, 0.1)])
    together = engine.run(pictures)["disparity"]
    for picture, found in zip(pictures, together, strict=True):
        assert np.array_equal(engine.run(picture[None])["disparity"][0], found)


def test_last_steps_apart_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the processor has no bfloat16, the graph in two parts is held to float32 at least."""
    network = loading.network(MODELS["starter"], BUNDLED_FOLDER / "starter.safetensors", None)
    openvino_engine.convert(network, MODELS["starter"], tmp_path)
    picture = reference.picture(96, 128).numpy()
    whole = openvino_engine.load(tmp_path, (96, 128), Way("float32"))
    monkeypatch.setattr(openvino_engine, "_HINTS", {"float32": "f32", "bfloat16": "f32"})
    parted = openvino_engine.load(tmp_path, (96, 128), Way("bfloat16"))
    assert (len(whole.parts), len(parted.parts)) == (1, 2)
    expected = whole.run(picture)["disparity"]
    np.testing.assert_allclose(parted.run(picture)["disparity"], expected, atol=1e-5 * expected.std())


@pytest.mark.slow
@needs_timm
@pytest.mark.parametrize(
    "model",
    [
        "midas_v21_small_256",
        *(pytest.param(one, marks=thorough) for one in ("dpt_levit_224", "dpt_swin2_tiny_256", "midas_v21_384")),
    ],
)
def test_the_last_steps_of_every_kind_of_decoder_are_found(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size, expected = next(iter(reference.outputs(model).items()))
    openvino_engine.convert(build(model, reference.state_dict(model)), MODELS[model], tmp_path)
    monkeypatch.setattr(openvino_engine, "_HINTS", {"float32": "f32", "bfloat16": "f32"})
    for way in (Way("bfloat16", "sum"), Way("bfloat16", "end")):
        found = openvino_engine.load(tmp_path, size, way).run(reference.picture(*size).numpy())["disparity"][0]
        assert np.abs(found[::4, ::4] - expected).max() < 1e-4 * expected.std()
    graph = openvino.Core().read_model(tmp_path / openvino_engine.GRAPH)
    graph.reshape([1, 3, *size])
    _, end = openvino_engine._parted(graph)
    enlarging = [step for step in end.get_ops() if step.get_type_name() == "Interpolate"]
    assert len(enlarging) == 2, "by the decoder's last step and by the head"


@pytest.mark.thorough
@needs_bfloat16
@needs_timm
def test_a_last_sum_in_float32_takes_away_a_part_of_the_grain(tmp_path: Path) -> None:
    model = "dpt_swin2_tiny_256"
    size = next(iter(reference.outputs(model)))
    openvino_engine.convert(build(model, reference.state_dict(model)), MODELS[model], tmp_path)
    ways = openvino_engine.ways(tmp_path)
    assert [way.exact for way in ways if way.precision == "bfloat16"] == ["sum", "end"]
    picture = reference.picture(*size).numpy()
    by_sum, by_end, plain = (openvino_engine.load(tmp_path, size, way).run(picture)["disparity"] for way in ways[:3])
    assert compare(plain, by_sum, "bfloat16").agrees
    assert grain(by_end - plain) < grain(by_sum - plain) < 0.25 * grain(plain)


def grain(values: NDArray[np.float32]) -> float:
    """Returns the median step from a pixel of (1, h, w) to the next one."""
    return float(np.median(np.abs(np.diff(values, axis=2))))


@needs_bfloat16
def test_even_surfaces_stay_even_in_bfloat16(tmp_path: Path) -> None:
    weights = BUNDLED_FOLDER / "starter.safetensors"
    network = loading.network(MODELS["starter"], weights, None)
    openvino_engine.convert(network, MODELS["starter"], tmp_path)
    pixels = np.asarray(Image.open(ROOT / "tests" / "photos" / "coffee.png").convert("RGB").resize((192, 128)))
    picture = resize.picture(pixels, 192, 128, MODELS["starter"])[None]
    plain, fast = (
        openvino_engine.load(tmp_path, (128, 192), way).run(picture)["disparity"]
        for way in (Way("float32"), Way("bfloat16"))
    )
    verdict = compare(plain, fast, "bfloat16")
    assert verdict.agrees, verdict


def test_the_starter_model_ends_with_more_than_a_sum(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = loading.network(MODELS["starter"], BUNDLED_FOLDER / "starter.safetensors", None)
    openvino_engine.convert(network, MODELS["starter"], tmp_path)
    monkeypatch.setattr(openvino_engine, "precisions", lambda: ("bfloat16", "float32"))
    expected = [Way("bfloat16", "end"), Way("float32"), Way("float32", is_fused=False)]
    assert list(openvino_engine.ways(tmp_path)) == expected
    with pytest.raises(ValueError, match="sum of channels"):
        openvino_engine.load(tmp_path, (64, 96), Way("bfloat16", "sum"))


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


@pytest.mark.slow
@needs_timm
@pytest.mark.parametrize("model", ["moge_2_vits_normal", pytest.param("depth_anything_v2_vits", marks=thorough)])
def test_networks_with_a_table_of_positions(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One graph for all sizes, in one part and in two, agrees in every array."""
    row = MODELS[model]
    network = build(model, newer_reference.script().state_dict(model))
    openvino_engine.convert(network, row, tmp_path)
    monkeypatch.setattr(openvino_engine, "_HINTS", {"float32": "f32", "bfloat16": "f32"})
    for size, precision in (((112, 140), "float32"), ((140, 98), "bfloat16")):
        photo = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
        pictures = resize.picture(photo, size[1], size[0], row)[None]
        engine = openvino_engine.load(tmp_path, size, Way(precision))  # type: ignore[arg-type]
        expected, found = on_device(network, "cpu").run(pictures), engine.run(pictures)
        assert set(found) == set(expected) and len(engine.parts) == (1 if precision == "float32" else 2)
        verdict = compare_all(expected, found, "float32")
        assert verdict.agrees, verdict
