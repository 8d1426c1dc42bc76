# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks against the official ones' outputs."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from mono3d_addon.depth import loading  # noqa: E402
from mono3d_addon.depth.catalogue import MODELS  # noqa: E402
from mono3d_addon.depth.midas_models import MIDAS  # noqa: E402
from mono3d_addon.depth.networks import decoder  # noqa: E402
from mono3d_addon.depth.networks.architectures import ARCHITECTURES, STARTER, Network, build  # noqa: E402
from mono3d_addon.depth.networks.efficientnet_lite import EfficientNetLite  # noqa: E402
from mono3d_addon.depth.networks.names import WrongTensorsError, renamed  # noqa: E402
from tests.depth import reference  # noqa: E402

pytestmark = pytest.mark.torch

# Not by importing it: that is what fails beside a torchvision of another build.
needs_timm = pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="timm is not installed")

ROOT = Path(__file__).resolve().parents[2]

OFFICIAL = [model.name for model in MIDAS]
SMALL = ("dpt_levit_224", "dpt_swin2_tiny_256")


def test_every_model_has_an_architecture() -> None:
    assert set(ARCHITECTURES) == set(MODELS)


def errors(network: nn.Module, model: str) -> dict[tuple[int, int], float]:
    """Returns the largest difference to the official output, in its standard deviations, by input size."""
    found = {}
    with torch.inference_mode():
        for size, expected in reference.outputs(model).items():
            disparity = network(reference.picture(*size))[0][0].numpy()
            assert disparity.shape == size
            found[size] = float(np.abs(disparity[::4, ::4] - expected).max() / expected.std())
    return found


def test_midas_small_equals_the_official_network() -> None:
    model = "midas_v21_small_256"
    found = errors(build(model, reference.state_dict(model)), model)
    assert set(found) == {(256, 256), (256, 384), (128, 256)}
    assert max(found.values()) < 3e-5, found


@pytest.mark.slow
@needs_timm
@pytest.mark.parametrize(
    "model", [*SMALL, *(pytest.param(one, marks=pytest.mark.thorough) for one in OFFICIAL if one not in SMALL)]
)
def test_a_published_file_gives_the_official_networks_disparity(model: str, tmp_path: Path) -> None:
    path = tmp_path / MODELS[model].file
    torch.save(reference.state_dict(model), path)
    network = loading.network(MODELS[model], path, None)
    # The file is mapped into memory: removed, it is still there for the network and no longer for other tests.
    path.unlink()
    found = errors(network, model)
    assert len(found) == (1 if MODELS[model].square_only else 3)
    # On these random weights rounding alone, other from processor to processor, moves the hybrid by 1.0e-4: the same
    # network in double precision is 0.9e-4 to 1.3e-4 away from the official output in float32, and the official order
    # of operations changes nothing about it. Each known slip in the layout costs 0.3 or more.
    assert max(found.values()) < (2e-4 if model == "dpt_hybrid_384" else 1e-4), found


@needs_timm
@pytest.mark.parametrize("model", OFFICIAL)
def test_every_tensor_of_an_official_file_has_its_place(model: str) -> None:
    tensors = reference.empty_state_dict(model)
    build(model, tensors)
    learnt = sum(
        tensor.numel()
        for name, tensor in tensors.items()
        if not name.endswith((*reference.COMPUTED, "running_mean", "running_var"))
    )
    assert learnt == MODELS[model].parameters


@pytest.mark.slow
@needs_timm
@pytest.mark.parametrize(
    ("name", "width", "depth"), [("tf_efficientnet_lite0", 1.0, 1.0), ("tf_efficientnet_lite3", 1.2, 1.4)]
)
def test_efficientnet_equals_timms(name: str, width: float, depth: float) -> None:
    from mono3d_addon.depth.networks.timm_bodies import timm_body

    torch.manual_seed(0)
    theirs = timm_body(name).eval()
    for part in theirs.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(part.running_mean, -0.2, 0.2)
            torch.nn.init.uniform_(part.running_var, 0.5, 1.5)
    ours = EfficientNetLite(width=width, depth=depth).eval()
    tensors = {key: value for key, value in theirs.state_dict().items() if not key.startswith(("conv_head", "bn2"))}
    ours.load_state_dict(tensors)
    picture = torch.randn(1, 3, 96, 160)
    with torch.inference_mode():
        expected = theirs.bn1(theirs.conv_stem(picture))
        maps = dict(enumerate(ours(picture)))
        for stage, level in ((0, None), (1, 0), (2, 1), (3, None), (4, 2), (5, None), (6, 3)):
            expected = theirs.blocks[stage](expected)
            if level is not None:
                torch.testing.assert_close(maps[level], expected, rtol=1e-4, atol=1e-5)


def test_projecting_before_enlarging_changes_nothing() -> None:
    torch.manual_seed(0)
    fusion = decoder.Fusion(8, 4, is_first=False, align_corners=True).double()
    x, coarser = torch.randn(2, 1, 8, 6, 10, dtype=torch.double)
    refined = fusion.refine(coarser + fusion.skip(x))  # type: ignore[misc]
    official = fusion.project(
        torch.nn.functional.interpolate(refined, size=(12, 20), mode="bilinear", align_corners=True)
    )
    torch.testing.assert_close(fusion(x, coarser, (12, 20)), official)


@needs_timm
@pytest.mark.parametrize("grid", [(4, 4), (3, 5)])
def test_beits_attention_equals_timms(grid: tuple[int, int]) -> None:
    from mono3d_addon.depth.networks import beit, torchvision_operators

    torchvision_operators.import_torchvision()
    from timm.models.beit import Attention

    torch.manual_seed(0)
    theirs = Attention(16, num_heads=2, qkv_bias=True, window_size=grid).double().eval()
    for parameter in theirs.parameters():
        torch.nn.init.normal_(parameter)
    tokens = torch.randn(3, 1 + grid[0] * grid[1], 16, dtype=torch.double)
    torch.testing.assert_close(beit.attended(theirs, tokens, grid), theirs(tokens))


def test_longest_beginning_counts() -> None:
    names = {"a.": "x.", "a.b.": None, "a.b.c.": "y."}
    tensors = {"a.w": 1, "a.b.w": 2, "a.b.c.w": 3, "d.w": 4, "d.num_batches_tracked": 5}
    assert renamed(tensors, names) == ({"x.w": 1, "y.w": 3}, ["d.w"])


@pytest.mark.parametrize("change", ["missing", "unknown", "shape", "integers"])
def test_tensors_that_do_not_fit(change: str) -> None:
    model = "midas_v21_small_256"
    tensors = reference.state_dict(model)
    key = "scratch.output_conv.4.bias"
    if change == "missing":
        del tensors[key]
    elif change == "unknown":
        tensors["scratch.extra.weight"] = torch.zeros(1)
    elif change == "shape":
        tensors[key] = torch.zeros(2)
    else:
        tensors[key] = torch.zeros(1, dtype=torch.int32)
    with pytest.raises(WrongTensorsError, match="scratch.extra.weight" if change == "unknown" else "head.conv3.bias"):
        build(model, tensors)


def test_the_starters_learnt_numbers_are_counted_right() -> None:
    with torch.device("meta"):
        network = Network(STARTER, has_heads=True)
    assert sum(tensor.numel() for tensor in network.parameters()) == MODELS["starter"].parameters


FAKE_TORCHVISION = """
import torch
{before}
@torch.library.register_fake("torchvision::nms")
def nms(dets, scores, iou_threshold):
    return dets
"""

COMPILED_PART = """
library = torch.library.Library("torchvision", "DEF")
library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
"""

IMPORT = """
import sys
sys.path[:0] = [{folder!r}, {root!r}]
from mono3d_addon.depth.networks import torchvision_operators as operators
operators.import_torchvision()
operators.import_torchvision()
import torchvision
assert torchvision.__file__.startswith({folder!r})
print(len(operators._declared))
"""


@pytest.mark.parametrize(
    ("before", "printed"),
    [
        ("", "1"),
        pytest.param(COMPILED_PART, "0", marks=pytest.mark.thorough),
        ("raise RuntimeError('another fault')", "RuntimeError: another fault"),
    ],
    ids=["compiled part does not load", "compiled part loads", "another fault"],
)
def test_torchvision_beside_a_torch_it_was_not_built_for(tmp_path: Path, before: str, printed: str) -> None:
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text(FAKE_TORCHVISION.format(before=before))
    code = IMPORT.format(folder=str(tmp_path), root=str(ROOT))
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (run.stdout + run.stderr).strip().splitlines()[-1] == printed


def test_starter_needs_no_timm() -> None:
    code = (
        "import sys; sys.modules['timm'] = sys.modules['torchvision'] = None\n"
        "from pathlib import Path\n"
        "import numpy as np\n"
        "from mono3d_addon.depth import catalogue, estimator\n"
        "weights = catalogue.BUNDLED_FOLDER / 'starter.safetensors'\n"
        "estimator = estimator.load(catalogue.MODELS['starter'], weights, 'cpu')\n"
        "print(estimator.estimate(np.zeros((32, 32, 3), np.uint8)).disparity.shape)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.stdout.strip() == "(256, 256)", run.stderr
