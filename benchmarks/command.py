# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures time and memory of the whole command: `python3 benchmarks/command.py [--runs 5]`.

Each run is paired with a run of `import torch` from the same packages at about the same time, because the speed of a
machine varies. Compare the ratio of the two between machines and versions.
Needs the installed packages (`python3 -m mono3d_addon --install`).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from mono3d_addon import environment  # noqa: E402

CUP = ROOT / "tests" / "photos" / "coffee.png"
SIZES = {"1 Mpx": (1224, 816), "12 Mpx": (4242, 2828)}
FULL = ("--format", "blend,glb,ply,npy,png16")
FIRST_USE, NETWORK_RUNS, ALL_CACHED = "first use", "network runs", "all cached"
"""What is cached by earlier runs: nothing, the model's graph, or also the photo's disparity."""
MESH_ONLY = ("--format", "glb", "--no-preview")


@dataclass(frozen=True)
class Run:
    """Wall and processor seconds, and the peak memory in MB: of one process, and of all processes together."""

    wall: float
    processor: float
    one_process: float
    all_processes: float


def measure(command: list[str]) -> Run:
    """Runs a command and returns its time and memory, including its children."""
    before = os.times()
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    peaks = [0.0, 0.0]
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(process.pid, peaks, done))
    watcher.start()
    code = process.wait()
    wall = time.perf_counter() - began
    done.set()
    watcher.join()
    if code != 0:
        raise SystemExit(f"the command failed with code {code}: {' '.join(command)}")
    after = os.times()
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    return Run(wall, processor, *peaks)


def _watch(root: int, peaks: list[float], done: threading.Event) -> None:
    """Samples the memory of a process and its descendants (proportional set size, which counts shared pages once)."""
    while not done.wait(0.05):
        sizes = [_memory(number) for number in descendants(root)]
        peaks[0] = max(peaks[0], *sizes)
        peaks[1] = max(peaks[1], sum(sizes))


def descendants(root: int) -> list[int]:
    """Returns the numbers of a process and, after it, of all processes that it or its children started (Linux)."""
    found, waiting = [], [root]
    while waiting:
        number = waiting.pop()
        found.append(number)
        for path in Path(f"/proc/{number}/task").glob("*/children"):
            try:
                waiting += [int(word) for word in path.read_text().split()]
            except OSError:
                continue
    return found


def _memory(number: int) -> float:
    try:
        lines = Path(f"/proc/{number}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    except (OSError, StopIteration, ValueError):
        return 0.0


def make_photo(folder: Path, size: tuple[int, int], packages: Path) -> Path:
    """Returns the cup photo enlarged to `size` with grain like a camera's, as JPEG."""
    path = folder / f"cup_{size[0]}.jpg"
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import numpy as np; from PIL import Image;"
        "w, h = int(sys.argv[4]), int(sys.argv[5]);"
        "a = Image.open(sys.argv[2]).convert('RGB').resize((w, h), Image.Resampling.LANCZOS);"
        "a = np.asarray(a).astype(np.int16);"
        "a += np.random.default_rng(0).normal(0, 4, a.shape).astype(np.int16);"
        "Image.fromarray(a.clip(0, 255).astype(np.uint8)).save(sys.argv[3], quality=92)"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(packages), str(CUP), str(path), str(size[0]), str(size[1])], check=True
    )
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="runs of each command (default: 5)")
    parser.add_argument(
        "--data-folder", type=Path, default=environment.default_data_folder(), help="folder with the installed packages"
    )
    options = parser.parse_args()
    packages = environment.require("worker", options.data_folder)
    reference = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(packages)!r}); import torch"]
    print("| command | wall s, median (min-max) | processor s | one process MB | all MB | wall / import torch |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "data").mkdir()
        (folder / "data" / "environments").symlink_to(options.data_folder.absolute() / "environments")
        for size, pixels in SIZES.items():
            photo = make_photo(folder, pixels, packages)
            full, mesh = (_command(photo, words, folder) for words in (FULL, MESH_ONLY))
            _line(f"{size}, first use, all files and preview", full, FIRST_USE, reference, folder, options.runs)
            _line(f"{size}, network runs, all files and preview", full, NETWORK_RUNS, reference, folder, options.runs)
            _line(f"{size}, network runs, GLB only", mesh, NETWORK_RUNS, reference, folder, options.runs)
            _line(f"{size}, disparity cached, GLB only", mesh, ALL_CACHED, reference, folder, options.runs)
            start = _start_to_disparity(photo, packages, folder)
            _line(f"{size}, process start to disparity", start, NETWORK_RUNS, reference, folder, options.runs)
        _stages(folder)


def _command(photo: Path, words: tuple[str, ...], folder: Path) -> list[str]:
    command = [sys.executable, "-m", "mono3d_addon", str(photo), "-o", str(folder / "out"), *words]
    return [*command, "--data-folder", str(folder / "data"), "--report", str(folder / "report.json")]


def _start_to_disparity(photo: Path, packages: Path, folder: Path) -> list[str]:
    """Returns a command that reads the photo and estimates its disparity with the starter model, without torch."""
    code = (
        "import sys; from pathlib import Path; sys.path[:0] = [sys.argv[1], sys.argv[4]]\n"
        "from mono3d_addon.core.photo.photo import read_photo\n"
        "from mono3d_addon.depth import catalogue, estimator, weights\n"
        "model, data = catalogue.MODELS['starter'], Path(sys.argv[3])\n"
        "made = estimator.load(model, weights.find(model, data), 'auto', data)\n"
        "assert made.estimate(read_photo(Path(sys.argv[2]), 100.0).pixels).engine.startswith('OpenVINO')\n"
        "assert 'torch' not in sys.modules\n"
    )
    return [sys.executable, "-I", "-c", code, str(packages), str(photo), str(folder / "data"), str(ROOT)]


def _clear(data: Path, cached: str) -> None:
    shutil.rmtree(data / "cache" if cached == FIRST_USE else data / "cache" / "disparity", ignore_errors=True)


def _line(label: str, command: list[str], cached: str, reference: list[str], folder: Path, count: int) -> None:
    runs, ratios = [], []
    for number in range(count + 1):
        if cached != ALL_CACHED:
            _clear(folder / "data", cached)
        torch, run = measure(reference), measure(command)
        if number:  # the first run fills the file cache, and the model's second use compiles the graph
            runs.append(run)
            ratios.append(run.wall / torch.wall)
    walls = [run.wall for run in runs]
    middle = statistics.median
    processor = middle(run.processor for run in runs)
    print(
        f"| {label} | {middle(walls):.1f} ({min(walls):.1f}-{max(walls):.1f}) | {processor:.1f} "
        f"| {max(r.one_process for r in runs):.0f} | {max(r.all_processes for r in runs):.0f} | {middle(ratios):.2f} |",
        flush=True,
    )


def _stages(folder: Path) -> None:
    """Prints the seconds of each stage of one more run with the network and all files."""
    print("\n| stage | " + " | ".join(SIZES) + " |\n|---|" + "---|" * len(SIZES))
    columns = []
    for pixels in SIZES.values():
        _clear(folder / "data", NETWORK_RUNS)
        measure(_command(folder / f"cup_{pixels[0]}.jpg", FULL, folder))
        columns.append(json.loads((folder / "report.json").read_text())["photos"][0]["seconds"])
    for stage in columns[0]:
        print(f"| {stage} | " + " | ".join(f"{column.get(stage, 0.0):.2f}" for column in columns) + " |")


if __name__ == "__main__":
    main()
