# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mono3d_addon.core.camera.lens import Lens
from mono3d_addon.core.photo.photo import Photo
from mono3d_addon.depth.disparity_cache import DisparityCache
from mono3d_addon.depth.estimator import EstimatorCache
from mono3d_addon.depth.network_source import NetworkSource
from mono3d_addon.depth.read_ahead import ReadAhead
from mono3d_addon.settings import Settings


def source(tmp_path: Path, settings: Settings) -> NetworkSource:
    return NetworkSource(settings, tmp_path, DisparityCache(tmp_path), EstimatorCache(), ReadAhead())


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (Settings(), True),
        (Settings(tiles="off"), False),
        (Settings(engine="plain"), False),
        (Settings(engine="plain", tiles="on"), True),
        (Settings(model="dpt_large_384"), False),
        (Settings(model="dpt_large_384", tiles="on"), True),
    ],
)
def test_fine_detail_is_automatic_where_it_is_quick(tmp_path: Path, settings: Settings, expected: bool) -> None:
    assert source(tmp_path, settings)._options().tiles == expected


def test_estimates_with_and_without_fine_detail_are_not_confused(tmp_path: Path) -> None:
    photo = Photo(Path("cup.png"), np.zeros((20, 30, 3), np.uint8), None, Lens(), "0" * 64)
    weights = tmp_path / "starter.safetensors"
    weights.write_bytes(b"weights")
    automatic, on, off = (source(tmp_path, Settings(tiles=word))._key(photo, weights) for word in ("auto", "on", "off"))
    assert automatic == on != off
