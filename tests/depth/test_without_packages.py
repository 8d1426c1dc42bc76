# SPDX-License-Identifier: GPL-3.0-or-later
"""Depth where the interpreter has numpy and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mono3d_addon.core.camera.lens import Lens
from mono3d_addon.core.photo.photo import Photo
from mono3d_addon.core.stages import ESTIMATING, Stages
from mono3d_addon.depth.engines import choice, openvino_engine
from mono3d_addon.depth.engines.choice import EngineChoice, Result, Tell
from mono3d_addon.depth.engines.engine import Pictures
from tests.depth.bare_process import ROOT, run_bare

torch = pytest.importorskip("torch")

from mono3d_addon.depth import devices, estimator, resize, timings  # noqa: E402
from mono3d_addon.depth.catalogue import BUNDLED_FOLDER, MODELS  # noqa: E402
from mono3d_addon.depth.disparity_cache import DisparityCache  # noqa: E402
from mono3d_addon.depth.estimator import EstimatorCache, InferenceOptions  # noqa: E402
from mono3d_addon.depth.network_source import NetworkSource  # noqa: E402
from mono3d_addon.depth.read_ahead import ReadAhead  # noqa: E402
from mono3d_addon.errors import Mono3DError  # noqa: E402
from mono3d_addon.settings import Settings  # noqa: E402

pytestmark = pytest.mark.torch

STARTER = MODELS["starter"]
WEIGHTS = BUNDLED_FOLDER / STARTER.file

BEGINNING = """\
import importlib.util
assert not any(map(importlib.util.find_spec, ("torch", "openvino", "safetensors", "PIL", "scipy")))
from pathlib import Path
import numpy as np
from mono3d_addon.depth import devices, engine_cache, estimator, weights
from mono3d_addon.depth.catalogue import MODELS
from mono3d_addon.depth.engines.choice import EngineChoice, require_packages
from mono3d_addon.errors import Mono3DError
data, model = Path(DATA), MODELS["starter"]
file = weights.find(model, data)
cache = engine_cache.cache_for(model.name, file, data)
"""


def beginning(tmp_path: Path) -> str:
    return BEGINNING.replace("DATA", repr(str(tmp_path / "data")))


def test_the_engines_give_what_they_give_with_torch(tmp_path: Path) -> None:
    pixels = np.asarray(Image.open(ROOT / "tests" / "photos" / "coffee.png").convert("RGB"))
    picture = resize.picture(pixels, 192, 128, STARTER)[None]
    np.save(tmp_path / "picture.npy", picture)
    found = run_bare(
        tmp_path,
        beginning(tmp_path) + f"picture = np.load({str(tmp_path / 'picture.npy')!r})\n"
        "engines = EngineChoice(model, file, devices.choose('auto'), cache)\n"
        "results = [engines.run(picture) for _ in range(3)]\n"
        f"np.savez({str(tmp_path / 'found.npz')!r}, **results[2].arrays)\n"
        "engines.release()\n"
        "found = [[one.engine, one.device, one.notes] for one in results]\n",
    )
    assert found == [[f"numpy {np.__version__} float32 on cpu", "cpu", []]] * 3
    expected = EngineChoice(STARTER, WEIGHTS, "cpu", None).run(picture).arrays
    with np.load(tmp_path / "found.npz") as stored:
        assert set(stored) == set(expected)
        for name, array in expected.items():
            assert np.abs(stored[name] - array).max() < 1e-4 * max(1.0, float(np.ptp(array))), name


def test_estimates_are_what_they_are_with_torch(tmp_path: Path) -> None:
    pixels = np.asarray(Image.open(ROOT / "tests" / "photos" / "coffee.png").convert("RGB"))
    np.save(tmp_path / "pixels.npy", pixels)
    found = run_bare(
        tmp_path,
        beginning(tmp_path) + f"pixels = np.load({str(tmp_path / 'pixels.npy')!r})\n"
        "whole = estimator.load(model, file, 'auto', data).estimate(pixels)\n"
        "options = estimator.InferenceOptions(128, flip=True, tiles=True)\n"
        "detailed = estimator.load(model, file, 'cpu', data).estimate(pixels, options)\n"
        f"np.savez({str(tmp_path / 'found.npz')!r}, a=whole.disparity, b=detailed.disparity, sky=whole.sky)\n"
        "found = [whole.engine, whole.device, whole.notes, whole.scene.far.value]\n",
    )
    assert found[:3] == [f"numpy {np.__version__} float32 on cpu", "cpu", []]
    made = estimator.load(STARTER, WEIGHTS, "cpu")
    whole, detailed = made.estimate(pixels), made.estimate(pixels, InferenceOptions(128, True, True))
    assert whole.scene is not None and whole.scene.far is not None
    assert found[3] == pytest.approx(whole.scene.far.value, rel=1e-3)
    with np.load(tmp_path / "found.npz") as stored:
        assert detailed.disparity.shape > whole.disparity.shape
        # Without Pillow the photo is made smaller in the same way, to the last bit but a few.
        for name, expected in (("a", whole.disparity), ("b", detailed.disparity), ("sky", whole.sky)):
            assert expected is not None and stored[name].shape == expected.shape
            assert np.abs(stored[name] - expected).max() < 1e-3 * max(1.0, float(np.ptp(expected))), name


def test_what_needs_packages_says_so(tmp_path: Path) -> None:
    found = run_bare(
        tmp_path,
        beginning(tmp_path) + "def message(act):\n"
        "    try:\n"
        "        act()\n"
        "    except Mono3DError as error:\n"
        "        return str(error)\n"
        "found = [\n"
        "    message(lambda: devices.choose('cuda')),\n"
        "    message(lambda: require_packages(MODELS['dpt_hybrid_384'])),\n"
        "    message(lambda: EngineChoice(MODELS['dpt_large_384'], file, 'cpu', cache).plain()),\n"
        "]\n",
    )
    needy = ("Devices such as 'cuda'", "Models such as 'dpt_hybrid_384'", "Models such as 'dpt_large_384'")
    for words, text in zip(needy, found, strict=True):
        assert text.startswith(f"{words} need the package torch, which is not installed: click Install")


@pytest.mark.usefixtures("without_packages")
def test_models_are_refused_before_their_weights_are_missed(tmp_path: Path) -> None:
    settings = Settings(model="dpt_hybrid_384")
    source = NetworkSource(settings, tmp_path, DisparityCache(tmp_path), EstimatorCache(), ReadAhead())
    photo = Photo(Path("cup.png"), np.zeros((20, 30, 3), np.uint8), None, Lens(), "0" * 64)
    with pytest.raises(Mono3DError, match="'dpt_hybrid_384' need the package torch"):
        source.estimate(photo, Stages(lambda words, fraction: None, {ESTIMATING: 1.0}))


def test_with_packages_nothing_is_said() -> None:
    for model in MODELS.values():
        choice.require_packages(model)


@pytest.fixture
def without_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "has_torch", lambda: False)
    monkeypatch.setattr(openvino_engine, "is_installed", lambda: False)


@pytest.mark.usefixtures("without_packages")
def test_the_device_is_the_processor() -> None:
    assert devices.choose("auto") == devices.choose("cpu") == "cpu"


@pytest.mark.usefixtures("without_packages")
@pytest.mark.parametrize("is_plain", [False, True])
def test_the_engine_stays(tmp_path: Path, is_plain: bool) -> None:
    made = estimator.load(STARTER, WEIGHTS, "auto", tmp_path, is_plain=is_plain)
    pixels = np.zeros((64, 64, 3), np.uint8)
    first = made.estimate(pixels)
    engine = made.engines.plain()
    again = made.estimate(pixels)
    assert made.engines.plain() is engine and engine.name == first.engine == again.engine
    assert np.array_equal(first.disparity, again.disparity)
    # Nothing is converted or compared, so nothing is kept but the time.
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / timings.RECORD]


@pytest.mark.usefixtures("without_packages")
def test_full_memory_is_answered_by_a_smaller_size(monkeypatch: pytest.MonkeyPatch) -> None:
    original = EngineChoice.run

    def small_only(self: EngineChoice, pictures: Pictures, tell: Tell) -> Result:
        if pictures.shape[2] > 200:
            raise MemoryError
        return original(self, pictures, tell)

    monkeypatch.setattr(EngineChoice, "run", small_only)
    found = estimator.load(STARTER, WEIGHTS).estimate(np.zeros((64, 64, 3), np.uint8))
    assert found.is_reduced and "ran on 'cpu' at 192x192" in found.notes[-1]


def test_an_installation_makes_new_estimates_and_a_removal_finds_the_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = np.asarray(Image.open(ROOT / "tests" / "photos" / "coffee.png").convert("RGB"))
    photo = Photo(Path("coffee.png"), pixels, None, Lens(), "0" * 64)
    source = NetworkSource(Settings(), tmp_path, DisparityCache(tmp_path), EstimatorCache(), ReadAhead())
    stages = Stages(lambda words, fraction: None, {ESTIMATING: 1.0})
    found = []
    for is_there in (False, True, False, True):
        monkeypatch.setattr(devices, "has_torch", lambda is_there=is_there: is_there)
        monkeypatch.setattr(openvino_engine, "is_installed", lambda is_there=is_there: is_there)
        source = NetworkSource(Settings(), tmp_path, source.cache, EstimatorCache(), ReadAhead())
        found.append(source.estimate(photo, stages))
    engines = [one.engine.split()[0] for one in found]
    assert engines[0] == engines[2] == "numpy" and engines[1] == engines[3] in ("OpenVINO", "torch")
    # With packages the photo has the detail of tiles.
    assert found[1].disparity.shape > found[0].disparity.shape == found[2].disparity.shape
    assert len(list(tmp_path.glob("*.npz"))) == 2
