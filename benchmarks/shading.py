# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores how meshes are shaded with a network's normals and without: `python3 -m benchmarks.shading`.

The scenes are those of `tests/core/truth_scenes.py`, with exact depth and normals. Both are degraded as a network might
do: blurred, and with errors over an eighth of the picture and over a patch. No weights are needed; what is measured is
what the product makes of such an input.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mono3d_addon.core import resampling
from mono3d_addon.core.photo.photo import read_photo
from mono3d_addon.core.stages import Stages
from mono3d_addon.depth.readings import of_depth
from mono3d_addon.reshape import make_reshaper, shares_of
from mono3d_addon.settings import Settings
from tests import exact_network as exact
from tests.core.truth_scenes import SCENES

Map = NDArray[np.float32]

WIDTH, HEIGHT = 640, 480
ROWS, COLUMNS = 576, 768
"""Size of the network's maps."""
PATCH, WIDE, NORMALS_WIDE = 14.0, 120.0, 60.0
"""Scales of the errors in cells of the maps: of a patch, of the depth over larger parts, and of the normals."""
LAMPS = ((-0.5, -0.7, -0.5), (0.6, -0.5, -0.6), (0.0, -0.3, -1.0), (-0.8, 0.0, -0.6), (0.8, 0.1, -0.6))


def main(arguments: Sequence[str]) -> int:
    """Prints the table; returns 0."""
    parser = argparse.ArgumentParser(prog="python3 -m benchmarks.shading", description=__doc__)
    parser.add_argument("--step", type=int, default=7, help="take every so many scenes (7)")
    parser.add_argument("--detail", type=int, default=320)
    options = parser.parse_args(arguments)
    print("| ripples of the depth | normals off by | normals of the mesh, median, mean, 90 % | shading |")
    print("|---|---|---|---|")
    for ripple in (0.001, 0.003):
        for degrees in (None, 5.0, 10.0, 16.0):
            found = [
                scored(name, number, ripple, degrees, options.detail)
                for number, name in enumerate(list(SCENES)[1 :: options.step])
            ]
            median, mean, most, shading = np.mean(found, axis=0)
            given = "none given" if degrees is None else f"{degrees:.0f} degrees"
            figures = f"{median:.1f}, {mean:.1f}, {most:.1f}"
            print(f"| {100 * ripple:.1f} % | {given} | {figures} | {shading:.3f} |", flush=True)
    return 0


def scored(name: str, seed: int, ripple: float, degrees: float | None, detail: int) -> tuple[float, ...]:
    """Returns median, mean and 90th percentile of the angles from the true normals, and the mean error of the light."""
    random = np.random.default_rng(seed)
    eye = exact.eye(WIDTH, HEIGHT, 60.0)
    photo_truth = exact.render(SCENES[name], eye)
    truth = exact.render(SCENES[name], exact.stretched(eye, COLUMNS, ROWS))
    depth = 1.0 / blurred(1.0 / truth.depth, 2.0) * np.exp(0.01 * error(random, WIDE) + ripple * error(random, PATCH))
    estimate = of_depth(depth.astype(np.float32), None, None, "metres", eye.fx / WIDTH)
    if degrees is not None:
        estimate = dataclasses.replace(estimate, normals=degraded(truth.normals, degrees, random))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photo.png"
        Image.fromarray(photo_truth.pixels).save(path)
        photo = read_photo(path, 100.0)
    settings = Settings(detail=detail, edges="tear", sky="keep")
    stages = Stages(lambda words, share: None, shares_of(settings))
    mesh = make_reshaper(photo, estimate, is_panorama=False).reshape(settings, stages).mesh
    column = np.clip((mesh.uv[:, 0] * WIDTH).astype(int), 0, WIDTH - 1)
    row = np.clip(((1.0 - mesh.uv[:, 1]) * HEIGHT).astype(int), 0, HEIGHT - 1)
    true = photo_truth.normals[row, column]
    apart = np.degrees(np.arccos(np.clip(np.einsum("ij,ij->i", mesh.normals, true), -1.0, 1.0)))
    light = float(np.abs(lit(mesh.normals) - lit(true)).mean())
    return float(np.median(apart)), float(apart.mean()), float(np.quantile(apart, 0.9)), light


def degraded(normals: Map, degrees: float, random: np.random.Generator) -> Map:
    """Returns normals that are blurred and off by about so many degrees, a quarter of it from patch to patch."""
    soft = np.stack([blurred(np.ascontiguousarray(normals[..., axis]), 4.0) for axis in range(3)], axis=-1)
    for share, scale in ((0.75, NORMALS_WIDE), (0.25, PATCH)):
        off = np.stack([error(random, scale) for _ in range(3)], axis=-1)
        soft = soft + math.radians(degrees) * share * off
    return np.asarray(soft / np.linalg.norm(soft, axis=-1, keepdims=True), np.float32)


def error(random: np.random.Generator, scale: float) -> Map:
    """Returns a smooth random map with a deviation of 1."""
    rows, columns = (max(3, round(side / scale) + 2) for side in (ROWS, COLUMNS))
    coarse = random.normal(size=(rows, columns)).astype(np.float32)
    found = resampling.resize(coarse, COLUMNS, ROWS, "bicubic")
    return np.asarray(found / found.std(), np.float32)


def blurred(values: Map, factor: float) -> Map:
    """Returns a map without what is finer than so many cells."""
    rows, columns = values.shape
    small = resampling.resize(np.asarray(values, np.float32), round(columns / factor), round(rows / factor), "box")
    return resampling.resize(small, columns, rows, "bicubic")


def lit(normals: Map) -> NDArray[np.float64]:
    """Returns the light of each lamp on surfaces with these normals, float64 (n, lamps)."""
    lamps = np.array(LAMPS) / np.linalg.norm(LAMPS, axis=1, keepdims=True)
    return np.clip(normals.astype(np.float64) @ lamps.T, 0.0, 1.0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
