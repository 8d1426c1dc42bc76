# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of the normals."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mono3d_addon.core.photo import png_file
from mono3d_addon.core.photo.exr_source import open_exr
from mono3d_addon.core.reconstruction import Reconstruction
from mono3d_addon.export import write
from tests import exact_network as exact
from tests.surface import results


def shown(result: Reconstruction, folder: Path) -> NDArray[np.float64]:
    """Returns the normals in the file, x right, y up, z towards the camera; NaN where it is black."""
    path = folder / "a_normals.png"
    assert write(result, "normals", path) == (path,)
    values = png_file.stored_values(png_file.parse(path.read_bytes()))
    assert values.dtype == np.uint16 and values.shape[2] == 3
    return np.where(values.any(axis=-1, keepdims=True), values / 65535 * 2.0 - 1.0, np.nan)


@pytest.mark.parametrize("by", ["depth", "network"])
def test_exr_has_the_same_normals_unrounded(by: str, tmp_path: Path) -> None:
    camera = exact.eye(160, 120)
    truth = exact.render(exact.OUTDOORS, camera)
    depth = np.where(truth.item == 3, np.float32(np.nan), truth.depth)
    result = replace(
        results.result(tmp_path), camera=camera, depth=depth, normals=truth.normals if by == "network" else None
    )
    path = tmp_path / "a_normals.exr"
    assert write(result, "normals_exr", path) == (path,)
    source = open_exr(path)
    assert source.names == ("B", "G", "R") and source.size == (160, 120)
    found = np.stack([source.read("RGB")[name] for name in "RGB"], axis=-1)
    assert found.dtype == np.float32 and not found[truth.item == 3].any()
    things = truth.item != 3
    np.testing.assert_allclose(found[things], shown(result, tmp_path)[things], atol=1.01 / 65535)
    if by == "network":
        # The axes of Blender's camera: y up, z towards it.
        np.testing.assert_allclose(
            found[things], (truth.normals * np.array([1, -1, -1], np.float32))[things], atol=1e-5
        )


def degrees_between(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.degrees(np.arccos(np.clip(np.einsum("ijk,ijk->ij", one, other), -1.0, 1.0)))


@pytest.mark.parametrize("by", ["depth", "network"])
def test_the_true_normals(by: str, tmp_path: Path) -> None:
    camera = exact.eye(160, 120)
    truth = exact.render(exact.OUTDOORS, camera)
    given = exact.render(exact.OUTDOORS, exact.eye(240, 180)).normals if by == "network" else None
    depth = np.where(truth.item == 3, np.float32(np.nan), truth.depth)
    found = shown(replace(results.result(tmp_path), camera=camera, depth=depth, normals=given), tmp_path)
    assert np.array_equal(np.isnan(found[..., 0]), truth.item == 3)
    smooth = exact.smooth(truth, 2)
    apart = degrees_between(found, truth.normals * np.array([1, -1, -1]))[smooth]
    assert np.quantile(apart, 0.98) < 3.0 and np.median(apart) < 0.5, np.quantile(apart, [0.5, 0.98, 1.0])
    # The floor shows its upper side.
    assert found[-1, 5, 1] > 0.9


def test_an_edge_does_not_mix_its_sides(tmp_path: Path) -> None:
    camera = exact.eye(40, 30)
    depth = np.full((30, 40), 4.0, np.float32)
    depth[:, 20:] = 1.0
    found = shown(replace(results.result(tmp_path), camera=camera, depth=depth, normals=None), tmp_path)
    np.testing.assert_allclose(found, np.broadcast_to([0.0, 0.0, 1.0], found.shape), atol=1e-3)
