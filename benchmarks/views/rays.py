# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of a result from any camera, by casting rays at what was written as GLB.

The file is read as any viewer would read it (trimesh), so that what is judged is what leaves the program: geometry,
texture coordinates, textures, and what is filled in behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from numpy.typing import NDArray

from mono3d_addon.surface import open3d_library

Floats = NDArray[np.float32]
SAMPLES = 2
"""Rays along each side of a pixel."""


@dataclass(frozen=True)
class Picture:
    """What a camera sees: `colors` float32 (h, w, 3), 0..1 sRGB; `depth` float32 (h, w) metres, infinite in `holes`.

    `holes` is the share of each pixel's rays, float32 (h, w), that hit nothing.
    """

    colors: Floats
    depth: Floats
    holes: Floats


class Model:
    """The meshes of a GLB file with their textures, ready for rays."""

    def __init__(self, path: Path) -> None:
        scene = trimesh.load_scene(path)
        self._open3d = open3d = open3d_library.load()
        self._rays = open3d.t.geometry.RaycastingScene()
        self._parts: list[tuple[NDArray[np.int64], Floats, Floats]] = []
        for part in scene.dump():
            # The part's own faces and corners: merging would mix those of both sides of a tear.
            self._rays.add_triangles(
                open3d.core.Tensor(np.asarray(part.vertices, np.float32)),
                open3d.core.Tensor(np.asarray(part.faces, np.uint32)),
            )
            material: Any = part.visual.material
            texture = np.asarray(material.baseColorTexture or material.emissiveTexture)[..., :3]
            self._parts.append(
                (np.asarray(part.faces), np.asarray(part.visual.uv, np.float32), texture.astype(np.float32) / 255.0)
            )

    def seen(self, size: tuple[int, int], focal: float, pose: NDArray[np.float64]) -> Picture:
        """Returns the picture of a camera with a focal length in pixels and its principal point in the middle.

        `size` is (width, height); `pose` (4, 4) puts the camera (x right, y up, looking along -z) in the file's frame.
        """
        width, height = size
        columns = (np.arange(width * SAMPLES) + 0.5) / SAMPLES - width / 2
        rows = (np.arange(height * SAMPLES) + 0.5) / SAMPLES - height / 2
        x, y = np.meshgrid(columns / focal, -rows / focal)
        # One metre along the axis for each unit of a ray, so that what is hit is hit at its depth.
        directions = np.stack([x, y, -np.ones_like(x)], -1) @ pose[:3, :3].T
        origins = np.broadcast_to(pose[:3, 3], directions.shape)
        found = self._rays.cast_rays(
            self._open3d.core.Tensor(np.concatenate([origins, directions], -1).astype(np.float32))
        )
        depth = found["t_hit"].numpy()
        colors = self._colors(
            {name: found[name].numpy() for name in ("geometry_ids", "primitive_ids", "primitive_uvs")}
        )
        is_hole = ~np.isfinite(depth)
        colors[is_hole] = 0.0
        share = _pooled(is_hole.astype(np.float32)[..., None])[..., 0]
        mixed = _pooled(colors) / np.maximum(1.0 - share, 1e-6)[..., None]
        return Picture(mixed, depth.reshape(height, SAMPLES, width, SAMPLES).min(axis=(1, 3)), share)

    def _colors(self, hits: dict[str, NDArray[Any]]) -> Floats:
        shape = hits["geometry_ids"].shape
        colors = np.zeros((*shape, 3), np.float32)
        for number, (faces, uv, texture) in enumerate(self._parts):
            here = hits["geometry_ids"] == number
            corners = uv[faces[hits["primitive_ids"][here]]]
            second, third = np.moveaxis(hits["primitive_uvs"][here], -1, 0)[..., None]
            place = corners[:, 0] * (1 - second - third) + corners[:, 1] * second + corners[:, 2] * third
            colors[here] = _sampled(texture, place)
        return colors


def _pooled(values: Floats) -> Floats:
    """Returns the means over the rays of each pixel."""
    height, width, channels = values.shape
    blocks = values.reshape(height // SAMPLES, SAMPLES, width // SAMPLES, SAMPLES, channels)
    return blocks.mean(axis=(1, 3), dtype=np.float32)


def _sampled(texture: Floats, place: Floats) -> Floats:
    """Returns the texture (h, w, 3) at places (n, 2) in 0..1, origin at the lower left, bilinearly."""
    height, width, _ = texture.shape
    column = np.clip(place[:, 0] * width - 0.5, 0, width - 1)
    row = np.clip((1.0 - place[:, 1]) * height - 0.5, 0, height - 1)
    left, top = column.astype(np.int64), row.astype(np.int64)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    across, down = (column - left)[:, None], (row - top)[:, None]
    upper = texture[top, left] * (1 - across) + texture[top, right] * across
    lower = texture[bottom, left] * (1 - across) + texture[bottom, right] * across
    mixed: Floats = (upper * (1 - down) + lower * down).astype(np.float32)
    return mixed
