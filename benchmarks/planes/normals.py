# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores what a network's normals do for flat surfaces: `python3 -m benchmarks.planes.normals`.

The scenes are those of `tests/core/truth_scenes.py`, with exact depth and normals, degraded as in `benchmarks.shading`;
the errors reach over a sixth and over half of the picture. The mesh of the product is compared with the true planes of
at least 1 % of the picture, and with the round things.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.planes.truth import SMALLEST, plane_of
from benchmarks.shading import COLUMNS, HEIGHT, PATCH, ROWS, WIDTH, blurred, error
from mono3d_addon.core.estimate import Estimate
from mono3d_addon.core.mesh.islands import label_components
from mono3d_addon.core.photo.photo import Photo, read_photo
from mono3d_addon.core.stages import Stages
from mono3d_addon.depth.readings import of_depth
from mono3d_addon.reshape import make_reshaper, shares_of
from mono3d_addon.settings import Settings
from tests import exact_network as exact
from tests.core.ray_caster import Truth
from tests.core.truth_scenes import SCENES

Map = NDArray[np.float32]
Where = NDArray[np.bool_]

WIDE, HALF = 120.0, 380.0
"""Scales of the errors of the depth, in cells of the maps."""
NORMALS_WIDE, NORMALS_HALF = 60.0, 250.0
"""And of the normals."""
RIPPLE = 0.001
_SAME = 0.005


@dataclass(frozen=True)
class Scores:
    """Of one mesh: for each flat patch the angle of its plane from the true one and the median angle of its triangles;
    the median angle of the triangles of round things, NaN without; the mean error of the depth of the patches."""

    tilt: tuple[float, ...]
    local: tuple[float, ...]
    round: float
    error: float


def main(arguments: Sequence[str]) -> int:
    """Prints the table; returns 0."""
    parser = argparse.ArgumentParser(prog="python3 -m benchmarks.planes.normals", description=__doc__)
    parser.add_argument("--step", type=int, default=4, help="take every so many scenes (4)")
    parser.add_argument("--detail", type=int, default=320)
    parser.add_argument("--depth", type=float, nargs="+", default=[0.01, 0.03], help="relative errors of the depth")
    parser.add_argument("--normals", type=float, nargs="+", default=[3.0, 5.0, 8.0, 16.0], help="degrees")
    options = parser.parse_args(arguments)
    names = list(SCENES)[1 :: options.step]
    print("| depth off by | *Flat planes* | normals off by | tilt, median, mean | triangles, mean | round | depth |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for off in options.depth:
        rows = [("off", None), ("on", None), *(("on", degrees) for degrees in options.normals)]
        found: list[list[Scores]] = [[] for _ in rows]
        for number, name in enumerate(names):
            for scores, one in zip(found, scored(name, number, off, rows, options.detail), strict=True):
                scores.append(one)
        for (planes, degrees), scores in zip(rows, found, strict=True):
            given = "none given" if degrees is None else f"{degrees:.0f} degrees"
            print(f"| {100 * off:.0f} % | {planes} | {given} | {_cells(scores)} |", flush=True)
    return 0


def _cells(scores: list[Scores]) -> str:
    tilt = [angle for one in scores for angle in one.tilt]
    local = [angle for one in scores for angle in one.local]
    return (
        f"{np.median(tilt):.1f}, {np.mean(tilt):.1f} | {np.mean(local):.1f} | "
        f"{np.nanmean([one.round for one in scores]):.1f} | {100 * np.mean([one.error for one in scores]):.2f} %"
    )


def scored(name: str, seed: int, off: float, rows: Sequence[tuple[str, float | None]], detail: int) -> Iterator[Scores]:
    """Yields the scores of a scene for each row: whether planes are flattened, and how far the normals are off."""
    eye = exact.eye(WIDTH, HEIGHT, 60.0)
    seen = exact.render(SCENES[name], eye)
    truth = exact.render(SCENES[name], exact.stretched(eye, COLUMNS, ROWS))
    random = np.random.default_rng(seed)
    wrong = off * _uneven(random, WIDE, HALF) + RIPPLE * error(random, PATCH)
    depth = 1.0 / blurred(1.0 / truth.depth, 2.0) * np.exp(wrong)
    estimate = of_depth(depth.astype(np.float32), None, None, "metres", eye.fx / WIDTH)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photo.png"
        Image.fromarray(seen.pixels).save(path)
        photo = read_photo(path, 100.0)
    flat, curved = list(patches(seen)), round_things(seen, name)
    for planes, degrees in rows:
        given = estimate
        if degrees is not None:
            normals = degraded(truth.normals, degrees, np.random.default_rng(100 + seed))
            given = dataclasses.replace(estimate, normals=normals)
        yield _scores(photo, given, seen, flat, curved, Settings(detail=detail, planes=planes == "on"))


def _scores(
    photo: Photo,
    estimate: Estimate,
    seen: Truth,
    flat: list[tuple[Where, NDArray[np.float64]]],
    curved: Where,
    settings: Settings,
) -> Scores:
    settings = dataclasses.replace(settings, edges="tear", sky="keep")
    stages = Stages(lambda words, share: None, shares_of(settings))
    mesh = make_reshaper(photo, estimate, is_panorama=False).reshape(settings, stages).mesh
    column = np.clip((mesh.uv[:, 0] * WIDTH).astype(int), 0, WIDTH - 1)
    row = np.clip(((1.0 - mesh.uv[:, 1]) * HEIGHT).astype(int), 0, HEIGHT - 1)
    off = np.abs(np.log(mesh.vertices[:, 2] / seen.depth[row, column]))
    corners = mesh.vertices[mesh.triangles].astype(np.float64)
    facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    facing /= np.maximum(np.linalg.norm(facing, axis=1, keepdims=True), 1e-12)
    true = seen.normals[row, column][mesh.triangles[:, 0]]
    apart = np.degrees(np.arccos(np.clip(np.einsum("ij,ij->i", facing, true), -1.0, 1.0)))
    tilt, local, errors = [], [], []
    for where, normal in flat:
        inside = where[row, column]
        mean, _ = plane_of(mesh.vertices[inside].astype(np.float64))
        tilt.append(float(np.degrees(np.arccos(np.clip(mean @ normal, -1.0, 1.0)))))
        local.append(float(np.median(apart[inside[mesh.triangles].all(axis=1)])))
        errors.append(float(off[inside].mean()))
    on_round = curved[row, column][mesh.triangles].all(axis=1)
    bulge = float(np.median(apart[on_round])) if on_round.any() else float("nan")
    return Scores(tuple(tilt), tuple(local), bulge, float(np.mean(errors)))


def patches(seen: Truth) -> Iterator[tuple[Where, NDArray[np.float64]]]:
    """Yields where the flat surfaces are, without their rims, and their true normals."""
    alike = [
        (np.abs(np.diff(seen.normals, axis=axis)).max(axis=2) < _SAME) & (np.diff(seen.item, axis=axis) == 0)
        for axis in (1, 0)
    ]
    labels = label_components(*alike)
    for label in np.flatnonzero(np.bincount(labels.ravel()) >= SMALLEST * labels.size):
        where = _without_rim(labels == label)
        normals = seen.normals[where].astype(np.float64)
        if where.mean() >= SMALLEST and normals.std(axis=0).max() < _SAME:
            mean = normals.mean(axis=0)
            yield where, mean / np.linalg.norm(mean)


def round_things(seen: Truth, name: str) -> Where:
    """Returns where there are balls and poles, without their rims."""
    where = np.zeros(seen.item.shape, bool)
    for number, item in enumerate(SCENES[name]):
        if type(item.shape).__name__ in ("Sphere", "Pole"):
            where |= seen.item == number
    return _without_rim(where)


def degraded(normals: Map, degrees: float, random: np.random.Generator) -> Map:
    """Returns normals that are blurred and off by so many degrees (RMS), over larger parts."""
    soft = np.stack([blurred(np.ascontiguousarray(normals[..., axis]), 4.0) for axis in range(3)], axis=-1)
    off = np.stack([_uneven(random, NORMALS_WIDE, NORMALS_HALF) for _ in range(3)], axis=-1)
    # Of three components, the one along the normal does not turn it.
    soft = soft + np.radians(degrees) / np.sqrt(2.0) * off
    return np.asarray(soft / np.linalg.norm(soft, axis=-1, keepdims=True), np.float32)


def _uneven(random: np.random.Generator, *scales: float) -> Map:
    """Returns a smooth random map of these scales with a deviation of 1."""
    found = np.sum([error(random, scale) for scale in scales], axis=0)
    return np.asarray(found / found.std(), np.float32)


def _without_rim(where: Where, rim: int = 4) -> Where:
    padded = np.pad(where, rim)
    rows, columns = where.shape
    for axis, length in ((0, rows), (1, columns)):
        padded = np.logical_and.reduce([padded.take(range(k, k + length), axis) for k in range(2 * rim + 1)])
    return padded


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
