# SPDX-License-Identifier: GPL-3.0-or-later
"""The starter model on numpy alone: the same numbers as with torch, and nothing imported for it."""

from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from mono3d_addon.depth import loading, resize, tensor_file  # noqa: E402
from mono3d_addon.depth.catalogue import BUNDLED_FOLDER, MODELS  # noqa: E402
from mono3d_addon.depth.engines import numpy_engine  # noqa: E402
from mono3d_addon.depth.engines.engine import Arrays, Pictures  # noqa: E402
from mono3d_addon.depth.engines.numpy_engine import NumpyEngine  # noqa: E402
from mono3d_addon.depth.engines.torch_engine import TorchEngine, on_device  # noqa: E402
from mono3d_addon.depth.numpy_network import products  # noqa: E402
from mono3d_addon.depth.numpy_network.convolutions import Tools  # noqa: E402
from mono3d_addon.depth.numpy_network.network import build  # noqa: E402
from mono3d_addon.depth.numpy_network.workspace import Workspace  # noqa: E402
from mono3d_addon.errors import Mono3DError  # noqa: E402

pytestmark = pytest.mark.torch

ROOT = Path(__file__).resolve().parents[3]
STARTER = MODELS["starter"]
WEIGHTS = BUNDLED_FOLDER / STARTER.file
PHOTOS = ("astronaut.png", "china.jpg", "coffee.png")


@pytest.fixture(scope="module")
def engine() -> NumpyEngine:
    return numpy_engine.load(STARTER, WEIGHTS)


@pytest.fixture(scope="module")
def plain() -> TorchEngine:
    return on_device(loading.network(STARTER, WEIGHTS, None), "cpu")


@functools.cache
def picture(name: str, width: int, height: int) -> Pictures:
    """Returns the middle of a photo with the sides of a network's input."""
    photo = Image.open(ROOT / "tests" / "photos" / name).convert("RGB")
    wide, high = min(photo.width, photo.height * width // height), min(photo.height, photo.width * height // width)
    left, top = (photo.width - wide) // 2, (photo.height - high) // 2
    pixels = np.asarray(photo.crop((left, top, left + wide, top + high)))
    return resize.picture(pixels, width, height, STARTER)[None]


def assert_agree(found: Arrays, expected: Arrays) -> None:
    """Checks that all arrays are the same within 1e-4 of their range."""
    assert list(found) == list(expected) == ["disparity", "sky", "scene"]
    for name, array in expected.items():
        assert found[name].dtype == np.float32 and found[name].shape == array.shape
        # Where there is no sky, its probabilities have next to no range.
        scale = 1.0 if name == "sky" else float(np.ptp(array))
        assert np.abs(found[name] - array).max() <= 1e-4 * scale, name


@pytest.mark.parametrize("photo", PHOTOS)
@pytest.mark.parametrize("size", [(256, 256), (384, 256), (256, 384), (512, 128)], ids=str)
def test_photos_are_as_with_torch(engine: NumpyEngine, plain: TorchEngine, photo: str, size: tuple[int, int]) -> None:
    given = picture(photo, *size)
    assert_agree(engine.run(given), plain.run(given))


@pytest.mark.parametrize("way", [products.by_einsum, products.by_library])
def test_both_ways_to_multiply(plain: TorchEngine, way: products.Product) -> None:
    engine = NumpyEngine(build(tensor_file.read(WEIGHTS)), Tools(Workspace(), way))
    given = picture("china.jpg", 192, 128)
    assert_agree(engine.run(given), plain.run(given))


@pytest.mark.parametrize("size", [(32, 32), (32, 96), (640, 32), pytest.param((768, 512), marks=pytest.mark.thorough)])
def test_other_sizes(engine: NumpyEngine, plain: TorchEngine, size: tuple[int, int]) -> None:
    given = picture("coffee.png", *size)
    assert_agree(engine.run(given), plain.run(given))


def test_pictures_of_one_size_run_together(engine: NumpyEngine, plain: TorchEngine) -> None:
    given = np.concatenate([picture(name, 96, 64) for name in PHOTOS])
    assert_agree(engine.run(given), plain.run(given))
    mirrored = given[..., ::-1]
    assert_agree(engine.run(mirrored), plain.run(np.ascontiguousarray(mirrored)))


def test_a_second_picture_allocates_nothing_and_changes_nothing(engine: NumpyEngine) -> None:
    given = picture("coffee.png", 192, 128)
    first = engine.run(given)
    before = {name: array.copy() for name, array in first.items()}
    blocks = engine.tools.space.free_bytes
    engine.run(picture("china.jpg", 192, 128))
    assert engine.tools.space.free_bytes == blocks
    assert all(np.array_equal(array, before[name]) for name, array in first.items())
    assert all(np.array_equal(array, before[name]) for name, array in engine.run(given).items())


def test_the_name_tells_the_library_and_its_version(engine: NumpyEngine) -> None:
    assert engine.name == f"numpy {np.__version__} float32 on cpu" and engine.device == "cpu"


def test_weights_without_heads_give_disparity_alone(plain: TorchEngine) -> None:
    tensors = {name: array for name, array in tensor_file.read(WEIGHTS).items() if not name.startswith("heads.")}
    given = picture("coffee.png", 96, 64)
    found = numpy_engine.on_numpy(build(tensors)).run(given)
    assert list(found) == ["disparity"]
    expected = plain.run(given)["disparity"]
    np.testing.assert_allclose(found["disparity"], expected, atol=1e-4 * float(np.ptp(expected)))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"backbone.bn1.bias": None}, "'backbone.bn1.bias' missing"),
        ({"backbone.bn1.bias": 31}, "'backbone.bn1.bias' of another shape or kind"),
        ({"heads.scene.last.bias": 13}, "'heads.scene.last.bias' of another shape or kind"),
        ({"backbone.more": 3, "another": 3}, "'another' and 1 more unknown"),
    ],
)
def test_the_tensors_of_another_network(tmp_path: Path, change: dict[str, int | None], words: str) -> None:
    from safetensors.numpy import save_file

    tensors = dict(tensor_file.read(WEIGHTS))
    for name, length in change.items():
        tensors.pop(name, None)
        if length is not None:
            tensors[name] = np.zeros(length, np.float32)
    save_file(tensors, tmp_path / "own.safetensors")
    with pytest.raises(Mono3DError, match=f"does not belong to the model 'starter' .{words}.; choose the model"):
        numpy_engine.load(STARTER, tmp_path / "own.safetensors")


def test_damage_says_what_to_do(tmp_path: Path) -> None:
    for name, words in ((STARTER.file, "install Mono3D again"), ("own.safetensors", "or leave the setting empty")):
        (tmp_path / name).write_bytes(WEIGHTS.read_bytes()[:-1])
        with pytest.raises(Mono3DError, match=f"is damaged.*{words}"):
            numpy_engine.load(STARTER, tmp_path / name)


def test_only_numpy_is_imported() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from mono3d_addon.depth.catalogue import BUNDLED_FOLDER, MODELS\n"
        "from mono3d_addon.depth.engines import numpy_engine\n"
        "numpy_engine.load(MODELS['starter'], BUNDLED_FOLDER / 'starter.safetensors')\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "openvino", "safetensors", "PIL", "scipy"} & set(done.stdout.split())
