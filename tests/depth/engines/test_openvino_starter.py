# SPDX-License-Identifier: GPL-3.0-or-later
"""The starter's graph for OpenVINO, made without torch: its arrays, and how it is chosen."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("openvino")

from mono3d_addon.depth import engine_cache
from mono3d_addon.depth.catalogue import BUNDLED_FOLDER, MODELS
from mono3d_addon.depth.engines import numpy_engine, openvino_engine, openvino_starter
from mono3d_addon.depth.engines.choice import EngineChoice
from mono3d_addon.depth.engines.engine import DISPARITY, SCENE, SKY, Pictures
from mono3d_addon.depth.engines.numpy_engine import NumpyEngine
from mono3d_addon.errors import Mono3DError

ROOT = Path(__file__).resolve().parents[3]
STARTER = MODELS["starter"]
SIDES = st.integers(1, 9).map(lambda count: 32 * count)
FAST = "OpenVINO float32 on cpu"


@pytest.fixture(scope="module")
def on_numpy() -> NumpyEngine:
    return numpy_engine.load(STARTER, BUNDLED_FOLDER / STARTER.file)


@pytest.fixture(scope="module")
def folder(on_numpy: NumpyEngine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("graph")
    openvino_engine.write(openvino_starter.graph(on_numpy.network), folder)
    return folder


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return Path(shutil.copy(BUNDLED_FOLDER / STARTER.file, tmp_path / "starter.safetensors"))


def choice(weights: Path) -> EngineChoice:
    """Returns the engines as a new process would find them."""
    cache = engine_cache.cache_for("starter", weights, weights.parent / "data")
    return EngineChoice(STARTER, weights, "cpu", cache)


def noise(height: int, width: int, seed: int = 1) -> Pictures:
    return np.random.default_rng(seed).uniform(-1, 1, (1, 3, height, width)).astype(np.float32)


@given(height=SIDES, width=SIDES, seed=st.integers(0, 99))
@settings(max_examples=6, deadline=None)
def test_its_arrays_are_those_of_numpy(on_numpy: NumpyEngine, folder: Path, height: int, width: int, seed: int) -> None:
    picture = noise(height, width, seed)
    expected = on_numpy.run(picture)
    found = openvino_engine.load(folder, (height, width), openvino_engine.Way("float32")).run(picture)
    assert list(found) == list(expected) == [DISPARITY, SKY, SCENE]
    for name, array in expected.items():
        assert found[name].shape == array.shape and found[name].dtype == np.float32
        np.testing.assert_allclose(found[name], array, rtol=0, atol=2e-5 * max(1.0, float(np.abs(array).max())))


def test_weights_without_heads_give_disparity_alone(tmp_path: Path, on_numpy: NumpyEngine) -> None:
    bare = numpy_engine.on_numpy(type(on_numpy.network)(on_numpy.network.backbone, on_numpy.network.decoder, None))
    openvino_engine.write(openvino_starter.graph(bare.network), tmp_path)
    found = openvino_engine.load(tmp_path, (64, 96), openvino_engine.Way("float32")).run(noise(64, 96))
    assert list(found) == [DISPARITY]
    np.testing.assert_allclose(found[DISPARITY], bare.run(noise(64, 96))[DISPARITY], rtol=0, atol=1e-5)


def test_the_first_photo_and_all_others_need_no_torch(weights: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = sys.modules['timm'] = None\n"
        "from pathlib import Path; import numpy as np\n"
        "from mono3d_addon.depth import catalogue, estimator\n"
        "starter, weights = catalogue.MODELS['starter'], Path(sys.argv[1])\n"
        "engines = estimator.load(starter, weights, 'cpu', weights.parent / 'data').engines\n"
        "for width in (64, 96, 64):\n"
        "    print(engines.run(np.zeros((1, 3, 64, width), np.float32)).engine)\n"
    )
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", code, str(weights)], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.stdout.split("\n")[:-1] == [FAST] * 3, done.stderr


def test_each_size_is_compared_with_numpy_once(weights: Path) -> None:
    words: list[str] = []
    first, again = (choice(weights).run(noise(64, 96), words.append) for _ in range(2))
    assert first.engine == again.engine == FAST and not first.notes
    assert words == ["First run at this size"]
    np.testing.assert_array_equal(first.disparity, again.disparity)


def test_numpy_stands_in_while_another_process_makes_the_graph(weights: Path) -> None:
    engines = choice(weights)
    with engine_cache.cache_for("starter", weights, weights.parent / "data").alone() as alone:
        assert alone
        meanwhile = engines.run(noise(64, 96))
    assert meanwhile.engine.startswith("numpy") and not meanwhile.notes
    assert engines.run(noise(64, 96)).engine == FAST


def test_a_graph_that_differs_is_not_used(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.setattr(openvino_starter, "SPREAD", 1.0)
    for _ in range(2):
        result = choice(weights).run(noise(64, 96))
        assert result.engine == "torch float32 on cpu"
        assert f"{FAST} is not used for 'starter' here" in result.notes[0]


def test_a_graph_that_cannot_be_made(
    weights: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")

    def fail(*_: object) -> None:
        raise RuntimeError("no such step")

    monkeypatch.setattr(openvino_starter, "graph", fail)
    engines = choice(weights)
    first, second = (engines.run(noise(64, 96)) for _ in range(2))
    assert first.engine == second.engine == "torch float32 on cpu"
    assert "making its graph failed" in first.notes[0] and not second.notes
    assert capsys.readouterr().err.count("The graph of starter was not made") == 1


def test_weights_of_another_network_are_named(weights: Path) -> None:
    from safetensors.numpy import load, save_file

    tensors = load(weights.read_bytes())
    tensors.popitem()
    save_file(tensors, weights)
    with pytest.raises(Mono3DError, match="missing"):
        choice(weights).run(noise(64, 96))


def test_weights_that_only_torch_reads(weights: Path) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import load

    own = weights.with_name("own.pt")
    torch.save({name: tensor.clone() for name, tensor in load(weights.read_bytes()).items()}, own)
    assert choice(own).run(noise(64, 96)).engine == "torch float32 on cpu"
