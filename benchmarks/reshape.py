# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures how fast the mesh of a 1024x768 photo follows a slider in Blender. Run it with a Python that has bpy.

python3 benchmarks/reshape.py [--worker PYTHON] [--data-folder FOLDER] [--rounds N]

For each setting: the time from the change to the first mesh that shows it, to the mesh in full detail, and how long
Blender is blocked. The worker is a Python with its packages, by default this one with those of the data folder.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from mono3d_addon import environment  # noqa: E402

try:
    import bpy
except ImportError:  # without bpy in this Python, use the installed packages
    sys.path.insert(0, str(environment.require("scene", environment.default_data_folder())))
    import bpy

import mono3d_addon  # noqa: E402
from mono3d_addon.blender import reshape, state  # noqa: E402
from mono3d_addon.blender.scene import build as scene  # noqa: E402
from mono3d_addon.blender.scene import hand_made, mesh_data  # noqa: E402
from mono3d_addon.core import reconstruction  # noqa: E402
from mono3d_addon.settings import Settings  # noqa: E402
from mono3d_addon.worker.client import Worker  # noqa: E402

SIZE = (1024, 768)
CHANGES: dict[str, Callable[[int], dict[str, Any]]] = {
    "near": lambda n: {"near": 0.9 - 0.05 * n},
    "far": lambda n: {"far": 7.0 + n},
    "field_of_view": lambda n: {"field_of_view": 50.0 + n},
    "tear": lambda n: {"tear": 0.05 + 0.01 * n},
    "detail": lambda n: {"detail": 1000 - 8 * n},
    "min_island": lambda n: {"min_island": 0.2 + 0.1 * n},
    "crop_left": lambda n: {"crop_left": 1.0 + n},
}
"""Setting -> its value in each round; no value occurs twice."""


def enlarged_photo(folder: Path) -> Path:
    """Returns the test photo at the size of the benchmark, resized by Blender because Pillow may be missing."""
    image = bpy.data.images.load(str(ROOT / "tests" / "photos" / "coffee.png"))
    image.scale(*SIZE)
    path = folder / "photo.png"
    image.filepath_raw, image.file_format = str(path), "PNG"
    image.save()
    bpy.data.images.remove(image)
    return path


def measure(owner: Any, work: reshape.Reshaping, values: dict[str, Any]) -> dict[str, float]:
    """Returns the seconds from a change to the first mesh that shows it and to the last, and the longest blocking."""
    began, busiest, first = time.perf_counter(), 0.0, 0.0
    before = hand_made.digest(owner.data)
    work.change(owner, values)
    while work.pending:
        step = time.perf_counter()
        delay = work.advance()
        busiest = max(busiest, time.perf_counter() - step)
        if not first and hand_made.digest(owner.data) != before:
            first = time.perf_counter() - began
        time.sleep(delay or 0.0)
    return {"first": first, "settled": time.perf_counter() - began, "blocked": busiest}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worker", default=sys.executable, help="Python of the worker (default: this one)")
    parser.add_argument(
        "--data-folder", type=Path, default=environment.default_data_folder(), help="folder with the installed packages"
    )
    parser.add_argument("--rounds", type=int, default=5, help="changes of each setting (default: 5)")
    options = parser.parse_args()
    installed = environment.packages("worker", options.data_folder) if options.worker == sys.executable else None
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    mono3d_addon.register()
    folder = Path(tempfile.mkdtemp(prefix="mono3d-"))
    worker = Worker("reconstruct", [installed] if installed else [], folder / "log", folder, python=options.worker)
    state.current.worker = worker
    request = {
        "task": "reconstruct",
        "photo": str(enlarged_photo(folder)),
        "settings": dataclasses.asdict(Settings()),
        "folder": str(folder),
        "keep": True,
    }
    worker.submit(request).wait()
    result = reconstruction.load(folder)
    target: Any = bpy.context.scene
    owner: Any = scene.build(result, target).mesh
    work = reshape.Reshaping(lambda: worker)
    print(f"Blender {bpy.app.version_string}, {len(owner.data.vertices):,} vertices, {options.rounds} rounds")
    measure(owner, work, {"near": 0.95})
    print("| setting | first mesh ms | full mesh ms | Blender blocked ms, at most |\n|---|---|---|---|")
    for name, value in CHANGES.items():
        found = [measure(owner, work, value(number)) for number in range(options.rounds)]
        first, settled, blocked = (
            1000 * statistics.median(one[key] for one in found) for key in ("first", "settled", "blocked")
        )
        print(f"| {name} | {first:.0f} | {settled:.0f} | {blocked:.0f} |")
    steps(worker, owner, folder)
    worker.stop()


def steps(worker: Worker, owner: Any, folder: Path) -> None:
    """Prints the times of a full mesh: the worker's stages, the transfer, and Blender's part."""
    from mono3d_addon.blender.scene import source
    from mono3d_addon.worker import reshape_files

    times: dict[str, list[float]] = {}

    def note(name: str, seconds: float) -> None:
        times.setdefault(name, []).append(1000 * seconds)

    for number in range(5):
        settings = dataclasses.replace(Settings(), near=0.5 + 0.01 * number)
        request = {
            "task": "reshape",
            "key": source.key(owner),
            "settings": dataclasses.asdict(settings),
            "folder": str(folder),
        }
        began = time.perf_counter()
        answer = worker.submit(request).wait()
        trip = time.perf_counter() - began
        for stage, seconds in answer["seconds"].items():
            note(f"worker: {stage.lower()}", seconds)
        note("worker: finding edges, writing arrays, transfer", trip - sum(answer["seconds"].values()))
        began = time.perf_counter()
        made = reshape_files.load(folder)
        mesh_data.fill(owner.data, made.mesh, trusted=True, edges=made.edges)
        note("Blender: filling the mesh", time.perf_counter() - began)
        began = time.perf_counter()
        hand_made.remember(owner.data)
        note("Blender: storing its digest", time.perf_counter() - began)
    print("\n| step of a full mesh | ms |\n|---|---|")
    for name, found in times.items():
        print(f"| {name} | {statistics.median(found):.0f} |")


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # some bpy wheels crash at exit
