# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the starter model on numpy alone, with the numpy of the interpreter that runs this.

`python3 benchmarks/numpy_engine.py [WIDTH HEIGHT]` prints a row for each way to multiply matrices: the wall time and
the processor time of one picture, the median of several runs; the same for the first picture, with reading the weights;
and the peak memory of the process. *Chosen* is the way that the engine takes here.
"""

from __future__ import annotations

import resource
import statistics
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mono3d_addon.depth import tensor_file
from mono3d_addon.depth.catalogue import BUNDLED_FOLDER
from mono3d_addon.depth.engines.numpy_engine import NumpyEngine
from mono3d_addon.depth.numpy_network import products
from mono3d_addon.depth.numpy_network.convolutions import Tools
from mono3d_addon.depth.numpy_network.network import build
from mono3d_addon.depth.numpy_network.workspace import Workspace

RUNS = 9


def main() -> None:
    width, height = map(int, sys.argv[1:3]) if len(sys.argv) > 2 else (256, 256)
    picture = np.random.default_rng(0).standard_normal((1, 3, height, width)).astype(np.float32)
    chosen = products.fastest()
    print("| numpy | way | chosen | size | wall ms | CPU ms | first wall ms | MB |\n|---|---|---|---|---|---|---|---|")
    for way in (products.by_einsum, products.by_library):
        began = time.perf_counter()
        network = build(tensor_file.read(BUNDLED_FOLDER / "starter.safetensors"))
        engine = NumpyEngine(network, Tools(Workspace(), way))
        engine.run(picture)
        first = time.perf_counter() - began
        walls, works = [], []
        for _ in range(RUNS):
            began, worked = time.perf_counter(), time.process_time()
            engine.run(picture)
            walls.append(time.perf_counter() - began)
            works.append(time.process_time() - worked)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        times = [f"{1000 * value:.0f}" for value in (statistics.median(walls), statistics.median(works), first)]
        mark = "yes" if way is chosen else ""
        print(f"| {np.__version__} | {way.__name__} | {mark} | {width}x{height} | {' | '.join(times)} | {memory:.0f} |")


if __name__ == "__main__":
    main()
