# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks from published files and from the copies that are kept of them."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from numpy.typing import NDArray  # noqa: E402
from torch import nn  # noqa: E402

from mono3d_addon.depth import checkpoint, engine_cache, loading  # noqa: E402
from mono3d_addon.depth.catalogue import BUNDLED_FOLDER, MODELS  # noqa: E402
from mono3d_addon.depth.engines.engine import Precision  # noqa: E402
from mono3d_addon.depth.engines.torch_engine import TYPES, on_device  # noqa: E402
from mono3d_addon.errors import Mono3DError  # noqa: E402
from tests.depth import reference  # noqa: E402

pytestmark = pytest.mark.torch

SMALL = MODELS["midas_v21_small_256"]
PRECISIONS: tuple[Precision, ...] = ("float32", "float16")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("published") / SMALL.file
    torch.save(reference.state_dict(SMALL.name), path)
    return path


@pytest.fixture
def cache(published: Path, tmp_path: Path) -> engine_cache.EngineCache:
    return engine_cache.cache_for(SMALL.name, published, tmp_path)


def disparity(network: nn.Module) -> NDArray[np.float32]:
    return on_device(network, "cpu").run(reference.picture(128, 256).numpy())["disparity"]


def copy_of(cache: engine_cache.EngineCache, precision: str) -> Path:
    return cache.folder / f"weights-{precision}" / "weights.safetensors"


def test_the_copy_gives_the_same_bits_and_is_read_instead(
    published: Path, cache: engine_cache.EngineCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = disparity(loading.network(SMALL, published, None))
    assert np.array_equal(disparity(loading.network(SMALL, published, cache)), expected)
    copy = copy_of(cache, "float32")
    # Without what a network never uses, and the tables that it computes.
    assert copy.stat().st_size < published.stat().st_size
    read: list[Path] = []
    original = checkpoint.read

    def watched(path: Path) -> checkpoint.Checkpoint:
        read.append(path)
        return original(path)

    monkeypatch.setattr(checkpoint, "read", watched)
    assert np.array_equal(disparity(loading.network(SMALL, published, cache)), expected)
    assert read == [copy]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_copy_is_mapped_not_read(published: Path, cache: engine_cache.EngineCache, precision: Precision) -> None:
    loading.network(SMALL, published, cache, precision)
    network = on_device(loading.network(SMALL, published, cache, precision), "cpu", precision).network
    # Linux lists the files that a process has mapped; the name is there as long as the tensors are.
    maps = Path("/proc/self/maps")
    if not maps.exists():
        pytest.skip("only Linux tells which files are mapped")
    assert str(copy_of(cache, precision)) in maps.read_text()
    (body,) = {parameter.dtype for parameter in network.get_submodule("backbone").parameters()}
    assert body == TYPES[precision]
    del network


def test_half_precision_takes_half_the_room(published: Path, cache: engine_cache.EngineCache) -> None:
    for precision in PRECISIONS:
        loading.network(SMALL, published, cache, precision)
    whole, half = (copy_of(cache, precision).stat().st_size for precision in PRECISIONS)
    assert half == pytest.approx(whole / 2, rel=0.01)
    plain = disparity(loading.network(SMALL, published, cache))
    rounded = disparity(loading.network(SMALL, published, cache, "float16"))
    assert 0 < abs(rounded - plain).max() < 0.02 * plain.std()


def test_numbers_too_large_for_half_precision_stay_whole(published: Path, tmp_path: Path) -> None:
    tensors = reference.state_dict(SMALL.name)
    name = next(key for key in tensors if key.endswith("running_var"))
    tensors[name][0] = 1e6
    path = tmp_path / SMALL.file
    torch.save(tensors, path)
    cache = engine_cache.cache_for(SMALL.name, path, tmp_path / "data")
    expected = disparity(loading.network(SMALL, path, cache, "float16"))
    again = disparity(loading.network(SMALL, path, cache, "float16"))
    assert np.isfinite(again).all() and abs(again - expected).max() < 0.02 * expected.std()
    assert any((value > 65504).any() for value in checkpoint.read(copy_of(cache, "float16")).tensors.values())


@pytest.mark.parametrize("damage", [b"", b"\xff" * 100])
def test_a_damaged_copy_is_made_again(published: Path, cache: engine_cache.EngineCache, damage: bytes) -> None:
    expected = disparity(loading.network(SMALL, published, cache))
    copy_of(cache, "float32").write_bytes(damage)
    assert np.array_equal(disparity(loading.network(SMALL, published, cache)), expected)
    assert copy_of(cache, "float32").stat().st_size > 60e6


def test_a_copy_of_another_version_is_made_again(published: Path, cache: engine_cache.EngineCache) -> None:
    from safetensors.torch import save_file

    with cache.making("weights-float32") as folder:
        save_file({"old.name": torch.zeros(3)}, folder / "weights.safetensors")
    expected = disparity(loading.network(SMALL, published, None))
    assert np.array_equal(disparity(loading.network(SMALL, published, cache)), expected)
    assert copy_of(cache, "float32").stat().st_size > 60e6


def test_the_bundled_file_needs_no_copy(tmp_path: Path) -> None:
    weights = BUNDLED_FOLDER / "starter.safetensors"
    cache = engine_cache.cache_for("starter", weights, tmp_path)
    loading.network(MODELS["starter"], weights, cache)
    assert not cache.folder.exists()


@pytest.mark.parametrize("fault", ["no room", "read only", "busy"])
def test_no_copy_costs_nothing_but_time(
    published: Path, cache: engine_cache.EngineCache, fault: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if fault == "no room":
        monkeypatch.setattr(engine_cache.EngineCache, "room_for", lambda self, size: False)
    elif fault == "read only":
        (tmp_path / "cache").write_text("in the way")
    else:
        cache.remember_use()
        with cache.alone():
            loading.network(SMALL, published, cache)
        assert not copy_of(cache, "float32").exists()
        return
    assert np.isfinite(disparity(loading.network(SMALL, published, cache))).all()
    assert not copy_of(cache, "float32").exists()


def test_a_wrong_file_leaves_no_copy(tmp_path: Path) -> None:
    other = Path(shutil.copy(BUNDLED_FOLDER / "starter.safetensors", tmp_path / "own.safetensors"))
    cache = engine_cache.cache_for(SMALL.name, other, tmp_path / "data")
    with pytest.raises(Mono3DError, match="does not belong to the model"):
        loading.network(SMALL, other, cache)
    assert not cache.folder.exists()


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="timm is not installed")
@pytest.mark.parametrize(
    "model",
    [
        "dpt_swin2_tiny_256",
        "dpt_levit_224",
        *(
            pytest.param(name, marks=pytest.mark.thorough)
            for name in ("dpt_next_vit_large_384", "dpt_beit_base_384", "dpt_hybrid_384")
        ),
    ],
)
def test_copies_of_the_others(model: str, tmp_path: Path) -> None:
    path = tmp_path / f"{model}.pt"
    torch.save(reference.state_dict(model), path)
    cache = engine_cache.cache_for(model, path, tmp_path)
    picture = reference.picture(*min(reference.outputs(model))).numpy()
    first, second = (
        on_device(loading.network(MODELS[model], path, cache), "cpu").run(picture)["disparity"] for _ in range(2)
    )
    assert copy_of(cache, "float32").exists() and np.array_equal(first, second)
