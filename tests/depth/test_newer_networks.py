# SPDX-License-Identifier: GPL-3.0-or-later
"""Depth Anything 2 and 3 and MoGe-2 against the official networks' outputs."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import save_file  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from mono3d_addon.core.camera import affine_view  # noqa: E402
from mono3d_addon.core.estimate import Estimate  # noqa: E402
from mono3d_addon.depth import estimator, loading, readings, resize  # noqa: E402
from mono3d_addon.depth.catalogue import MODELS  # noqa: E402
from mono3d_addon.depth.networks import architectures, dinov2, moge  # noqa: E402
from mono3d_addon.depth.networks.depth_anything import DepthAndSkyHead  # noqa: E402
from mono3d_addon.errors import Mono3DError  # noqa: E402
from tests import shared_data  # noqa: E402
from tests.depth import newer_reference as reference  # noqa: E402

needs_timm = pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="timm is not installed")
pytestmark = [pytest.mark.torch, needs_timm]

QUICK = ("depth_anything_v2_vits", "depth_anything_v2_metric_vkitti_vits", "moge_2_vits_normal")
THOROUGH = (
    "depth_anything_v2_metric_hypersim_vits",
    "depth_anything_v2_vitb",
    "depth_anything_v2_vitl",
    "moge_2_vitb_normal",
    "moge_2_vitl_normal",
    "da3mono_large",
)
NEWER = tuple(name for name, model in MODELS.items() if model.address.startswith("https://huggingface.co/"))

SMALL_CASES = ("252x392", "120x160@108", "64x200@300")

CLOSE, CLOSE_TO_LARGEST = 1e-4, 1e-4
"""Rounding alone costs 1e-5 of the standard deviation, and 6e-5 in normals."""


def written(model: str, folder: Path, kind: Any = torch.float32) -> Path:
    path = folder / MODELS[model].file
    reference.write(model, path, kind)
    return path


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], nn.Module]:
    made: dict[str, nn.Module] = {}

    def network(model: str) -> nn.Module:
        if model not in made:
            folder = tmp_path_factory.mktemp(model)
            made[model] = loading.network(MODELS[model], written(model, folder), None)
        return made[model]

    return network


@pytest.mark.slow
@pytest.mark.parametrize("model", QUICK)
def test_a_published_file_gives_the_official_networks_arrays(model: str, networks: Callable[[str], nn.Module]) -> None:
    compare(networks(model), model, SMALL_CASES)


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.parametrize("model", [*QUICK, *THOROUGH])
def test_a_published_file_gives_all_official_arrays(model: str, tmp_path: Path) -> None:
    path = written(model, tmp_path)
    network = loading.network(MODELS[model], path, None)
    path.unlink()
    compare(network, model)


def compare(network: nn.Module, model: str, cases: Sequence[str] = ()) -> None:
    found = reference.differences(network, model, cases)
    assert len(found) >= 1
    assert max(spread for spread, _ in found.values()) < CLOSE, found
    assert max(size for _, size in found.values()) < CLOSE_TO_LARGEST, found


@pytest.mark.parametrize("model", NEWER)
def test_every_tensor_of_an_official_file_has_its_place(model: str) -> None:
    # The metric variants have the tensors of the others; reference files exist for the small ones.
    known_as = model.replace("_metric_hypersim", "").replace("_metric_vkitti", "")
    tensors = reference.empty_tensors(known_as)
    network = architectures.build(model, tensors)
    constants = ("encoder.image_mean", "encoder.image_std")
    learnt = sum(tensor.numel() for name, tensor in tensors.items() if name not in constants)
    # The publishers count without the unit that is never used and the token for masks, if they count at all.
    assert learnt == MODELS[model].parameters
    check_blocks_and_norms(model, network)


def check_blocks_and_norms(model: str, network: nn.Module) -> None:
    """Asserts that they are those of the official code."""
    body = transformer(network)
    is_large = model.endswith(("vitl", "large", "vitl_normal"))
    if model.startswith("moge"):
        blocks = (5, 11, 17, 23) if is_large else (5, 11)
        # The published files tell it too.
        told = reference.script().spec(model).get("model_config", {})
        assert architectures.ARCHITECTURES[model].difference(told) == ""
    else:
        blocks = (4, 11, 17, 23) if is_large else (2, 5, 8, 11)
    assert body.kept_blocks == blocks
    assert body.body.norm.eps == (1e-5 if model.startswith("da3") else 1e-6)
    assert {block.norm1.eps for block in body.body.blocks} == {1e-6}


V2, MOGE = "depth_anything_v2_vits", "moge_2_vits_normal"
CASES = {V2: "140x112", MOGE: "120x160@108"}
# Of MoGe's cases, one photo has another aspect than its patches, and one is larger than they are.
REVEALING = {"the aspect of the patches": "64x200@300", "a photo that is sampled": "300x400@108"}
Mistake = Callable[[nn.Module, pytest.MonkeyPatch], object]


def positions_by_size(positions: Tensor, grid: Any) -> Tensor:
    table = positions[:, 1:].transpose(1, 2).unflatten(2, (37, 37))
    table = functional.interpolate(table, size=grid, mode="bicubic")
    return torch.cat((positions[:, :1], table.flatten(2).transpose(1, 2)), dim=1)


def positions_by_timm(positions: Tensor, grid: Any) -> Tensor:
    from timm.layers import resample_abs_pos_embed

    return resample_abs_pos_embed(positions, list(grid), num_prefix_tokens=1)


def with_positions(rule: Callable[..., Tensor]) -> Mistake:
    return lambda network, patch: patch.setattr(dinov2, "resized_positions", rule)


def with_blocks(*blocks: int) -> Mistake:
    return lambda network, patch: patch.setattr(transformer(network), "kept_blocks", blocks)


def transformer(network: Any) -> Any:
    return network.transformer if isinstance(network, moge.MoGe) else network.backbone.transformer


def without_norm(network: nn.Module, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(transformer(network).body.norm, "forward", lambda x: x)


def with_tanh(network: nn.Module, patch: pytest.MonkeyPatch) -> None:
    for part in network.modules():
        if isinstance(part, nn.GELU):
            patch.setattr(part, "approximate", "tanh")


def corners_not_aligned(network: nn.Module, patch: pytest.MonkeyPatch) -> None:
    for part in network.modules():
        if hasattr(part, "align_corners"):
            patch.setattr(part, "align_corners", False)


def padded_with_zeros(network: nn.Module, patch: pytest.MonkeyPatch) -> None:
    for part in network.modules():
        if isinstance(part, nn.Conv2d):
            patch.setattr(part, "padding_mode", "zeros")


def half_as_mean(network: nn.Module, patch: pytest.MonkeyPatch) -> None:
    original = reference.arrays

    def arrays(network: nn.Module, case: Any) -> Any:
        return original(network, {**case, "normalised": "half"})

    patch.setattr(reference, "arrays", arrays)


def not_averaged(network: nn.Module, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reference, "moge_input", partial(reference.moge_input, averages=False))


def aspect_of_the_grid(network: nn.Module, patch: pytest.MonkeyPatch) -> None:
    original = moge.view_plane
    patch.setattr(
        moge, "view_plane", lambda rows, columns, aspect: original(rows, columns, 0 * aspect + columns / rows)
    )


def with_another_meaning(change: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, ...]]) -> Mistake:
    """Returns the mistake of taking points, mask and normals for what `change` makes of MoGe's maps."""

    def affine(points: Tensor, mask: Tensor, normals: Tensor) -> tuple[Tensor, ...]:
        found = change(points, mask, normals)
        return found[0].permute(0, 2, 3, 1), found[1][:, 0], found[2].permute(0, 2, 3, 1)

    return lambda network, patch: patch.setattr(moge, "affine", affine)


def right(points: Tensor, mask: Tensor, normals: Tensor) -> tuple[Tensor, ...]:
    depth = torch.exp(points[:, 2:])
    return torch.cat((points[:, :2] * depth, depth), 1), torch.sigmoid(mask), functional.normalize(normals, dim=1)


def sides_not_times_depth(points: Tensor, mask: Tensor, normals: Tensor) -> tuple[Tensor, ...]:
    return torch.cat((points[:, :2], torch.exp(points[:, 2:])), 1), *right(points, mask, normals)[1:]


def depth_without_exponential(points: Tensor, mask: Tensor, normals: Tensor) -> tuple[Tensor, ...]:
    return torch.cat((points[:, :2] * points[:, 2:], points[:, 2:]), 1), *right(points, mask, normals)[1:]


def mask_as_it_is(points: Tensor, mask: Tensor, normals: Tensor) -> tuple[Tensor, ...]:
    found = right(points, mask, normals)
    return found[0], mask, found[2]


def normals_of_any_length(points: Tensor, mask: Tensor, normals: Tensor) -> tuple[Tensor, ...]:
    return *right(points, mask, normals)[:2], normals


def scale_without_exponential(network: nn.Module, patch: pytest.MonkeyPatch) -> None:
    maps: Any = network.maps

    def found(picture: Tensor) -> tuple[Any, Tensor]:
        made, scale = maps(picture)
        return made, torch.log(scale)

    patch.setattr(network, "maps", found)


MISTAKES: dict[str, tuple[str, Mistake]] = {
    "positions by size": (V2, with_positions(positions_by_size)),
    "timm's positions": (V2, with_positions(positions_by_timm)),
    "no norm after the kept blocks": (V2, without_norm),
    "the last four blocks": (V2, with_blocks(8, 9, 10, 11)),
    "corners not aligned": (V2, corners_not_aligned),
    "mean and deviation of 0.5": (V2, half_as_mean),
    "an approximate GELU": (V2, with_tanh),
    "positions by size in MoGe": (MOGE, with_positions(positions_by_size)),
    "timm's positions in MoGe": (MOGE, with_positions(positions_by_timm)),
    "zeros around maps": (MOGE, padded_with_zeros),
    "a photo that is sampled": (MOGE, not_averaged),
    "other blocks": (MOGE, with_blocks(2, 11)),
    "the aspect of the patches": (MOGE, aspect_of_the_grid),
    "sides not times the depth": (MOGE, with_another_meaning(sides_not_times_depth)),
    "depth without the exponential": (MOGE, with_another_meaning(depth_without_exponential)),
    "a mask that is no probability": (MOGE, with_another_meaning(mask_as_it_is)),
    "normals of any length": (MOGE, with_another_meaning(normals_of_any_length)),
    "a scale without the exponential": (MOGE, scale_without_exponential),
}


@pytest.mark.parametrize(("kind", "metres"), [("hypersim", 20.0), ("vkitti", 80.0)])
@pytest.mark.parametrize("size", ["s", "b", "l"])
def test_metric_heads_end_in_metres(kind: str, metres: float, size: str) -> None:
    tensors = reference.empty_tensors(f"depth_anything_v2_vit{size}")
    network: Any = architectures.build(f"depth_anything_v2_metric_{kind}_vit{size}", tensors)
    end = network.decoder.head.end
    found = end(torch.tensor([-100.0, 0.0, 100.0]))
    assert found.tolist() == pytest.approx([0.0, metres / 2, metres], abs=1e-6)


def test_depth_anything_3_ends_in_depth_and_sky() -> None:
    torch.manual_seed(0)
    head = DepthAndSkyHead(32)
    given = torch.randn(1, 32, 4, 5)
    with torch.inference_mode():
        depth, sky = head(given)[0]
        enlarged = functional.interpolate(head.conv1(given), scale_factor=1.75, mode="bilinear", align_corners=True)
        plain = head.conv3(functional.relu(head.conv2(enlarged)))[0, 0]
        other = head.sky_conv3(functional.relu(head.sky_conv2(enlarged)))[0, 0]
    torch.testing.assert_close(depth, torch.exp(plain))
    torch.testing.assert_close(sky, torch.clamp(other, min=0.0))
    assert (plain < 0).any() and (other < 0).any()


@pytest.mark.slow
@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_noticed(
    mistake: str, networks: Callable[[str], nn.Module], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, plant = MISTAKES[mistake]
    network = networks(model)
    plant(network, monkeypatch)
    found = reference.differences(network, model, [REVEALING.get(mistake, CASES[model])])
    assert max(spread for spread, _ in found.values()) > 3 * CLOSE, found


@pytest.mark.slow
@pytest.mark.parametrize("case", ["120x160@108", "160x120@108", "300x400@108"])
def test_the_official_metres_and_lens(case: str, networks: Callable[[str], nn.Module]) -> None:
    script = reference.script()
    official = {name: array for name, array in script.outputs(MOGE).items() if name.startswith(case)}
    facts = next(one for one in script.cases(MOGE) if one["name"] == case)
    found = reference.arrays(networks(MOGE), facts)
    given = {"points": found["points"], "mask": found["mask"], "scale": found["metric_scale"]}
    height, width = found["mask"].shape
    batch = {name: array[None] for name, array in given.items()}
    (free,) = readings.readings(batch, MODELS[MOGE], [(height, width)], is_mirrored=False)
    assert free.scene and free.scene.measures
    longer = max(width, height)
    across = float(official[f"{case}/infer_intrinsics"][0, 0]) * width / longer
    # The points of random weights are no view through any lens; there the official search stops 1.6 % early.
    assert free.scene.measures.focal == pytest.approx(across, rel=0.016)
    assert misfit(free, free.scene.measures.focal, width / height) <= misfit(free, across, width / height)
    if f"{case}/infer_fov60_depth" in official:
        known = readings.through_lens(free, 0.5 / math.tan(math.radians(30.0)) * width / longer, width / height)
        compare_metres(known, official[f"{case}/infer_fov60_depth"], facts["step"])


def misfit(found: Estimate, focal: float, aspect: float) -> float:
    """Returns the sum of squares that is left if the lens has a focal length relative to the longer side."""
    assert found.view is not None
    focal, shift = affine_view.solved(
        found.view.points, found.view.places, affine_view.in_half_diagonals(focal, aspect)
    )
    seen = focal * found.view.points[:, :2] / (found.view.points[:, 2:] + shift)
    return float(np.square(seen.astype(np.float64) - found.view.places).sum())


def compare_metres(found: Estimate, official: np.ndarray[Any, Any], step: int) -> None:
    """Compares metres that have another shift, for the reason above, and no other difference."""
    assert found.valid is not None
    depth, holds = 1.0 / found.disparity[::step, ::step], found.valid[::step, ::step]
    assert (holds != np.isfinite(official)).mean() < 2e-3
    both = holds & np.isfinite(official)
    apart = (depth - official)[both] / np.median(official[both])
    assert abs(np.median(apart)) < 0.02
    assert np.abs(apart - np.median(apart)).max() < 1e-4


@pytest.mark.parametrize("grid", [(37, 37), (18, 28), (37, 49), (49, 37), (10, 8), (5, 3), (60, 80), (1, 1)])
def test_positions_are_those_of_torchs_bicubic_by_factor(grid: tuple[int, int]) -> None:
    torch.manual_seed(0)
    positions = torch.randn(1, 1 + 37 * 37, 6)
    found = dinov2.resized_positions(positions, grid)
    expected = positions
    if grid != (37, 37):
        table = positions[:, 1:].transpose(1, 2).unflatten(2, (37, 37))
        factors = tuple((count + 0.1) / 37 for count in grid)
        table = functional.interpolate(table, scale_factor=factors, mode="bicubic")
        expected = torch.cat((positions[:, :1], table.flatten(2).transpose(1, 2)), dim=1)
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-5 if grid != (37, 37) else 0)


@pytest.mark.parametrize("aspect", [1.0, 4 / 3, 0.3125])
def test_the_view_planes_half_diagonal_is_1(aspect: float) -> None:
    plane = moge.view_plane(3, 4, torch.full((1, 1, 1), aspect))[0].double()
    assert plane.shape == (2, 3, 4)
    step = plane[:, 1, 1] - plane[:, 0, 0]
    corner = plane[:, -1, -1] + step / 2
    assert float(corner.norm()) == pytest.approx(1.0) and float(corner[0] / corner[1]) == pytest.approx(aspect)


@pytest.mark.slow
def test_files_in_half_precision_are_read(networks: Callable[[str], nn.Module], tmp_path: Path) -> None:
    network = loading.network(MODELS[MOGE], written(MOGE, tmp_path, torch.float16), None)
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
    found = reference.differences(network, MOGE, [CASES[MOGE]])
    assert 1e-4 < max(spread for spread, _ in found.values()) < 0.1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"encoder": {"intermediate_layers": [2, 11]}}, r"its model_config takes the blocks '\[2, 11\]'"),
        ({"remap_output": "linear"}, "its model_config has the remap_output 'linear'"),
        ({}, ""),
        (None, "it has no model_config"),
        ("safetensors", ""),
    ],
)
def test_a_model_config_that_differs_or_lacks(change: dict[str, Any] | str | None, said: str, tmp_path: Path) -> None:
    path = tmp_path / "own.pt"
    tensors = {name: torch.zeros(tensor.shape) for name, tensor in reference.empty_tensors(MOGE).items()}
    if change is None:
        torch.save(tensors, path)
    elif isinstance(change, str):
        save_file(tensors, path)
    else:
        torch.save(
            {"model": tensors, "model_config": {**reference.script().spec(MOGE)["model_config"], **change}}, path
        )
    if not said:
        loading.network(MODELS[MOGE], path, None)
        return
    with pytest.raises(Mono3DError, match=said) as caught:
        loading.network(MODELS[MOGE], path, None)
    assert str(caught.value).count(". ") == 0 and "choose the model that it was made for" in str(caught.value)


def test_a_file_without_normals(tmp_path: Path) -> None:
    tensors = {name: value for name, value in reference.empty_tensors(MOGE).items() if "normal_head" not in name}
    network = architectures.build(MOGE, tensors)
    assert network.outputs == ("points", "mask", "scale")


@pytest.mark.slow
@pytest.mark.parametrize(
    "model", [MOGE, pytest.param("depth_anything_v2_metric_vkitti_vits", marks=pytest.mark.thorough)]
)
def test_from_a_file_to_an_estimate(model: str, tmp_path: Path) -> None:
    path = written(model, tmp_path)
    made = estimator.load(MODELS[model], path, "cpu")
    photo = np.random.default_rng(0).integers(0, 256, (75, 100, 3), np.uint8)
    found = made.estimate(photo, estimator.InferenceOptions(112, flip=True))
    assert found.scene and found.scene.measures and found.scene.measures.unit == "metres"
    assert np.isfinite(found.disparity).all() and (found.disparity > 0.0).all()
    assert found.engine == "torch float32 on cpu"
    if model == MOGE:
        # 9 x 7 patches, with 16 places along a side of each.
        assert found.disparity.shape == (7 * 16, 9 * 16) and found.view and found.sky is not None
        assert found.normals is not None and found.normals.shape == (7 * 16, 9 * 16, 3)


def prepared() -> dict[str, np.ndarray[Any, Any]]:
    with np.load(shared_data.path("networks_today") / "outputs" / "preparation.npz") as stored:
        return {name: stored[name] for name in stored.files}


@pytest.mark.parametrize(
    "case", ["v2_40x60@42", "v2_90x50@42", "v2_20x90@28", "da3_40x60@56", "da3_90x150@70", "da3_120x47@84"]
)
def test_the_official_preparation(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # The official code has no limit.
    monkeypatch.setattr(resize, "LARGEST_AREA", 100)
    stored = prepared()
    photo, expected = stored[f"{case}/photo"], stored[f"{case}/input"][0]
    row = MODELS["da3mono_large" if case.startswith("da3") else V2]
    model = dataclasses.replace(row, network_size=int(case.split("@")[1]))
    width, height = resize.input_size(photo.shape[1], photo.shape[0], model)
    found = resize.picture(photo, width, height, model)
    assert found.shape == expected.shape
    # Two steps of 8 bits each: a value in the middle of two may be rounded to the other one.
    apart = np.abs(found - expected)
    assert apart.max() < (2e-5 if case.startswith("v2") else 1.01 / 255 / 0.224)
    assert (apart > 1e-5).mean() < (1e-9 if case.startswith("v2") else 0.02)


@pytest.mark.parametrize("size", [(90, 150), (40, 30), (13, 200)])
def test_moge_sees_the_photo_as_torch_averages_it(size: tuple[int, int]) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    model = dataclasses.replace(MODELS[MOGE], network_size=84)
    width, height = resize.input_size(size[1], size[0], model)
    found = resize.picture(photo, width, height, model)
    given = torch.from_numpy(photo).permute(2, 0, 1)[None].double() / 255
    np.testing.assert_allclose(found, reference.moge_input(given, 36)[0].numpy(), atol=2e-5)


def test_the_official_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = json.loads((shared_data.path("networks_today") / "outputs" / "sizes.json").read_text(encoding="utf-8"))
    monkeypatch.setattr(resize, "LARGEST_AREA", 1000)
    for model, rows in ((V2, stored["depth_anything_v2"]), ("da3mono_large", stored["da3"])):
        for width, height, *expected in rows:
            # Officially, a strip may become one pixel wide.
            least = [max(14, side) for side in expected]
            assert list(resize.input_size(width, height, MODELS[model])) == least, (model, width, height)
    for width, height, patches, *expected in stored["moge_2"]:
        assert list(resize.patch_grid(width, height, patches)) == expected
    assert resize.input_size(640, 480, MODELS[MOGE]) == (48 * 14, 36 * 14)


@pytest.mark.parametrize("model", [V2, "da3mono_large", MOGE])
@pytest.mark.parametrize("photo", [(1, 1), (30000, 1), (1, 30000), (37, 4000), (4000, 500), (640, 480)])
def test_inputs_are_multiples_of_14_and_not_too_large(model: str, photo: tuple[int, int]) -> None:
    row = MODELS[model]
    for asked in (0, 100, 1024):
        width, height = resize.input_size(*photo, row, asked)
        side = resize.side_of(row, asked)
        assert width % 14 == height % 14 == 0 and min(width, height) >= 14
        assert width * height <= 1.5 * resize.LARGEST_AREA * side**2
