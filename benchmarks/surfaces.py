# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures time, memory and error of every step from a disparity to a mesh, each in its own process.

python3 benchmarks/surfaces.py --data-folder FOLDER PHOTO    times and memory at 1 and 12 megapixels
python3 benchmarks/surfaces.py --data-folder FOLDER          Poisson compared with the settings of a plain pipeline
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from mono3d_addon import environment  # noqa: E402

MEGAPIXELS = (1, 12)
STEPS = ("depth and grid", "quads", "adaptive", "decimate", "poisson", "ball pivoting", "normal map", "solid")


def quiet(stage: str, share: float) -> None:
    """Ignores progress."""


def measure(step: str, photo: Path, data: Path, runs: int) -> dict[str, Any]:
    """Returns median seconds, triangles and megabytes of one step on `photo`, without the earlier steps."""
    import numpy as np

    from mono3d_addon import pipeline
    from mono3d_addon.core.maps.depth_map import depth_map
    from mono3d_addon.core.mesh.grid import build_grid
    from mono3d_addon.core.mesh.grid_cells import with_quads
    from mono3d_addon.core.mesh.normal_map import normal_map
    from mono3d_addon.core.mesh.solid import solid
    from mono3d_addon.core.photo.photo import read_photo
    from mono3d_addon.session import Session
    from mono3d_addon.settings import Settings
    from mono3d_addon.surface import build

    settings = Settings()
    with tempfile.TemporaryDirectory() as work:
        result = pipeline.reconstruct(photo, settings, quiet, Session(data), pipeline.Folders(Path(work)))
    read = read_photo(photo, settings.max_pixels)
    camera, pixels = result.camera, read.pixels

    def grid_path() -> Any:
        depth, valid = depth_map(result.disparity, read, settings)
        made = build_grid(depth, camera, pixels, settings.tear, settings.min_island / 100.0, valid)
        return made, made.mesh(camera), depth.shape

    grid, mesh, shape = grid_path()
    tenth = replace(settings, target_triangles=len(grid.triangles) // 10)
    steps: dict[str, Callable[[], Any]] = {
        "depth and grid": lambda: grid_path()[1],
        "quads": lambda: with_quads(mesh, grid, shape[1]),
        "adaptive": lambda: build.adaptive_mesh(grid, shape, camera, pixels, tenth, quiet).mesh,
        "decimate": lambda: build.refine(mesh, camera, pixels, tenth, quiet),
        "poisson": lambda: build.surface_mesh(grid, camera, pixels, replace(settings, surface="poisson"), quiet)[0],
        "ball pivoting": lambda: build.surface_mesh(
            grid, camera, pixels, replace(settings, surface="ball_pivoting"), quiet
        )[0],
        "normal map": lambda: (normal_map(few, grid, shape, camera), few)[1],
        "solid": lambda: solid(mesh, "flat", 3.0, 100.0),
    }
    few = build.adaptive_mesh(grid, shape, camera, pixels, tenth, quiet).mesh if step == "normal map" else mesh
    # Imports are not part of the step's time.
    if step not in ("depth and grid", "quads", "normal map", "solid"):
        build.refine(mesh, camera, pixels, replace(settings, target_triangles=len(mesh.triangles) - 2), quiet)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = []
    for _ in range(runs):
        began = time.process_time()
        wall = time.perf_counter()
        made = steps[step]()
        seconds.append((time.perf_counter() - wall, time.process_time() - began))
    wall_seconds, own_seconds = (statistics.median(column) for column in zip(*seconds, strict=True))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "step": step,
        "wall": round(wall_seconds, 2),
        "processor": round(own_seconds, 2),
        "triangles": len(np.asarray(made.triangles)),
        "MB before": before // 1024,
        "MB": after // 1024,
    }


def room(width: int, height: int) -> tuple[Any, Any]:
    """Returns the exact depth of a floor, a wall and a ball, float32 (height, width), and its camera."""
    import numpy as np

    from mono3d_addon.core.camera.camera import Camera

    camera = Camera.from_field_of_view(width, height, 0.96, "exact")
    right = (np.arange(width) + 0.5 - camera.cx) / camera.fx
    down = (np.arange(height) + 0.5 - camera.cy) / camera.fy
    rays = np.stack([*np.meshgrid(right, down), np.ones((height, width))], axis=2)
    centre = np.array([0.3, 0.2, 3.0])
    along, square = rays @ centre, (rays**2).sum(axis=2)
    root = along**2 - square * (centre @ centre - 0.49)
    ball = np.where(root >= 0, (along - np.sqrt(np.maximum(root, 0))) / square, np.inf)
    floor = np.where(rays[..., 1] > 0, 1.0 / np.maximum(rays[..., 1], 1e-9), np.inf)
    return np.minimum(np.minimum(floor, 5.0), ball).astype(np.float32), camera


def off_the_room(points: Any) -> Any:
    """Returns the distances of points from the room's surfaces, relative to their distance from the camera."""
    import numpy as np

    ball = np.abs(np.linalg.norm(points - np.array([0.3, 0.2, 3.0]), axis=1) - 0.7)
    away = np.minimum(np.minimum(np.abs(points[:, 1] - 1.0), np.abs(points[:, 2] - 5.0)), ball)
    return away / np.linalg.norm(points, axis=1)


def compare_poisson(runs: int) -> None:
    """Prints time and error of Mono3D's Poisson surface and of a plain one: 8-bit disparity, depth 9, 10 % trimmed."""
    import numpy as np

    from mono3d_addon.core.mesh.grid import build_grid
    from mono3d_addon.settings import Settings
    from mono3d_addon.surface import build, open3d_library

    open3d = open3d_library.load()
    depth, camera = room(1024, 768)
    pixels = np.zeros((768, 1024, 3), np.uint8)
    grid = build_grid(depth, camera, pixels, 0.04)
    inverse = 1 / depth
    levels = np.rint(255 * (inverse - inverse.min()) / np.ptp(inverse)) / 255 * np.ptp(inverse) + inverse.min()

    def plain() -> Any:
        cloud = open3d.geometry.PointCloud(
            open3d.utility.Vector3dVector(camera.back_project((1 / levels).astype(np.float32)).astype(np.float64))
        )
        cloud.estimate_normals()
        cloud.orient_normals_towards_camera_location(np.zeros(3))
        mesh, density = open3d.geometry.TriangleMesh.create_from_point_cloud_poisson(cloud, depth=9)
        mesh.remove_vertices_by_mask(np.asarray(density) < np.quantile(np.asarray(density), 0.1))
        return np.asarray(mesh.vertices)

    def mono3d(octree: int) -> Any:
        settings = Settings(surface="poisson", poisson_depth=octree)
        return build.surface_mesh(grid, camera, pixels, settings, quiet)[0].vertices

    for run in range(runs):
        for name, make in (("plain", plain), ("Mono3D 8", lambda: mono3d(8)), ("Mono3D 9", lambda: mono3d(9))):
            wall, began = time.perf_counter(), time.process_time()
            vertices = make()
            wall, seconds = time.perf_counter() - wall, time.process_time() - began
            error = off_the_room(vertices)
            shares = ", ".join(f"{100 * np.quantile(error, q):.4f}" for q in (0.5, 0.9, 0.99))
            means = f"mean {100 * error.mean():.4f}, root mean square {100 * np.sqrt((error**2).mean()):.4f}"
            times = f"{wall:.1f} s (processor {seconds:.1f})"
            print(f"{run} {name}: {times}, {len(error):,} vertices, error in % at 50, 90, 99 %: {shares}, {means}")
            sys.stdout.flush()


def enlarge(photo: Path, megapixels: float, folder: Path) -> Path:
    """Returns a copy of `photo` resized to a number of megapixels."""
    from PIL import Image

    with Image.open(photo) as picture:
        scale = (megapixels * 1e6 / (picture.width * picture.height)) ** 0.5
        size = (round(picture.width * scale), round(picture.height * scale))
        path = folder / f"{photo.stem}_{megapixels:g}.jpg"
        picture.convert("RGB").resize(size, Image.Resampling.LANCZOS).save(path, quality=92)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photo", nargs="?", type=Path, help="photo to measure; without one, Poisson is compared")
    parser.add_argument(
        "--data-folder", type=Path, default=environment.default_data_folder(), help="folder with the installed packages"
    )
    parser.add_argument("--runs", type=int, default=3, help="runs of each step (default: 3)")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if importlib.util.find_spec("open3d") is None:  # without Open3D in this Python, use the installed packages
        sys.path.insert(0, str(environment.require("worker", options.data_folder)))
    if options.step:
        print(json.dumps(measure(options.step, options.photo, options.data_folder, options.runs)))
        return
    if options.photo is None:
        compare_poisson(options.runs)
        return
    with tempfile.TemporaryDirectory() as folder:
        for megapixels in MEGAPIXELS:
            photo = enlarge(options.photo, megapixels, Path(folder))
            for step in STEPS:
                command = [sys.executable, __file__, str(photo), "--step", step, "--runs", str(options.runs)]
                command += ["--data-folder", str(options.data_folder)]
                done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ), check=True)
                print(megapixels, "Mpx", done.stdout.strip(), flush=True)


if __name__ == "__main__":
    main()
