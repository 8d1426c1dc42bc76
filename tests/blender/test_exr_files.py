# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender reads the EXR files that Mono3D writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mono3d_addon.core.photo.openexr_writer import encoded
from tests.blender.made import bpy


def test_blender_reads_normals_and_depth_exactly(tmp_path: Path) -> None:
    wanted = np.random.default_rng(0).normal(size=(37, 50, 3)).astype(np.float32)
    for name, channels in (
        ("normals", {one: wanted[..., axis] for axis, one in enumerate("RGB")}),
        ("depth", {"Y": wanted[..., 0]}),
    ):
        path = tmp_path / f"{name}.exr"
        path.write_bytes(encoded(channels))
        image = bpy.data.images.load(str(path))
        image.colorspace_settings.name = "Non-Color"
        assert tuple(image.size) == (50, 37) and image.is_float
        pixels = np.empty(50 * 37 * image.channels, np.float32)
        image.pixels.foreach_get(pixels)
        found = pixels.reshape(37, 50, image.channels)[::-1]
        assert np.array_equal(found[..., : len(channels)], np.stack(list(channels.values()), axis=-1))
