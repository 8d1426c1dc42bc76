# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares geometry with exact truth: two dozen ray-cast scenes, and an RGB-D scene if its folder is given.

python3 benchmarks/geometry.py --data-folder FOLDER [--rgbd FOLDER] [--blur 1.0] [--seconds]

The exact inverse depth is averaged to 256 pixels, blurred, and enlarged again in several ways. Each result becomes a
torn grid and is compared with the truth. Needs the installed worker packages.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from mono3d_addon import environment  # noqa: E402

FOCAL, BASELINE, OFFSET, CENTRE = 994.978, 0.193001, 31.086, (311.193, 254.877)
"""Calibration of the motorcycle of Middlebury 2014 at quarter size, in pixels and metres."""
SAMPLES = 60_000
FIGURES = ("chamfer %", "normals deg", "mid-air, at silhouettes %", "mid-air, all %", "tears px", "tears 95 % px")


@dataclass(frozen=True)
class Case:
    """A photo with its true depth, that depth as a network sees it, and, for ray-cast scenes, normals and items."""

    name: str
    camera: Any
    pixels: Any
    depth: Any
    seen: Any
    normals: Any = None
    item: Any = None
    known: Any = None


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data-folder", type=Path, default=environment.default_data_folder(), help="folder with the installed packages"
    )
    parser.add_argument("--rgbd", type=Path, help="folder with motorcycle_left.png and motorcycle_disp.npz")
    parser.add_argument(
        "--blur", type=float, default=1.0, help="standard deviation of the blur in the network's pixels (default: 1)"
    )
    parser.add_argument("--seconds", action="store_true", help="measure only the time of the default grid at 1 Mpx")
    options = parser.parse_args(arguments)
    sys.path.insert(0, str(environment.require("worker", options.data_folder)))
    if options.seconds:
        print_seconds()
        return 0
    from tests.core import truth_scenes

    totals: dict[str, list[list[float]]] = {name: [] for name in METHODS}
    holes: list[tuple[float, float]] = []
    for name in truth_scenes.SCENES:
        case = made(name, options.blur)
        for method, found in figures(case).items():
            totals[method].append(found)
            print(f"{name:28} {method:14}", *(f"{value:9.3f}" for value in found), flush=True)
        holes.append(hole_shares(case))
    print_table(f"mean of {len(truth_scenes.SCENES)} scenes", totals)
    before, after = (statistics.mean(column) for column in zip(*holes, strict=True))
    print(f"holes seen from the side: {100 * before:.2f} % of the picture, filled: {100 * after:.2f} %")
    if options.rgbd:
        print_table("motorcycle", {method: [found] for method, found in figures(motorcycle(options)).items()})
    return 0


def print_table(title: str, totals: Mapping[str, list[list[float]]]) -> None:
    print(f"\n| {title} | " + " | ".join(FIGURES) + " |\n|" + "---|" * (len(FIGURES) + 1))
    for method, rows in totals.items():
        means = [statistics.mean(column) for column in zip(*rows, strict=True)]
        print(f"| {method} | " + " | ".join(f"{value:.2f}" for value in means) + " |")


def made(name: str, blur: float) -> Case:
    from tests.core import measures, truth_scenes

    truth = truth_scenes.truth(name)
    seen = measures.network_view(truth.depth, blur)
    return Case(name, truth.camera, truth.pixels, truth.depth, seen, truth.normals, truth.item)


def motorcycle(options: argparse.Namespace) -> Case:
    import numpy as np
    from PIL import Image

    from mono3d_addon.core.camera.camera import Camera
    from tests.core import measures

    pixels = np.asarray(Image.open(options.rgbd / "motorcycle_left.png").convert("RGB"))
    with np.load(options.rgbd / "motorcycle_disp.npz") as stored:
        disparity = stored[stored.files[0]]
    known = np.isfinite(disparity)
    depth = (FOCAL * BASELINE / (np.where(known, disparity, 1) + OFFSET)).astype(np.float32)
    height, width = depth.shape
    camera = Camera(width, height, FOCAL, FOCAL, *CENTRE, "its calibration")
    seen = measures.network_view(depth, options.blur, 256, known)
    return Case("motorcycle", camera, pixels, depth, seen, known=known)


def bilinear(case: Case) -> Any:
    from mono3d_addon.core import windows

    return 1 / windows.enlarge(case.seen, case.camera.width, case.camera.height)


def bicubic(case: Case) -> Any:
    return mono3d(case, edge_aware=False)


def guided(case: Case) -> Any:
    """Enlarges by the guided filter (He et al. 2010) with a radius of 1 % of the width."""
    import numpy as np

    from mono3d_addon.core import windows

    radius = max(2, round(0.01 * case.camera.width))
    guide = case.pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32) / 255
    value = windows.enlarge(case.seen, case.camera.width, case.camera.height)
    size = windows.total(np.ones_like(value), radius)

    def mean(values: Any) -> Any:
        return windows.total(values.astype(np.float32), radius) / size

    variance = mean(guide * guide) - mean(guide) ** 2
    slope = (mean(guide * value) - mean(guide) * mean(value)) / (variance + 1e-4)
    offset = mean(value) - slope * mean(guide)
    return 1 / np.clip(mean(slope) * guide + mean(offset), case.seen.min(), None)


def mono3d(case: Case, **changes: Any) -> Any:
    """Returns Mono3D's depth map, with the near and far that give the exact depth."""
    from mono3d_addon.core.camera.lens import Lens
    from mono3d_addon.core.maps.depth_map import depth_map
    from mono3d_addon.core.photo.photo import Photo
    from mono3d_addon.settings import Settings

    photo = Photo(Path(case.name), case.pixels, None, Lens(), "")
    near, far = 1 / float(case.seen.max()), 1 / float(case.seen.min())
    detail = max(case.pixels.shape)
    return depth_map(case.seen, photo, Settings(near=near, far=far, percentile=0.0, detail=detail, **changes))[0]


METHODS: Mapping[str, Callable[[Case], Any]] = {
    "bilinear": bilinear,
    "bicubic": bicubic,
    "guided filter": guided,
    "Mono3D": mono3d,
}


def figures(case: Case) -> dict[str, list[float]]:
    """Returns the values of `FIGURES` for each method."""
    import numpy as np

    from mono3d_addon.core.mesh.grid import build_grid
    from mono3d_addon.core.mesh.normals import grid_normals
    from mono3d_addon.settings import Settings
    from tests.core import measures

    tear = Settings().tear
    truth = case.normals if case.normals is not None else grid_normals(case.depth, case.camera, tear)
    truth = truth.reshape(-1, 3)
    found = {}
    for name, method in METHODS.items():
        depth = method(case).astype(np.float32)
        island, is_sharp = Settings().min_island / 100, method is mono3d
        grid = build_grid(depth, case.camera, case.pixels, tear, island, has_sharp_steps=is_sharp)
        used = grid.connected if case.known is None else grid.connected & case.known.reshape(-1)
        angle = np.degrees(np.arccos(np.clip((grid.normals * truth).sum(axis=1)[used], -1, 1)))
        edges = measures.edge_figures(depth, grid.triangles, case.depth, case.item, case.known)
        in_air = measures.mid_air(1 / depth, 1 / case.depth).reshape(-1)[used].mean()
        found[name] = [
            100 * chamfer(case, grid),
            float(angle.mean()),
            100 * edges.in_air,
            100 * float(in_air),
            edges.tear,
            edges.tear_high,
        ]
    return found


def chamfer(case: Case, grid: Any) -> float:
    """Returns the mean distance between the two surfaces, in both directions, relative to the distance from the camera.

    Samples of the grid are weighted by area over squared depth, so a sheet along the line of sight counts fully.
    """
    import numpy as np

    points = case.camera.back_project(case.depth)
    real = true_triangles(case)
    triangles = grid.triangles
    if case.known is not None:
        triangles = triangles[case.known.reshape(-1)[triangles].all(axis=1)]
    one = distances(grid.points, triangles, points, real)
    other = distances(points, real, grid.points, grid.triangles)
    return float(np.mean(one) + np.mean(other)) / 2


def true_triangles(case: Case) -> Any:
    """Returns the triangles between neighbouring pixels of the truth that no silhouette separates."""
    import numpy as np

    from tests.core import measures

    rows, columns = case.depth.shape
    number = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = number[:-1, :-1], number[:-1, 1:], number[1:, :-1], number[1:, 1:]
    triangles = np.concatenate([np.stack(half, axis=2).reshape(-1, 3) for half in ((a, c, b), (b, c, d))])
    flat = case.depth.reshape(-1)[triangles]
    whole = flat.max(axis=1) <= flat.min(axis=1) * (1 + measures.SMALL_JUMP)
    if case.item is not None:
        item = case.item.reshape(-1)[triangles]
        whole |= (item == item[:, :1]).all(axis=1)
    if case.known is not None:
        whole &= case.known.reshape(-1)[triangles].all(axis=1)
    return triangles[whole].astype(np.int32)


def distances(points: Any, triangles: Any, others: Any, other_triangles: Any) -> Any:
    """Returns relative distances from random points on one surface to the nearest points on another."""
    import numpy as np

    from mono3d_addon.surface import open3d_library

    open3d = open3d_library.load()
    random = np.random.default_rng(0)
    corners = points[triangles].astype(np.float64)
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    weight = area / corners[:, :, 2].mean(axis=1) ** 2
    chosen = random.choice(len(corners), SAMPLES, p=weight / weight.sum())
    share = random.dirichlet((1, 1, 1), SAMPLES)
    places = np.einsum("ij,ijk->ik", share, corners[chosen]).astype(np.float32)
    scene = open3d.t.geometry.RaycastingScene()
    tensor = open3d.core.Tensor.from_numpy
    scene.add_triangles(tensor(np.ascontiguousarray(others)), tensor(other_triangles.astype(np.uint32)))
    return scene.compute_distance(tensor(places)).numpy() / np.linalg.norm(places, axis=1)


def hole_shares(case: Case) -> tuple[float, float]:
    """Returns the share of holes in the picture of a camera moved sideways by an eighth of the nearest distance: with
    the torn grid, and with the background filled. A hole is where only the connected grid would be visible."""
    import numpy as np

    from mono3d_addon.core.mesh.background_fill import fill_background
    from mono3d_addon.core.mesh.grid import build_grid, torn_triangles
    from mono3d_addon.core.mesh.mesh import joined
    from mono3d_addon.core.mesh.torn_map import TornMap
    from mono3d_addon.settings import Settings

    depth, tear = mono3d(case), Settings().tear
    mesh = build_grid(depth, case.camera, case.pixels, tear, 0.001).mesh(case.camera)
    sheet = build_grid(depth, case.camera, case.pixels, 0.0).mesh(case.camera)
    triangles = torn_triangles(depth, tear, 0.001, None)
    background = fill_background(TornMap(triangles, depth, tear), case.camera, case.pixels)
    seen = [sees(case, one) for one in (sheet, mesh, mesh if background is None else joined(mesh, background.mesh))]
    return float(np.mean(seen[0] & ~seen[1])), float(np.mean(seen[0] & ~seen[2]))


def sees(case: Case, mesh: Any) -> Any:
    """Returns which rays of the moved camera hit `mesh`."""
    import numpy as np

    from mono3d_addon.surface import open3d_library

    open3d = open3d_library.load()
    scene = open3d.t.geometry.RaycastingScene()
    tensor = open3d.core.Tensor.from_numpy
    scene.add_triangles(tensor(mesh.vertices), tensor(mesh.triangles.astype(np.uint32)))
    rays = case.camera.back_project(np.ones((240, 320), np.float32))
    eye = np.broadcast_to(np.array([case.depth.min() / 8, 0, 0], np.float32), rays.shape)
    return np.isfinite(scene.cast_rays(tensor(np.hstack([eye, rays])))["t_hit"].numpy())


def print_seconds() -> None:
    """Prints the time from disparity to grid mesh at 1 Mpx on one core, with the modes in turn."""
    import os

    from mono3d_addon.core.mesh.background_fill import fill_background
    from mono3d_addon.core.mesh.grid import grid_of, torn_triangles
    from mono3d_addon.core.mesh.torn_map import TornMap
    from mono3d_addon.settings import Settings
    from tests.core import measures, truth_scenes

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {0})
    width, height = 1024, 976
    truth = truth_scenes.truth("clutter", width, height)
    case = Case("clutter", truth.camera, truth.pixels, truth.depth, measures.network_view(truth.depth))
    steps: dict[str, list[float]] = {"depth map, plain": [], "depth map": [], "grid": [], "background": []}
    for _ in range(7):
        for name, work in (
            ("depth map, plain", lambda: mono3d(case, edge_aware=False)),
            ("depth map", lambda: mono3d(case)),
        ):
            began = time.process_time()
            depth = work()
            steps[name].append(time.process_time() - began)
        shape = (depth, case.camera, case.pixels, Settings().tear)
        began = time.process_time()
        triangles = torn_triangles(depth, Settings().tear, 0.001, None)
        grid_of(triangles, *shape, trim=0).mesh(case.camera)
        steps["grid"].append(time.process_time() - began)
        began = time.process_time()
        fill_background(TornMap(triangles, depth, Settings().tear), case.camera, case.pixels)
        steps["background"].append(time.process_time() - began)
    for name, seconds in steps.items():
        print(f"{name:18} {statistics.median(seconds):.2f} s ({min(seconds):.2f}-{max(seconds):.2f})")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
